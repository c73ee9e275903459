"""The commands of README and docs that need nothing are run, in their order, shortened, in a folder of their own.

Not run: `make` and `pip`, which set up what the tests run in, and what a line `# needs: ...` stands above.
"""

import dataclasses
import os
import subprocess
import sys

import pytest

from tests.docs_test import PAGES
from tests.support.commands import NEEDS, blocks_of, flaws
from tests.support.programs import ROOT

# What makes a program short; each still does all that it does, on less.
SHORTER = {'experiments.train': ['--steps=2', '--max_minutes=0', '--num_validation_pairs=2'],
           'experiments.evaluate': ['--num_pairs=2'], 'experiments.serving.fuzz': ['--num_requests=40'],
           'tests.support.bad_requests': ['--count=50']}
# Programs that ask for an optional package, which a command before them installs.
_OPTIONAL = {'experiments.demo'}


def runnable(pages):
    """Returns the commands of ours that need nothing but what is there or an earlier one makes, as tuples of words."""
    found, made = [], []
    for command in (command for page in pages for block in blocks_of(page) for command in block.commands()):
        if not command.is_ours or command.module in _OPTIONAL or NEEDS & set(command.block.needs):
            continue
        makes = list(made)
        in_need_of_nothing = dataclasses.replace(command, block=dataclasses.replace(command.block, text=''))
        if not list(flaws(in_need_of_nothing, makes, ROOT)):
            found.append(command.words)
            made = makes
    return list(dict.fromkeys(found))


COMMANDS = runnable(PAGES)


def test_there_are_commands_of_many_kinds():
    modules = {words[2] for words in COMMANDS}
    assert {*SHORTER, 'experiments.repose', 'experiments.export', 'experiments.pack'} <= modules, modules


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A folder with the project in it, but for what was made there before."""
    folder = tmp_path_factory.mktemp('clone')
    for path in ROOT.iterdir():
        if path.name not in ('build', 'runs', 'docs') and not path.name.startswith('.'):
            (folder / path.name).symlink_to(path)
    return folder


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize('words', COMMANDS, ids=lambda words: ' '.join(words[2:]))
def test_a_command_runs(folder, words):
    is_resumed = any(word.startswith('--resume=') for word in words)  # keeps the flags of its run
    arguments = [*words[1:], *([] if is_resumed else SHORTER.get(words[2], []))]
    process = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=900,
                             check=False, env={**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3', 'PYTHONPATH': '.'})
    assert process.returncode == 0, process.stdout + process.stderr
    for flag in ('--output=', '--contact_sheet='):
        for word in words:
            if word.startswith(flag):
                assert (folder / word.removeprefix(flag)).exists(), word
