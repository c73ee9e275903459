"""Distances between poses, against known rotations, and against the tags that the shipped people carry."""

import json

import numpy as np
import pytest

from experiments.evaluation import pose_change
from repose_tf.skeleton import JOINT_INDEX
from tests.support.programs import ROOT


@pytest.fixture(scope='module')
def people():
    poses = json.loads((ROOT / 'data/people/poses.json').read_text())['poses']
    return {name: (np.array(pose['px']), pose) for name, pose in poses.items()}


def turned(pose, degrees):
    """Turns poses [N, 19, 3] about the vertical through their pelvis, the left side away from the camera."""
    angle = np.radians(degrees)
    rotation = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]])
    pelvis = pose[:, [JOINT_INDEX['pelv']]]
    return (pose - pelvis) @ rotation.T + pelvis


@pytest.mark.parametrize('degrees, expected', [(0, 0), (40, 40), (-40, 40), (180, 180), (200, 160), (355, 5)])
def test_a_turn_is_found_whatever_the_scale(people, degrees, expected):
    pose = np.stack([px for px, _ in list(people.values())[:20]])
    np.testing.assert_allclose(pose_change.turn_deg(pose, 3 * turned(pose, degrees)), expected, atol=1e-5)
    assert (pose_change.joint_change(pose, turned(pose, degrees)) > 0).all() == (degrees != 0)


def test_joint_change_is_in_torsos():
    pose = np.zeros((1, 19, 3))
    pose[0, JOINT_INDEX['neck'], 1] = -50
    moved = pose.copy()
    moved[0, JOINT_INDEX['lwri'], 2] = 19 * 50
    assert pose_change.joint_change(pose, moved) == pytest.approx(1)
    assert pose_change.joint_change(pose, moved + 7) == pytest.approx(1)  # the pelvis moves along


def test_turns_and_arms_agree_with_the_tags_of_the_rendered_people(people):
    px = np.stack([pose for pose, _ in people.values()])
    tags = [tags for _, tags in people.values()]
    yaw = np.array([tag['yaw_deg'] for tag in tags])
    expected = np.abs((yaw - yaw[0] + 180) % 360 - 180)
    assert np.median(np.abs(pose_change.turn_deg(np.broadcast_to(px[0], px.shape), px) - expected)) < 8
    over = pose_change.has_arm_over_torso(px)
    hidden = np.array([tag['pose'].startswith(('arms_front', 'arms_behind')) for tag in tags])
    spread = np.array([tag['pose'] in ('apose_front', 'arms_raised:tpose', 'arms_raised:overhead') for tag in tags])
    assert over[hidden].mean() > 0.7 and over[spread].mean() == 0
