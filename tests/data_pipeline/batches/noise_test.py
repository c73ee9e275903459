"""Noise is as strong as asked for, alike where it must be, and bounded; it follows from the seed and the row."""

import dataclasses

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.batches import noise
from data_pipeline.batches.noise_settings import NoiseSettings
from repose_tf.skeleton import JOINT_INDEX, NUM_JOINTS
from tests.support import gpu_kernels

SEED = (5, 9)
SIZE = 32
ALL = NoiseSettings(joint_noise_px=2.7, joint_depth_noise_mm=79.0, pose_scale_noise=0.1, mask_noise_px=16.0,
                    random_background=0.7, photo_noise=1.0)
ENDS = [JOINT_INDEX[name] for name in ('lwri', 'rwri', 'lank', 'rank')]


def make_batch(num_samples, size=SIZE):
    """Grey persons, a disc each, before a room of noise; the last sample has no mask of its target."""
    rng = np.random.default_rng(num_samples)
    rows, columns = np.mgrid[:size, :size] + 0.5
    disc = np.hypot(rows - size / 2, columns - size / 2) < size / 4
    masks = np.repeat(disc[np.newaxis, :, :, np.newaxis].astype(np.float32), num_samples, axis=0)
    batch = {f'has_{side}_mask': np.ones(num_samples, bool) for side in ('source', 'target')}
    batch['has_target_mask'][-1] = False
    for side in ('source', 'target'):
        images = rng.uniform(-1, 1, (num_samples, size, size, 3)).astype(np.float32)
        batch[f'{side}_image'] = np.where(masks > 0, np.float32(0.1), images)
        batch[f'{side}_pose'] = rng.uniform(0, size, (num_samples, NUM_JOINTS, 3)).astype(np.float32)
        batch[f'{side}_mask'] = masks * batch[f'has_{side}_mask'][:, np.newaxis, np.newaxis, np.newaxis]
    return batch


def disturbed(batch, seed=SEED, settings=ALL, **rows):
    found = noise.disturb(batch, tf.constant(seed), settings, **rows)
    return {name: np.asarray(value) for name, value in found.items()}


def test_without_noise_nothing_changes():
    batch = make_batch(2)
    assert noise.disturb(batch, tf.constant(SEED), NoiseSettings()) is batch


def test_the_seed_decides_and_parts_of_a_batch_are_disturbed_as_the_whole():
    batch = make_batch(4)
    whole, again, other = (disturbed(batch, seed) for seed in (SEED, SEED, (5, 10)))
    for name, value in whole.items():
        np.testing.assert_array_equal(value, again[name])
        assert name.startswith('has') or name == 'target_mask' or not np.allclose(value, other[name], atol=1e-3)
        np.testing.assert_array_equal(batch[name].shape, value.shape)
    np.testing.assert_array_equal(whole['target_mask'], batch['target_mask'])
    for first in (0, 2):
        part = {name: value[first:first + 2] for name, value in batch.items()}
        for name, value in disturbed(part, first_row=tf.constant(first), num_rows=4).items():
            np.testing.assert_allclose(value, whole[name][first:first + 2], atol=1e-5, err_msg=name)


def errors(number=4000):
    """Returns how source and target poses are moved, each [N, 19, 3] px, and the lengths of their torsos, px."""
    batch = make_batch(number, size=4)
    moved = noise.disturbed_poses(batch, tf.constant(SEED), dataclasses.replace(ALL, pose_scale_noise=0.0), 0, number)
    off = [np.asarray(moved[name]) - batch[name] for name in ('source_pose', 'target_pose')]
    torsos = [np.linalg.norm(batch[name][:, JOINT_INDEX['neck']] - batch[name][:, JOINT_INDEX['pelv']], axis=1)
              for name in ('source_pose', 'target_pose')]
    return off, torsos


def test_joints_are_as_far_off_as_asked_for():
    for off, torso_px in zip(*errors(), strict=True):
        in_plane = np.median(np.linalg.norm(off[..., :2], axis=2), axis=0) / (2.7 * 4 / 256)
        depth = np.median(np.abs(off[..., 2]) / torso_px[:, np.newaxis] * 500 / 79, axis=0)
        assert depth[JOINT_INDEX['pelv']] == 0
        for found in (in_plane, np.delete(depth, JOINT_INDEX['pelv'])):
            assert np.median(found) == pytest.approx(1, rel=0.06)
        assert in_plane.min() > 0.4 and in_plane.max() < 1.5
        assert np.argmax(depth) in ENDS and depth[JOINT_INDEX['lhip']] < 0.4


def test_joints_err_together_as_those_of_a_body():
    (off, other), (torso_px, _) = errors()
    deep = off[..., 2] / torso_px[:, np.newaxis]
    head = deep[:, [JOINT_INDEX[name] for name in ('nose', 'leye', 'reye', 'lear', 'rear')]]
    within = head - head.mean(axis=1, keepdims=True)
    assert within.std() < 0.3 * head.std()  # a head leans, it is not torn
    for first, second, expected in (('neck', 'nose', 0.85), ('neck', 'lsho', 0.91), ('lelb', 'lwri', 0.91),
                                    ('rkne', 'rank', 0.75), ('lhip', 'rhip', -1.0), ('neck', 'lkne', 0.0)):
        found = np.corrcoef(deep[:, JOINT_INDEX[first]], deep[:, JOINT_INDEX[second]])[0, 1]
        assert found == pytest.approx(expected, abs=0.1), (first, second)
    # Half of the variance is common to both poses of a person.
    assert 0.45 < np.mean(off[..., :2] * other[..., :2]) / np.mean(off[..., :2] ** 2) < 0.55


def test_depths_are_stretched_from_the_pelvis_and_no_more_than_asked_for():
    batch = make_batch(200)
    moved = noise.disturbed_poses(batch, tf.constant(SEED), NoiseSettings(pose_scale_noise=0.1), 0, 200)
    for name, pose in moved.items():
        stretch = np.asarray(pose) / batch[name]
        np.testing.assert_allclose(stretch[..., :2], 1, atol=1e-6)
        np.testing.assert_allclose(stretch[..., 2], np.tile(stretch[:, :1, 2], NUM_JOINTS), rtol=1e-4)
        assert 0.09 < np.abs(stretch[..., 2] - 1).max() <= 0.1001


def test_only_what_is_behind_the_person_is_replaced_by_the_same_in_both_pictures():
    batch = make_batch(12)
    found = disturbed(batch, settings=NoiseSettings(random_background=0.7))
    person = batch['source_mask'][..., 0] > 0
    is_replaced = [bool((found['source_image'][row] != batch['source_image'][row]).any()) for row in range(12)]
    assert not is_replaced[-1]  # it has no mask of the target
    assert 4 <= sum(is_replaced) <= 11
    for row, replaced in enumerate(is_replaced):
        source, target = found['source_image'][row], found['target_image'][row]
        np.testing.assert_allclose(source[person[row]], batch['source_image'][row][person[row]], atol=1e-6)
        if replaced:
            np.testing.assert_allclose(source, target, atol=1e-6)  # the persons are alike, too
            assert np.abs(source).max() <= 1 and source[~person[row]].std() > 0.01
        else:
            np.testing.assert_array_equal(target, batch['target_image'][row])
    rooms = [found['source_image'][row] for row in range(12) if is_replaced[row]]
    assert all(np.abs(one - rooms[0]).mean() > 0.02 for one in rooms[1:])


@pytest.mark.parametrize('reach', [1, 3])
def test_an_edge_moves_both_ways_and_no_further_than_asked_for(reach):
    masks = tf.constant(make_batch(8)['source_mask'][..., 0])
    uniform = tf.random.stateless_uniform([8, 65], SEED)
    moved = noise.moved_edge(masks, reach, uniform).numpy()
    disc = masks[0].numpy()
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    largest, least = cv2.dilate(disc, kernel), cv2.erode(disc, kernel)
    assert moved.min() == 0 and moved.max() == 1
    assert not moved[:, largest == 0].any() and (moved[:, least == 1] == 1).all()
    areas = moved.sum(axis=(1, 2)) / disc.sum()
    assert areas.min() < 0.97 and areas.max() > 1.03
    for value in (0.0, 1.0):
        np.testing.assert_allclose(noise.moved_edge(tf.fill([8, SIZE, SIZE], value), reach, uniform), value, atol=1e-5)


def test_a_camera_disturbs_both_pictures_alike_but_each_by_its_own_grain():
    batch = make_batch(8)
    batch['target_image'] = batch['source_image'] = np.full_like(batch['source_image'], 0.2)
    found = disturbed(batch, settings=NoiseSettings(photo_noise=1.0))
    grain = {side: found[f'{side}_image'] - 0.2 for side in ('source', 'target')}
    spreads = {side: one.std(axis=(1, 2, 3)) for side, one in grain.items()}
    np.testing.assert_allclose(spreads['source'], spreads['target'], rtol=0.15, atol=1e-4)
    assert 0.01 < spreads['source'].max() < 0.1 and spreads['source'].min() < 0.5 * spreads['source'].max()
    assert abs(np.mean(grain['source'])) < 0.005
    loudest = np.argmax(spreads['source'])
    assert abs(np.corrcoef(grain['source'][loudest].ravel(), grain['target'][loudest].ravel())[0, 1]) < 0.2


def test_blur_takes_fine_detail_and_keeps_the_mean():
    batch = make_batch(8)
    found = disturbed(batch, settings=NoiseSettings(photo_noise=0.5))

    def detail(images):
        return np.abs(np.diff(images, axis=1)).mean(axis=(1, 2, 3))

    for side in ('source', 'target'):
        shares = detail(found[f'{side}_image']) / detail(batch[f'{side}_image'])
        assert shares.min() < 0.8 and shares.max() <= 1.05
        np.testing.assert_allclose(found[f'{side}_image'].mean(axis=(1, 2)), batch[f'{side}_image'].mean(axis=(1, 2)),
                                   atol=0.03)


def test_everything_has_a_kernel_for_gpus():
    specs = {name: tf.TensorSpec([None, *value.shape[1:]], value.dtype) for name, value in make_batch(2).items()}
    function = tf.function(lambda batch, seed, row: noise.disturb(batch, seed, ALL, row, 4), autograph=False)
    graph = function.get_concrete_function(specs, tf.TensorSpec([2], tf.int32), tf.TensorSpec([], tf.int32)).graph
    none, on_host = gpu_kernels.lacking(graph)
    assert none == set() and {kind for kind, _ in on_host} <= gpu_kernels.INT32
    assert gpu_kernels.kinds(graph) & gpu_kernels.NOT_DETERMINISTIC == set()
