"""Spans of depth in which lines of voxels run through capsules.

Masks and warp ask the same question: which voxels of a grid does an affine map bring into a capsule? A line of
voxels is one row, one column and all depths. A capsule is convex, so the answer for a line is one span of depths,
whose ends solve quadratic equations. The work grows with the lines that come near a capsule, not with the volume.

Example: a capsule from (2, 2, 2) to (2, 2, 6), (row, column, depth), with half widths of 1.5 voxels and the identity
as map. The line of row 2 and column 3 runs 1 voxel beside the axis. It enters the ball around the start at depth
2 - sqrt(1.5^2 - 1^2) = 0.88 and leaves the ball around the end at 6 + 1.12 = 7.12, so its span is first = 1, last = 7.
The line of row 2 and column 4 is 2 voxels away from the axis: its span is empty.
"""

import dataclasses
import itertools

import numpy as np
import tensorflow as tf

_TINY = 1e-12
_FAR = 1e9


@dataclasses.dataclass(frozen=True)
class Capsules:
    """Capsules in voxels (row, column, depth), and the maps that bring a grid's voxels to them; all float64.

    Attributes:
      starts, ends: [B, N, 3] the ends of the axes.
      semi_axes: [B, N, 3] half widths along rows, columns and depth.
      linear, offset: [B, N, 3, 3], [B, N, 3]: grid voxel v goes to linear v + offset.
    """

    starts: tf.Tensor
    ends: tf.Tensor
    semi_axes: tf.Tensor
    linear: tf.Tensor
    offset: tf.Tensor

    def boxes(self):
        """Returns the lowest and the highest grid voxel that may lie inside, each [B * N, 3]."""
        inverse, is_flat = _inverse(self.linear)
        axes = tf.stack([self.starts, self.ends]) - self.offset
        axes = tf.reduce_sum(inverse * axes[..., tf.newaxis, :], axis=-1)
        reach = tf.norm(inverse * self.semi_axes[..., tf.newaxis, :], axis=-1)
        reach = tf.where(is_flat, tf.constant(_FAR, reach.dtype), reach + 1e-6)
        return (tf.reshape(tf.reduce_min(axes, axis=0) - reach, [-1, 3]),
                tf.reshape(tf.reduce_max(axes, axis=0) + reach, [-1, 3]))

    def vectors(self):
        """Returns five vectors for each capsule, in units of its semi-axes: [B * N, 5, 3].

        They are o, from the start to where the map brings voxel (0, 0, 0); r, c and d, the steps from row to row,
        from column to column and from depth to depth; and a, from the start to the end. The voxel (row, column, depth)
        is inside where o + row r + column c + depth d is at most 1 away from the segment from 0 to a.
        """
        vectors = [self.offset - self.starts, *tf.unstack(self.linear, axis=-1), self.ends - self.starts]
        vectors = tf.reshape(tf.stack(vectors, axis=2) / self.semi_axes[:, :, tf.newaxis], [-1, 5, 3])
        # A capsule of which one number is not finite has no inside.
        is_finite = tf.reduce_all(tf.math.is_finite(vectors), axis=[1, 2], keepdims=True)
        return tf.where(is_finite, vectors, tf.constant(float('nan'), vectors.dtype))


@dataclasses.dataclass(frozen=True)
class Spans:
    """Spans of depth inside capsules. Lines belong to rows: sample, capsule and row are kept once for a whole row.

    Attributes:
      sample, capsule, row: int32 [R].
      place, column: int32 [L] for each line the index of its row in the three above, and its column.
      first, last: int32 [L] the first and the last depth inside; first > last where there is none.
      size: (B, N), the samples and the capsules of each.
      shape: (H, W, D) of the grid.
      everywhere: whether all lines of the grid are listed.
    """

    sample: tf.Tensor
    capsule: tf.Tensor
    row: tf.Tensor
    place: tf.Tensor
    column: tf.Tensor
    first: tf.Tensor
    last: tf.Tensor
    size: tuple
    shape: tuple
    everywhere: bool


def spans(capsules, shape, everywhere=False):
    """Finds the span of depth inside every capsule for the lines of a grid.

    Args:
      capsules: `Capsules`.
      shape: (H, W, D) of the grid.
      everywhere: True lists all lines of the grid instead of those in the capsules' bounding boxes: XLA needs a number
        that is known beforehand.

    Returns:
      `Spans`.
    """
    num_capsules = capsules.starts.shape[1]
    batch = tf.shape(capsules.starts)[0]
    if everywhere:
        rows = tf.range(batch * (num_capsules * shape[0]))
        lines = tf.range(batch * (num_capsules * shape[0] * shape[1]))
    else:
        rows, lines = _lines_in_boxes(capsules, shape)
    capsule, place = rows // shape[0], lines // shape[1]
    row, column = rows - capsule * shape[0], lines - place * shape[1]
    enter, leave = _crossings(_row_products(capsules, capsule, row), place, column)
    sample = capsule // num_capsules
    first, last = _whole(tf.math.ceil(enter), 0, shape[2]), _whole(tf.floor(leave), -1, shape[2] - 1)
    return Spans(sample, capsule - sample * num_capsules, row, place, column, first, last,
                 size=(batch, num_capsules), shape=shape, everywhere=everywhere)


def ragged_ranges(starts, limits):
    """Returns range(start, limit) of all pairs one after the other; int32 [N] twice -> int32 [sum of the lengths].

    RaggedRange would do so, but has no kernel for GPUs. Here they have one for each operation on long vectors; float64,
    as their integers of 32 bits are added up by the CPU.
    """
    starts, limits = (tf.cast(numbers, tf.float64) for numbers in (starts, limits))
    lengths = tf.maximum(limits - starts, 0.0)
    ends = tf.cumsum(lengths)
    # The k-th number is k plus how far its range's start is ahead of its range's place, which changes at these places.
    places, total = ends - lengths, tf.cast(tf.reduce_sum(lengths), tf.int32)
    ahead = starts - places
    changes = ahead - tf.concat([tf.zeros_like(ahead[:1]), ahead[:-1]], axis=0)
    changes = tf.math.unsorted_segment_sum(changes, tf.cast(places, tf.int32), total + 1)[:-1]
    return tf.cast(tf.cumsum(changes + 1.0) - 1.0, tf.int32)


def _inverse(matrix):
    """Inverse of [..., 3, 3] by cross products, and whether there is none, [..., 1]."""
    cofactors = tf.linalg.cross(tf.roll(matrix, -1, axis=-2), tf.roll(matrix, -2, axis=-2))
    determinant = tf.reduce_sum(matrix[..., :1, :] * cofactors[..., :1, :], axis=-1, keepdims=True)
    inverse = tf.math.divide_no_nan(tf.linalg.matrix_transpose(cofactors), determinant)
    return inverse, tf.abs(determinant[..., 0]) < _TINY


def _whole(numbers, lowest, highest):
    return tf.cast(tf.clip_by_value(numbers, lowest, highest), tf.int32)


def _lines_in_boxes(capsules, shape):
    """Lists the lines in the bounding boxes: capsule * H + row [R], and for each line place * W + column [L].

    The capsules are counted through the batch, sample * N + capsule.
    """
    lowest, highest = capsules.boxes()
    is_box = tf.reduce_all(lowest <= highest, axis=-1)  # False where a number is NaN
    (row, row_limit), (column, column_limit) = (
        (tf.where(is_box, _whole(tf.math.ceil(lowest[:, axis]), 0, shape[axis]), 0),
         tf.where(is_box, _whole(tf.floor(highest[:, axis]), -1, shape[axis] - 1) + 1, 0)) for axis in (0, 1))
    number = tf.range(tf.size(row)) * shape[0]
    rows = ragged_ranges(number + row, number + row_limit)
    capsule = rows // shape[0]
    number = tf.range(tf.size(rows)) * shape[1]
    return rows, ragged_ranges(number + tf.gather(column, capsule), number + tf.gather(column_limit, capsule))


def _row_products(capsules, capsule, row):
    """Returns all that the equations of a row's lines share; int32 [R] twice -> [R, 10].

    They are the products oo, oc, od, oa, cc, cd, ca, dd, da, aa of `Capsules.vectors`, with o moved to the row.
    """
    o, r, c, d, a = tf.unstack(tf.gather(capsules.vectors(), capsule), axis=1)
    o += tf.cast(row, o.dtype)[:, tf.newaxis] * r
    vectors = tf.stack([o, c, d, a], axis=1)  # [R, 4, 3]
    pairs = itertools.combinations_with_replacement(range(4), 2)
    left, right = (tf.gather(vectors, indices, axis=1) for indices in zip(*pairs, strict=True))
    return tf.reduce_sum(left * right, axis=-1)


def _crossings(row_products, place, column):
    """Returns where lines enter and leave their capsules; float64 [R, 10], int32 [L] twice -> depths [L] twice."""
    # Looked up as rows and turned over, because elementwise operations are fast on long inner axes.
    oo, oc, od, oa, cc, cd, ca, dd, da, aa = tf.unstack(tf.transpose(tf.gather(row_products, place)))
    column = tf.cast(column, oo.dtype)
    # o moves on to the column: o + column c.
    return _inside(oo + (2.0 * oc + cc * column) * column, od + cd * column, oa + ca * column, dd, da, aa)


def _inside(oo, od, oa, dd, da, aa):
    """Returns the lowest and the highest t for which o + t d is at most 1 away from the segment from 0 to a, [L] each.

    It takes the products of the three vectors, [L] each. Where there is no such t, the lowest is the larger one.
    """
    share_d, share_o = (tf.math.divide_no_nan(x, aa) for x in (da, oa))
    # Balls around both ends, and the cylinder between them: quadratic t^2 + 2 linear t + constant <= 0.
    constant = oo - 1.0
    quadratic = tf.maximum(tf.stack([dd, dd, dd - da * share_d]), _TINY)
    linear = tf.stack([od, od - da, od - oa * share_d])
    constant = tf.stack([constant, constant - 2.0 * oa + aa, constant - oa * share_o])
    discriminant = linear * linear - quadratic * constant
    root = tf.sqrt(tf.maximum(discriminant, 0.0))
    signs = np.array([-1.0, 1.0])[:, np.newaxis, np.newaxis]
    ends = (signs * root - linear) / quadratic
    ends = tf.where(discriminant >= 0.0, ends, -_FAR * signs)  # [2, 3, L]
    (enter_start, enter_end, enter), (leave_start, leave_end, leave) = map(tf.unstack, tf.unstack(ends))

    # The cylinder ends at two planes. A line within one of them is left to the ball there.
    planes = tf.stack([-oa, aa - oa]) / tf.where(tf.abs(da) < _TINY, tf.constant(_TINY, da.dtype), da)
    enter = tf.maximum(enter, tf.reduce_min(planes, axis=0))
    leave = tf.minimum(leave, tf.reduce_max(planes, axis=0))
    is_crossed = enter <= leave
    enter = tf.minimum(tf.minimum(enter_start, enter_end), tf.where(is_crossed, enter, _FAR))
    leave = tf.maximum(tf.maximum(leave_start, leave_end), tf.where(is_crossed, leave, -_FAR))
    return enter, leave
