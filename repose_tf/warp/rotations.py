"""Rotations as unit quaternions (w, x, y, z).

Example: a quarter turn about z is (cos 45 deg, 0, 0, sin 45 deg) and takes (1, 0, 0) to (0, 1, 0). All functions work
on batches, and no number of iterations depends on the data.
"""

import numpy as np
import tensorflow as tf

# Repeated squaring resolves two eigenvalues whose ratio differs from 1 by more than about 2^-_SQUARINGS.
_SQUARINGS = 26


def normalized(vectors, epsilon=1e-12):
    """Returns [..., N] vectors scaled to length 1; vectors shorter than about `epsilon` shrink to 0."""
    return tf.math.l2_normalize(vectors, axis=-1, epsilon=epsilon ** 2)


def _product_table():
    """Returns an array [4, 4, 4]: element [m, n] is the product of the m-th and the n-th of the units 1, i, j, k."""
    table = np.zeros([4, 4, 4])
    for i, j, k in ((1, 2, 3), (2, 3, 1), (3, 1, 2)):
        table[i, j, k], table[j, i, k] = 1.0, -1.0
        table[0, i, i] = table[i, 0, i] = 1.0
        table[i, i, 0] = -1.0
    table[0, 0, 0] = 1.0
    return table


def cross(left, right):
    """Returns the cross products of [..., 3], without the operation of that name, which is TensorFlow's alone."""
    left, right = tf.unstack(left, axis=-1), tf.unstack(right, axis=-1)
    return tf.stack([left[one] * right[two] - left[two] * right[one] for one, two in ((1, 2), (2, 0), (0, 1))],
                    axis=-1)


# A rotation matrix is quadratic in its quaternion: R = sum of q_i q_j _ROTATION[i, j], from v' = q v q*.
_PRODUCT = _product_table()
_ROTATION = np.einsum('ibm,mja,j->ijab', _PRODUCT[:, 1:], _PRODUCT[:, :, 1:], [1.0, -1.0, -1.0, -1.0])


def matrix_from_quaternion(quaternion):
    """Returns the rotation matrix [..., 3, 3] of a unit quaternion [..., 4] (w, x, y, z)."""
    pairs = quaternion[..., :, tf.newaxis] * quaternion[..., tf.newaxis, :]
    return tf.reduce_sum(_with_axes(pairs, (-1, -1)) * _ROTATION, axis=[-4, -3])


def _with_axes(x, places):
    """Returns a tensor with more axes of size 1; TensorFlow Lite takes no slice that has six axes."""
    for place in places:
        x = tf.expand_dims(x, place)
    return x


def multiply(left, right):
    """Returns the quaternion product left * right of [..., 4]: first `right` rotates, then `left`."""
    pairs = left[..., :, tf.newaxis] * right[..., tf.newaxis, :]
    return tf.reduce_sum(pairs[..., tf.newaxis] * _PRODUCT, axis=[-3, -2])


def swing(start, end, fallback_axis):
    """Returns the smallest rotation that turns one direction into another.

    Args:
      start, end: [..., 3] unit vectors.
      fallback_axis: [..., 3] axis of half turns, for which every axis orthogonal to `start` would do.

    Returns:
      [..., 4] unit quaternions with start -> end.
    """
    cosine = tf.reduce_sum(start * end, axis=-1, keepdims=True)
    quaternion = tf.concat([1.0 + cosine, cross(start, end)], axis=-1)
    # Only the part of the fallback axis that is orthogonal to `start` gives a half turn of it; where nothing is left of
    # it, the coordinate axis that is least parallel to `start` stands in.
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

    Horn 1987 (Closed-form solution of absolute orientation using unit quaternions): the quaternion is the eigenvector
    of the largest eigenvalue of a symmetric 4x4 matrix. R is never a reflection.

    Args:
      covariance: [..., 3, 3], sum over points of source_centred target_centred^T where
        R turns source points into target points.

    Returns:
      [..., 4] unit quaternions; the identity where the covariance is 0.
    """
    # tr(R covariance) = q^T matrix q
    symmetric = (_ROTATION + np.swapaxes(_ROTATION, 0, 1)) / 2
    transposed = _with_axes(tf.linalg.matrix_transpose(covariance), (-3, -3))
    matrix = tf.reduce_sum(symmetric * transposed, axis=[-2, -1])  # [..., 4, 4]

    # A shift by the norm makes all eigenvalues positive, so that the largest one dominates the powers.
    # The tiny preference for w decides where all eigenvalues are equal.
    size = tf.norm(matrix, axis=[-2, -1], keepdims=True)
    preference = 1e-14 if matrix.dtype == tf.float64 else 1e-6
    return dominant_eigenvector(tf.math.divide_no_nan(matrix, size) + np.diag([1.0 + preference, 1.0, 1.0, 1.0]))


def dominant_eigenvector(matrix):
    """Returns the unit eigenvector of the largest eigenvalue, by squaring the matrix again and again.

    Args:
      matrix: [..., N, N], symmetric, no negative eigenvalues.

    Returns:
      [..., N]; where several eigenvalues are the largest, any vector of their eigenspace.
    """
    for squaring in range(_SQUARINGS):
        # With trace 1 the largest eigenvalue is at least 1 / N: after five squarings no underflow yet.
        if squaring % 5 == 0:
            matrix /= tf.reduce_sum(_diagonal(matrix), axis=-1)[..., tf.newaxis, tf.newaxis]
        matrix = matrix @ matrix
    column = tf.one_hot(tf.argmax(_diagonal(matrix), axis=-1), matrix.shape[-1], dtype=matrix.dtype)
    return normalized(tf.reduce_sum(matrix * column[..., tf.newaxis, :], axis=-1))


def _diagonal(matrix):
    """Returns the diagonal of [..., N, N] by a sum: other runtimes than TensorFlow lack its own operation."""
    return tf.reduce_sum(matrix * np.eye(matrix.shape[-1]), axis=-1)
