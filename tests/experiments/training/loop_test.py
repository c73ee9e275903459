"""The loop's end on request: a first signal is noted, a second one acts; and its judgement of the steps."""

import os
import signal

import pytest

from experiments.training.loop import Interruption


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
