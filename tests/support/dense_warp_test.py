"""The dense warp, referee of the fast one, against SciPy's interpolation and TensorFlow Graphics'."""

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from repose_tf.coordinates import VolumeGrid
from repose_tf.warp import affine, body_parts, helmert
from tests.support import cases
from tests.support.dense_warp import dense_plane_warp, dense_volume_warp, source_points

GRID = VolumeGrid(image_size=64, volume_size=17, depth_size=9)


def setting(seed=0):
    """A random volume with negative features [2, H, W, D, 3], its masks, and two different pose pairs."""
    rng = np.random.default_rng(seed)
    volume = rng.normal(size=(2, *GRID.shape, 3)).astype(np.float32)
    source, target = (cases.person_poses(rng, 2, GRID.image_size) for _ in range(2))
    return volume, source, target, body_parts.part_masks(tf.constant(source), GRID).numpy()


def points_of(fit, source, target, shape):
    """Where the fitted maps take the cells, [2, P, A, cells]."""
    return source_points(fit(tf.constant(source), tf.constant(target)), GRID, shape).numpy()


def by_scipy(volume, masks, points, order):
    """Maximum over parts of masked copies, each resampled by SciPy with zeros outside; [H, W, D, C]."""
    shape = volume.shape[:-1]
    return np.max([np.stack([
        scipy.ndimage.map_coordinates(volume[..., channel] * masks[..., part], points[part], order=order,
                                      mode='grid-constant', prefilter=False).reshape(shape)
        for channel in range(volume.shape[-1])], axis=-1) for part in range(masks.shape[-1])], axis=0)


def test_dense_warp_equals_scipy():
    volume, source, target, masks = setting()
    points = points_of(helmert.part_transforms, source, target, GRID.shape)
    found = dense_volume_warp(tf.constant(volume), tf.constant(masks), points).numpy()
    assert np.count_nonzero(found) > 1000
    for sample in range(2):
        expected = by_scipy(volume[sample], masks[sample], points[sample], order=1)
        np.testing.assert_allclose(found[sample], expected, atol=1e-4)


def test_dense_warp_equals_tensorflow_graphics():
    trilinear = pytest.importorskip('tensorflow_graphics.math.interpolation.trilinear')
    volume, source, target, masks = setting(2)
    points = points_of(helmert.part_transforms, source, target, GRID.shape)
    found = dense_volume_warp(tf.constant(volume), tf.constant(masks), points).numpy()
    parts = []
    for part in range(masks.shape[-1]):
        # A border of zeros and an offset of one cell: there it repeats the border where we have zeros.
        padded = tf.pad(volume * masks[..., part, None], [[0, 0], *[[1, 1]] * 3, [0, 0]])
        parts.append(trilinear.interpolate(padded, np.swapaxes(points[:, part], 1, 2).astype(np.float32) + 1.0))
    expected = tf.reshape(tf.reduce_max(tf.stack(parts), axis=0), volume.shape)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_dense_plane_warp_equals_scipys_nearest_neighbour():
    volume, source, target, masks = setting(3)
    points = points_of(affine.part_affines, source, target, GRID.shape[:2])
    found = dense_plane_warp(tf.constant(volume), tf.constant(masks.max(3)), points).numpy()
    assert np.count_nonzero(found) > 1000
    for sample in range(2):
        layers = volume[sample].reshape(17, 17, -1)
        expected = by_scipy(layers, masks[sample].max(2), points[sample], order=0)
        np.testing.assert_allclose(found[sample].reshape(expected.shape), expected, atol=1e-6)
