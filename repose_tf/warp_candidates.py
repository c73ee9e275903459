"""Which target voxels the warp fills, and from where: the geometry of the warp, without the features.

A candidate is a pair of a body part and a target voxel around whose source point the part's mask is not
empty. All other pairs contribute nothing but zeros.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from repose_tf import occupancy, scanlines


@dataclasses.dataclass(frozen=True)
class Candidates:
    """The candidates of a batch and what each of them is made of.

    Voxels are counted on through the batch: ((sample * H + row) * W + column) * D + depth.

    Attributes:
      voxels: int32 [N] target voxels; a part occurs at most once at a voxel. -1 stands for none.
      corners: int32 [N, K] the source voxels around the place where the value comes from.
      weights: float32 [N, K] their interpolation weights, 0 where the part's mask is 0 or the volume ends.
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
    filled = occupancy.of_volume(own_spans, inner, _wider(shape))
    # A part's capsules overlap: on each line, one span from the first to the last of them.
    num_parts = transforms.shape[1]
    part = spans.sample * num_parts + tf.gather(capsule_parts, spans.capsule)
    lines = tf.gather((part * shape[0] + spans.row) * shape[1], spans.place) + spans.column
    num_lines = spans.size[0] * (num_parts * shape[0] * shape[1])
    first = tf.math.unsorted_segment_min(spans.first, lines, num_lines)
    last = tf.math.unsorted_segment_max(spans.last, lines, num_lines)
    maps = _Maps(transforms, occupancy.part_bits(capsule_parts), shape)
    places = maps.on_lines(first, last, capacity)
    if not is_static:
        places = places.taken(places.is_near(filled, shape))
    return _interpolated(places, filled, shape, num_parts)


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
    filled = occupancy.of_plane(spans, inner, _wider(shape))
    maps = _Maps(transforms, occupancy.part_bits(capsule_parts), shape)
    num_parts = transforms.shape[1]
    cells = tf.range(spans.size[0] * (num_parts * shape[0] * shape[1]))
    zeros = tf.zeros_like(cells)
    is_filled = maps.places(cells, cells, zeros).is_near(filled, shape)
    places = maps.on_lines(zeros, tf.cast(is_filled, tf.int32) - 1, capacity)
    return _interpolated(places, filled, shape, num_parts)


@dataclasses.dataclass(frozen=True)
class _Places:
    """Target voxels and where the maps of the parts bring them.

    Attributes:
      voxels: int32 [N]; sample: int32 [N]; bits: int32 [N] those of the part's capsules.
      points: float64 [N, axes] the source points, not farther outside than one cell.
      num_voxels, needed: as in `Candidates`.
    """

    voxels: tf.Tensor
    sample: tf.Tensor
    bits: tf.Tensor
    points: tf.Tensor
    num_voxels: tf.Tensor
    needed: tf.Tensor | None = None

    def taken(self, is_taken):
        """Returns the places where a bool [N] is true."""
        which = tf.where(is_taken)[:, 0]
        names = ('voxels', 'sample', 'bits', 'points')
        return dataclasses.replace(self, **{name: tf.gather(getattr(self, name), which) for name in names})

    def lower(self):
        """The source cells: before the points in a volume, nearest to them in a plane; float64 [N, axes]."""
        return tf.floor(self.points) if self.points.shape[1] == 3 else tf.round(self.points)

    def is_near(self, filled, shape):
        """Whether one of the source cells around each point belongs to the part, bool [N]."""
        wider = _wider(shape)
        cells = _guarded(filled, shape)
        if len(shape) == 3:
            for stride in _strides(wider):
                cells = tf.bitwise.bitwise_or(cells[:-stride], cells[stride:])
        number = _numbers(self.lower(), wider, self.sample) + _guard(shape)
        return tf.bitwise.bitwise_and(tf.gather(cells, number), self.bits) != 0


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
        maps = tf.gather(tf.reshape(self._transforms, [-1, num_axes, num_axes + 1]), part)
        at_depth_0 = [row, cell - row * shape[1], *[tf.zeros_like(row)] * (num_axes - 2), tf.ones_like(row)]
        at_depth_0 = tf.cast(tf.stack(at_depth_0, axis=1), tf.float64)[:, tf.newaxis]
        points = tf.gather(tf.reduce_sum(maps * at_depth_0, axis=-1), line)  # [N, axes]
        voxels = tf.gather(sample * plane + cell, line)
        if num_axes == 3:
            points += tf.gather(maps[:, :, 2], line) * tf.cast(depth, tf.float64)[:, tf.newaxis]
            voxels = voxels * shape[2] + depth
        # Beyond the volume nothing more happens than one cell outside.
        points = tf.maximum(tf.minimum(points, np.array(shape, np.float64)), -1.0)
        bits = tf.gather(self._part_bits, part - sample * num_parts)
        return _Places(voxels, tf.gather(sample, line), tf.gather(bits, line), points,
                       tf.shape(self._transforms)[0] * np.prod(shape))


def _interpolated(places, filled, shape, num_parts):
    """Makes the candidates of places."""
    lower = places.lower()
    corners = _numbers(lower, shape, places.sample)[:, tf.newaxis] + _offsets(shape)
    wider = _wider(shape)
    cells = _numbers(lower, wider, places.sample)[:, tf.newaxis] + (_offsets(wider) + _guard(shape))
    bits = tf.gather(_guarded(filled, shape), cells)
    is_filled = tf.bitwise.bitwise_and(bits, places.bits[:, tf.newaxis]) != 0  # [N, K]
    weights = _weights(tf.cast(places.points - lower, tf.float32)) if len(shape) == 3 else 1.0
    return Candidates(places.voxels, corners, tf.where(is_filled, weights, 0.0), places.num_voxels, num_parts,
                      places.needed)


def _weights(fraction):
    """Trilinear weights [N, 8] of fractions [N, 3]."""
    fraction = tf.transpose(fraction)
    sides = tf.stack([1.0 - fraction, fraction], axis=1)  # [3, 2, N]
    plane = sides[0][:, tf.newaxis] * sides[1]
    return tf.transpose(tf.reshape(plane[:, :, tf.newaxis] * sides[2], [8, -1]))


# An occupancy has one empty cell more at the end of each axis. The cell before the first one then is the
# empty one at the end of the row before; the very first cell is guarded by empty ones in front of it.


def _wider(shape):
    return tuple(size + 1 for size in shape)


def _guard(shape):
    return int(np.sum(_strides(_wider(shape))))


def _guarded(filled, shape):
    return tf.pad(tf.reshape(filled, [-1]), [[_guard(shape)] * 2])


def _strides(shape):
    """Cells from one to the next along each axis, ints [axes]."""
    return [int(np.prod(shape[axis + 1:])) for axis in range(len(shape))]


def _offsets(shape):
    """Cells from a source cell to those that are interpolated between, int32 [K]."""
    corners = np.ndindex(2, 2, 2) if len(shape) == 3 else [(0, 0)]
    return np.array([np.dot(corner, _strides(shape)) for corner in corners], np.int32)


def _numbers(cells, shape, sample):
    """Numbers of cells [N, axes] through the batch, int32 [N]."""
    numbers = tf.linalg.matvec(cells, np.array(_strides(shape), np.float64))
    return tf.cast(numbers, tf.int32) + sample * np.prod(shape)
