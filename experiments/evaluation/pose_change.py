"""Measures of how hard a pair is: turns, moved joints, arms before or behind the torso.

Poses are [N, 19, 3] px: x right, y down, z away from the camera, of one scale; nothing here depends on the scale.
"""

import numpy as np

from repose_tf.skeleton import joint_indices

_LEFT, _RIGHT = joint_indices('lsho', 'lhip'), joint_indices('rsho', 'rhip')
_OUTLINE = joint_indices('lsho', 'rsho', 'rhip', 'lhip')
_ARMS = (joint_indices('lelb', 'lwri'), joint_indices('relb', 'rwri'))
_NECK, _PELVIS = joint_indices('neck', 'pelv')
_ALONG_FOREARM = (0.5, 1.0)  # its middle and the wrist


def turn_deg(source_pose_px, target_pose_px):
    """Angle by which the person turns about the vertical, from the line between its left and its right side.

    Args:
      source_pose_px, target_pose_px: [N, 19, 3] px.

    Returns:
      [N] float64, degrees in [0, 180].
    """
    difference = np.abs(_yaw(source_pose_px) - _yaw(target_pose_px)) % (2 * np.pi)
    return np.degrees(np.minimum(difference, 2 * np.pi - difference))


def facing_deg(pose_px):
    """Angle between where the person's chest points and the direction to the camera, about the vertical.

    Args:
      pose_px: [N, 19, 3] px.

    Returns:
      [N] float64, degrees in [0, 180]: 0 from the front, 180 from behind.
    """
    return np.degrees(np.abs(_yaw(pose_px)))


def joint_change(source_pose_px, target_pose_px):
    """Mean distance that the joints move relative to the pelvis, in lengths of the source's torso.

    Args:
      source_pose_px, target_pose_px: [N, 19, 3] px, at the same scale.

    Returns:
      [N] float64; the torso's length is that from the pelvis to the neck.
    """
    source, target = (pose - pose[:, _PELVIS, np.newaxis] for pose in map(_doubles, (source_pose_px, target_pose_px)))
    return np.linalg.norm(source - target, axis=2).mean(axis=1) / np.linalg.norm(source[:, _NECK], axis=1)


def has_arm_over_torso(pose_px):
    """Says in which poses, [N, 19, 3] px, a forearm is before or behind the torso, so that depth decides what is seen.

    Returns:
      [N] bool: the middle of a forearm or a wrist lies in the quadrangle of shoulders and hips.
    """
    pose_px = _doubles(pose_px)[..., :2]
    outline = pose_px[:, _OUTLINE]  # [N, 4, 2]
    found = np.zeros(len(pose_px), bool)
    for elbow, wrist in _ARMS:
        for share in _ALONG_FOREARM:
            found |= _inside(outline, pose_px[:, elbow] + share * (pose_px[:, wrist] - pose_px[:, elbow]))
    return found


def _yaw(pose_px):
    """Returns the direction of the line from the right to the left side about the vertical, [N] radians."""
    pose_px = _doubles(pose_px)
    across = (pose_px[:, _LEFT] - pose_px[:, _RIGHT]).sum(axis=1)
    return np.arctan2(across[:, 2], across[:, 0])


def _inside(corners, point):
    """Says which points [N, 2] lie inside quadrangles [N, 4, 2]: a ray to the right crosses an odd number of sides."""
    start, end = corners, np.roll(corners, -1, axis=1)
    y = point[:, np.newaxis, 1]
    crosses = (start[..., 1] > y) != (end[..., 1] > y)
    with np.errstate(divide='ignore', invalid='ignore'):
        at = start[..., 0] + (y - start[..., 1]) / (end[..., 1] - start[..., 1]) * (end[..., 0] - start[..., 0])
    return (crosses & (point[:, np.newaxis, 0] < at)).sum(axis=1) % 2 == 1


def _doubles(pose_px):
    return np.asarray(pose_px, np.float64)
