"""`make quickstart` gives a first look at people whom the shipped model never saw, then trains."""

import re
import shlex
import subprocess
import sys

import pytest

from data_pipeline.batches.pairs import read_pairs
from data_pipeline.people.people_folder import open_folder
from experiments.configuration import flags
from tests.support.programs import ROOT, assert_one_error


def recipe():
    """What make would do, a list of commands."""
    told = subprocess.run(['make', '--dry-run', '--no-print-directory', 'quickstart'], cwd=ROOT, capture_output=True,
                          text=True, timeout=60, check=True).stdout
    return told.replace('\\\n', ' ').splitlines()


def calls():
    """The programs that are run: module and arguments."""
    words = [shlex.split(line) for line in recipe() if ' -m experiments.' in line and not line.startswith('echo')]
    return [line[line.index('-m') + 1:] for line in words]


def test_the_first_look_comes_before_the_training_and_its_path_and_time_before_it():
    lines = recipe()
    sheet = next(re.search(r'--contact_sheet=(\S+)', line)[1] for line in lines if '--contact_sheet' in line)
    look, training = (next(place for place, line in enumerate(lines) if f'-m experiments.{name} ' in line)
                      for name in ('repose', 'train'))
    assert look < training
    assert 'minutes' in lines[look - 1] and sheet in lines[look - 1] and lines[look - 1].startswith('echo')
    assert sheet in lines[look + 1] and lines[look + 1].startswith('echo')
    # Installing takes three minutes, the first look one or two, scoring one or two: under 15 in all.
    assert flags.settings_from_file(ROOT / 'quickstart.flags').train.max_minutes <= 8


@pytest.mark.parametrize('place', range(3), ids=['repose', 'train', 'evaluate'])
def test_the_programs_know_these_arguments(place):
    command = calls()[place]
    names = [name for word in command[1:] for name in word.partition('=')[2].split(',')]
    assert all((ROOT / name).exists() for name in names if not name.startswith(('build/', 'runs/')))
    # What is no flag is found after all flags were parsed, before anything is read.
    process = subprocess.run([sys.executable, '-m', *command, 'nonsense'], cwd=ROOT, capture_output=True, text=True,
                             timeout=120, check=False)
    assert_one_error(process, 'arguments are given as --name=value', 'nonsense')


def test_the_first_look_shows_test_persons_and_ends_with_a_real_one():
    found = dict(word.split('=') for word in calls()[0] if '=' in word)
    folders = found['--source_dir'].split(',')
    pairs = read_pairs(ROOT / found['--pairs'], open_folder(','.join(str(ROOT / name) for name in folders)), 'test')
    valid, real = (open_folder(ROOT / name) for name in folders)
    assert {source.split('/')[0] for source, _ in pairs[:-1]} == set(valid.splits['test'])
    assert pairs[-1][0].split('/')[0] in real.splits['test'] and set(real.splits) == {'test'}


def test_the_pictures_that_come_along_carry_their_notice():
    root = ROOT / 'data/real'
    assert sum(path.stat().st_size for path in root.rglob('*') if path.is_file()) < 3e5
    licence = (root / 'LICENSE').read_text()
    assert 'Copyright (c) 2022, perfanalytics' in licence and licence == (
        ROOT / 'docs/your-own-photos-licence.txt').read_text()
