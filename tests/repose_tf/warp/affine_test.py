"""The fits of the image plane against scikit-image's total least squares."""

import numpy as np
import pytest
import skimage.transform
import tensorflow as tf

from repose_tf.skeleton import HEAD_JOINTS, JOINT_INDEX, LIMB_BONES, NUM_PARTS, TORSO_JOINTS
from repose_tf.warp import affine
from tests.support import cases
from tests.support.cases import STANDING_POSE_PX


def fit(source, target):
    return affine.part_affines(tf.constant(source, tf.float32), tf.constant(target, tf.float32)).numpy()


def rectangle(pose, start, end):
    """Corners around a limb: moved out by a tenth at the start, then by a tenth or three at the end."""
    joint = {name: pose[index, :2].astype(np.float64) for name, index in JOINT_INDEX.items()}
    size = np.sqrt((np.sum((joint['rhip'] - joint['rsho']) ** 2)
                    + np.sum((joint['lhip'] - joint['lsho']) ** 2)) / 2)
    a, b = joint[start], joint[end]
    a = a - 0.1 * (b - a)
    b = b + (0.3 if end[1:] in ('wri', 'ank') else 0.1) * (b - a)
    direction = (b - a) / np.linalg.norm(b - a)
    side = np.array([-direction[1], direction[0]]) * 0.2 * size
    return np.array([a - side, a + side, b - side, b + side])


def part_points(pose):
    """The points of every part's fit, in the order of the parts."""
    joints = [pose[[JOINT_INDEX[name] for name in names], :2] for names in (TORSO_JOINTS, HEAD_JOINTS)]
    return joints + [rectangle(pose, *bone) for bone in LIMB_BONES]


def test_fits_equal_scikit_image():
    rng = np.random.default_rng(0)
    source, target = cases.person_poses(rng, 60), cases.person_poses(rng, 60)
    found = fit(source, target)
    for sample in range(len(source)):
        pairs = zip(part_points(target[sample]), part_points(source[sample]), strict=True)
        for part, (points, goals) in enumerate(pairs):
            expected = skimage.transform.AffineTransform.from_estimate(
                points.astype(np.float64), goals.astype(np.float64))
            moved = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ found[sample, part].T
            np.testing.assert_allclose(moved[:, :2], expected(points), atol=0.05)  # px
            np.testing.assert_array_equal(found[sample, part, 2], [0, 0, 1])


def test_an_affine_map_of_the_whole_image_is_found_by_the_joint_groups():
    rng = np.random.default_rng(1)
    target = cases.person_poses(rng, 20)
    linear = np.array([[0.9, 0.3], [-0.2, 1.4]])
    source = target.copy()
    source[..., :2] = target[..., :2] @ linear.T + [5.0, -7.0]
    found = fit(source, target)[:, :2]
    np.testing.assert_allclose(found[..., :2, :2], np.broadcast_to(linear, (20, 2, 2, 2)), atol=1e-3)


def test_a_moved_person_moves_every_part_alike():
    rng = np.random.default_rng(2)
    target = cases.person_poses(rng, 20)
    source = target + np.float32([12, -5, 30])
    expected = np.broadcast_to([[1, 0, 12], [0, 1, -5], [0, 0, 1]], (20, NUM_PARTS, 3, 3))
    np.testing.assert_allclose(fit(source, target), expected, atol=2e-2)


def test_no_pose_gives_nan():
    poses = np.stack([STANDING_POSE_PX, np.full_like(STANDING_POSE_PX, 50.0), STANDING_POSE_PX * [1, 0, 1],
                      np.where(np.arange(19)[:, None] == JOINT_INDEX['lwri'],
                               STANDING_POSE_PX[JOINT_INDEX['lelb']], STANDING_POSE_PX)])
    source, target = (np.reshape(x, (-1, *poses.shape[1:])) for x in
                      np.broadcast_arrays(poses[:, None], poses[None]))
    assert np.all(np.isfinite(fit(source, target)))


@pytest.mark.parametrize('swapped', [False, True])
def test_poses_get_no_gradient(swapped):
    poses = [tf.constant(pose) for pose in cases.person_poses(np.random.default_rng(3), 2)[:, None]]
    with tf.GradientTape() as tape:
        tape.watch(poses)
        result = affine.part_affines(*(poses[::-1] if swapped else poses))
    assert tape.gradient(result, poses) == [None, None]
