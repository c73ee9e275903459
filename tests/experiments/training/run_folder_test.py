"""Run folders are numbered, describe their model, belong to one process, and refuse what does not fit."""

import dataclasses
import json
import subprocess
import sys

import pytest

from data_pipeline.errors import UsageError
from experiments.training import run_folder
from repose_tf.architecture import PRESETS
from tests.support.programs import ROOT

SMALL = PRESETS['small']


def create(tmp_path, name='run', architecture=SMALL):
    return run_folder.create(str(tmp_path), name, architecture, '--preset=small\n--steps=5\n')


def test_folders_are_numbered(tmp_path):
    paths = [create(tmp_path).path for _ in range(3)]
    assert paths == [str(tmp_path / f'run-000{number}') for number in (1, 2, 3)]
    assert create(tmp_path, 'run-2').path.endswith('run-2-0001')  # the numbers of another name do not count


def test_a_folder_gives_back_what_it_was_made_for(tmp_path):
    folder = run_folder.open_existing(create(tmp_path).path, architecture=SMALL)
    assert folder.architecture() == SMALL
    assert (folder.settings().model.preset, folder.settings().train.steps) == ('small', 5)


def test_a_name_stands_for_its_newest_run(tmp_path):
    for _ in range(2):
        create(tmp_path)
    assert run_folder.open_existing(str(tmp_path / 'run')).path == str(tmp_path / 'run-0002')


@pytest.mark.parametrize('name', ['', 'a/b', '../run', '-run'])
def test_a_bad_name_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match='--run_name.*found'):
        create(tmp_path, name)


def test_what_is_no_run_folder_is_refused(tmp_path):
    with pytest.raises(UsageError, match='nowhere.*expected a run folder'):
        run_folder.open_existing(str(tmp_path / 'nowhere'))
    with pytest.raises(UsageError, match='expected a run folder.*flags.txt and architecture.json'):
        run_folder.open_existing(str(tmp_path))


def test_another_architecture_is_refused(tmp_path):
    path = create(tmp_path).path
    with pytest.raises(UsageError, match="another architecture: warp expected '2d', found '3d'"):
        run_folder.open_existing(path, architecture=dataclasses.replace(SMALL, warp='2d'))


@pytest.mark.parametrize('change', [{'volume_size': 40}, {'surprise': 1}, {'image_size': 'large'}])
def test_a_broken_architecture_is_refused(tmp_path, change):
    folder = create(tmp_path)
    with open(folder.architecture_path) as file:
        values = json.load(file)
    with open(folder.architecture_path, 'w') as file:
        json.dump({**values, **change}, file)
    with pytest.raises(UsageError, match='architecture.json'):
        folder.architecture()


def test_one_process_at_a_time(tmp_path):
    folder = create(tmp_path)
    code = ('import sys\nfrom data_pipeline.errors import UsageError\n'
            'from experiments.training import run_folder\ntry:\n'
            '  with run_folder.RunFolder(sys.argv[1]).lock(): print("locked")\n'
            'except UsageError as error: print(error)\n')

    def other_process():
        return subprocess.run([sys.executable, '-c', code, folder.path], cwd=ROOT, capture_output=True,
                              text=True, check=True).stdout

    with folder.lock():
        assert 'expected a run folder that nobody trains in' in other_process()
    assert other_process() == 'locked\n'
