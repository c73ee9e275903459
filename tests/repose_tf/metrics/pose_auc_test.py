"""Pose AUC against a closed form and a loop over the thresholds, and what happens at its edges."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.metrics.pose_auc import pose_auc
from repose_tf.shapes import ShapeError
from repose_tf.skeleton import JOINT_INDEX

PELVIS = JOINT_INDEX['pelv']
BEST = 30 / 31


def poses(seed=0, count=100):
    """Poses and others whose joints are 0 to 200 mm off, each about a pelvis of its own."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 400, (count, 19, 3))
    offset = rng.normal(size=truth.shape)
    offset *= rng.uniform(0, 200, (count, 19, 1)) / np.linalg.norm(offset, axis=2, keepdims=True)
    offset[:, PELVIS] = 0
    return truth + offset + rng.normal(0, 1000, (count, 1, 3)), truth


def distances(pose, truth):
    return np.linalg.norm((pose - pose[:, [PELVIS]]) - (truth - truth[:, [PELVIS]]), axis=2)


def off_by(distance_mm):
    """A pair of poses whose joints but the pelvis are so far apart, along x."""
    truth = np.zeros((1, 19, 3))
    pose = truth.copy()
    pose[:, :PELVIS, 0] = pose[:, PELVIS + 1:, 0] = distance_mm
    return pose, truth


def without_pelvis(value):
    return (19 * value - BEST) / 18


def test_it_equals_the_closed_form_and_a_loop():
    pose, truth = poses()
    found, distance = pose_auc(pose, truth), distances(pose, truth)
    assert found.dtype == tf.float32 and 0.1 < found.numpy().min() < found.numpy().max() < 0.9
    closed = np.maximum(0, 1 - np.floor(30 * distance / 150 + 1) / 31).mean(axis=1)
    looped = np.mean([(distance < 5 * step).mean(axis=1) for step in range(31)], axis=0)
    np.testing.assert_allclose(found, closed, atol=1e-6)
    np.testing.assert_allclose(found, looped, atol=1e-6)


@pytest.mark.parametrize('step', [0, 1, 7, 29, 30, 31])
def test_a_joint_at_a_threshold_is_wrong_there_and_right_at_the_next(step):
    value = without_pelvis(pose_auc(*off_by(5.0 * step))[0].numpy())
    np.testing.assert_allclose(value, max(0, 30 - step) / 31, atol=1e-6)
    if step:
        below = without_pelvis(pose_auc(*off_by(np.nextafter(5.0 * step, 0)))[0].numpy())
        np.testing.assert_allclose(below, max(0, 31 - step) / 31, atol=1e-6)


def test_where_the_body_stands_does_not_count_and_equal_poses_are_best():
    pose, truth = poses()
    np.testing.assert_array_equal(pose_auc(truth, truth), np.full(100, np.float32(BEST)))
    np.testing.assert_allclose(pose_auc(pose + 512, truth - 256), pose_auc(pose, truth), atol=1e-6)


def test_a_pose_that_was_not_found_is_zero_and_a_truth_that_was_not_found_is_no_number():
    pose, truth = poses(count=4)
    expected = pose_auc(pose, truth).numpy()
    pose[1] = truth[2, 3] = np.nan
    found = pose_auc(pose, truth).numpy()
    np.testing.assert_array_equal(found, [expected[0], 0, np.nan, expected[3]])
    equal = truth[3:].copy()
    equal[0, 4] = np.nan  # one joint alone
    np.testing.assert_allclose(pose_auc(equal, truth[3:]), [18 / 19 * BEST], atol=1e-6)


def test_other_shapes_are_refused():
    with pytest.raises(ShapeError, match='truth_mm'):
        pose_auc(np.zeros((2, 19, 3)), np.zeros((2, 18, 3)))
