"""The programs one after the other, as a user runs them: train, resume, score, repose the shipped people.

tests/experiments/models/exporting_test.py runs the export.
"""

import json

import cv2
import pytest

from tests.support.programs import IS_SHORT, ROOT, assert_one_error, run_program


@pytest.fixture(scope='module')
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp('end_to_end')
    return [f'--runs_dir={root}/runs', f'--data_dir={root}/records'], root


def run(program, *arguments):
    process = run_program(program, *arguments)
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout


@pytest.mark.slow
def test_train_resume_score_and_repose(places):
    flags, root = places
    # The quickstart's flags but for its length; no VGG, which only costs time here.
    short = ['--flagfile=quickstart.flags', '--steps=2', '--batch_size=2', '--perceptual_weight=0',
             '--adversarial_weight=0.1', '--log_every=1', '--image_every=2', '--validate_every=2',
             '--num_validation_pairs=2', *flags]
    assert 'Perceptual loss: none' in run('train', *short)
    folder = root / 'runs' / 'quickstart-0001'
    lines = [json.loads(line) for line in (folder / 'metrics.jsonl').read_text().splitlines()]
    assert [line['step'] for line in lines if 'loss/l1' in line] == [1, 2]
    assert any('validation/ssim_fg' in line for line in lines)
    assert list((folder / 'tensorboard').iterdir())

    if not IS_SHORT:  # interrupted_run_test.py resumes as well
        assert 'Going on from' in run('train', f'--resume={folder}', '--steps=3')
        assert (folder / 'checkpoints' / 'step-3.index').exists()

    table = run('evaluate', f'--run_dir={root}/runs/quickstart', '--num_pairs=3', '--sheet_rows=2')
    results = folder / 'evaluation-people-test-3'
    assert 'copy of the source' in table and (results / 'contact_sheet.png').exists()
    copied = json.loads((results / 'evaluation.json').read_text())['scores']['copy of the source']
    assert 0 < copied['ssim_fg']['mean'] < copied['ssim']['mean'] < 1

    splits = json.loads((ROOT / 'data/people/splits.json').read_text())
    person = splits['test'][0]
    frames = sorted((ROOT / 'data/people/images' / person).iterdir())
    run('repose', f'--run_dir={folder}', f'--source={frames[0]}',
        f'--target_pose=#{person}/{frames[1].stem}', f'--output={root}/out.png')
    assert cv2.imread(f'{root}/out.png').shape == (64, 64, 3)


@pytest.mark.parametrize('name', ['fashion', 'iper'])
def test_data_that_are_not_there_say_what_belongs_where(places, name):
    flags, _ = places
    process = run_program('train', f'--flagfile={name}.flags', *flags)
    assert_one_error(process, f'data/{name}', 'found none', f'data_pipeline/{name}/README.md')


def test_a_folder_without_images_is_one_line(places, tmp_path):
    flags, _ = places
    process = run_program('train', '--flagfile=quickstart.flags', f'--source_dir={tmp_path}', *flags)
    assert_one_error(process, str(tmp_path), 'images')
