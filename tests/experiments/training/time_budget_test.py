"""Runs that end in time, on machines of different and changing speed."""

import math

import pytest
import tensorflow as tf

from experiments.training import time_budget
from tests.support.tiny import tiny_settings


class Run:
    """A run whose steps take as long as a function of the step says; ended when the budget is over."""

    def __init__(self, monkeypatch, seconds_of, saved=None, first=0, **changes):
        self.now, self.said, self.step = 100.0, [], first
        monkeypatch.setattr(time_budget.time, 'monotonic', lambda: self.now)
        with tf.distribute.MirroredStrategy(['CPU:0']).scope():
            self.budget = time_budget.TimeBudget(tiny_settings(**changes).train)
        for name, value in (saved or {}).items():
            self.budget.checkpoint_parts()[name].assign(value)
        while not self.budget.is_over(self.step, self.said.append):
            self.now += seconds_of(self.step)
            self.step += 1

    @property
    def minutes(self):
        return (self.now - 100.0) / 60

    @property
    def length(self):
        return float(self.budget.length.numpy())


@pytest.mark.parametrize('seconds_of', [
    lambda step: 1.0,
    lambda step: 40.0 if step == 0 else 0.7,  # the first one is traced
    lambda step: 0.5 if step < 200 else 2.0,  # another program starts
    lambda step: 2.0 if step < 100 else 0.5,
    lambda step: 0.8 + 5.0 * (step % 50 == 49),  # validates now and then
])
def test_a_run_ends_in_time_with_its_schedule_at_its_end(monkeypatch, seconds_of):
    run = Run(monkeypatch, seconds_of, steps=100_000, max_minutes=10, learning_rate_schedule='cosine')
    assert 9.5 < run.minutes < 10.1
    assert run.step == pytest.approx(run.length, rel=0.02)
    assert 'enough for about' in run.said[0]
    assert f'step {run.step}: the last one' in run.said[-1]


def test_a_fast_machine_makes_all_steps(monkeypatch):
    run = Run(monkeypatch, lambda step: 0.1, steps=1000, max_minutes=10)
    assert (run.step, run.length) == (1000, 1000)
    assert len(run.said) == 1


def test_without_minutes_only_steps_count(monkeypatch):
    run = Run(monkeypatch, lambda step: 1000.0, steps=20)
    assert run.step == 20
    assert not run.said
    assert run.budget.checkpoint_parts() == {}


def test_a_run_that_goes_on_has_the_rest_of_its_time(monkeypatch):
    run = Run(monkeypatch, lambda step: 1.0, first=300, saved={'seconds': 300.0, 'length': 600.0}, steps=100_000,
              max_minutes=10)
    assert 4.5 < run.minutes < 5.1


def test_a_run_that_is_over_stays_so(monkeypatch):
    run = Run(monkeypatch, lambda step: 1.0, first=600, saved={'seconds': 590.0, 'length': 600.0}, steps=100_000,
              max_minutes=10)
    assert run.step == 600


@pytest.mark.parametrize('steps', [3, 8, 20])
def test_the_step_size_follows_the_schedule_however_long_the_run_is(steps):
    settings = tiny_settings(steps=steps, schedule_steps=20, learning_rate=0.1, learning_rate_schedule='cosine')
    budget = time_budget.TimeBudget(settings.train)
    for step in (0, 1, 3, 8, 20):
        assert float(budget.learning_rate(step)) == pytest.approx(0.05 * (1 + math.cos(math.pi * step / 20)), abs=1e-7)
