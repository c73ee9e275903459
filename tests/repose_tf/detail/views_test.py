"""Torso and legs are taken from a photo without the arms before them; the arms, and all that they do not hide, stay."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.detail import surface_warp
from repose_tf.detail.views import VIEW_OF_PART, views
from repose_tf.skeleton import JOINT_INDEX, PART_NAMES
from tests.support.cases import STANDING_POSE_PX

SIZE = 256
ARM, BODY = np.float32([1, -1, -1]), np.float32([-1, 1, -1])
LOWER_ARM = PART_NAMES.index('left_lower_arm')


def with_left_hand_at(x, y, z):
    """A standing person whose left elbow and wrist, px, lie before the body, behind it or beside it."""
    pose_px = np.float32(STANDING_POSE_PX).copy()
    elbow, wrist = JOINT_INDEX['lelb'], JOINT_INDEX['lwri']
    pose_px[elbow], pose_px[wrist] = pose_px[elbow] * [1, 1, 0] + [0, 0, z], (x, y, z)
    return pose_px


def seen(pose_px):
    """Paints what is seen of the left lower arm red and all else of the person green; returns both views, the parts."""
    poses_px = tf.constant(pose_px[np.newaxis, np.newaxis])
    parts_px = surface_warp.source_parts(poses_px, (SIZE, SIZE))
    mask = np.isfinite(parts_px[0, 0]).any(axis=-1)
    nearest = np.where(mask, np.argmin(parts_px[0, 0], axis=-1), -1)
    image = np.where((nearest == LOWER_ARM)[..., np.newaxis], ARM, BODY)
    image[~mask] = 0
    found = views(tf.constant(image[np.newaxis, np.newaxis]), tf.constant(np.float32(mask)[None, None, ..., None]),
                  poses_px, parts_px)
    return found[0, 0].numpy(), nearest, mask, np.isfinite(parts_px[0, 0])


def torso_place():
    """The middle of the torso, px."""
    return STANDING_POSE_PX[[JOINT_INDEX[name] for name in ('lsho', 'rsho', 'lhip', 'rhip')], :2].mean(axis=0)


def test_behind_an_arm_before_the_body_the_bodys_colours_go_on():
    (whole, body), nearest, mask, parts = seen(with_left_hand_at(*torso_place(), -40))
    hidden = (nearest == LOWER_ARM) & parts[..., PART_NAMES.index('torso')]
    assert hidden.sum() > 200
    np.testing.assert_allclose(body[hidden, :3], np.broadcast_to(BODY, (hidden.sum(), 3)), atol=1e-3)
    np.testing.assert_array_equal(body[hidden, 3], 1)  # a person all the same
    np.testing.assert_array_equal(whole[mask, :3], np.where((nearest == LOWER_ARM)[..., None], ARM, BODY)[mask])


def test_an_arm_behind_the_body_hides_nothing():
    (whole, body), *_, parts = seen(with_left_hand_at(*torso_place(), 60))
    trunk = parts[..., PART_NAMES.index('torso')] & ~parts[..., 2:6].any(axis=-1)
    assert trunk.sum() > 1000
    np.testing.assert_array_equal(whole[trunk], body[trunk])


def test_an_arm_beside_the_body_is_none_of_it():
    x, y = torso_place()
    (whole, body), nearest, mask, parts = seen(with_left_hand_at(x + 75, y, 0))
    arm = (nearest == LOWER_ARM) & ~parts[..., VIEW_OF_PART.index(1)]
    alone = arm & ~parts[..., np.bool_(VIEW_OF_PART)].any(axis=-1)
    assert alone.sum() > 200
    assert whole[alone, 3].min() == 1 and body[alone, 3].max() == 0
    head = nearest == PART_NAMES.index('head')
    np.testing.assert_array_equal(whole[head], body[head])


@pytest.mark.parametrize('part', ['torso', 'right_upper_leg', 'left_lower_leg'])
def test_of_who_stands_with_hanging_arms_nearly_all_stays(part):
    (whole, body), nearest, *_ = seen(np.float32(STANDING_POSE_PX))
    of_part = nearest == PART_NAMES.index(part)
    assert VIEW_OF_PART[PART_NAMES.index(part)] == 1 and of_part.sum() > 200
    assert np.mean((np.abs(whole - body) > 1e-3)[of_part].any(axis=-1)) < 0.05


def test_arms_and_heads_are_taken_from_the_photo_as_it_is():
    assert [name for name, view in zip(PART_NAMES, VIEW_OF_PART, strict=True) if not view] == [
        'head', 'left_upper_arm', 'left_lower_arm', 'right_upper_arm', 'right_lower_arm']
