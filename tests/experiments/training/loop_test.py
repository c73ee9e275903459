"""The loop's end on request: a first signal is noted, a second one acts; and its judgement of the steps."""

import math
import os
import signal

import pytest
import tensorflow as tf

from data_pipeline.errors import UsageError
from experiments.training.loop import Interruption, StepJudge
from tests.support.tiny import raw_batch


@pytest.fixture(autouse=True)
def usual_ctrl_c():
    """A program that a shell starts in the background ignores Ctrl-C from the start; these tests do not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(('number', 'exit_code'), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_is_noted_and_has_its_exit_code(number, exit_code):
    with Interruption() as interruption:
        assert interruption.exit_code == 0
        os.kill(os.getpid(), number)
        assert (interruption.signal, interruption.exit_code) == (number, exit_code)


def test_a_second_one_acts_as_usual_and_so_does_one_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    with Interruption(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before


def judged(applied, max_bad_steps, stop=()):
    """Feeds a judge with steps; returns the steps after which it wanted to stop, and what it said."""
    said, stopped = [], []
    judge = StepJudge(max_bad_steps, said.append)
    for step, good in enumerate(applied, start=1):
        result = {'loss/l1': tf.constant(0.5 if good else math.nan), 'applied': tf.constant(float(good)),
                  'stop': tf.constant(float(step in stop))}
        if judge.judge_previous(step, raw_batch(1), result):
            stopped.append(step)
    judge.judge_previous(len(applied), None, None)
    return stopped, said


def test_steps_that_are_not_applied_are_told_with_their_pairs():
    _, said = judged([True, False, True, False], max_bad_steps=2)
    assert [line.partition(':')[0] for line in said] == ['step 2', 'step 4']
    assert 'loss/l1 nan' in said[0] and 'p/0 -> p/0' in said[0]


def test_too_many_bad_steps_in_a_row_end_the_run():
    with pytest.raises(UsageError, match='Step 3: 2 steps in a row.*--max_bad_steps'):
        judged([True, False, False], max_bad_steps=2)
    with pytest.raises(UsageError, match='Step 3: 2 steps in a row'):
        judged([True, False, False, True], max_bad_steps=2)


def test_a_wish_to_stop_is_seen_one_step_later():
    assert judged([True] * 4, max_bad_steps=1, stop={2})[0] == [3]
