"""The page of an ablation, of made-up scores: the figures, the paper's beside them, and their order."""

import numpy as np
import tensorflow as tf

from experiments.evaluation.run import Outcome
from experiments.reporting.ablation_page import AblationPage
from experiments.training import ablation_runs
from experiments.training.ablation_runs import PAPER, VARIANTS
from repose_tf.skeleton import NUM_JOINTS
from tests.support.ablations import write_run
from tests.support.tiny import tiny_settings

SIZE = 8
NUM_PAIRS = 12
BASE = dict(zip(VARIANTS, (0.5, 0.52, 0.6, 0.65, 0.4, 0.7)))


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
        assert batch_size == 1
        image, pose = tf.zeros([1, SIZE, SIZE, 3]), tf.zeros([1, NUM_JOINTS, 3])
        for source, target in pairs:
            yield {'source_image': image, 'target_image': image, 'target_pose': pose,
                   'source_id': tf.constant([source]), 'target_id': tf.constant([target])}


class System:
    def __init__(self, name):
        self.name = name

    def __call__(self, batch):
        return np.full(batch['source_image'].shape, 128, np.uint8)


def write_page(tmp_path, base, variants=PAPER):
    runs = ablation_runs.planned(str(tmp_path / 'runs'), variants, [1, 2])
    rng = np.random.default_rng(0)
    scores = {}
    for run in runs:
        write_run(run)
        values = base[run.variant.name] + 0.01 * run.seed + rng.normal(0, 0.001, NUM_PAIRS)
        scores[run.stem] = {metric: values for metric in ('ssim', 'ssim_fg', 'l1_fg', 'pose_auc', 'pose_found')}
    scores['copy of the source'] = scores[runs[0].stem]
    outcome = Outcome('', Source(), [System(name) for name in scores], {'metrics': '1', 'poses': 'seer 12'}, scores, {})
    AblationPage(outcome, runs, tiny_settings()).write(str(tmp_path / 'docs/page.md'), 'the command')
    return (tmp_path / 'docs/page.md').read_text()


def test_the_page_stands_beside_the_paper(tmp_path):
    text = write_page(tmp_path, BASE)
    rows = {line.split('|')[1].strip(): line for line in text.splitlines() if line.startswith('| 2D') or
            line.startswith('| 3D')}
    assert text.count("the paper's order.") == 3
    first = next(line for line in text.splitlines() if line.startswith('| 2D warp, 2D pose'))
    assert '0.515 [0.51' in first and '| 0.872 | 0.566 | 0.698 |' in first  # the mean of both seeds
    assert set(rows) == {'2D warp, 2D pose', '2D warp, 3D pose', '3D warp, 2D pose', '3D warp, 3D pose'}
    assert 'Turns above 60 degrees: 5 pairs' in text and '+0.15' in text and 'by seer 12' in text
    assert 'Command: `the command`' in text and '| copy of the source |' in text
    for name in ('page.svg', 'page_gains.svg', 'page.jpg'):
        assert name in text and (tmp_path / 'docs' / name).stat().st_size > 1000


def test_another_order_than_the_papers_is_said(tmp_path):
    text = write_page(tmp_path, {**BASE, '3d_warp_2d_pose': 0.51})
    assert "ssim_fg: not the paper's order: 2D warp, 3D pose is above 3D warp, 2D pose here" in text


def test_rows_beyond_the_paper_are_not_in_its_order(tmp_path):
    text = write_page(tmp_path, BASE, list(VARIANTS.values()))
    assert text.count("the paper's order.") == 3
    row = next(line for line in text.splitlines() if line.startswith('| the detail stream alone'))
    assert '0.415 [0.41' in row and row.endswith('|  |  |  |')
    assert '| 3D warp, 3D pose, detail stream | 0.715' in text


def test_of_some_variants_the_gain_is_over_the_first(tmp_path):
    text = write_page(tmp_path, BASE, [VARIANTS['2d_warp_3d_pose'], VARIANTS['everything']])
    assert 'gain over 2D warp, 3D pose |' in text and '+0.180 [+0.1' in text
