"""Sources of pairs: what is known of the pairs, and the baseline of the person's other pictures."""

import json
import os
import shutil

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.errors import DataError
from experiments.configuration.data import Data
from experiments.configuration.settings import DataSettings
from experiments.evaluation.pair_scorer import PairPoses, PairScorer, pose_remarks
from experiments.evaluation.pair_sources import DataPairs, FilePairs, columns_of, pairs_of
from experiments.evaluation.prediction_folder import PredictionFolder
from experiments.evaluation.systems import CopyOfSource, MeanOfOthers
from repose_tf.metrics import image_metrics
from repose_tf.skeleton import NUM_JOINTS
from repose_tf.warp.body_parts import person_mask
from tests.support.people_folders import write_image, write_people

SIZE = 16
PAIRS = [['b', '00', '02'], ['c', '01', '00'], ['b', '02', '01']]


@pytest.fixture(scope='module')
def people(tmp_path_factory):
    root = tmp_path_factory.mktemp('people')
    pairs = [[f'{person}/{source}', f'{person}/{target}'] for person, source, target in PAIRS]
    content = write_people(root, {'a': 2, 'b': 3, 'c': 2}, {'train': ['a'], 'test': ['b', 'c']}, {'test': pairs},
                           masked=['b/02'], size=SIZE)
    poses = json.loads((root / 'poses.json').read_text())
    poses['poses']['b/02']['mm'] = np.arange(57.0).reshape(19, 3).tolist()
    (root / 'poses.json').write_text(json.dumps(poses))
    data = Data(DataSettings('people', str(root), str(tmp_path_factory.mktemp('records')), False))
    return DataPairs(data, 'test', 0, SIZE), content


def the_batch(source):
    return next(iter(source.batches(source.pairs, 8)))


def test_pairs_come_with_their_persons_and_in_order(people):
    source, _ = people
    assert source.groups == ['b', 'c', 'b'] and source.num_expected == 3
    assert pairs_of(the_batch(source)) == source.pairs
    assert all(values.shape == (3,) for values in source.pose_changes.values())


def test_baselines(people):
    source, content = people
    batch = the_batch(source)
    copied = np.asarray(CopyOfSource()(batch))
    assert np.array_equal(copied, [content[pair[0]][0] for pair in source.pairs])
    others = np.asarray(MeanOfOthers(source.means_of_others)(batch)).astype(float)
    for found, (_, target) in zip(others, source.pairs, strict=True):
        mean = np.mean([image for name, (image, _) in content.items()
                        if name[0] == target[0] and name != target], axis=0)
        assert np.abs(found - mean).max() <= 0.5


def test_true_joints_are_taken_in_mm_where_they_are_given(people):
    source, content = people
    mm = source.true_mm(source.pairs)
    assert np.array_equal(mm[0], np.arange(57.0).reshape(19, 3) - np.array([54, 55, 56]))  # from the pelvis
    px = content['c/00'][1]
    np.testing.assert_allclose(mm[1], (px - px[-1]) / 0.1, rtol=1e-4, atol=1e-3)


def test_scores_are_those_of_eight_bit_pictures_on_the_scored_columns(people):
    source, content = people
    batch = the_batch(source)
    pixels = np.stack([content[pair[0]][0] for pair in source.pairs])
    columns = slice(2, 14)
    whole = PairScorer(columns)(pixels, batch)
    cut = PairScorer(columns)(pixels[:, :, columns], batch)
    truth = np.stack([content[pair[1]][0] for pair in source.pairs])[:, :, columns] / 255
    for name, values in image_metrics.image_metrics(
            tf.constant(pixels[:, :, columns] / 255, tf.float32), tf.constant(truth, tf.float32),
            person_mask(batch)[:, :, columns]).items():
        np.testing.assert_allclose(whole[name], values, rtol=1e-4)
        np.testing.assert_array_equal(whole[name], cut[name])


def test_the_person_is_the_given_mask_or_what_its_pose_covers(people):
    source, _ = people
    mask = person_mask(the_batch(source)).numpy()[..., 0]
    assert np.array_equal(mask[0], np.tile(np.arange(SIZE) < SIZE // 2, (SIZE, 1)))
    assert set(np.unique(mask[1])) <= {0, 1} and mask[1].any()


@pytest.mark.parametrize('protocol, size, expected', [
    ('patn-8570', 256, slice(40, 216)), ('patn-8570', 64, slice(10, 54)), ('people', 64, slice(0, 64))])
def test_scored_columns(protocol, size, expected):
    assert columns_of(protocol, size) == expected


class Seer:
    """Sees the joints that a picture's first pixel stands for; nobody in black ones."""

    description = 'seer'

    def __init__(self):
        self.num_seen = 0

    def poses_mm(self, images):
        self.num_seen += len(images)
        level = images[:, 0, 0, 0].astype(float)
        poses = np.zeros((len(images), NUM_JOINTS, 3))
        poses[:, 0, 0] = level * 19
        poses[level == 0] = np.nan
        return poses


def test_pose_auc_of_pairs():
    def batch(levels):
        ids = [f'p/{level}' for level in levels]
        pixels = tf.constant(np.stack([np.full((4, 4, 3), level, np.uint8) for level in levels]))
        return {'target_image': tf.cast(pixels, tf.float32) / 127.5 - 1, 'source_id': tf.constant(ids),
                'target_id': tf.constant(ids)}

    seer = Seer()
    poses = PairPoses(seer, lambda pairs: np.full((len(pairs), NUM_JOINTS, 3), np.nan))
    true = batch([1, 2, 0, 2])
    results = np.stack([np.full((4, 4, 3), level, np.uint8) for level in (1, 0, 3, 2)])
    scores = poses.score(results, true)
    np.testing.assert_array_equal(scores['pose_found'], [1, 0, 1, 1])
    assert scores['pose_auc'][0] == scores['pose_auc'][3] > 0.9 and scores['pose_auc'][1] == 0
    assert np.isnan(scores['pose_auc'][2]) and np.isnan(scores['pose_auc_true']).all()
    seen = seer.num_seen
    poses.score(results, true)
    assert seer.num_seen == seen + 4  # the true pictures are looked at once
    said = ' '.join(pose_remarks({'model': scores}))
    assert 'model: nobody was found in 1 results' in said and 'true picture of 1 pairs' in said


def test_files_are_paired_by_name(tmp_path):
    rng = np.random.default_rng(0)
    for name in ('a', 'sub/b'):
        write_image(tmp_path / 'truth' / f'{name}.png', rng.integers(0, 256, (16, 12, 3), np.uint8))
        write_image(tmp_path / 'masks' / f'{name}.png', np.full((16, 12), 255, np.uint8))
    source = FilePairs(tmp_path / 'truth', tmp_path / 'masks')
    assert source.pairs == [('a', 'a'), ('sub/b', 'sub/b')] and source.num_expected == 2
    batch = the_batch(source)
    pixels = tf.cast(tf.round((batch['target_image'] + 1) * 127.5), tf.uint8)
    scores = PairScorer(source.scored_columns)(pixels, batch)
    assert (scores['ssim'] == 1).all() and (scores['ssim_fg'] == 1).all() and (scores['l1_fg'] < 1e-6).all()
    write_image(tmp_path / 'truth/c.png', np.zeros((16, 16, 3), np.uint8))
    with pytest.raises(DataError, match='c.png: expected 12 x 16 px'):
        the_batch(FilePairs(tmp_path / 'truth'))
    with pytest.raises(DataError, match='found 0 pictures'):
        FilePairs(tmp_path / 'nowhere')


@pytest.mark.parametrize('width', [16, 11])
def test_truth_and_result_may_be_parts_of_one_strip(tmp_path, width):
    pictures = np.random.default_rng(1).integers(0, 256, (3, 16, width, 3), np.uint8)
    write_image(tmp_path / 'a.png', np.concatenate(pictures, axis=1))
    source = FilePairs(tmp_path, part=2)
    assert source.scored_columns == slice(0, width) and 'part 2' in source.facts['truth']
    np.testing.assert_array_equal(tf.round((the_batch(source)['target_image'] + 1) * 127.5)[0], pictures[1])
    results = PredictionFolder(tmp_path, source.pairs, part=-1, scored_columns=lambda size: source.scored_columns,
                               by_path=True)
    np.testing.assert_array_equal(results(the_batch(source))[0], pictures[2])
    with pytest.raises(DataError, match=f'a.png: expected 4 or more pictures .*--truth_part.* found {3 * width} x'):
        FilePairs(tmp_path, part=4)
    write_image(tmp_path / 'a.png', np.zeros((16, 37, 3), np.uint8))
    with pytest.raises(DataError, match='a.png: expected 2 or more .* each 16 or 11 x 16 px, found 37 x 16 px'):
        FilePairs(tmp_path, part=2)


@pytest.mark.parametrize('changed', ['truth/a.png', 'masks/a.png'])
def test_files_are_known_by_their_contents(tmp_path, changed):
    def identity(root):
        return FilePairs(root / 'truth', root / 'masks').identity

    def bmp(level):
        return cv2.imencode('.bmp', np.full((16, 16, 3), level, np.uint8))[1].tobytes()

    for folder in ('truth', 'masks'):
        for name in 'ab':
            file = tmp_path / 'one' / folder / f'{name}.png'
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(bmp(0))
    before = identity(tmp_path / 'one')
    shutil.copytree(tmp_path / 'one', tmp_path / 'other')
    assert identity(tmp_path / 'other') == before  # wherever they lie
    file = tmp_path / 'one' / changed
    stat = file.stat()
    file.write_bytes(bmp(1))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert file.stat().st_size == stat.st_size and identity(tmp_path / 'one') != before
    file.unlink()
    if changed.startswith('masks'):
        with pytest.raises(DataError, match='--masks=.*found none for 1, the first being .*a.png'):
            identity(tmp_path / 'one')
