"""The heatmaps against plain exponentials of 3-D distances."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf import heatmaps
from repose_tf.coordinates import VolumeGrid
from tests.support import cases

GRID = VolumeGrid(image_size=64, volume_size=33, depth_size=17)
CELLS_PX, DEPTHS_PX = np.arange(33) * 2 + 0.5, np.arange(17) * 4.0 - 32
SIGMA_PX = 6.0 * 64 / 256


def gaussians(pose, x, y, z):
    """exp(-d^2 / 2 sigma^2) of the distances of [H, W, D] points to [J, 3] joints; [H, W, D, J]."""
    points = np.stack(np.broadcast_arrays(x[None, :, None], y[:, None, None], z[None, None]), axis=-1)
    squared = np.sum((points[..., None, :] - pose.astype(np.float64)) ** 2, axis=-1)
    return np.exp(-0.5 * squared / SIGMA_PX ** 2)


def poses():
    return cases.person_poses(np.random.default_rng(0), 2, GRID.image_size)


def test_volume_heatmaps_equal_plain_exponentials():
    found = heatmaps.volume_heatmaps(tf.constant(poses()), GRID).numpy()
    assert found.shape == (2, *GRID.shape, 19)
    for pose, maps in zip(poses(), found, strict=True):
        expected = gaussians(pose, CELLS_PX, CELLS_PX, DEPTHS_PX)
        np.testing.assert_allclose(maps[:-1, :-1, :-1], expected[:-1, :-1, :-1], atol=1e-6)
        assert not maps[-1].any() and not maps[:, -1].any() and not maps[:, :, -1].any()


def test_the_peak_is_one_at_the_joint():
    pose = poses()[:1]
    pose[0, 3] = [20.5, 30.5, -8.0]  # the centre of pixel (20, 30), voxel (15, 10, 6)
    found = heatmaps.volume_heatmaps(tf.constant(pose), GRID).numpy()[0, ..., 3]
    assert found[15, 10, 6] == 1.0 == found.max()


def test_image_heatmaps_have_depth_as_channels():
    found = heatmaps.image_heatmaps(tf.constant(poses()), GRID).numpy()
    assert found.shape == (2, 64, 64, 16 * 19)
    pixels = np.arange(64) + 0.5
    for pose, maps in zip(poses(), found, strict=True):
        expected = gaussians(pose, pixels, pixels, DEPTHS_PX[:-1])
        np.testing.assert_allclose(maps.reshape(64, 64, 16, 19), expected, atol=1e-6)


def test_flat_ones_are_the_highest_at_every_depth_but_the_padded_one():
    highest = heatmaps.volume_heatmaps(tf.constant(poses()), GRID).numpy().max(3)
    found = heatmaps.volume_heatmaps(tf.constant(poses()), GRID, flat=True).numpy()
    for depth in range(16):
        np.testing.assert_allclose(found[:, :, :, depth], highest, atol=1e-7)
    assert not found[:, :, :, 16].any()


def test_flat_image_heatmaps_are_the_highest_of_the_others():
    found, volume = (heatmaps.image_heatmaps(tf.constant(poses()), GRID, flat) for flat in (True, False))
    found, volume = (maps.numpy().reshape(2, 64, 64, 16, 19) for maps in (found, volume))
    np.testing.assert_allclose(found, np.broadcast_to(volume.max(3, keepdims=True), volume.shape), atol=1e-7)


def image_convolution(pose, kernel, flat):
    drawn = tf.pad(heatmaps.image_heatmaps(pose, GRID, flat), [[0, 0], [0, 1], [0, 1], [0, 0]])
    return tf.nn.conv2d(drawn, kernel, 2, 'SAME')


def volume_convolution(pose, kernel, flat):
    return tf.nn.conv3d(heatmaps.volume_heatmaps(pose, GRID, flat), kernel, [1] * 5, 'SAME')


@pytest.mark.parametrize('flat', [False, True])
@pytest.mark.parametrize('plain, convolved, shape', [
    (image_convolution, heatmaps.convolved_image_heatmaps, [7, 7, 16 * 19, 3]),
    (volume_convolution, heatmaps.convolved_volume_heatmaps, [3, 3, 3, 19, 4])])
def test_convolved_without_being_made_they_are_the_same_and_so_is_the_kernels_gradient(plain, convolved, shape, flat):
    pose, kernel = tf.constant(poses()), tf.random.normal(shape)
    upstream = tf.random.normal(plain(pose, kernel, flat).shape)
    results = []
    for function in (plain, lambda pose, kernel, flat: convolved(pose, GRID, kernel, flat)):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            value = function(pose, kernel, flat)
            loss = tf.reduce_mean(value * upstream)
        results.append((value, tape.gradient(loss, kernel)))
    (value, gradient), (found, found_gradient) = results
    np.testing.assert_allclose(found, value, atol=1e-5 * np.abs(value).max())
    np.testing.assert_allclose(found_gradient, gradient, atol=1e-5 * np.abs(gradient).max())
