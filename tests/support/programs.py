"""Programs run as a user runs them, in a process of their own."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The shorter form of the tests, for a second stack beside one that runs all of them.
IS_SHORT = os.environ.get('REPOSE_TESTS') == 'short'


def one_stack(value, name=None):
    """Returns a value of `pytest.mark.parametrize` for the stack that runs all tests, beside others for both."""
    return pytest.param(value, id=name, marks=pytest.mark.long)


def run_program(module, *arguments, package='experiments'):
    """Runs `python -m <package>.<module>` in the project's folder; returns the CompletedProcess."""
    return subprocess.run([sys.executable, '-m', f'{package}.{module}', *map(str, arguments)], cwd=ROOT,
                          capture_output=True, text=True, timeout=300, check=False)


def assert_one_error(process, *words):
    """Checks that a program ended with exit code 1 and one `error:` line that says all the words."""
    errors = [line for line in process.stderr.splitlines() if line.startswith('error: ')]
    assert process.returncode == 1, process.stderr
    assert len(errors) == 1 and 'Traceback' not in process.stderr, process.stderr
    assert [word for word in words if str(word) not in errors[0]] == [], errors[0]
