"""Surfaces of a pose as the camera sees them: of each part, of all together, and the two nearest parts of every pixel.

Hair, skirts, sleeves and shoes stand out of the capsules. Where a pixel misses all capsules but hits those of larger
radii (`HALO`), the parts nearest in radius are used, at the depths of their tangent points.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from repose_tf.detail import sight_lines, source_pixels
from repose_tf.detail.sight_lines import NONE
from repose_tf.skeleton import NUM_PARTS

HALO = (1.3, 1.7)  # radii of the rings around the capsules, in units of the nominal ones
NUM_LAYERS = 2
_PART_BITS = 4
_PARTS = 2 ** _PART_BITS  # room for the parts
_INFINITY = np.float32(np.inf)


def part_surfaces(pose_px, size, use_static_shapes=False):
    """Returns where the lines of sight enter each part.

    Args:
      pose_px: [B, J, 3] joints, px.
      size: (H, W) of the picture.
      use_static_shapes: True under XLA.

    Returns:
      [B, H, W, P] float32: the smallest z, px, at which the line through the pixel's centre is inside one of the part's
      capsules; infinite where it misses them all. No gradient flows to the pose.
    """
    crossings = sight_lines.crossings(pose_px, size, use_static_shapes=use_static_shapes)
    nearest = _smallest(crossings, crossings.line * NUM_PARTS + crossings.part, crossings.num_lines * NUM_PARTS)
    return tf.reshape(nearest, [-1, *size, NUM_PARTS])


def surface(pose_px, size, use_static_shapes=False):
    """Returns where the lines of sight enter the person; arguments as for `part_surfaces`, [B, H, W] float32 px."""
    crossings = sight_lines.crossings(pose_px, size, use_static_shapes=use_static_shapes)
    return tf.reshape(_smallest(crossings, crossings.line, crossings.num_lines), [-1, *size])


def _smallest(crossings, groups, num_groups):
    """Returns the smallest depth of each group of crossings, float32; infinite where there is none."""
    depth_px = tf.where(crossings.is_hit, crossings.depth_px, tf.fill(tf.shape(crossings.depth_px), _INFINITY))
    smallest = tf.math.unsorted_segment_min(depth_px, groups, num_groups)
    return tf.where(smallest < depth_px.dtype.max, smallest, tf.fill(tf.shape(smallest), _INFINITY))


@dataclasses.dataclass(frozen=True)
class SurfacePoints:
    """Points of the target's surface, at most NUM_LAYERS in a pixel, each of another part.

    Attributes:
      slot: int32 [E] ((sample * H + row) * W + column) * NUM_LAYERS + layer, NONE for an empty place.
      sample, part, ring: int32 [E]; ring 0 is the capsules, 1 and 2 are the rings of `HALO`.
      points_px: three float32 [E], x, y and z.
      normals: three float32 [E], the unit vector that points out of the surface.
      size: (B, H, W), the first one a tensor.
    """

    slot: tf.Tensor
    sample: tf.Tensor
    part: tf.Tensor
    ring: tf.Tensor
    points_px: tuple
    normals: tuple
    size: tuple

    def maps(self, use_static_shapes=False):
        """Returns the points as maps of the picture.

        Returns:
          dictionary: `depth_px` [B, H, W, NUM_LAYERS] float32 and `normal` [B, H, W, NUM_LAYERS, 3] float32, 0 where
          there is no point; `part` and `ring` [B, H, W, NUM_LAYERS] int32, NONE there.
        """
        shape = (*self.size, NUM_LAYERS)
        num_slots = self.size[0] * int(np.prod(shape[1:]))
        each = tf.range(tf.size(self.slot))[tf.newaxis]
        normal = source_pixels.carried(tf.stack(self.normals, axis=1), each, tf.ones_like(each), self.slot, num_slots,
                                       use_static_shapes)
        # Both numbers in one, and one higher, so that what nothing was added to becomes NONE.
        kind = (self.ring - NONE) * _PARTS + self.part - NONE
        kind, depth_px = (tf.reshape(tf.math.unsorted_segment_sum(x, self.slot, num_slots), shape)
                          for x in (kind, self.points_px[2]))
        return {'depth_px': depth_px, 'normal': tf.reshape(normal, [*shape, 3]),
                'part': tf.bitwise.bitwise_and(kind, _PARTS - 1) + NONE,
                'ring': tf.bitwise.right_shift(kind, _PART_BITS) + NONE}


def nearest_points(pose_px, size, use_static_shapes=False):
    """Finds the two nearest parts of every pixel.

    All points of a pixel are of the same ring, the innermost that any part has there.

    Args:
      pose_px, size, use_static_shapes: as for `part_surfaces`.

    Returns:
      `SurfacePoints`; in static shapes as many as there are slots.
    """
    crossings = sight_lines.crossings(pose_px, size, (1.0, *HALO), use_static_shapes)
    order = crossings.order()
    first = crossings.first(order)
    # Part and ring in one number: two of them differ by less than _PARTS where the ring is the same.
    kind = crossings.ring * _PARTS + crossings.part
    differs = tf.bitwise.bitwise_xor(kind, tf.gather(kind, crossings.index(tf.gather(first, crossings.line))))
    is_other = (differs > 0) & (differs < _PARTS)
    second = crossings.first(tf.where(is_other, order, tf.fill(tf.shape(order), np.float64(np.inf))))
    if use_static_shapes:
        firsts, lines = (first, second), [tf.range(tf.size(first))] * NUM_LAYERS
    else:
        lines = [tf.cast(tf.where(layer < tf.float64.max)[:, 0], tf.int32) for layer in (first, second)]
        firsts = [tf.gather(layer, line) for layer, line in zip((first, second), lines, strict=True)]
    firsts = tf.concat(firsts, axis=0)
    slot = tf.concat([line * NUM_LAYERS + layer for layer, line in enumerate(lines)], axis=0)
    if use_static_shapes:
        slot = tf.where(firsts < np.inf, slot, NONE)
    return _points(crossings, slot, crossings.index(firsts), kind, size)


def _points(crossings, slot, pairs, kind, size):
    """Makes `SurfacePoints` of the crossings numbered `pairs`; `kind` is of all crossings."""
    line, place, depth_px, share, kind = (tf.gather(field, pairs) for field in (
        crossings.line, crossings.place, crossings.depth_px, crossings.share, kind))
    ring = tf.bitwise.right_shift(kind, _PART_BITS)
    row = line // size[1]
    column, sample = line - row * size[1], row // size[0]
    points = [tf.cast(column, tf.float32) + 0.5, tf.cast(row - sample * size[0], tf.float32) + 0.5, depth_px]
    axes = tf.gather(tf.concat([crossings.fronts, crossings.axes], axis=1), tf.gather(crossings.capsules, place))
    ends = tf.unstack(tf.transpose(axes))
    outwards = [point - (front + share * axis) for point, front, axis in zip(points, ends[:3], ends[3:], strict=True)]
    per_length = tf.math.divide_no_nan(tf.ones_like(share), tf.sqrt(tf.add_n([tf.square(x) for x in outwards])))
    normals = tuple(x * per_length for x in outwards)
    return SurfacePoints(slot, sample, kind - ring * _PARTS, ring, tuple(points), normals, (crossings.size[0], *size))
