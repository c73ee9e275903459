"""A clip of somebody who walks and jumps, of any bone lengths: what rests is placed first, the body follows it."""

import numpy as np

from experiments.demo_page.motions import steps
from repose_tf.skeleton import BONES, JOINT_INDEX, joint_indices

FPS = 25
WALK, JUMP = 50, 16  # frames
JUMP_LEGS, FORWARD_LEGS = 0.4, 0.5  # height and width of the jump, lengths of a leg
_LEG_BONES = [index for index, (_, child) in enumerate(BONES) if child[1:] in ('kne', 'ank')]
_ANKLES, PELVIS = joint_indices('lank', 'rank'), JOINT_INDEX['pelv']


def own_lengths():
    """Returns the lengths [bones] of the body, px of a picture of 256."""
    pose = steps(0.0)
    first, second = (pose[joint_indices(*names)] for names in zip(*BONES, strict=True))
    return np.linalg.norm(first - second, axis=1) * 1.5


def leg(lengths):
    """Returns the mean length of a leg."""
    return lengths[_LEG_BONES].sum() / 2


def standing_feet():
    """Returns which ankle rests in every step between two frames, 0 left, 1 right; -1: none."""
    middles = (np.arange(WALK) + 0.5) / WALK
    return np.concatenate([np.where(np.cos(4 * np.pi * middles) < 0, 0, 1), np.full(JUMP, -1)])


def walk(lengths, start_px=(60.0, 200.0)):
    """Walks to the right, then jumps; returns float64 [T, 19, 3] px: feet rest where they rest, whatever the lengths.

    Args:
      lengths: [bones].
      start_px: x of the pelvis in the first frame, and y of the ground, where the lower ankle is.
    """
    phases = np.minimum(np.arange(WALK + 1 + JUMP) / WALK, 1)
    poses = np.stack([_with_lengths(steps(phase), lengths) for phase in phases])
    poses -= poses[:, [PELVIS]]
    x, place = 0.0, np.zeros((len(poses), 2))
    feet = standing_feet()
    for index, foot in enumerate(feet):
        rel = poses[index:index + 2, _ANKLES[foot], 0]
        x += rel[0] - rel[1] if foot >= 0 else FORWARD_LEGS * leg(lengths) / JUMP
        place[index + 1, 0] = x
    place[:, 1] = -poses[:, _ANKLES, 1].max(axis=1)
    times = np.arange(JUMP + 1) / JUMP
    place[WALK:, 1] -= 4 * JUMP_LEGS * leg(lengths) * times * (1 - times)
    poses[..., :2] += (place + start_px)[:, np.newaxis]
    return poses


def _with_lengths(pose, lengths):
    result = np.zeros(pose.shape)
    for (first, second), length in zip(BONES, lengths, strict=True):
        bone = pose[JOINT_INDEX[second]] - pose[JOINT_INDEX[first]]
        result[JOINT_INDEX[second]] = result[JOINT_INDEX[first]] + bone / np.linalg.norm(bone) * length
    return result
