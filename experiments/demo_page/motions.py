"""Short movements to try a model with; the last pose leads on to the first.

They start from a body that stands facing us, x right, y down, z away from the camera. Only the directions of its bones
count: `pose_edits.with_proportions` gives them the lengths and the ground of a person.
"""

import numpy as np

from repose_tf.pose_edits import arm_raised, bent, rotated, turned
from repose_tf.skeleton import JOINT_INDEX, JOINT_NAMES, joint_indices

# Percent of the distance from nose to ankle: x, y, z of the middle and of the left side. The right side mirrors it.
_STANDING = {'neck': (0, -37, -2), 'nose': (0, -45, -11), 'pelv': (0, 0, 0),
             'sho': (11, -31, -2), 'elb': (20, -17, -2), 'wri': (27, -4, -5), 'hip': (7, 0, 0), 'kne': (9, 25, 0),
             'ank': (11, 52, 2), 'eye': (2, -47, -10), 'ear': (5, -45, -5)}
_BELOW = {'sho': ('elb', 'wri'), 'elb': ('wri',), 'hip': ('kne', 'ank'), 'kne': ('ank',)}
_AXES = {'forwards': (-1, 0, 0), 'outwards': (0, 0, -1)}  # a positive angle swings what hangs down this way
_STRIDES = 2


def standing():
    """Returns the pose of a person who stands facing us, float32 [19, 3], in no unit."""
    def place(name):
        if name in _STANDING:
            return _STANDING[name]
        x, y, z = _STANDING[name[1:]]
        return (x if name[0] == 'l' else -x), y, z
    return np.float32([place(name) for name in JOINT_NAMES])


def wave(phase):
    """Raises the right arm, waves three times, lowers it."""
    share = min(1, 4 * phase, 4 * (1 - phase))  # a quarter of the time up, a quarter down
    lifted = share ** 2 * (3 - 2 * share)  # begins and ends slowly
    pose = arm_raised(_arms_at_the_sides(standing()), 'r', lifted * 1.5)
    return _swung(pose, 'relb', 'outwards', lifted * (1.1 + 0.5 * np.sin(6 * np.pi * phase)))


def bow(phase):
    """Bows and comes up, seen half from the side; the arms hang."""
    angle = 1.1 * np.sin(np.pi * phase) ** 2
    pose = bent(_arms_at_the_sides(standing()), angle)
    for side in 'lr':
        pose = _swung(pose, f'{side}sho', 'forwards', 0.8 * angle)
    return turned(pose, np.deg2rad(45))


def steps(phase):
    """Walks four steps on the spot, seen half from the side."""
    pose = _arms_at_the_sides(standing())
    for side, lag in (('l', 0), ('r', np.pi)):
        angle = 2 * np.pi * _STRIDES * phase + lag
        pose = _swung(pose, f'{side}hip', 'outwards', -0.07)
        pose = _swung(pose, f'{side}hip', 'forwards', 0.1 + 0.45 * np.sin(angle))
        pose = _swung(pose, f'{side}kne', 'forwards', -0.1 - 0.8 * max(0, np.cos(angle)))  # of the leg that swings
        pose = _swung(pose, f'{side}sho', 'forwards', -0.4 * np.sin(angle))
        pose = _swung(pose, f'{side}elb', 'forwards', 0.4 - 0.2 * np.sin(angle))
    return turned(pose, np.deg2rad(50))


MOTIONS = {'wave': wave, 'bow': bow, 'a few steps': steps}


def motion_poses(name, num_frames):
    """Returns a movement of MOTIONS as float32 [num_frames, 19, 3], in no unit."""
    return np.stack([MOTIONS[name](index / num_frames) for index in range(num_frames)]).astype(np.float32)


def _arms_at_the_sides(pose):
    return arm_raised(arm_raised(pose, 'l', -0.35), 'r', -0.35)


def _swung(pose, joint, way, angle):
    """Swings what hangs from a joint of a person who faces us, radians; see _AXES."""
    side, below = joint[0], _BELOW[joint[1:]]
    axis = np.array(_AXES[way]) * (-1 if way == 'outwards' and side == 'r' else 1)
    return rotated(pose, joint_indices(*(side + name for name in below)), pose[JOINT_INDEX[joint]], axis, angle)
