"""The back of a head has the colours of the crown, and a head that shows a side has its mirror image."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.detail.surface_warp import warp
from repose_tf.skeleton import JOINT_INDEX, PART_NAMES
from repose_tf.warp import body_parts
from tests.support.cases import STANDING_POSE_PX

SIZE = 256
HEAD = PART_NAMES.index('head')
HEAD_JOINTS = [JOINT_INDEX[name] for name in ('nose', 'leye', 'reye', 'lear', 'rear')]
HAIR, FACE = np.float32([0, 1, 0]), np.float32([1, 0, 0])


def standing(turn=0.0):
    """A standing person, turned about the upright axis through the neck, radians."""
    pose = np.float32(STANDING_POSE_PX).copy()
    axis = pose[JOINT_INDEX['neck']]
    x, y, z = np.moveaxis(pose - axis, -1, 0)
    turned = np.stack([x * np.cos(turn) - z * np.sin(turn), y, x * np.sin(turn) + z * np.cos(turn)], axis=-1) + axis
    return np.float32(turned)


def photo(pose, hairline):
    """A picture that is hair above the hairline, in torsos above the ears, and face below it."""
    ears = pose[[JOINT_INDEX['lear'], JOINT_INDEX['rear']], 1].mean()
    row = ears - hairline * float(body_parts.torso_size(pose[None])[0])
    return np.where(np.arange(SIZE)[:, None, None] < row, HAIR, FACE) * np.ones((1, SIZE, 1), np.float32)


def second_samples(image, source, target):
    """Returns the second samples of the pixels whose nearest part is the head, and whether they are visible."""
    found = warp(tf.constant(image[None, None]), tf.constant(source[None, None]), tf.constant(target[None]))
    is_head = (found['part'].numpy()[0, ..., 0] == HEAD) & (found['ring'].numpy()[0, ..., 0] == 0)
    assert is_head.sum() > 300
    return found['values'].numpy()[0, 0, ..., 0, 1, :][is_head], found['visible'].numpy()[0, 0, ..., 0, 1][is_head]


@pytest.mark.parametrize('turn', [np.pi, np.pi / 2, -np.pi / 2])
@pytest.mark.parametrize('hairline', [0.12, 0.17])
def test_all_of_a_head_that_faced_the_camera_may_have_hair(turn, hairline):
    samples, visible = second_samples(photo(standing(), hairline), standing(), standing(turn))
    np.testing.assert_allclose(samples, np.broadcast_to(HAIR, samples.shape), atol=1e-5)
    assert visible.all()


def test_what_is_aside_on_the_head_is_aside_on_the_crown():
    columns = np.linspace(-1, 1, SIZE, dtype=np.float32)[None, :, None] * np.ones((SIZE, 1, 1), np.float32)
    samples, _ = second_samples(columns, standing(), standing(np.pi))
    width = float(body_parts.torso_size(standing()[None])[0]) * 2 / SIZE
    assert 0.05 * width < np.ptp(samples) < 0.2 * width


@pytest.mark.parametrize('turn', [0.8, -0.8])
def test_a_head_that_shows_a_side_gives_the_other_one(turn):
    samples, _ = second_samples(photo(standing(turn), 0.05), standing(turn), standing(-turn))
    assert samples[:, 0].mean() > 0.3  # much of it is face


def test_a_head_at_no_place_is_no_trouble():
    source = standing()
    source[HEAD_JOINTS] = source[JOINT_INDEX['neck']]
    found = warp(tf.zeros([1, 1, SIZE, SIZE, 3]), tf.constant(source[None, None]), tf.constant(standing()[None]))
    assert np.isfinite(found['values'].numpy()).all()
