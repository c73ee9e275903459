"""The masks of all parts in one integer per voxel.

Each part has a field of bits in that integer, which counts the part's capsules that fill the voxel. So adding up
capsules joins them, and a part fills the voxel where its field is not 0.

Example: part 0 has two capsules, parts 1 and 2 have one each. Their fields are 0b0011, 0b0100 and 0b1000. A voxel in
both capsules of part 0 and in part 2 has 1 + 1 + 8 = 0b1010.
"""

import numpy as np
import tensorflow as tf

from repose_tf.warp import scanlines

_MAX_BITS = 16  # the warp looks at two voxels in one integer of 32 bits


def part_bits(capsule_parts):
    """Returns the bits of each part's field.

    Args:
      capsule_parts: for each capsule the part it belongs to, 0 to P - 1.

    Returns:
      int32 array [P].

    Raises:
      ValueError: if there are more capsules than the fields have room for.
    """
    widths = [int(count).bit_length() for count in np.bincount(capsule_parts)]
    if sum(widths) > _MAX_BITS:
        raise ValueError(f'capsule_parts: expected fields of at most {_MAX_BITS} bits in all, found {sum(widths)}.')
    starts = np.cumsum([0, *widths[:-1]])
    return np.array([(2 ** width - 1) << start for width, start in zip(widths, starts, strict=True)], np.int32)


def of_volume(spans, capsule_parts, inner, shape):
    """Counts for every voxel the capsules whose spans hold it.

    Args:
      spans: `scanlines.Spans`.
      capsule_parts: as for `part_bits`.
      inner: (H, W, D) beyond which nothing is filled: a grid's shape without its padding.
      shape: (H, W, D) of the result, at least that large.

    Returns:
      int32 [B, H, W, D], the fields of all parts.
    """
    batch, num_capsules = spans.size
    line, bit = _lines(spans, capsule_parts, inner, shape)
    last = tf.minimum(spans.last, inner[2] - 1)
    if spans.everywhere:
        dense = [batch, num_capsules, *spans.shape[:2], 1]
        first, last, bit = (tf.reshape(x, dense) for x in (spans.first, last, bit))
        depth = tf.range(shape[2])
        bits = tf.reduce_sum(tf.where((first <= depth) & (depth <= last), bit, 0), axis=1)
        return tf.pad(bits, [[0, 0], [0, shape[0] - spans.shape[0]], [0, shape[1] - spans.shape[1]], [0, 0]])
    number = tf.range(tf.size(line)) * shape[2]
    place = scanlines.ragged_ranges(number + spans.first, number + last + 1)
    of_line = place // shape[2]
    voxel = tf.gather(line * shape[2] - number, of_line) + place
    bits = tf.math.unsorted_segment_sum(tf.gather(bit, of_line), voxel, batch * np.prod(shape))
    return tf.reshape(bits, [batch, *shape])


def of_plane(spans, capsule_parts, inner, shape):
    """Returns the same projected along depth: int32 [B, H, W] of `shape` (H, W), other arguments as above."""
    line, bit = _lines(spans, capsule_parts, inner, shape)
    bit = tf.where(spans.first <= tf.minimum(spans.last, inner[2] - 1), bit, 0)
    batch = spans.size[0]
    return tf.reshape(tf.math.unsorted_segment_sum(bit, line, batch * np.prod(shape)), [batch, *shape])


def _lines(spans, capsule_parts, inner, shape):
    """Returns the number (sample * H + row) * W + column of each line and what it adds, 0 outside of `inner`; [L]."""
    bits = part_bits(capsule_parts)
    bit = tf.gather((bits & -bits)[list(capsule_parts)], spans.capsule)  # the lowest bit of the part's field
    bit = tf.gather(tf.where(spans.row < inner[0], bit, 0), spans.place)
    line = tf.gather((spans.sample * shape[0] + spans.row) * shape[1], spans.place) + spans.column
    return line, tf.where(spans.column < inner[1], bit, 0)
