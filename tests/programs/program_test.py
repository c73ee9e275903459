"""A user's mistake ends in one line and exit code 1; a bug keeps its traceback."""

import subprocess
import sys
import textwrap

import pytest

from data_pipeline import program
from repose_tf.shapes import ShapeError
from tests.support.programs import ROOT, assert_one_error


def run_main(body, *arguments):
    """Runs a small program whose main has the given body."""
    code = ('from data_pipeline import errors, program\n'
            f'from experiments.configuration import flags\ndef main():\n{textwrap.indent(body, "  ")}\n'
            'program.run(main, flags.define_training_run)\n')
    return subprocess.run([sys.executable, '-c', code, *arguments], cwd=ROOT, capture_output=True, text=True,
                          timeout=60, check=False)


def test_a_program_that_works_ends_with_zero():
    process = run_main('print(flags.settings_from_flags().train.steps)', '--steps=7')
    assert (process.returncode, process.stdout, process.stderr) == (0, '7\n', '')


@pytest.mark.parametrize('argument, words', [
    ('--warp=4d', ('warp', '4d', '3d|2d')),
    ('--steps=many', ('steps', 'many')),
    ('--no_such_flag=1', ('no_such_flag',)),
    ('--flagfile=no/such.flags', ('no/such.flags',)),
    ('stray', ('stray', '--name=value')),
])
def test_bad_arguments_are_one_line(argument, words):
    assert_one_error(run_main('pass', argument), *words)


def test_a_usage_error_is_one_line():
    assert_one_error(run_main('raise errors.UsageError("first\\nsecond")'), 'first second')


def test_a_bug_keeps_its_traceback():
    process = run_main('raise ValueError("a bug")')
    assert process.returncode == 1
    assert 'Traceback' in process.stderr and 'error: ' not in process.stderr


def test_errors_of_the_packages_are_the_users():
    assert program.is_user_error(ShapeError('pose: expected ...'))
    assert not program.is_user_error(ValueError('something inside'))


def test_flags_are_told_before_tensorflow_is_loaded():
    process = run_main('import sys; print("tensorflow" in sys.modules)')
    assert process.stdout == 'False\n'
