"""Dragging a joint: it goes where it shall as far as its bone reaches, and every bone keeps its length."""

import numpy as np
import pytest

from repose_tf.pose_edits import SWINGS, dragged, tilted
from repose_tf.skeleton import BONES, JOINT_INDEX, JOINT_NAMES, joint_indices
from tests.support.cases import person_poses

JOINTS = [name for name in JOINT_NAMES if name != 'pelv']


@pytest.fixture
def pose():
    return person_poses(np.random.default_rng(5), 1, 64)[0].astype(np.float32)


def lengths(pose_px):
    first, second = (pose_px[joint_indices(*names)] for names in zip(*BONES, strict=True))
    return np.linalg.norm(first - second, axis=1)


@pytest.mark.parametrize('share', [0.0, 0.6, 1.0, 50.0])  # of its distance from the joint it swings about
def test_a_dragged_joint_comes_as_near_as_its_bones_allow(pose, share):
    for joint in JOINTS:
        at, pivot = JOINT_INDEX[joint], pose[JOINT_INDEX[SWINGS[joint][0]]]
        way = np.linalg.norm(pose[at] - pivot) * np.array([0.6, -0.8])
        found = dragged(pose, joint, pivot[:2] + share * way)
        np.testing.assert_allclose(lengths(found), lengths(pose), rtol=1e-4, atol=1e-3, err_msg=joint)
        np.testing.assert_allclose(found[at, :2], pivot[:2] + min(share, 1) * way, atol=2e-3, err_msg=joint)


def test_a_limb_stays_on_its_side_of_the_picture(pose):
    """And comes towards us where it was in the plane of the picture."""
    elbow, wrist = joint_indices('lelb', 'lwri')
    for angle, sign in ((0.8, 1), (-0.8, -1), (0.0, -1)):
        tilt = tilted(pose, 'lwri', angle)
        found = dragged(tilt, 'lwri', tilt[elbow, :2] + [3, 1])
        assert np.sign(found[wrist, 2] - found[elbow, 2]) == sign


def test_nothing_moves_but_what_swings_along(pose):
    for joint, (pivot, moved) in SWINGS.items():
        still = np.setdiff1d(np.arange(len(pose)), joint_indices(*moved))
        assert JOINT_INDEX[joint] not in still and JOINT_INDEX[pivot] in still
        for found in (dragged(pose, joint, [10, 50]), tilted(pose, joint, 0.5)):
            np.testing.assert_array_equal(found[still], pose[still])
            assert np.abs(found - pose).max() > 0.1
        np.testing.assert_allclose(dragged(pose, joint, pose[JOINT_INDEX[joint], :2]), pose, atol=1e-3)


@pytest.mark.parametrize('angle', [-1.4, 0.0, 0.9])
def test_tilting_sets_the_depth_and_keeps_bones_and_the_direction_in_the_picture(pose, angle):
    for joint in JOINTS:
        at, pivot = JOINT_INDEX[joint], pose[JOINT_INDEX[SWINGS[joint][0]]]
        found = tilted(pose, joint, angle)
        np.testing.assert_allclose(lengths(found), lengths(pose), rtol=1e-4, atol=1e-3, err_msg=joint)
        bone, before = found[at] - pivot, pose[at] - pivot
        assert np.arcsin(bone[2] / np.linalg.norm(bone)) == pytest.approx(angle, abs=1e-3)
        turned = bone[0] * before[1] - bone[1] * before[0]
        assert turned == pytest.approx(0, abs=0.02) and bone[:2] @ before[:2] > 0


def test_the_pelvis_takes_everybody_along_and_keeps_the_depth(pose):
    found = dragged(pose, 'pelv', pose[JOINT_INDEX['pelv'], :2] + [4, -7])
    np.testing.assert_allclose(found - pose, np.tile([4, -7, 0], (len(pose), 1)), atol=1e-4)


def test_a_bone_that_points_at_us_or_turns_right_round_or_has_no_length(pose):
    elbow, wrist = joint_indices('lelb', 'lwri')
    pose[wrist] = pose[elbow] - [0, 0, 9]
    np.testing.assert_allclose(tilted(pose, 'lwri', 0.0)[wrist], pose[elbow] + [0, 9, 0], atol=1e-3)
    np.testing.assert_allclose(tilted(pose, 'lwri', np.pi / 2)[wrist], pose[elbow] + [0, 0, 9], atol=1e-3)
    pose[wrist] = pose[elbow]
    np.testing.assert_allclose(dragged(pose, 'lwri', [1, 2]), pose, atol=1e-4)
