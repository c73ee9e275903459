"""Which capsules fill each voxel: all parts' masks in one integer per voxel, one bit per capsule."""

import numpy as np
import tensorflow as tf

from repose_tf import scanlines


def part_bits(capsule_parts):
    """Returns for each part the bits of its capsules.

    Args:
      capsule_parts: for each capsule the part it belongs to, 0 to P - 1.

    Returns:
      int32 array [P].

    Raises:
      ValueError: if there are more capsules than bits.
    """
    if len(capsule_parts) > 31:
        raise ValueError(f'capsule_parts: expected at most 31 capsules, found {len(capsule_parts)}.')
    bits = np.zeros(max(capsule_parts) + 1, np.int32)
    np.add.at(bits, np.array(capsule_parts), _capsule_bits(len(capsule_parts)))
    return bits


def of_volume(spans, inner, shape):
    """Fills the voxels of spans.

    Args:
      spans: `scanlines.Spans`.
      inner: (H, W, D) beyond which nothing is filled: without a grid's padding.
      shape: (H, W, D) of the result, at least that large.

    Returns:
      int32 [B, *shape], bit n where capsule n is.
    """
    batch, num_capsules = spans.size
    line, bit = _lines(spans, inner, shape)
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


def of_plane(spans, inner, shape):
    """Projects spans along depth; arguments as above with `shape` (H, W), returns int32 [B, *shape]."""
    line, bit = _lines(spans, inner, shape)
    bit = tf.where(spans.first <= tf.minimum(spans.last, inner[2] - 1), bit, 0)
    batch = spans.size[0]
    return tf.reshape(tf.math.unsorted_segment_sum(bit, line, batch * np.prod(shape)), [batch, *shape])


def _capsule_bits(num_capsules):
    return 1 << np.arange(num_capsules, dtype=np.int32)


def _lines(spans, inner, shape):
    """Number (sample * H + row) * W + column and bit of each line, int32 [L]; no bit outside of `inner`."""
    bit = tf.gather(_capsule_bits(spans.size[1]), spans.capsule)
    bit = tf.gather(tf.where(spans.row < inner[0], bit, 0), spans.place)
    line = tf.gather((spans.sample * shape[0] + spans.row) * shape[1], spans.place) + spans.column
    return line, tf.where(spans.column < inner[1], bit, 0)
