"""The programs one after the other, as a user runs them: train, resume, score, repose the shipped people.

tests/experiments/models/exporting_test.py runs the export.
"""

import json

import cv2
import pytest

from data_pipeline.errors import DataError
from experiments.configuration import flags
from experiments.training import session
from tests.support.programs import ROOT, run_program


def run(program, *arguments):
    process = run_program(program, *arguments)
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout


@pytest.mark.slow
@pytest.mark.long  # interrupted_run_test, evaluate_test and repose_test start the same programs
def test_train_resume_score_and_repose(tmp_path):
    # The quickstart's flags but for its length; no VGG, which only costs time here.
    short = ['--flagfile=quickstart.flags', '--steps=2', '--schedule_steps=3', '--batch_size=2',
             '--perceptual_weight=0', '--adversarial_weight=0.1', '--log_every=1', '--image_every=2',
             '--validate_every=2', '--num_validation_pairs=2', f'--runs_dir={tmp_path}/runs',
             f'--data_dir={tmp_path}/records']
    assert 'Perceptual loss: none' in run('train', *short)
    folder = tmp_path / 'runs' / 'quickstart-0001'
    lines = [json.loads(line) for line in (folder / 'metrics.jsonl').read_text().splitlines()]
    assert [line['step'] for line in lines if 'loss/l1' in line] == [1, 2]
    assert any('validation/ssim_fg' in line for line in lines)
    assert list((folder / 'tensorboard').iterdir())

    assert 'Going on from' in run('train', f'--resume={folder}', '--steps=3')
    assert (folder / 'checkpoints' / 'step-3.index').exists()

    table = run('evaluate', f'--run_dir={tmp_path}/runs/quickstart', '--num_pairs=3', '--sheet_rows=2')
    results = folder / 'evaluation-people-test-3'
    assert 'copy of the source' in table and (results / 'contact_sheet.png').exists()
    copied = json.loads((results / 'evaluation.json').read_text())['scores']['copy of the source']
    assert 0 < copied['ssim_fg']['mean'] < copied['ssim']['mean'] < 1

    splits = json.loads((ROOT / 'data/people/splits.json').read_text())
    person = splits['test'][0]
    frames = sorted((ROOT / 'data/people/images' / person).iterdir())
    run('repose', f'--run_dir={folder}', f'--source={frames[0]}',
        f'--target_pose=#{person}/{frames[1].stem}', f'--output={tmp_path}/out.png')
    assert cv2.imread(f'{tmp_path}/out.png').shape == (64, 64, 3)


@pytest.mark.parametrize('name', ['fashion', 'iper'])
def test_data_that_are_not_there_say_what_belongs_where(tmp_path, monkeypatch, name):
    monkeypatch.chdir(ROOT)  # flag files name folders from there
    settings = flags.settings_from_file(ROOT / f'{name}.flags', data_dir=str(tmp_path / 'records'))
    with pytest.raises(DataError, match=f'data/{name}.*found none.*data_pipeline/{name}/README.md'):
        session.run(settings)


def test_a_folder_without_images_is_told(tmp_path):
    settings = flags.settings_from_file(ROOT / 'quickstart.flags', source_dir=str(tmp_path))
    with pytest.raises(DataError, match=f'{tmp_path}.*images'):
        session.run(settings)
