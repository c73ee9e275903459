"""The warp done plainly, referee of the fast one: a masked copy of the volume per part, all sampled."""

import functools

import numpy as np
import tensorflow as tf

from repose_tf.skeleton import NUM_PARTS
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
    return _warped(volume, masks, source_from_target_vox, sample_trilinear)


def dense_plane_warp(volume, plane_masks, source_from_target_vox):
    """Warps all depth layers alike in the image plane, nearest neighbour (the 2D warp ablation, Table 1).

    Args:
      volume: [B, H, W, D, C] features.
      plane_masks: [B, H, W, P] part masks in the source pose, projected along depth.
      source_from_target_vox: [B, P, 3, 3] on (row, column).

    Returns:
      [B, H, W, D, C]
    """
    layers = tf.reshape(volume, [*volume.shape[:3], -1])

    def nearest(values, points_vox, shape):
        return _gather_inside(values, tf.cast(tf.round(points_vox), tf.int32), shape)

    return tf.reshape(_warped(layers, plane_masks, source_from_target_vox, nearest), volume.shape)


def _warped(features, masks, source_from_target_vox, sample):
    """Samples a masked copy of the features, [B, axes ..., C], per part as if it were another of the batch."""
    shape, (num_parts, channels) = tuple(features.shape[1:-1]), (masks.shape[-1], features.shape[-1])
    per_part = tf.stack([features * tf.cast(mask[..., tf.newaxis], features.dtype)
                         for mask in tf.unstack(masks, axis=-1)], axis=1)
    size = source_from_target_vox.shape[-1]
    sampled = sample(tf.reshape(per_part, [-1, np.prod(shape), channels]),
                     _points(tf.reshape(source_from_target_vox, [-1, size, size]), shape), shape)
    sampled = tf.reshape(sampled, [-1, num_parts, *shape, channels])
    return functools.reduce(tf.maximum, tf.unstack(sampled, axis=1))  # of equal ones the gradient goes to the first


def dense_warp(volume, source_pose_px, target_pose_px, grid, mode='3d', num_at_once=NUM_PARTS):
    """What `volumetric_warp.warp` computes, for volumes with or without the grid's padding.

    All parts at once are few operations and much memory; `num_at_once` says how many.
    """
    masks = body_parts.part_masks(source_pose_px, grid)
    masks = masks[:, :volume.shape[1], :volume.shape[2], :volume.shape[3]]
    if mode == '2d':
        transforms = plane_vox_transforms(affine.part_affines(source_pose_px, target_pose_px), grid)
        masks, warp = tf.reduce_max(masks, axis=3), dense_plane_warp
    else:
        transforms = vox_transforms(helmert.part_transforms(source_pose_px, target_pose_px), grid)
        warp = dense_volume_warp
    parts = [slice(first, first + num_at_once) for first in range(0, NUM_PARTS, num_at_once)]
    return functools.reduce(tf.maximum, [warp(volume, masks[..., some], transforms[:, some]) for some in parts])
