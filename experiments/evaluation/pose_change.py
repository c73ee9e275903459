"""How far a pose is from another, and whether arms cover the body or are covered by it: what makes a pair hard.

Poses are [N, 19, 3] px: x right, y down, z away from the camera, of one scale; nothing here depends on the scale.
"""

import numpy as np

from repose_tf.skeleton import joint_indices

_LEFT, _RIGHT = joint_indices('lsho', 'lhip'), joint_indices('rsho', 'rhip')
_OUTLINE = joint_indices('lsho', 'rsho', 'rhip', 'lhip')
_ARMS = (joint_indices('lelb', 'lwri'), joint_indices('relb', 'rwri'))
_NECK, _PELVIS = joint_indices('neck', 'pelv')
_ALONG_FOREARM = (0.5, 1.0)  # its middle and the wrist


def turn_deg(source_px, target_px):
    """Angle by which the person has turned about the vertical, from the line between its left and its right side.

    Args:
      source_px: [N, 19, 3] px.
      target_px: likewise.

    Returns:
      [N] float64, degrees in [0, 180].
    """
    difference = np.abs(_yaw(source_px) - _yaw(target_px)) % (2 * np.pi)
    return np.degrees(np.minimum(difference, 2 * np.pi - difference))


def joint_change(source_px, target_px):
    """Mean distance of the joints from where they were, relative to the pelvis, in lengths of the source's torso.

    Args:
      source_px: [N, 19, 3] px.
      target_px: likewise, at the same scale.

    Returns:
      [N] float64; the torso's length is that from the pelvis to the neck.
    """
    source, target = (pose - pose[:, _PELVIS, np.newaxis] for pose in map(_doubles, (source_px, target_px)))
    return np.linalg.norm(source - target, axis=2).mean(axis=1) / np.linalg.norm(source[:, _NECK], axis=1)


def has_arm_over_torso(pose_px):
    """Says where a forearm is before or behind the torso, as the camera sees it: depth decides which is seen.

    Args:
      pose_px: [N, 19, 3] px.

    Returns:
      [N] bool: the middle of a forearm or a wrist lies in the quadrangle of shoulders and hips.
    """
    pose = _doubles(pose_px)[..., :2]
    outline = pose[:, _OUTLINE]  # [N, 4, 2]
    found = np.zeros(len(pose), bool)
    for elbow, wrist in _ARMS:
        for share in _ALONG_FOREARM:
            found |= _inside(outline, pose[:, elbow] + share * (pose[:, wrist] - pose[:, elbow]))
    return found


def _yaw(pose_px):
    """Returns the direction of the line from the right to the left side about the vertical, [N] radians."""
    pose = _doubles(pose_px)
    across = (pose[:, _LEFT] - pose[:, _RIGHT]).sum(axis=1)
    return np.arctan2(across[:, 2], across[:, 0])


def _inside(corners, point):
    """Says which points [N, 2] lie inside of quadrangles [N, 4, 2], by how often a ray to the right leaves them."""
    start, end = corners, np.roll(corners, -1, axis=1)
    y = point[:, np.newaxis, 1]
    crosses = (start[..., 1] > y) != (end[..., 1] > y)
    with np.errstate(divide='ignore', invalid='ignore'):
        at = start[..., 0] + (y - start[..., 1]) / (end[..., 1] - start[..., 1]) * (end[..., 0] - start[..., 0])
    return (crosses & (point[:, np.newaxis, 0] < at)).sum(axis=1) % 2 == 1


def _doubles(pose):
    return np.asarray(pose, np.float64)
