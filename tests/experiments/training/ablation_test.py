"""The ablation: which runs, what goes on and what is done, and what the page says of made-up scores."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.errors import UsageError
from experiments.reporting.ablation_page import AblationPage
from experiments.training import ablation_runs, run_folder
from experiments.training.ablation_runs import VARIANTS
from repose_tf.skeleton import NUM_JOINTS
from tests.support.tiny import TINY, tiny_settings

SIZE = 8
NUM_PAIRS = 12
BASE = {('2d', '2d'): 0.5, ('2d', '3d'): 0.52, ('3d', '2d'): 0.6, ('3d', '3d'): 0.65}


def test_the_outer_variants_have_more_seeds():
    runs = ablation_runs.planned('runs', [1, 2], [1])
    assert [(run.warp, run.pose, run.seed) for run in runs] == [
        ('2d', '2d', 1), ('2d', '3d', 1), ('3d', '2d', 1), ('3d', '3d', 1), ('2d', '2d', 2), ('3d', '3d', 2)]
    assert runs[0].stem == 'runs/2d_warp_2d_pose_seed1'


def made(run, steps=20, saved=20, more=''):
    """Makes the folder of a run as a training leaves it, without networks."""
    runs_dir, _, name = run.stem.rpartition('/')
    folder = run_folder.create(
        runs_dir, name, dataclasses.replace(TINY, warp=run.warp, pose=run.pose),
        f'--preset=small\n--perceptual_weight=0\n--l1_weight=1\n--warp={run.warp}\n--pose={run.pose}\n'
        f'--seed={run.seed}\n--steps={steps}\n--run_name={name}\n{more}')
    for step in range(0, saved + 1, 10):
        path = f'{folder.checkpoints_dir}/step-{step}.index'
        tf.io.gfile.makedirs(folder.checkpoints_dir)
        tf.io.gfile.GFile(path, 'w').write('x')
    with open(folder.metrics_path, 'w') as file:
        for step in range(1, steps + 1):
            file.write(json.dumps({'step': step, 'loss/generator': 1 / step, 'steps_per_second': 2.0}) + '\n')
        file.write(json.dumps({'step': steps, 'validation/ssim_fg': 0.5}) + '\n')
    return folder


def test_a_run_begins_goes_on_and_is_done(tmp_path):
    run = ablation_runs.planned(str(tmp_path), [1], [])[0]
    assert run.steps_made() == (0, None) and not run.is_done()
    command = run.command('a.flags', ['--steps=20'])
    assert command[-7:] == ['--flagfile=a.flags', '--steps=20', '--warp=2d', '--pose=2d', '--seed=1',
                            f'--runs_dir={tmp_path}', '--run_name=2d_warp_2d_pose_seed1']
    folder = made(run, saved=10)
    assert run.steps_made() == (10, 20) and not run.is_done()
    assert run.command('a.flags', [])[-1] == f'--resume={folder.path}'
    made(run)  # a newer one
    assert run.is_done()


def test_a_training_that_fails_is_named_with_its_reason(tmp_path, monkeypatch):
    run = ablation_runs.planned(str(tmp_path), [1], [])[0]
    monkeypatch.setattr(ablation_runs, '_POLL_SECONDS', 0.1)
    monkeypatch.setattr(ablation_runs.Run, 'command', lambda *_: ['sh', '-c', 'echo "error: no data" >&2; exit 1'])
    with pytest.raises(UsageError, match='seed1: the training failed.*error: no data'):
        ablation_runs.train([run], 'a.flags', [], 2)


def test_runs_that_differ_in_more_are_refused(tmp_path):
    runs = ablation_runs.planned(str(tmp_path), [1], [1])
    for run in runs:
        made(run)
    ablation_runs.check_alike(runs)
    made(runs[2], more='--batch_size=4\n')
    with pytest.raises(UsageError, match='expected --batch_size=2 .* found 4'):
        ablation_runs.check_alike(runs)


class Source:
    """Stands in for the pairs of a data set."""

    pairs = [(f'p{index // 3}/0', f'p{index // 3}/{index % 3 + 1}') for index in range(NUM_PAIRS)]
    groups = [source.partition('/')[0] for source, _ in pairs]
    facts = {'image size': f'{SIZE} px, all', 'data': 'made-up-1', 'protocol': 'people'}
    image_size, scored_columns = SIZE, slice(0, SIZE)
    pose_changes = {'turn (degrees)': np.linspace(0, 110, NUM_PAIRS)}
    has_arm_over_torso = np.arange(NUM_PAIRS) % 4 == 0

    @staticmethod
    def batches(pairs, batch_size):
        del batch_size
        image, pose = tf.zeros([len(pairs), SIZE, SIZE, 3]), tf.zeros([len(pairs), NUM_JOINTS, 3])
        sources, targets = zip(*pairs, strict=True)
        yield {'source_image': image, 'target_image': image, 'target_pose': pose, 'source_id': tf.constant(sources),
               'target_id': tf.constant(targets)}


class Scorer:
    identity = {'metrics': '1', 'poses': 'seer 12'}


class System:
    name = 'grey'

    def __call__(self, batch):
        return np.full(batch['source_image'].shape, 128, np.uint8)


def write_page(tmp_path, base):
    runs = ablation_runs.planned(str(tmp_path / 'runs'), [1, 2], [1])
    rng = np.random.default_rng(0)
    scores = {}
    for run in runs:
        made(run)
        values = base[run.variant] + 0.01 * run.seed + rng.normal(0, 0.001, NUM_PAIRS)
        scores[run] = {metric: values for metric in ('ssim', 'ssim_fg', 'l1_fg', 'pose_auc', 'pose_found')}
    page = AblationPage(Source(), Scorer(), tiny_settings(), scores,
                        {'copy of the source': scores[runs[0]]})
    page.write(str(tmp_path / 'docs/page.md'), {run: System() for run in runs})
    return (tmp_path / 'docs/page.md').read_text()


def test_the_page_stands_beside_the_paper(tmp_path):
    text = write_page(tmp_path, BASE)
    rows = {line.split('|')[1].strip(): line for line in text.splitlines() if line.startswith('| 2D') or
            line.startswith('| 3D')}
    assert text.count("the paper's order.") == 3
    first = next(line for line in text.splitlines() if line.startswith('| 2D warp, 2D pose'))
    assert '0.515 [0.51' in first and '| 0.872 | 0.566 | 0.698 |' in first  # the mean of both seeds
    assert set(rows) == {f'{warp.upper()} warp, {pose.upper()} pose' for warp, pose in VARIANTS}
    assert 'Turns above 60 degrees: 5 pairs' in text and '+0.15' in text and 'by seer 12' in text
    for name in ('page.svg', 'page_gains.svg', 'page.jpg'):
        assert name in text and (tmp_path / 'docs' / name).stat().st_size > 1000


def test_another_order_than_the_papers_is_said(tmp_path):
    text = write_page(tmp_path, {**BASE, ('3d', '2d'): 0.51})
    assert "ssim_fg: not the paper's order: 2D warp, 3D pose is above 3D warp, 2D pose here" in text
