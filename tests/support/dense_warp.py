"""The warp done plainly, referee of the fast one: a masked copy of the volume per part, all sampled."""

import numpy as np
import tensorflow as tf

from repose_tf.warp import affine, body_parts, helmert
from repose_tf.warp.volumetric_warp import plane_vox_transforms, vox_transforms


def _cells(shape):
    """All cells of a grid as homogeneous column vectors, float64 [len(shape) + 1, number of cells]."""
    return np.stack([*np.indices(shape, float).reshape(len(shape), -1), np.ones(np.prod(shape))])


def _points(transforms, shape):
    """Where maps [B, axes + 1, axes + 1] take all cells, [B, axes, cells]."""
    return tf.cast(transforms[:, :-1], tf.float64) @ _cells(shape)


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


def dense_volume_warp(volume, masks, source_from_target_vox):
    """Warps a volume.

    Args:
      volume: [B, H, W, D, C] features.
      masks: [B, H, W, D, P] part masks in the source pose.
      source_from_target_vox: [B, P, 4, 4] on (row, column, depth).

    Returns:
      [B, H, W, D, C]
    """
    shape = tuple(volume.shape[1:4])
    warped = None
    for part in range(masks.shape[-1]):
        masked = volume * tf.cast(masks[..., part, tf.newaxis], volume.dtype)
        values = tf.reshape(masked, [volume.shape[0], -1, volume.shape[-1]])
        sampled = sample_trilinear(values, _points(source_from_target_vox[:, part], shape), shape)
        warped = sampled if warped is None else tf.maximum(warped, sampled)
    return tf.reshape(warped, volume.shape)


def dense_plane_warp(volume, plane_masks, source_from_target_vox):
    """Warps all depth layers alike in the image plane, nearest neighbour (the 2D warp ablation, Table 1).

    Args:
      volume: [B, H, W, D, C] features.
      plane_masks: [B, H, W, P] part masks in the source pose, projected along depth.
      source_from_target_vox: [B, P, 3, 3] on (row, column).

    Returns:
      [B, H, W, D, C]
    """
    shape = tuple(volume.shape[1:3])
    layers = tf.reshape(volume, [*volume.shape[:3], -1])
    warped = None
    for part in range(plane_masks.shape[-1]):
        masked = layers * tf.cast(plane_masks[..., part, tf.newaxis], volume.dtype)
        values = tf.reshape(masked, [volume.shape[0], -1, layers.shape[-1]])
        nearest = tf.cast(tf.round(_points(source_from_target_vox[:, part], shape)), tf.int32)
        sampled = _gather_inside(values, nearest, shape)
        warped = sampled if warped is None else tf.maximum(warped, sampled)
    return tf.reshape(warped, volume.shape)


def dense_warp(volume, source_pose_px, target_pose_px, grid, mode='3d'):
    """What `volumetric_warp.warp` computes, for volumes with or without the grid's padding."""
    masks = body_parts.part_masks(source_pose_px, grid)
    masks = masks[:, :volume.shape[1], :volume.shape[2], :volume.shape[3]]
    if mode == '2d':
        transforms = plane_vox_transforms(affine.part_affines(source_pose_px, target_pose_px), grid)
        return dense_plane_warp(volume, tf.reduce_max(masks, axis=3), transforms)
    transforms = vox_transforms(helmert.part_transforms(source_pose_px, target_pose_px), grid)
    return dense_volume_warp(volume, masks, transforms)
