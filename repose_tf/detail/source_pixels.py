"""Pixels of the sources, sampled between their centres and put where they are wanted, in one product of matrices.

Pixels are numbered through the batch, (source * H + row) * W + column. Outside of the picture everything is 0.

Example: in a picture with the values 0, 10, 20, 30 in a row, x = 1.75 px lies between the centres of pixels 1 (at 1.5)
and 2 (at 2.5), with weights 0.75 and 0.25: 12.5. At x = 4 px, half a pixel beyond the last centre, the value is 15.
"""

import numpy as np
import tensorflow as tf

from repose_tf.warp import sparse_warp


def nearest(source, y_px, x_px, size):
    """Returns the number of the pixel that holds each place, int32 [N], and whether it is in the picture, bool [N].

    Args:
      source: int32 [N].
      y_px, x_px: float32 [N], finite.
      size: (H, W).
    """
    row, column = tf.floor(y_px), tf.floor(x_px)
    inside_row, inside_column = (tf.clip_by_value(x, 0.0, axis - 1.0) for x, axis in zip((row, column), size))
    is_inside = (row == inside_row) & (column == inside_column)
    return (source * size[0] + tf.cast(inside_row, tf.int32)) * size[1] + tf.cast(inside_column, tf.int32), is_inside


def corners(source, y_px, x_px, size):
    """Returns the four pixels around places, int32 [4, N], and their weights, float32 [4, N]; arguments as above.

    Height and width are at least 2: a place near the border, or beyond, is given the outermost two rows and columns.
    """
    (row, row_weights), (column, column_weights) = (
        _first_of_two(x - 0.5, axis) for x, axis in zip((y_px, x_px), size))
    first = (source * size[0] + row) * size[1] + column
    weights = tf.stack([row * column for row in row_weights for column in column_weights])
    return first + np.int32([[0], [1], [size[1]], [size[1] + 1]]), weights


def _first_of_two(position, axis_size):
    """Returns the first of two neighbours on an axis, int32, and the weights of both, 0 from a distance of 1 on."""
    first = tf.clip_by_value(tf.floor(position), 0.0, axis_size - 2.0)
    beyond = position - first
    return tf.cast(first, tf.int32), [tf.nn.relu(1.0 - tf.abs(beyond - away)) for away in (0.0, 1.0)]


def sampled(pixels, corners, weights):
    """Returns samples [N, C] of pixels [M, C]; corners and weights [K, N]."""
    return tf.reduce_sum(tf.gather(pixels, corners) * weights[..., tf.newaxis], axis=0)


def carried(pixels, corners, weights, slots, num_slots, use_static_shapes=False):
    """Samples pixels and puts each sample into its slot.

    Args:
      pixels: [M, C], float32 or float64.
      corners, weights: int32 and float32 [K, N], the pixels that a sample is made of.
      slots: int32 [N], at most one sample for each; in static shapes negative for samples that are left out.
      num_slots: how many slots there are.
      use_static_shapes: True under XLA, which has no product with sparse matrices.

    Returns:
      [num_slots, C], 0 in slots without a sample. The gradient flows to `pixels` alone.
    """
    weights = tf.cast(weights, pixels.dtype)
    if use_static_shapes:
        return tf.math.unsorted_segment_sum(sampled(pixels, corners, tf.stop_gradient(weights)), slots, num_slots)
    indices = tf.bitcast(sparse_warp.pairs(slots, corners), tf.int32)
    shape = tf.cast(tf.stack([num_slots, tf.shape(pixels)[0]]), tf.int64)
    weights = tf.reshape(weights, [-1])

    @tf.custom_gradient
    def product(pixels):
        def times(rows, adjoint_a):
            return tf.raw_ops.SparseTensorDenseMatMul(
                a_indices=indices, a_values=weights, a_shape=shape, b=rows, adjoint_a=adjoint_a)
        return times(pixels, False), lambda upstream: times(upstream, True)

    return product(pixels)
