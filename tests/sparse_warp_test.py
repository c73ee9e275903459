"""The sparse warp is the dense one: in value and gradient, for any pose, sign of the features and size."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf import body_parts, helmert
from repose_tf.coordinates import VolumeGrid
from repose_tf.volumetric_warp import VolumetricWarp, dense_warp, sparse_warp, vox_transforms
from tests import cases

GRID = VolumeGrid(64, 17, 9)


def both(volume, masks, transforms):
    """Value and gradient of the dense and of the sparse warp; the loss weighs every output differently."""
    weights = tf.random.stateless_normal(volume.shape, [1, 2])
    results = []
    for warp in (dense_warp, sparse_warp):
        @tf.function(autograph=False)
        def value_and_gradient(volume, warp=warp):
            with tf.GradientTape() as tape:
                tape.watch(volume)
                warped = warp(volume, masks, transforms)
                loss = tf.reduce_sum(warped * weights)
            return warped, tape.gradient(loss, volume)
        results.append(value_and_gradient(volume))
    return results


def assert_equal(volume, masks, transforms):
    (dense, dense_gradient), (sparse, sparse_gradient) = both(volume, masks, transforms)
    np.testing.assert_allclose(sparse, dense, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(sparse_gradient, dense_gradient, rtol=1e-4, atol=1e-5)
    return dense


@pytest.mark.parametrize('target_scale', [0.3, 3.0])
@pytest.mark.parametrize('poses', [cases.person_poses, cases.random_poses])
def test_equals_the_dense_warp(poses, target_scale):
    rng = np.random.default_rng(0)
    source, target = (tf.constant(poses(rng, 3, 64)) for _ in range(2))
    target = (target - [32.0, 32.0, 0.0]) * target_scale + [32.0, 32.0, 0.0]  # partly outside at 3
    volume = tf.constant(rng.normal(size=(3, *GRID.shape, 5)), tf.float32)
    masks = body_parts.part_masks(source, GRID)
    transforms = vox_transforms(helmert.part_transforms(source, target), GRID)
    dense = assert_equal(volume, masks, transforms)
    assert np.any(np.asarray(dense) > 0)


def test_negative_values_stay_only_where_every_part_reaches():
    # Three parts, no motion: all three cover the first half of the rows, two the rest.
    masks = np.ones((1, 5, 5, 3, 3), np.float32)
    masks[:, 3:, ..., 2] = 0
    transforms = tf.constant(np.broadcast_to(np.eye(4, dtype=np.float32), (1, 3, 4, 4)))
    warped = assert_equal(tf.fill([1, 5, 5, 3, 2], -2.0), tf.constant(masks), transforms).numpy()
    np.testing.assert_array_equal(warped[:, :3], -2.0)
    np.testing.assert_array_equal(warped[:, 3:], 0.0)


def test_empty_masks_give_an_empty_volume():
    rng = np.random.default_rng(0)
    volume = tf.constant(rng.normal(size=(2, *GRID.shape, 3)), tf.float32)
    transforms = tf.eye(4, batch_shape=[2, 10])
    warped = assert_equal(volume, tf.zeros([2, *GRID.shape, 10]), transforms)
    assert not np.any(warped)


def test_the_layer_keeps_its_type_and_stops_at_the_poses():
    rng = np.random.default_rng(0)
    source, target = (tf.constant(cases.person_poses(rng, 2, 64)) for _ in range(2))
    volume = tf.constant(rng.normal(size=(2, *GRID.shape, 3)), tf.bfloat16)
    with tf.GradientTape() as tape:
        tape.watch([volume, source, target])
        warped = VolumetricWarp(GRID, dtype='mixed_bfloat16')(volume, source, target)
    assert warped.dtype == tf.bfloat16
    to_volume, to_source, to_target = tape.gradient(warped, [volume, source, target])
    assert to_volume.dtype == tf.bfloat16 and to_source is None and to_target is None
