"""Source cells around a point: eight with trilinear weights in a volume, the nearest one in a plane.

`Trilinear` and `Nearest` do the same two things in their own way: say which of the cells around a point are filled by
its part, and list those cells with their weights. Cells are numbered through the batch,
((sample * H + row) * W + column) * D + depth in a volume and (sample * H + row) * W + column in a plane.
"""

import numpy as np
import tensorflow as tf


class _SourceCells:
    """What both ways of reading a source share.

    Args of the constructor:
      shape: the sizes of the source's axes.

    Attributes:
      occupancy_shape: the sizes of the occupancy that `are_filled` takes: one empty cell more at the end of each axis.
    """

    def __init__(self, shape):
        self._shape = shape
        self.occupancy_shape = tuple(size + 1 for size in shape)

    def _numbers(self, points, shape):
        """Returns the number of each point's first cell in a batch of `shape`, int32 [N]."""
        indices = zip([points.samples, *map(self._first_cell, points.coordinates)], [np.prod(shape), *_strides(shape)])
        return tf.cast(tf.add_n([index * float(stride) for index, stride in indices]), tf.int32)

    def _guarded(self, points, occupancy):
        """Returns the flat occupancy and each point's number in it, safe for points up to one cell outside.

        The cell before the first one of an axis has the number of the empty cell at the end of the row before. In front
        of the very first row, and behind the last one, empty cells are added.
        """
        guard = sum(_strides(self.occupancy_shape))
        return tf.pad(tf.reshape(occupancy, [-1]), [[guard] * 2]), self._numbers(points, self.occupancy_shape) + guard


class Nearest(_SourceCells):
    """A plane, read at the one cell that is nearest to a point; see the module for what its methods have in common."""

    _first_cell = staticmethod(tf.round)

    def are_filled(self, points, occupancy):
        """Returns whether the nearest cell belongs to the point's part, bool [1, N]; arguments as in `Trilinear`."""
        occupancy, number = self._guarded(points, occupancy)
        return (tf.gather(occupancy, number) & points.bits != 0)[tf.newaxis]

    def cells(self, points):
        """Returns the numbers of the cells, int32 [1, N], and their weight, 1."""
        return self._numbers(points, self._shape)[tf.newaxis], 1.0


class Trilinear(_SourceCells):
    """A volume, read between its cells: the eight around a point, in the order of np.ndindex(2, 2, 2)."""

    _first_cell = staticmethod(tf.floor)

    def are_filled(self, points, occupancy):
        """Looks up which of the cells around points belong to their parts.

        Args:
          points: `TargetPoints`.
          occupancy: int32 [B, *occupancy_shape] the source's, see `occupancy.of_volume`.

        Returns:
          bool [8, N].
        """
        occupancy, number = self._guarded(points, occupancy)
        # A cell has 16 bits, an integer 32: with the next depth's bits above a cell's own, 4 look-ups see 8 cells.
        two_depths = occupancy[:-1] | tf.bitwise.left_shift(occupancy[1:], 16)
        bits = points.bits | tf.bitwise.left_shift(points.bits, 16)
        rows_and_columns = _corners(_strides(self.occupancy_shape)[:2])
        found = tf.gather(two_depths, number + rows_and_columns) & bits  # [4, N]
        this_depth, next_depth = found & 0xffff != 0, found & -0x10000 != 0
        return tf.reshape(tf.stack([this_depth, next_depth], axis=1), [8, -1])

    def cells(self, points):
        """Returns the numbers of the cells, int32 [8, N], and their trilinear weights, float32 [8, N]."""
        sides = [tf.cast(axis - tf.floor(axis), tf.float32) for axis in points.coordinates]
        row, column, depth = (tf.stack([1.0 - side, side]) for side in sides)  # [2, N] each
        plane = row[:, tf.newaxis] * column
        weights = tf.reshape(plane[:, :, tf.newaxis] * depth, [8, -1])
        return self._numbers(points, self._shape) + _corners(_strides(self._shape)), weights


def _strides(shape):
    """Returns how many numbers lie between neighbours along each axis: (17 * 9, 9, 1) for (17, 17, 9)."""
    return [int(np.prod(shape[axis + 1:])) for axis in range(len(shape))]


def _corners(strides):
    """Returns how much is added to a cell's number for it and its next neighbours along all axes, int32 [2^axes, 1]."""
    return np.array([[np.dot(corner, strides)] for corner in np.ndindex(*[2] * len(strides))], np.int32)
