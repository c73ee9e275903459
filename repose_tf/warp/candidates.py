"""Candidates of the warp: the pairs of a body part and a target voxel whose value may not be 0.

The map of a part takes a target voxel to a source point. The part's value is interpolated there from the source voxels
around the point, of which only those count that the part fills. A pair is a candidate if it has at least one of those;
all other pairs have the value 0 and are never computed.

Example: one sample of 4 x 4 x 4 voxels and one part that fills the source voxel (1, 1, 2) alone and moves by 0.75 in
depth. Target voxel (1, 1, 1), whose number is (1 * 4 + 1) * 4 + 1 = 21, goes to the source point (1, 1, 1.75), between
voxels 21 and 22 with weights 0.25 and 0.75. Only 22 is filled, so 21 is a candidate of value 0.75 * source voxel 22.
Target voxel 22 goes to (1, 1, 2.75) and is a candidate of value 0.25 * source voxel 22. Six more, like (0, 1, 1), have
source voxel 22 around their source point, but with weight 0: they are candidates of value 0. The other 56 are none.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from repose_tf.warp import occupancy, scanlines
from repose_tf.warp.source_cells import Nearest, Trilinear
from repose_tf.warp.target_points import PartMaps


@dataclasses.dataclass(frozen=True)
class Candidates:
    """The candidates of a batch, each with the source voxels that it is made of.

    Voxels are numbered through the batch: ((sample * H + row) * W + column) * D + depth.

    Attributes:
      voxels: int32 [N] target voxels; a part occurs at most once at a voxel. -1 stands for none.
      corners: int32 [K, N] the source voxels around the source point.
      weights: float32 [K, N] their interpolation weights; 0 where the part does not fill them or the volume ends.
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
    """Lists the candidates of the warp through the volume, with trilinear weights.

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
    source = Trilinear(shape)
    own_spans = scanlines.spans(capsules, shape, is_static)
    filled = occupancy.of_volume(own_spans, capsule_parts, inner, source.occupancy_shape)
    maps = PartMaps(transforms, occupancy.part_bits(capsule_parts), shape)
    points = maps.on_lines(*_reached(capsules, capsule_parts, transforms, shape, is_static), capacity)
    are_filled = source.are_filled(points, filled)
    if not is_static:
        which = tf.where(tf.reduce_any(are_filled, axis=0))[:, 0]
        points, are_filled = points.taken(which), tf.gather(are_filled, which, axis=1)
    return _candidates(source, points, are_filled, transforms, shape)


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
    source = Nearest(shape)
    spans = scanlines.spans(capsules, inner, capacity is not None)
    filled = occupancy.of_plane(spans, capsule_parts, inner, source.occupancy_shape)
    maps = PartMaps(transforms, occupancy.part_bits(capsule_parts), (*shape, 1))
    # Every line has one cell, at depth 0. It is listed where it is filled: from 0 to 0 or else from 0 to -1.
    lines = tf.range(spans.size[0] * (transforms.shape[1] * shape[0] * shape[1]))
    zeros = tf.zeros_like(lines)
    is_filled = source.are_filled(maps.points(lines, lines, zeros), filled)[0]
    points = maps.on_lines(zeros, tf.cast(is_filled, tf.int32) - 1, capacity)
    return _candidates(source, points, source.are_filled(points, filled), transforms, shape)


def _reached(capsules, capsule_parts, transforms, shape, is_static):
    """Returns the first and the last depth of every line that its part may reach, int32 [B * P * H * W] each.

    A part may reach the voxels whose source points lie in its capsules or less than a voxel beside them. Its capsules
    overlap, so that a line has one span for all of them.
    """
    # Capsules that are larger by a voxel along every axis at once hold all points with a filled voxel around them.
    enlarged = 1.0 + tf.norm(1.0 / capsules.semi_axes, axis=-1, keepdims=True) + 1e-6
    maps = tf.gather(transforms, capsule_parts, axis=1)
    moved = dataclasses.replace(
        capsules, semi_axes=capsules.semi_axes * enlarged, linear=maps[..., :3], offset=maps[..., 3])
    spans = scanlines.spans(moved, shape, is_static)
    num_parts = transforms.shape[1]
    part = spans.sample * num_parts + tf.gather(capsule_parts, spans.capsule)
    lines = tf.gather((part * shape[0] + spans.row) * shape[1], spans.place) + spans.column
    num_lines = spans.size[0] * (num_parts * shape[0] * shape[1])
    return (tf.math.unsorted_segment_min(spans.first, lines, num_lines),
            tf.math.unsorted_segment_max(spans.last, lines, num_lines))


def _candidates(source, points, are_filled, transforms, shape):
    corners, weights = source.cells(points)
    return Candidates(points.voxels, corners, tf.where(are_filled, weights, 0.0),
                      tf.shape(transforms)[0] * np.prod(shape), transforms.shape[1], points.needed)
