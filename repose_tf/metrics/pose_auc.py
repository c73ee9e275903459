"""Pose AUC@150mm: the share of joints of one pose that lie near those of another, over all limits of "near"."""

import numpy as np
import tensorflow as tf

from repose_tf.shapes import check_pose
from repose_tf.skeleton import JOINT_INDEX

THRESHOLDS_MM = np.arange(0, 151, 5)  # 31, as in MPI-INF-3DHP
_PELVIS = JOINT_INDEX['pelv']


def pose_auc(pose_mm, truth_mm):
    """Computes the area under the curve of correct joints over the thresholds 0, 5, ..., 150 mm.

    Both poses are moved to their own pelvis; they are not turned or scaled. A joint is correct at a threshold
    when its distance lies below it, d < t: one that is exactly 5 k mm off is wrong at 5 k mm and right at the next.
    So nothing is correct at 0 mm, and equal poses have 30/31 = 0.968, the largest value there is. For one joint this
    is max(0, 1 - floor(30 d / 150 + 1) / 31).

    All 19 joints count alike. The pelvis, always at distance 0, adds 30/31 of its nineteenth to every pose that was
    found; without it a value v would be (19 v - 30/31) / 18.

    Args:
      pose_mm: [B, 19, 3] mm, any origin. Joints that are NaN count as wrong at every threshold: 0 for a pose that is
        all NaN, where nobody was found, or whose pelvis is NaN.
      truth_mm: [B, 19, 3] mm, any origin.

    Returns:
      [B] float32 in [0, 30/31]; NaN where the truth has a NaN: there is nothing to compare with.

    Raises:
      ShapeError: the shapes are others.
    """
    pose_mm, truth_mm = tf.cast(pose_mm, tf.float64), tf.cast(truth_mm, tf.float64)
    check_pose('pose_mm', pose_mm)
    check_pose('truth_mm', truth_mm)
    offset = _about_pelvis(pose_mm) - _about_pelvis(truth_mm)
    distance = tf.sqrt(tf.reduce_sum(offset ** 2, axis=2))  # [B, J]
    # Compared and not divided: a quotient may be rounded up to the next threshold. With NaN it is never below.
    is_correct = distance[..., tf.newaxis] < tf.constant(THRESHOLDS_MM, tf.float64)
    auc = tf.reduce_mean(tf.cast(is_correct, tf.float32), axis=(1, 2))
    has_truth = tf.reduce_all(tf.math.is_finite(truth_mm), axis=(1, 2))
    return tf.where(has_truth, auc, np.float32(np.nan))


def _about_pelvis(pose):
    return pose - pose[:, _PELVIS, tf.newaxis]
