"""Rotations as unit quaternions (w, x, y, z): batched, branch-free, in closed form."""

import tensorflow as tf

# Repeated squaring resolves two eigenvalues whose ratio differs from 1 by more than about 2^-_SQUARINGS.
_SQUARINGS = 26


def normalized(vectors, epsilon=1e-12):
    """Returns [..., N] vectors scaled to length 1; vectors shorter than about `epsilon` shrink to 0."""
    length = tf.norm(vectors, axis=-1, keepdims=True)
    return vectors / tf.maximum(length, tf.cast(epsilon, vectors.dtype))


def matrix_from_quaternion(quaternion):
    """Returns the rotation matrix [..., 3, 3] of a unit quaternion [..., 4] (w, x, y, z)."""
    w, x, y, z = tf.unstack(quaternion, axis=-1)
    rows = [[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]]
    return tf.stack([tf.stack(row, axis=-1) for row in rows], axis=-2)


def multiply(left, right):
    """Returns the quaternion product left * right of [..., 4]: first `right` rotates, then `left`."""
    w1, v1 = left[..., :1], left[..., 1:]
    w2, v2 = right[..., :1], right[..., 1:]
    w = w1 * w2 - tf.reduce_sum(v1 * v2, axis=-1, keepdims=True)
    return tf.concat([w, w1 * v2 + w2 * v1 + tf.linalg.cross(v1, v2)], axis=-1)


def swing(start, end, fallback_axis):
    """Returns the smallest rotation that turns one direction into another.

    Args:
      start: [..., 3] unit vectors.
      end: [..., 3] unit vectors.
      fallback_axis: [..., 3] the axis for half turns, where every axis orthogonal to `start` would do.

    Returns:
      [..., 4] unit quaternions with start -> end.
    """
    cosine = tf.reduce_sum(start * end, axis=-1, keepdims=True)
    quaternion = tf.concat([1.0 + cosine, tf.linalg.cross(start, end)], axis=-1)
    # Only the part of the fallback axis that is orthogonal to `start` gives a half turn of it; where
    # nothing is left of it, the coordinate axis that is least parallel to `start` stands in.
    coordinate = tf.one_hot(tf.argmin(tf.abs(start), axis=-1), 3, dtype=start.dtype)
    axis = _orthogonal_part(fallback_axis, start)
    short = tf.norm(axis, axis=-1, keepdims=True) < 1e-3
    axis = tf.where(short, _orthogonal_part(coordinate, start), axis)
    half_turn = tf.concat([tf.zeros_like(cosine), normalized(axis)], axis=-1)
    return normalized(tf.where(cosine < -1.0 + 1e-6, half_turn, quaternion))


def _orthogonal_part(vectors, directions):
    return vectors - directions * tf.reduce_sum(vectors * directions, axis=-1, keepdims=True)


def blend(first, second, weight):
    """Blends two rotations: `weight` 1 gives `first`, 0 gives `second`.

    Args:
      first, second: [..., 4] unit quaternions.
      weight: [...] in [0, 1].

    Returns:
      [..., 4] unit quaternions on the shorter arc between the two.
    """
    sign = tf.where(tf.reduce_sum(first * second, axis=-1, keepdims=True) < 0.0, -1.0, 1.0)
    sign = tf.cast(sign, first.dtype)
    weight = weight[..., tf.newaxis]
    return normalized(weight * first + (1.0 - weight) * sign * second)


def best_rotation(covariance):
    """Returns the proper rotation R that maximises tr(R covariance), the core of a Helmert fit.

    Horn 1987 (Closed-form solution of absolute orientation using unit quaternions): the quaternion
    is the eigenvector of the largest eigenvalue of a symmetric 4x4 matrix. No iteration count depends
    on the data, nothing branches, and R is never a reflection.

    Args:
      covariance: [..., 3, 3] float64, sum over points of source_centred target_centred^T where
        R turns source points into target points.

    Returns:
      [..., 4] unit quaternions; the identity where the covariance is 0.
    """
    s = covariance
    off = tf.stack([s[..., (i + 1) % 3, (i + 2) % 3] - s[..., (i + 2) % 3, (i + 1) % 3]
                    for i in range(3)], axis=-1)
    trace = tf.linalg.trace(s)[..., tf.newaxis, tf.newaxis]
    lower = s + tf.linalg.matrix_transpose(s) - trace * tf.eye(3, dtype=s.dtype)
    top = tf.concat([trace, off[..., tf.newaxis, :]], axis=-1)
    matrix = tf.concat([top, tf.concat([off[..., tf.newaxis], lower], axis=-1)], axis=-2)  # [..., 4, 4]

    # A shift by the norm makes all eigenvalues positive, so that the largest one dominates the powers.
    # The tiny preference for w decides where all eigenvalues are equal.
    size = tf.norm(matrix, axis=[-2, -1], keepdims=True)
    preference = tf.linalg.diag(tf.constant([1e-14, 0.0, 0.0, 0.0], s.dtype))
    return dominant_eigenvector(tf.math.divide_no_nan(matrix, size) + tf.eye(4, dtype=s.dtype) + preference)


def dominant_eigenvector(matrix):
    """Returns the unit eigenvector of the largest eigenvalue, by squaring the matrix again and again.

    Args:
      matrix: [..., N, N] float64, symmetric, no negative eigenvalues.

    Returns:
      [..., N]; where the largest eigenvalue is multiple, some vector of its eigenspace.
    """
    for _ in range(_SQUARINGS):
        matrix /= tf.linalg.trace(matrix)[..., tf.newaxis, tf.newaxis]
        matrix = matrix @ matrix
    column = tf.argmax(tf.linalg.diag_part(matrix), axis=-1)
    return normalized(tf.gather(matrix, column, axis=-1, batch_dims=len(matrix.shape) - 2))
