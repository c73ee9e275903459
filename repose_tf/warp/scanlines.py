"""Lines of voxels through capsules: between which depths does each line run inside?

Masks and warp ask the same thing: which voxels does an affine map bring into a capsule? A capsule is convex,
so on a line of voxels (one row, one column, all depths) the answer is one span of depths whose ends solve
quadratic equations. The work grows with the lines that come near a capsule, not with the volume.
"""

import dataclasses

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

    def products(self):
        """Returns all products of the vectors o, r, c, d and a in units of the semi-axes, [B * N, 25].

        o is voxel 0 as seen from the start; r, c and d are the steps along row, column and depth; a is the
        axis.
        """
        vectors = [self.offset - self.starts, *tf.unstack(self.linear, axis=-1), self.ends - self.starts]
        vectors = tf.reshape(tf.stack(vectors, axis=2) / self.semi_axes[:, :, tf.newaxis], [-1, 5, 3])
        return tf.reshape(tf.matmul(vectors, vectors, transpose_b=True), [-1, 25])


@dataclasses.dataclass(frozen=True)
class Spans:
    """The spans of depth inside capsules; rows of lines first, because most belongs to a whole row.

    Attributes:
      sample, capsule, row: int32 [R].
      place, column: int32 [L] for each line its place in the list of rows, and its column.
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


def _inverse(matrix):
    """Inverse of [..., 3, 3] by cross products, and whether there is none, [..., 1]."""
    cofactors = tf.linalg.cross(tf.roll(matrix, -1, axis=-2), tf.roll(matrix, -2, axis=-2))
    determinant = tf.reduce_sum(matrix[..., :1, :] * cofactors[..., :1, :], axis=-1, keepdims=True)
    inverse = tf.math.divide_no_nan(tf.linalg.matrix_transpose(cofactors), determinant)
    return inverse, tf.abs(determinant[..., 0]) < _TINY


def ragged_ranges(starts, limits):
    """Strings range(start, limit) of all pairs together; int32 [N] twice -> [sum of the lengths]."""
    return tf.raw_ops.RaggedRange(starts=starts, limits=limits, deltas=1).rt_dense_values


def _whole(numbers, lowest, highest):
    return tf.cast(tf.clip_by_value(numbers, lowest, highest), tf.int32)


def _lines(capsules, shape):
    """Lists the lines in the bounding boxes: capsule * H + row [R], and for each line place * W + column [L].

    The capsules are counted on through the batch.
    """
    lowest, highest = capsules.boxes()
    # What is not a number is in no box.
    is_box = tf.reduce_all(lowest <= highest, axis=-1)
    row, column = (
        tf.where(is_box, _whole(tf.math.ceil(lowest[:, axis]), 0, shape[axis]), 0) for axis in (0, 1))
    row_limit, column_limit = (
        tf.where(is_box, _whole(tf.floor(highest[:, axis]), -1, shape[axis] - 1) + 1, 0) for axis in (0, 1))
    number = tf.range(tf.size(row)) * shape[0]
    rows = ragged_ranges(number + row, number + row_limit)
    capsule = rows // shape[0]
    number = tf.range(tf.size(rows)) * shape[1]
    return rows, ragged_ranges(number + tf.gather(column, capsule), number + tf.gather(column_limit, capsule))


def spans(capsules, shape, everywhere=False):
    """Finds the spans of depth inside every capsule.

    Args:
      capsules: `Capsules`.
      shape: (H, W, D) of the grid.
      everywhere: looks at all lines of the grid instead of those in bounding boxes: a number known
        beforehand.

    Returns:
      `Spans`.
    """
    num_capsules = capsules.starts.shape[1]
    batch = tf.shape(capsules.starts)[0]
    if everywhere:
        rows = tf.range(batch * (num_capsules * shape[0]))
        lines = tf.range(batch * (num_capsules * shape[0] * shape[1]))
    else:
        rows, lines = _lines(capsules, shape)
    capsule, place = rows // shape[0], lines // shape[1]
    row, column = rows - capsule * shape[0], lines - place * shape[1]
    equations = _equations_of_rows(capsules, capsule, tf.cast(row, tf.float64))
    # Looked up as rows and turned over, because long inner axes are what elementwise operations are fast on.
    equations = tf.unstack(tf.transpose(tf.gather(equations, place)))
    enter, leave = _inside(*_equations_of_lines(*equations, tf.cast(column, tf.float64)))
    sample = capsule // num_capsules
    first, last = _whole(tf.math.ceil(enter), 0, shape[2]), _whole(tf.floor(leave), -1, shape[2] - 1)
    return Spans(sample, capsule - sample * num_capsules, row, place, column, first, last,
                 size=(batch, num_capsules), shape=shape, everywhere=everywhere)


# For each number that `_equations_of_lines` takes: the products that stand before 1, row and row^2.
_TERMS = (('dd',), ('aa',), ('da',), ('oa', 'ra'), ('ca',), ('od', 'rd'), ('cd',), ('oo', '2or', 'rr'),
          ('2oc', '2rc'), ('cc',))


def _equations_of_rows(capsules, capsule, row):
    """Finds what the equations of all lines of a row have in common: [R] twice -> [R, 10]."""
    selection = np.zeros([5, 5, 3, len(_TERMS)])
    for column, terms in enumerate(_TERMS):
        for power, term in enumerate(terms):
            first, second = ('orcda'.index(name) for name in term[-2:])
            selection[first, second, power, column] = 2.0 if term[0] == '2' else 1.0
    terms = tf.reshape(capsules.products() @ selection.reshape([25, -1]), [-1, 3, len(_TERMS)])
    powers = tf.stack([tf.ones_like(row), row, row * row], axis=1)
    return tf.reduce_sum(tf.gather(terms, capsule) * powers[:, :, tf.newaxis], axis=1)


def _equations_of_lines(dd, aa, da, oa, ca, od, cd, oo, oc, cc, column):
    """Puts the columns in: products of step d, axis a and origin o of each line, [L] each."""
    return dd, aa, da, oa + ca * column, od + cd * column, oo + (oc + cc * column) * column


def _inside(dd, aa, da, oa, od, oo):
    """Where o + t d is at most 1 away from the segment from 0 to a.

    Args:
      dd, aa, da, oa, od, oo: [L] products of the three vectors.

    Returns:
      the lowest and the highest such t, [L] each; the lowest is the larger one where there is none.
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
