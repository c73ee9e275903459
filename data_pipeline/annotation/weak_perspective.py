"""Weak perspective: one scale per person and picture, which combines joints in px and in mm to a pose.

An estimator gives a person's joints twice: as points (x, y) in the picture, and in mm about the pelvis along the
camera's axes. A person is small against the distance to the camera, so the two differ by one scale and a shift:
    (x, y) = px_per_mm * (X, Y) + shift          (weak perspective)
The scale is the least-squares one over all joints; it then brings the depth to px: z = px_per_mm * (Z - Z_pelvis).
"""

import numpy as np

from data_pipeline.poses.pose_file import Pose
from repose_tf.skeleton import JOINT_INDEX

_PELVIS = JOINT_INDEX['pelv']


def fit_scale(joints_px, joints_mm):
    """Fits px_per_mm by least squares, the shift being free.

    Args:
      joints_px: [19, 2], (x, y) px.
      joints_mm: [19, 3], (X, Y, Z) mm, camera axes, any origin.

    Returns:
      px_per_mm, and the root mean square distance in px that remains. The scale is 0 or less if the two do not fit
      together, and NaN if all joints in mm lie on one line of sight.
    """
    points_px = np.asarray(joints_px, np.float64)
    points_mm = np.asarray(joints_mm, np.float64)[:, :2]
    points_px = points_px - points_px.mean(axis=0)
    points_mm = points_mm - points_mm.mean(axis=0)
    spread = np.sum(points_mm ** 2)
    if not spread:
        return np.nan, np.nan
    px_per_mm = np.sum(points_px * points_mm) / spread
    rest = points_px - px_per_mm * points_mm
    return float(px_per_mm), float(np.sqrt(np.mean(np.sum(rest ** 2, axis=1))))


def lift(joints_px, joints_mm, px_per_mm, tags=()):
    """Makes a pose of joints in px and in mm.

    Args:
      joints_px: [19, 2], (x, y) px; kept as they are, so that the pose lies on the picture.
      joints_mm: [19, 3] mm, camera axes.
      px_per_mm: above 0.
      tags: dict of further keys for poses.json.

    Returns:
      `pose_file.Pose` with z = 0 at the pelvis.
    """
    mm = np.asarray(joints_mm, np.float64)
    mm = mm - mm[_PELVIS]
    px = np.concatenate([joints_px, px_per_mm * mm[:, 2:]], axis=1)
    return Pose(px.astype(np.float32), px_per_mm, mm.astype(np.float32), dict(tags))
