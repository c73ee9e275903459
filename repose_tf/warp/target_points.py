"""Target voxels, listed line by line, and the source points to which the maps of their parts take them.

A line is one row, one column and all depths of the target, for one part of one sample. Lines are numbered
((sample * P + part) * H + row) * W + column. A plane is a volume with one depth: there a line is a single cell.
"""

import dataclasses

import tensorflow as tf

from repose_tf.warp import scanlines


@dataclasses.dataclass(frozen=True)
class TargetPoints:
    """Pairs of a part and a target voxel, each with its source point.

    The coordinates are one long vector per axis, because elementwise operations are fast on long inner axes.

    Attributes:
      voxels: int32 [N] ((sample * H + row) * W + column) * D + depth; -1 for a place that stays empty.
      bits: int32 [N] the bits of the part, see `occupancy.part_bits`; 0 for a place that stays empty.
      samples: float64 [N].
      coordinates: for each axis of the source a float64 [N], in cells, from -1 to the axis' size.
      needed: int32, the largest number of voxels of one part of one sample; None unless there is a capacity.
    """

    voxels: tf.Tensor
    bits: tf.Tensor
    samples: tf.Tensor
    coordinates: tuple
    needed: tf.Tensor | None = None

    def taken(self, which):
        """Returns the pairs of the indices `which`, int64 [M]."""
        voxels, bits, samples, *coordinates = (
            tf.gather(field, which) for field in (self.voxels, self.bits, self.samples, *self.coordinates))
        return TargetPoints(voxels, bits, samples, tuple(coordinates), self.needed)


class PartMaps:
    """The maps of all parts of a batch.

    Args of the constructor:
      transforms: [B, P, A, A + 1] float64 source from target, in cells; A is 3, or 2 in a plane.
      part_bits: int32 array [P], see `occupancy.part_bits`.
      shape: (H, W, D), the same for target and source; D = 1 for a plane.
    """

    def __init__(self, transforms, part_bits, shape):
        # A number that is not finite becomes -1 and so takes the part's voxels out of the volume.
        self._transforms = tf.where(tf.math.is_finite(transforms), transforms, tf.constant(-1.0, tf.float64))
        self._part_bits, self._shape = part_bits, shape

    def on_lines(self, first, last, capacity=None):
        """Lists the voxels first, ..., last of every line.

        Args:
          first, last: int32 [B * P * H * W] depths; first > last for a line without voxels.
          capacity: None, or the number of places to make for every part of every sample, filled or not.

        Returns:
          `TargetPoints`.
        """
        if capacity is not None:
            return self._with_capacity(first, last, capacity)
        num_depths = self._shape[2]
        lines = tf.cast(tf.where(first <= last)[:, 0], tf.int32)
        start = tf.range(tf.size(lines)) * num_depths
        number = scanlines.ragged_ranges(start + tf.gather(first, lines), start + tf.gather(last, lines) + 1)
        place = number // num_depths
        return self.points(lines, place, number - place * num_depths)

    def _with_capacity(self, first, last, capacity):
        """Does the same in static shapes: place k of a part is its k-th voxel, or empty if it has fewer."""
        num_lines = self._shape[0] * self._shape[1]
        counts = tf.maximum(tf.maximum(last, -1) + 1 - tf.minimum(first, self._shape[2]), 0)
        total = tf.cumsum(tf.reshape(counts, [-1, num_lines]), axis=1)  # [B * P, H * W], up to and with each line
        parts = tf.range(tf.shape(total)[0])[:, tf.newaxis]
        number = tf.range(capacity) + tf.zeros_like(parts)  # [B * P, capacity]
        # Voxel k lies on the first line whose total exceeds k, and total - k voxels before the end of that line's span.
        line = tf.minimum(tf.searchsorted(total, number, side='right'), num_lines - 1) + parts * num_lines
        depth = tf.gather(first + counts, line) + number - tf.gather(tf.reshape(total, [-1]), line)
        is_real = number < total[:, -1:]
        line, depth, is_real = (tf.reshape(x, [-1]) for x in (line, tf.where(is_real, depth, 0), is_real))
        points = self.points(tf.range(tf.size(first)), line, depth)
        return dataclasses.replace(
            points, voxels=tf.where(is_real, points.voxels, -1), bits=tf.where(is_real, points.bits, 0),
            needed=tf.reduce_max(total[:, -1]))

    def points(self, lines, place, depth):
        """Applies the maps to voxels.

        Args:
          lines: int32 [L] numbers of lines.
          place, depth: int32 [N] for each voxel the index of its line in `lines`, and its depth.

        Returns:
          `TargetPoints` [N].
        """
        num_rows, num_columns, num_depths = self._shape
        num_parts, num_axes = self._transforms.shape[1:3]
        part = lines // (num_rows * num_columns)  # counted through the batch
        cell = lines - part * (num_rows * num_columns)
        row, sample = cell // num_columns, part // num_parts
        column = cell - row * num_columns
        maps = tf.gather(tf.reshape(self._transforms, [-1, num_axes, num_axes + 1]), part)
        # What a line's voxels share: numbers, the source point of depth 0, and its step from depth to depth. The step
        # is the map's column for depth; a plane has no such column, and the sum over none is 0.
        at_depth_0 = [row, column, *[tf.zeros_like(row)] * (num_axes - 2), tf.ones_like(row)]
        start = tf.reduce_sum(maps * tf.cast(tf.stack(at_depth_0, axis=1), tf.float64)[:, tf.newaxis], axis=-1)
        step = tf.reduce_sum(maps[:, :, 2:-1], axis=-1)
        first_voxel = (sample * (num_rows * num_columns) + cell) * num_depths
        bits = tf.gather(self._part_bits, part - sample * num_parts)
        numbers = tf.cast(tf.stack([first_voxel, bits, sample], axis=1), tf.float64)
        # One look-up of whole rows is faster than one for each column.
        shared = tf.unstack(tf.transpose(tf.gather(tf.concat([numbers, start, step], axis=1), place)))
        first_voxel, bits, sample, *vectors = shared
        start, step = vectors[:num_axes], vectors[num_axes:]
        depth = tf.cast(depth, tf.float64)
        # Farther outside than one cell nothing changes any more.
        coordinates = tuple(tf.clip_by_value(start + step * depth, -1.0, float(size))
                            for start, step, size in zip(start, step, self._shape))
        voxels, bits = (tf.cast(numbers, tf.int32) for numbers in (first_voxel + depth, bits))
        return TargetPoints(voxels, bits, sample, coordinates)
