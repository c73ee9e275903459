"""The warp done plainly, referee of the fast one: a masked copy of the volume per part, all sampled."""

import functools

import numpy as np
import tensorflow as tf

from repose_tf.skeleton import NUM_PARTS
from repose_tf.warp import affine, body_parts, helmert


def source_points(maps_px, grid, shape):
    """Returns where maps take the centres of all cells, in cells of the source.

    This states anew what a cell is and takes nothing from the code that is tested: pixel number k spans px k to k + 1,
    the convolutions look from its centre at every stride-th pixel, and depth begins half an image in front of the
    pelvis. In the reference's registration a cell lies on its pixel's corner instead, and a shift in the plane counts
    image_size / volume_size px as a cell.

    Args:
      maps_px: [B, P, A + 1, A + 1] source from target on (x, y, z) px, or on (x, y) px with A = 2.
      grid: the `VolumeGrid`.
      shape: sizes of the A axes.

    Returns:
      [B, P, A, cells] float64, (row, column, depth) or (row, column).
    """
    num_axes = len(shape)
    maps_px = tf.cast(maps_px, tf.float64)
    cells = np.indices(shape, float).reshape(num_axes, -1)
    stride, depth_stride = grid.image_size / (grid.volume_size - 1), grid.image_size / (grid.depth_size - 1)
    step = np.array([stride, stride, depth_stride])[:num_axes, None]
    centre = 0.0 if grid.registration == 'reference' else 0.5
    first = np.array([centre, centre, -grid.image_size / 2])[:num_axes, None]
    swapped = [1, 0, 2][:num_axes]  # cells begin with the row, px with the column
    linear, shift = maps_px[..., :-1, :-1], maps_px[..., :-1, -1:]
    if num_axes == 2 and grid.registration == 'reference':
        places = linear @ cells[swapped] + shift * grid.volume_size / grid.image_size
    else:
        places = (linear @ (cells[swapped] * step + first) + shift - first) / step
    return tf.gather(places, swapped, axis=-2)


def _gather_inside(values, cells, shape):
    """Looks up values [B, N, C] of a grid at integer cells [B, axes, M]; 0 outside. Returns [B, M, C]."""
    index, inside = 0, True
    for axis, size in enumerate(shape):
        cell = cells[:, axis]
        inside = inside & (cell >= 0) & (cell < size)
        index = index * size + tf.clip_by_value(cell, 0, size - 1)
    return tf.gather(values, index, batch_dims=1) * tf.cast(inside, values.dtype)[..., tf.newaxis]


def sample_trilinear(values, points_vox, shape):
    """Samples a volume between its cells.

    Args:
      values: [B, H * W * D, C] the volume, flattened.
      points_vox: [B, 3, M] (row, column, depth).
      shape: (H, W, D).

    Returns:
      [B, M, C]; cells outside the volume count as 0.
    """
    lower = tf.floor(points_vox)
    fraction = points_vox - lower
    lower = tf.cast(lower, tf.int32)
    result = 0.0
    for corner in np.ndindex(2, 2, 2):
        offset = np.array(corner, np.int32)[:, None]
        weight = tf.reduce_prod(tf.where(offset == 1, fraction, 1.0 - fraction), axis=1)  # [B, M]
        corner_values = _gather_inside(values, lower + offset, shape)
        result += corner_values * tf.cast(weight, values.dtype)[..., tf.newaxis]
    return result


def dense_volume_warp(volume, masks, points_vox):
    """Warps a volume.

    Args:
      volume: [B, H, W, D, C] features.
      masks: [B, H, W, D, P] part masks in the source pose.
      points_vox: [B, P, 3, H * W * D] where each part takes the cells, see `source_points`.

    Returns:
      [B, H, W, D, C]
    """
    return _warped(volume, masks, points_vox, sample_trilinear)


def dense_plane_warp(volume, plane_masks, points_vox):
    """Warps all depth layers alike in the image plane, nearest neighbour (the 2D warp ablation, Table 1).

    Args:
      volume: [B, H, W, D, C] features.
      plane_masks: [B, H, W, P] part masks in the source pose, projected along depth.
      points_vox: [B, P, 2, H * W] where each part takes the cells, see `source_points`.

    Returns:
      [B, H, W, D, C]
    """
    layers = tf.reshape(volume, [*volume.shape[:3], -1])

    def nearest(values, points_vox, shape):
        return _gather_inside(values, tf.cast(tf.round(points_vox), tf.int32), shape)

    return tf.reshape(_warped(layers, plane_masks, points_vox, nearest), volume.shape)


def _warped(features, masks, points_vox, sample):
    """Samples a masked copy of the features, [B, axes ..., C], per part as if it were another of the batch."""
    shape, (num_parts, channels) = tuple(features.shape[1:-1]), (masks.shape[-1], features.shape[-1])
    per_part = tf.stack([features * tf.cast(mask[..., tf.newaxis], features.dtype)
                         for mask in tf.unstack(masks, axis=-1)], axis=1)
    num_cells = np.prod(shape)
    sampled = sample(tf.reshape(per_part, [-1, num_cells, channels]),
                     tf.reshape(points_vox, [-1, len(shape), num_cells]), shape)
    sampled = tf.reshape(sampled, [-1, num_parts, *shape, channels])
    return functools.reduce(tf.maximum, tf.unstack(sampled, axis=1))  # of equal ones the gradient goes to the first


def dense_warp(volume, source_pose_px, target_pose_px, grid, mode='3d', num_at_once=NUM_PARTS):
    """What `volumetric_warp.warp` computes, for volumes with or without the grid's padding.

    All parts at once are few operations and much memory; `num_at_once` says how many.
    """
    masks = body_parts.part_masks(source_pose_px, grid)
    masks = masks[:, :volume.shape[1], :volume.shape[2], :volume.shape[3]]
    if mode == '2d':
        masks, fit, warp = tf.reduce_max(masks, axis=3), affine.part_affines, dense_plane_warp
    else:
        fit, warp = helmert.part_transforms, dense_volume_warp
    points = source_points(fit(source_pose_px, target_pose_px), grid, tuple(masks.shape[1:-1]))
    parts = [slice(first, first + num_at_once) for first in range(0, NUM_PARTS, num_at_once)]
    return functools.reduce(tf.maximum, [warp(volume, masks[..., some], points[:, some]) for some in parts])
