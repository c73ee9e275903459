"""Which target voxels the warp fills, and from where: the geometry of the warp, without the features.

A candidate is a pair of a body part and a target voxel around whose source point the part's mask is not
empty. All other pairs contribute nothing but zeros.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from repose_tf.warp import occupancy, scanlines


@dataclasses.dataclass(frozen=True)
class Candidates:
    """The candidates of a batch and what each of them is made of.

    Voxels are counted on through the batch: ((sample * H + row) * W + column) * D + depth.

    Attributes:
      voxels: int32 [N] target voxels; a part occurs at most once at a voxel. -1 stands for none.
      corners: int32 [K, N] the source voxels around the place where the value comes from.
      weights: float32 [K, N] their interpolation weights, 0 where the part's mask is 0 or the volume ends.
      num_voxels: int32, voxels of the whole batch.
      num_parts: int.
      needed: int32, the capacity that would have held them all; None if there is no limit.
    """

    voxels: tf.Tensor
    corners: tf.Tensor
    weights: tf.Tensor
    num_voxels: tf.Tensor
    num_parts: int
    needed: tf.Tensor | None


def volume_candidates(capsules, capsule_parts, transforms, inner, shape, capacity=None):
    """Lists the candidates of the warp through the volume.

    Args:
      capsules: `scanlines.Capsules` of the source pose on the volume's grid.
      capsule_parts: for each capsule the part it belongs to, 0 to P - 1.
      transforms: [B, P, 4, 4] source from target, on voxels (row, column, depth).
      inner: (H, W, D) beyond which all masks are empty: the volume without its padding.
      shape: (H, W, D) of the volume.
      capacity: number of candidates per part and sample to make room for, or None for as many as there are.

    Returns:
      `Candidates` with K = 8.
    """
    is_static = capacity is not None
    transforms = tf.cast(transforms[..., :3, :], tf.float64)
    # A voxel's mask reaches as far as its interpolation: one voxel, along every axis at once.
    reach = tf.norm(1.0 / capsules.semi_axes, axis=-1, keepdims=True) + 1e-6
    maps = tf.gather(transforms, capsule_parts, axis=1)
    moved = dataclasses.replace(
        capsules, semi_axes=capsules.semi_axes * (1.0 + reach), linear=maps[..., :3], offset=maps[..., 3])
    own_spans, spans = (scanlines.spans(each, shape, is_static) for each in (capsules, moved))
    filled = occupancy.of_volume(own_spans, capsule_parts, inner, _wider(shape))
    # A part's capsules overlap: on each line, one span from the first to the last of them.
    num_parts = transforms.shape[1]
    part = spans.sample * num_parts + tf.gather(capsule_parts, spans.capsule)
    lines = tf.gather((part * shape[0] + spans.row) * shape[1], spans.place) + spans.column
    num_lines = spans.size[0] * (num_parts * shape[0] * shape[1])
    first = tf.math.unsorted_segment_min(spans.first, lines, num_lines)
    last = tf.math.unsorted_segment_max(spans.last, lines, num_lines)
    maps = _Maps(transforms, occupancy.part_bits(capsule_parts), shape)
    places = maps.on_lines(first, last, capacity)
    cells = places.cells(filled)
    if not is_static:
        which = tf.where(tf.reduce_any(cells != 0, axis=0))[:, 0]
        places, cells = places.taken(which), tf.gather(cells, which, axis=1)
    return places.interpolated(cells, num_parts)


def plane_candidates(capsules, capsule_parts, transforms, inner, shape, capacity=None):
    """Lists the candidates of the warp in the image plane, where the nearest cell is taken.

    Args:
      capsules, capsule_parts, inner, capacity: as for `volume_candidates`.
      transforms: [B, P, 3, 3] source from target, on cells (row, column).
      shape: (H, W) of the volume.

    Returns:
      `Candidates` with K = 1, on cells instead of voxels: (sample * H + row) * W + column.
    """
    transforms = tf.cast(transforms[..., :2, :], tf.float64)
    spans = scanlines.spans(capsules, inner, capacity is not None)
    filled = occupancy.of_plane(spans, capsule_parts, inner, _wider(shape))
    maps = _Maps(transforms, occupancy.part_bits(capsule_parts), shape)
    num_parts = transforms.shape[1]
    lines = tf.range(spans.size[0] * (num_parts * shape[0] * shape[1]))
    zeros = tf.zeros_like(lines)
    is_filled = maps.places(lines, lines, zeros).cells(filled)[0] != 0
    places = maps.on_lines(zeros, tf.cast(is_filled, tf.int32) - 1, capacity)
    return places.interpolated(places.cells(filled), num_parts)


@dataclasses.dataclass(frozen=True)
class _Places:
    """Target voxels and the source points that the maps of their parts bring them to.

    One long vector per axis: that is what elementwise operations are fast on.

    Attributes:
      voxels: int32 [N]; bits: int32 [N] those of the part's capsules; sample: float64 [N].
      points: a float64 [N] per axis, not farther outside than one cell.
      shape: the sizes of the axes.
      num_voxels, needed: as in `Candidates`.
    """

    voxels: tf.Tensor
    bits: tf.Tensor
    sample: tf.Tensor
    points: tuple
    shape: tuple
    num_voxels: tf.Tensor
    needed: tf.Tensor | None = None

    def taken(self, which):
        """Returns the places of the numbers `which`, int64 [M]."""
        voxels, bits, sample, *points = (
            tf.gather(field, which) for field in (self.voxels, self.bits, self.sample, *self.points))
        return dataclasses.replace(self, voxels=voxels, bits=bits, sample=sample, points=tuple(points))

    def _lower(self):
        """The source cells: before the points in a volume, nearest to them in a plane; float64 [N] per axis."""
        return [(tf.floor if len(self.shape) == 3 else tf.round)(point) for point in self.points]

    def _numbers(self, shape):
        """Numbers of the source cells through a batch of `shape`, int32 [N]."""
        axes = zip([self.sample, *self._lower()], [np.prod(shape), *_strides(shape)])
        return tf.cast(tf.add_n([cell * float(stride) for cell, stride in axes]), tf.int32)

    def cells(self, filled):
        """Looks up which source cells belong to the part.

        Args:
          filled: int32 occupancy of the source with one empty cell more at the end of each axis.

        Returns:
          int32, not 0 where the part is: [1, N] in a plane; [4, N] in a volume, for each row and column
          the cells at the lower depth in the lower 16 bits and at the next one in the upper.
        """
        # The cell before an axis' first one is the empty one at the end of the row before; empty ones guard
        # the very first.
        wider = _wider(self.shape)
        guard = sum(_strides(wider))
        filled = tf.pad(tf.reshape(filled, [-1]), [[guard] * 2])
        bits, offsets = self.bits, np.zeros(1, np.int32)
        if len(self.shape) == 3:
            filled = filled[:-1] | tf.bitwise.left_shift(filled[1:], 16)
            bits |= tf.bitwise.left_shift(bits, 16)
            offsets = _offsets(wider)[::2]
        number = self._numbers(wider) + (offsets + guard)[:, np.newaxis]
        return tf.gather(filled, number) & bits

    def interpolated(self, cells, num_parts):
        """Makes the candidates of places, given their `cells`."""
        number, weights = self._numbers(self.shape), 1.0
        is_filled, offsets = cells != 0, np.zeros(1, np.int32)
        if len(self.shape) == 3:
            is_filled = [tf.bitwise.bitwise_and(cells, half) != 0 for half in (0xffff, -0x10000)]
            is_filled = tf.reshape(tf.stack(is_filled, axis=1), [8, -1])
            offsets = _offsets(self.shape)
            weights = self._weights()
        return Candidates(self.voxels, number + offsets[:, np.newaxis], tf.where(is_filled, weights, 0.0),
                          self.num_voxels, num_parts, self.needed)

    def _weights(self):
        """Trilinear weights [8, N]."""
        sides = [tf.cast(point - lower, tf.float32) for point, lower in zip(self.points, self._lower())]
        sides = [tf.stack([1.0 - side, side]) for side in sides]  # [2, N] per axis
        plane = sides[0][:, tf.newaxis] * sides[1]
        return tf.reshape(plane[:, :, tf.newaxis] * sides[2], [8, -1])


class _Maps:
    """The maps of all parts of a batch, applied to target voxels.

    Args of the constructor:
      transforms: [B, P, axes, axes + 1] float64 source from target, on cells.
      part_bits: int32 array [P].
      shape: the sizes of the axes.

    Lines along depth are counted ((sample * P + part) * H + row) * W + column; a plane has one cell on each.
    """

    def __init__(self, transforms, part_bits, shape):
        # What is not a number takes all voxels out of the volume.
        self._transforms = tf.where(tf.math.is_finite(transforms), transforms, tf.constant(-1.0, tf.float64))
        self._part_bits, self._shape = part_bits, shape
        self._depth_size = shape[2] if len(shape) == 3 else 1

    def on_lines(self, first, last, capacity):
        """Lists the voxels first, ..., last of every line; int32 [B * P * H * W] twice -> `_Places`."""
        if capacity is not None:
            return self._on_lines_statically(first, last, capacity)
        lines = tf.cast(tf.where(first <= last)[:, 0], tf.int32)
        start = tf.range(tf.size(lines)) * self._depth_size
        place = scanlines.ragged_ranges(start + tf.gather(first, lines), start + tf.gather(last, lines) + 1)
        line = place // self._depth_size
        return self.places(lines, line, place - line * self._depth_size)

    def _on_lines_statically(self, first, last, capacity):
        """As `on_lines`, but always lists `capacity` voxels per part."""
        num_lines = self._shape[0] * self._shape[1]
        counts = tf.maximum(tf.maximum(last, -1) + 1 - tf.minimum(first, self._depth_size), 0)
        total = tf.cumsum(tf.reshape(counts, [-1, num_lines]), axis=1)  # [B * P, H * W]
        parts = tf.range(tf.shape(total)[0])[:, tf.newaxis]
        number = tf.range(capacity) + tf.zeros_like(parts)
        line = tf.minimum(tf.searchsorted(total, number, side='right'), num_lines - 1) + parts * num_lines
        depth = tf.gather(first + counts, line) + number - tf.gather(tf.reshape(total, [-1]), line)
        is_real = number < total[:, -1:]
        line, depth, is_real = (tf.reshape(x, [-1]) for x in (line, tf.where(is_real, depth, 0), is_real))
        places = self.places(tf.range(tf.size(first)), line, depth)
        return dataclasses.replace(
            places, voxels=tf.where(is_real, places.voxels, -1), bits=tf.where(is_real, places.bits, 0),
            needed=tf.reduce_max(total[:, -1]))

    def places(self, lines, line, depth):
        """Finds out where voxels are taken to.

        Args:
          lines: int32 [L] numbers of lines.
          line, depth: int32 [N] for each voxel the place of its line among `lines`, and its depth.
        """
        shape, (num_parts, num_axes) = self._shape, self._transforms.shape[1:3]
        plane = shape[0] * shape[1]
        part = lines // plane
        cell = lines - part * plane
        row = cell // shape[1]
        sample = part // num_parts
        bits = tf.gather(self._part_bits, part - sample * num_parts)
        maps = tf.gather(tf.reshape(self._transforms, [-1, num_axes, num_axes + 1]), part)
        at_depth_0 = [row, cell - row * shape[1], *[tf.zeros_like(row)] * (num_axes - 2), tf.ones_like(row)]
        at_depth_0 = tf.cast(tf.stack(at_depth_0, axis=1), tf.float64)[:, tf.newaxis]
        # All that a line's voxels share is looked up at once.
        shared = [tf.cast(tf.stack([sample * plane + cell, bits, sample], axis=1), tf.float64),
                  tf.reduce_sum(maps * at_depth_0, axis=-1), *([maps[:, :, 2]] if num_axes == 3 else [])]
        shared = tf.unstack(tf.transpose(tf.gather(tf.concat(shared, axis=1), line)))
        voxels, bits, sample, *points = shared[:3 + num_axes]
        if num_axes == 3:
            depth = tf.cast(depth, tf.float64)
            points = [point + step * depth for point, step in zip(points, shared[6:], strict=True)]
            voxels = voxels * float(shape[2]) + depth
        # Beyond the volume nothing more happens than one cell outside.
        points = tuple(tf.clip_by_value(point, -1.0, float(size)) for point, size in zip(points, shape))
        voxels, bits = (tf.cast(numbers, tf.int32) for numbers in (voxels, bits))
        return _Places(voxels, bits, sample, points, shape, tf.shape(self._transforms)[0] * np.prod(shape))


def _wider(shape):
    return tuple(size + 1 for size in shape)


def _strides(shape):
    """Cells from one to the next along each axis, ints."""
    return [int(np.prod(shape[axis + 1:])) for axis in range(len(shape))]


def _offsets(shape):
    """Cells from a source voxel to the eight that are interpolated between, int32 [8]."""
    return np.array([np.dot(corner, _strides(shape)) for corner in np.ndindex(2, 2, 2)], np.int32)
