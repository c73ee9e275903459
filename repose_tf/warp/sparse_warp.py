"""The warped features, computed from the candidates alone.

Forward, each candidate is interpolated, and at each voxel the largest value wins. Backward, only the source voxels of
the winner get a gradient.

Example: two of ten parts are candidates at a voxel, with the values -1 and 3 in one channel. The other eight parts
count as 0, so the result is 3, and its gradient goes to the source voxels of the second candidate, by their weights.
With -1 and -3 the result would be 0, without a gradient.
"""

import sys

import tensorflow as tf


def warp_rows(rows, candidates, use_static_shapes=False):
    """Returns for each target voxel the largest value of any part, channel by channel.

    A part that is no candidate at a voxel counts as 0 there. So a negative value wins only where all parts are
    candidates. Of equal values the first candidate's wins; where a candidate is 0, no gradient flows.

    Args:
      rows: [B * H * W * D, C] the volume, float32 or float64.
      candidates: `Candidates`.
      use_static_shapes: True under XLA, which needs sizes that are known beforehand.

    Returns:
      [B * H * W * D, C]. The gradient flows to `rows` alone.
    """
    @tf.custom_gradient
    def warp(rows):
        make_resampling = _StaticResampling if use_static_shapes else _Resampling
        resampling = make_resampling(candidates, tf.shape(rows)[0], rows.dtype)
        contest = _Contest(candidates, resampling.apply(rows), use_static_shapes)
        scope = tf.get_current_name_scope()

        def gradient(upstream):
            with tf.name_scope(f'{scope}/gradient/' if scope else 'gradient'):  # a profile then shows where it belongs
                return resampling.transposed(contest.winnings(upstream))

        return contest.result(), gradient

    return warp(rows)


class _Resampling:
    """The interpolation as a sparse matrix [N, B * voxels], of the corners with a weight."""

    def __init__(self, candidates, num_rows, dtype):
        num_candidates = tf.shape(candidates.voxels)[0]
        weights = tf.reshape(candidates.weights, [-1])
        entry = tf.where(weights > 0.0)[:, 0]
        self._indices = tf.bitcast(tf.gather(pairs(tf.range(num_candidates), candidates.corners), entry), tf.int32)
        self._values = tf.cast(tf.gather(weights, entry), dtype)
        self._shape = tf.cast(tf.stack([num_candidates, num_rows]), tf.int64)

    def apply(self, rows):
        """[B * voxels, C] -> [N, C]."""
        return tf.raw_ops.SparseTensorDenseMatMul(
            a_indices=self._indices, a_values=self._values, a_shape=self._shape, b=rows)

    def transposed(self, values):
        """[N, C] -> [B * voxels, C]."""
        return tf.raw_ops.SparseTensorDenseMatMul(
            a_indices=self._indices, a_values=self._values, a_shape=self._shape, b=values, adjoint_a=True)


def pairs(first, second):
    """Packs pairs of int32 [N] and int32 [K, N] into int64 [K * N], which is faster than tf.stack."""
    low, high = (first, second) if sys.byteorder == 'little' else (second, first)
    return tf.reshape(tf.cast(low, tf.int64) + tf.cast(high, tf.int64) * 2 ** 32, [-1])


class _StaticResampling:
    """The same interpolation in static shapes, corner by corner."""

    def __init__(self, candidates, num_rows, dtype):
        self._corners = tf.unstack(tf.where(candidates.weights > 0.0, candidates.corners, 0))
        self._weights = tf.unstack(tf.cast(candidates.weights, dtype)[..., tf.newaxis])
        self._num_rows = num_rows

    def apply(self, rows):
        """[B * voxels, C] -> [N, C]."""
        return tf.add_n([tf.gather(rows, corner) * weight for corner, weight in zip(self._corners, self._weights)])

    def transposed(self, values):
        """[N, C] -> [B * voxels, C]."""
        rows = tf.zeros([self._num_rows, values.shape[-1]], values.dtype)
        for corner, weight in zip(self._corners, self._weights):
            rows = tf.tensor_scatter_nd_add(rows, corner[:, tf.newaxis], values * weight)
        return rows


class _Contest:
    """The comparison of candidates at the same voxel.

    Every voxel with candidates has a seat, at which the best value is kept. In static shapes there are as many seats as
    candidates, some of them empty.
    """

    def __init__(self, candidates, values, use_static_shapes):
        self._voxels, self._num_voxels = candidates.voxels, candidates.num_voxels
        self._values = values  # [N, C]
        self._use_static_shapes = use_static_shapes
        if use_static_shapes:
            number = tf.range(tf.size(self._voxels))
            seats = tf.math.unsorted_segment_max(number, self._voxels, self._num_voxels)
            self._seat = tf.where(self._voxels < 0, -1, tf.gather(seats, tf.maximum(self._voxels, 0)))
            self._seated = self._voxels
        else:
            self._seated, self._seat = tf.unique(self._voxels)
        self._num_seats = tf.size(self._seated)
        self._num_parts = tf.math.unsorted_segment_sum(tf.ones_like(self._seat), self._seat, self._num_seats)
        self._floor = tf.where(self._num_parts == candidates.num_parts, values.dtype.min, 0)[:, tf.newaxis]
        best = tf.math.unsorted_segment_max(values, self._seat, self._num_seats)
        self._best = tf.maximum(best, self._floor)

    def result(self):
        """Returns the winning values of all voxels, [B * voxels, C]."""
        return tf.math.unsorted_segment_sum(self._best, self._seated, self._num_voxels)

    def winnings(self, upstream):
        """Returns the candidates' gradient [N, C]: that of their voxels [B * voxels, C] where they win, else 0."""
        seat = tf.maximum(self._seat, 0)
        is_best = self._values == tf.gather(self._best, seat)
        is_best &= self._values > tf.gather(self._floor, seat)
        if self._use_static_shapes:
            is_best = _only_first(is_best, self._seat, self._num_seats)
        won = tf.where(is_best, tf.gather(upstream, tf.maximum(self._voxels, 0)), 0.0)
        if self._use_static_shapes:
            return won
        contested = tf.where(tf.gather(self._num_parts, seat) > 1)
        seats, seat = tf.unique(tf.gather(seat, contested[:, 0]))
        first = _only_first(tf.gather(is_best, contested[:, 0]), seat, tf.size(seats))
        # The gradients are updated and not what is best: GPUs have no such kernel for bool.
        return tf.tensor_scatter_nd_update(won, contested, tf.where(first, tf.gather(won, contested[:, 0]), 0.0))


def _only_first(is_best, seat, num_seats):
    """Keeps the first of several candidates that are best at a seat; bool [N, C], int32 [N] -> bool [N, C]."""
    number = tf.range(tf.size(seat))[:, tf.newaxis]
    first = tf.math.unsorted_segment_min(tf.where(is_best, number, tf.int32.max), seat, num_seats)
    return is_best & (tf.gather(first, tf.maximum(seat, 0)) == number)
