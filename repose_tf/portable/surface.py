"""The surface warp without a choice of what is computed: all capsules at all pixels; see `portable.volume`.

What it computes is said in `detail.sight_lines`, `detail.surfaces` and `detail.surface_warp`.
"""

import functools

import numpy as np
import tensorflow as tf

from repose_tf.detail import sight_lines, source_pixels, surface_warp
from repose_tf.detail.surface_warp import NUM_SAMPLES
from repose_tf.detail.surfaces import HALO, NUM_LAYERS
from repose_tf.detail.views import VIEW_OF_PART
from repose_tf.skeleton import NUM_PARTS
from repose_tf.warp import body_parts

_PARTS = np.int32(body_parts.CAPSULE_PARTS)
_NONE = np.float32(2 ** 24)  # more than any whole number here: float32 holds them all, and some runtimes count in it


def source_parts(source_poses_px, size):
    """As `surface_warp.source_parts`, for one source: [B, 1, J, 3] px -> [B, 1, H, W, P] float32 px."""
    _, _, ring, depth_px, _ = _crossings(source_poses_px[:, 0], size, (1.0,))
    # Infinity would not do: where all numbers are, some runtimes find less.
    entered = tf.unstack(tf.where(ring == 0, depth_px, surface_warp.NOBODY_PX), axis=1)
    parts = [[depth_px for depth_px, of in zip(entered, body_parts.CAPSULE_PARTS, strict=True) if of == part]
             for part in range(NUM_PARTS)]
    nearest = [functools.reduce(tf.minimum, capsules) for capsules in parts]
    return tf.stack(nearest, axis=-1)[:, tf.newaxis]


def carried(images, source_poses_px, target_pose_px, source_depth_px):
    """As `candidates.carried`, for one source.

    Args:
      images: [B, 1, K, S, S, 4] float32, K views; B is known.
      source_poses_px: [B, 1, 19, 3] float32 px.
      target_pose_px: [B, 19, 3] float32 px.
      source_depth_px: `surface_warp.source_depth` of the source.

    Returns:
      (candidates, maps), as `candidates.carried`.
    """
    batch, _, num_views, *size, channels = images.shape
    num_pixels = size[0] * size[1]
    has_any, part, ring, point_px, normal = _nearest_points(target_pose_px, size)
    place_px, facing = _places(source_poses_px[:, 0], target_pose_px, part, point_px, normal, size)
    # [B, V, L, H * W] each, as one long vector.
    x_px, y_px, z_px = (tf.reshape(axis, [-1]) for axis in place_px)
    source = np.repeat(np.arange(batch, dtype=np.int32), NUM_SAMPLES * NUM_LAYERS * num_pixels)
    pixel, is_inside = source_pixels.nearest(source, y_px, x_px, size)
    visible = is_inside & (z_px <= tf.gather(tf.reshape(source_depth_px, [-1]), pixel))
    # The part of a place is that of its point, whichever sample it is.
    view = tf.gather(np.int32(VIEW_OF_PART), tf.reshape(tf.repeat(part[:, tf.newaxis], NUM_SAMPLES, axis=1), [-1]))
    values = source_pixels.sampled(tf.reshape(images, [-1, channels]), *source_pixels.corners(
        num_views * source + view, y_px, x_px, size))
    trust = [tf.cast(visible, tf.float32)[:, tf.newaxis], tf.reshape(facing, [-1, 1])]
    found = tf.reshape(tf.concat([values, *trust], axis=-1), [batch, NUM_SAMPLES, NUM_LAYERS, num_pixels, -1])
    found = tf.transpose(found, [0, 3, 2, 1, 4])  # [B, H * W, L, V, CHANNELS]
    has_any = tf.transpose(has_any, [0, 2, 1])[..., tf.newaxis, tf.newaxis]

    def as_map(x):  # [B, L, H * W] -> [B, H, W, L], 0 where there is no point
        return tf.reshape(tf.where(has_any[..., 0, 0], tf.transpose(x, [0, 2, 1]), tf.zeros([], x.dtype)),
                          [-1, *size, NUM_LAYERS])

    normals = tf.stack([as_map(axis) for axis in normal], axis=-1)
    maps = {'depth_px': as_map(point_px[2]), 'normal': normals, 'part': as_map(part + 1) - 1,
            'ring': as_map(ring + 1) - 1}
    found = tf.where(has_any, found, 0.0)
    return tf.reshape(found, [-1, *size, NUM_LAYERS, NUM_SAMPLES, found.shape[-1]]), maps


def _crossings(pose_px, size, reaches):
    """Returns where all lines of sight enter all capsules.

    Args:
      pose_px: [B, J, 3] joints, px.
      size: (H, W).
      reaches: see `sight_lines.crossings`.

    Returns:
      fronts and axes [B, N, 3] px; ring int32, depth_px and share float32, [B, N, H, W], as of `sight_lines.Crossings`.
    """
    fronts, axes, radii = sight_lines.from_the_front(*body_parts.capsules_px(pose_px))
    length, per_length, direction, slope = sight_lines.seen(axes)
    of_capsules = (*tf.unstack(fronts, axis=-1), axes[..., 2], *tf.unstack(direction, axis=-1), length, per_length,
                   slope, radii)
    front_x, front_y, front_z, axis_z, x, y, length, per_length, slope, radii = (
        each[..., tf.newaxis, tf.newaxis] for each in of_capsules)
    right = np.arange(size[1], dtype=np.float32) + np.float32(0.5) - front_x
    below = np.arange(size[0], dtype=np.float32)[:, np.newaxis] + np.float32(0.5) - front_y
    depth_px, share, ring = sight_lines.met(right * x + below * y, right * y - below * x, length, per_length, slope,
                                            front_z, axis_z, radii, reaches)
    return fronts, axes, ring, depth_px, share


def _nearest_points(pose_px, size):
    """Finds the two nearest parts of every pixel, as `surfaces.nearest_points`.

    Returns:
      has_any bool, part int32, ring int32, and three coordinates each of points and normals, float32, px:
      [B, L, H * W] each; anything where `has_any` is false.
    """
    reaches = (1.0, *HALO)
    fronts, axes, ring, depth_px, share = _crossings(pose_px, size, reaches)
    batch, num_capsules, *_ = ring.shape
    num_pixels = size[0] * size[1]
    flat = [tf.reshape(x, [batch, num_capsules, num_pixels]) for x in (ring, depth_px, share)]
    innermost = tf.reduce_min(flat[0], axis=1, keepdims=True)  # [B, 1, H * W]
    is_first = flat[0] == innermost
    first = _nearest(flat[1], is_first)
    part_of_first = tf.gather(_PARTS, tf.minimum(first, num_capsules - 1))
    numbers = tf.concat([first, _nearest(flat[1], is_first & (_PARTS[:, np.newaxis] != part_of_first))], axis=1)
    has_any = (numbers < num_capsules) & (innermost < len(reaches))  # [B, L, H * W]
    numbers = tf.where(has_any, numbers, 0)

    capsule = numbers + np.int32(np.arange(batch) * num_capsules)[:, np.newaxis, np.newaxis]
    place = capsule * num_pixels + np.arange(num_pixels, dtype=np.int32)
    depth_px, share = (tf.gather(tf.reshape(x, [-1]), place) for x in flat[1:])
    ends = tf.reshape(tf.concat([fronts, axes], axis=-1), [-1, 6])
    ends = [tf.gather(column, capsule) for column in tf.unstack(ends, axis=-1)]
    rows, columns = (axis.ravel() + np.float32(0.5) for axis in np.indices(size, np.float32))
    points = [columns + tf.zeros_like(depth_px), rows + tf.zeros_like(depth_px), depth_px]
    outwards = [point - (front + share * axis) for point, front, axis in zip(points, ends[:3], ends[3:])]
    lengths = tf.sqrt(tf.add_n([tf.square(x) for x in outwards]))
    normals = [x / tf.maximum(lengths, 1e-12) for x in outwards]
    return has_any, tf.gather(_PARTS, numbers), innermost + tf.zeros_like(numbers), points, normals


def _nearest(depth_px, is_asked):
    """Returns the first of the nearest capsules at every pixel; [B, N, H * W] twice -> int32 [B, 1, H * W].

    It is `_NONE` where none is asked for.
    """
    steps = tf.where(is_asked, sight_lines.steps(depth_px), _NONE)
    is_nearest = is_asked & (steps == tf.reduce_min(steps, axis=1, keepdims=True))
    number = np.arange(depth_px.shape[1], dtype=np.float32)[:, np.newaxis]
    return tf.cast(tf.reduce_min(tf.where(is_nearest, number, _NONE), axis=1, keepdims=True), tf.int32)


def _places(source_pose_px, target_pose_px, part, point_px, normal, size):
    """Takes points [B, L, H * W] to the source; returns x, y, z px and the cosine to the camera, [B, V, L, H * W]."""
    transforms = surface_warp.transforms(source_pose_px, target_pose_px, 1, size, tf.float32)
    numbers = surface_warp.numbers_of(transforms)  # [B * V * P, 15]
    first = np.int32(np.arange(part.shape[0] * NUM_SAMPLES) * NUM_PARTS).reshape(-1, NUM_SAMPLES, 1, 1)
    which = part[:, tf.newaxis] + first  # [B, V, L, H * W]
    rows = [tf.gather(column, which) for column in tf.unstack(numbers, axis=-1)]
    return surface_warp.applied(rows, *([axis[:, tf.newaxis] for axis in vector] for vector in (point_px, normal)))
