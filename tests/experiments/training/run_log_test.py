"""The log of a run goes on where it was."""

import json
import math

import pytest

from experiments.training.run_folder import RunFolder
from experiments.training.run_log import LogFiles


def lines(folder):
    return [json.loads(line) for line in open(folder.metrics_path)]  # noqa: SIM115


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(str(tmp_path))
    with LogFiles(folder, 0, 9) as log:
        for step in range(1, 6):
            log.scalars(step, {'loss/l1': step / 2})
    return folder


def test_lines_of_steps_that_come_again_are_dropped(folder):
    with open(folder.metrics_path, 'a') as file:
        file.write('{"step": 6, "loss/l')  # killed while it was written
    with LogFiles(folder, 3, 9) as log:
        log.scalars(4, {'loss/l1': 0.5})
    assert [(line['step'], line['loss/l1']) for line in lines(folder)] == [(1, 0.5), (2, 1.0), (3, 1.5), (4, 0.5)]


def test_what_is_not_finite_is_null(folder):
    with LogFiles(folder, 5, 9) as log:
        log.scalars(6, {'loss/l1': math.nan, 'gradient_norm/generator': math.inf, 'applied': 0.0})
    assert lines(folder)[-1] == {'step': 6, 'loss/l1': None, 'gradient_norm/generator': None, 'applied': 0.0}
