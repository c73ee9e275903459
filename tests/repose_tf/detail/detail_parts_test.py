"""The small parts of the detail stream: the flow, doubling and halving, the choice between photos."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.detail import candidates, flow, surface_warp
from repose_tf.detail.scaling import doubled, halved
from repose_tf.detail.views import NUM_VIEWS
from tests.support.cases import person_poses

SIZE = 32


def test_a_flow_shows_what_lies_so_many_pixels_away():
    rng = np.random.default_rng(0)
    image = rng.uniform(size=(2, 7, 9, 3)).astype(np.float32)
    flow_px = rng.uniform(-3, 3, (2, 7, 9, 2)).astype(np.float32)
    found = flow.resampled(tf.constant(image), tf.constant(flow_px)).numpy()
    expected = np.zeros_like(image)
    for place in np.ndindex(2, 7, 9):  # pixel by pixel, each a mean of four with weights by distance
        sample, row, column = place
        y = np.clip(row + flow_px[place][1], 0, 6)
        x = np.clip(column + flow_px[place][0], 0, 8)
        for near_row in range(7):
            for near_column in range(9):
                weight = max(0, 1 - abs(near_row - y)) * max(0, 1 - abs(near_column - x))
                expected[place] += weight * image[sample, near_row, near_column]
    np.testing.assert_allclose(found, expected, atol=2e-3)  # the border is met 0.001 px early
    np.testing.assert_allclose(flow.resampled(image, np.zeros_like(flow_px))[:, :-1, :-1], image[:, :-1, :-1])


def test_the_gradient_of_a_flow_is_the_slope_of_the_picture():
    ramp = np.broadcast_to(np.float32(3) * np.arange(8) + 5 * np.arange(8)[:, None], (1, 8, 8))[..., None]
    flow_px = tf.fill([1, 8, 8, 2], 0.25)
    with tf.GradientTape() as tape:
        tape.watch(flow_px)
        shown = flow.resampled(tf.constant(ramp, tf.float32), flow_px)
    slopes = tape.gradient(shown, flow_px).numpy()[:, 1:-1, 1:-1]
    np.testing.assert_allclose(slopes, np.broadcast_to([3, 5], slopes.shape), atol=1e-4)


def test_doubling_keeps_places():
    # A straight slope over the picture stays that slope, away from the border.
    def slope(size):
        centres = (np.arange(size, dtype=np.float32) + 0.5) / size
        return np.broadcast_to(2 * centres + 3 * centres[:, None], (1, size, size))[..., None]

    np.testing.assert_allclose(doubled(tf.constant(slope(8)))[:, 1:-1, 1:-1], slope(16)[:, 1:-1, 1:-1], atol=1e-6)
    np.testing.assert_allclose(halved(tf.constant(slope(16))), slope(8), atol=1e-6)


def carried(images, source_poses_px, target_pose_px, count):
    depth_px = surface_warp.source_depth(
        source_poses_px, surface_warp.source_parts(source_poses_px, (SIZE, SIZE)))
    images = tf.stack([images] * NUM_VIEWS, axis=2)
    return candidates.carried(images, source_poses_px, target_pose_px, depth_px, tf.constant([count]))[0].numpy()


@pytest.fixture(scope='module')
def front_and_back():
    """A red photo from the front, a blue one from the back, [1, 2, ...], all person; and their poses."""
    front = person_poses(np.random.default_rng(3), 1, SIZE, spread=0.0)
    back = (front - SIZE / 2) * np.float32([-1, 1, -1]) + SIZE / 2 * np.float32([1, 1, 0])
    back[..., 2] = -front[..., 2]
    colours = np.zeros((1, 2, SIZE, SIZE, 4), np.float32)
    colours[:, 0, ..., 0] = colours[:, 1, ..., 2] = colours[..., 3] = 1.0
    return tf.constant(colours), tf.constant(np.stack([front, back], axis=1))


@pytest.mark.parametrize('side', [0, 1])
def test_each_side_of_a_person_comes_from_the_photo_that_shows_it(front_and_back, side):
    images, poses_px = front_and_back
    own = carried(images, poses_px, poses_px[:, side], 2)[..., 0, 0, :]
    seen = own[own[..., 4] > 0.9]
    assert len(seen) > 30
    assert np.median(seen[:, 2 * side]) > 0.8 and np.median(seen[:, 2 - 2 * side]) < 0.2


def test_photos_that_are_not_there_count_for_nothing_and_their_order_does_not_matter(front_and_back):
    images, poses_px = front_and_back
    target = poses_px[:, 1]
    alone = carried(images[:, :1], poses_px[:, :1], target, 1)
    np.testing.assert_allclose(carried(images, poses_px, target, 1), alone, atol=1e-5)
    np.testing.assert_allclose(carried(images[:, ::-1], poses_px[:, ::-1], target, 2),
                               carried(images, poses_px, target, 2), atol=1e-5)
