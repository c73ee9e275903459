"""Affine fits of the body parts in the image plane, for the ablation that warps there (paper Table 1).

The torso and the head are fitted over their joints, a limb over the corners of a rectangle around its bone. The fits
are total least squares, in closed form for a whole batch.
"""

import tensorflow as tf

from repose_tf.shapes import check_pose, check_same_batch
from repose_tf.skeleton import HEAD_JOINTS, LIMB_BONES, TORSO_JOINTS, joint_indices
from repose_tf.warp import rotations

_HALF_WIDTH = 0.2  # of a limb's rectangle, in units of the 2D torso size
_START_EXTENSION = 0.1
_END_EXTENSIONS = tuple(0.3 if bone[1] in ('lwri', 'rwri', 'lank', 'rank') else 0.1 for bone in LIMB_BONES)
_RIDGE = 1e-9  # relative; keeps the normal equations solvable where all points lie on a line


def part_affines(source_pose_px, target_pose_px):
    """Fits an affine map of the image plane for every body part.

    Args:
      source_pose_px, target_pose_px: [B, J, 3] joints, px, each in its own image; z is ignored.

    Returns:
      source_from_target: [B, P, 3, 3] float32 homogeneous matrices on (x, y), px. No gradient flows to the
      poses. Where all target points lie on one line, the map across that line is arbitrary but finite.

    Raises:
      ShapeError: if a pose is not [B, J, 3] or the batches differ.
    """
    check_pose('source_pose_px', source_pose_px)
    check_pose('target_pose_px', target_pose_px)
    check_same_batch(source_pose_px=source_pose_px, target_pose_px=target_pose_px)
    source = tf.cast(tf.stop_gradient(source_pose_px), tf.float64)[..., :2]
    target = tf.cast(tf.stop_gradient(target_pose_px), tf.float64)[..., :2]

    fits = []
    for names in (TORSO_JOINTS, HEAD_JOINTS):
        indices = joint_indices(*names)
        fits.append(_fit(*(tf.gather(pose, indices, axis=1)[:, tf.newaxis] for pose in (source, target))))
    fits.append(_fit(_rectangles(source), _rectangles(target)))
    return tf.cast(tf.concat(fits, axis=1), tf.float32)


def _torso_size(pose):
    """Root mean square of the two shoulder-to-hip distances in 2D; [B, J, 2] -> [B, 1, 1]."""
    sides = (tf.gather(pose, joint_indices('rhip', 'lhip'), axis=1)
             - tf.gather(pose, joint_indices('rsho', 'lsho'), axis=1))
    return tf.sqrt(tf.reduce_sum(sides * sides, axis=[1, 2]) / 2.0)[:, tf.newaxis, tf.newaxis]


def _rectangles(pose):
    """Corners of a rectangle around each limb's bone; [B, J, 2] -> [B, 8, 4, 2]."""
    start, end = (tf.gather(pose, joint_indices(*names), axis=1) for names in zip(*LIMB_BONES, strict=True))
    start -= _START_EXTENSION * (end - start)
    end += tf.constant(_END_EXTENSIONS, pose.dtype)[:, tf.newaxis] * (end - start)
    direction = rotations.normalized(end - start)
    side = tf.stack([-direction[..., 1], direction[..., 0]], axis=-1) * _HALF_WIDTH * _torso_size(pose)
    return tf.stack([start - side, start + side, end - side, end + side], axis=2)


def _fit(source, target):
    """Total least squares affine map of points [B, P, N, 2], target -> source; [B, P, 3, 3].

    With both point sets centred and scaled to a root mean square radius of sqrt(2), as is usual for direct
    linear transforms (Hartley 1997), the homogeneous equations are solved by the eigenvector of the smallest
    eigenvalue of a 5x5 matrix; its last component is the homogeneous one.
    """
    source, source_centre, source_radius = _normalised(source)
    target, target_centre, target_radius = _normalised(target)
    square = tf.einsum('bpni,bpnj->bpij', target, target)  # [B, P, 2, 2]
    mixed = tf.einsum('bpni,bpnj->bpij', target, source)
    smallest = _smallest_eigenvalue(square, mixed, tf.reduce_sum(source * source, axis=[2, 3]))
    shift = (smallest - _RIDGE * tf.linalg.trace(square) - 1e-12)[..., tf.newaxis, tf.newaxis]
    linear = tf.linalg.matrix_transpose(_inverse(square - shift * tf.eye(2, dtype=square.dtype)) @ mixed)
    linear *= source_radius / target_radius
    translation = source_centre[:, :, 0] - tf.linalg.matvec(linear, target_centre[:, :, 0])
    upper = tf.concat([linear, translation[..., tf.newaxis]], axis=-1)
    last = tf.broadcast_to(tf.constant([[0.0, 0.0, 1.0]], upper.dtype), tf.shape(upper[..., :1, :]))
    return tf.concat([upper, last], axis=-2)


def _inverse(matrix):
    """Inverse of [..., 2, 2] matrices; NaN, and no error, where one holds a NaN."""
    adjugate = tf.linalg.trace(matrix)[..., tf.newaxis, tf.newaxis] * tf.eye(2, dtype=matrix.dtype) - matrix
    determinant = matrix[..., 0, 0] * matrix[..., 1, 1] - matrix[..., 0, 1] * matrix[..., 1, 0]
    return adjugate / determinant[..., tf.newaxis, tf.newaxis]


def _normalised(points):
    """Centres points [B, P, N, 2], divides them by their radius; returns them, the centre and the radius."""
    centre = tf.reduce_mean(points, axis=2, keepdims=True)
    points -= centre
    squared = tf.reduce_sum(points * points, axis=3, keepdims=True)
    radius = tf.maximum(tf.sqrt(tf.reduce_mean(squared, axis=2, keepdims=True) / 2), 1e-6)
    return points / radius, centre, radius


def _smallest_eigenvalue(square, mixed, energy):
    """Smallest eigenvalue of the homogeneous 5x5 matrix; square, mixed [B, P, 2, 2], energy [B, P]."""
    zeros = tf.zeros_like(square)
    x, y = -mixed[..., :1], -mixed[..., 1:]
    last = tf.concat([tf.linalg.matrix_transpose(x), tf.linalg.matrix_transpose(y),
                      energy[..., tf.newaxis, tf.newaxis]], axis=-1)
    matrix = tf.concat([tf.concat([square, zeros, x], axis=-1), tf.concat([zeros, square, y], axis=-1), last],
                       axis=-2)
    # The tiny addition lets points that all coincide pass: their matrix is 0.
    bound = tf.linalg.trace(matrix)[..., tf.newaxis, tf.newaxis] + 1e-12
    vector = rotations.dominant_eigenvector(bound * tf.eye(5, dtype=matrix.dtype) - matrix)
    return tf.reduce_sum(vector * tf.linalg.matvec(matrix, vector), axis=-1)
