"""The volumetric warp: every body part moves as a rigid body through the feature volume (paper section 3.1).

    V'(x) = max over parts i of  sum over the 8 corners c around T_i x of  w_c * M_i(c) * V(c)

T_i maps target voxels to source voxels, M_i is the part's mask in the source pose, w the trilinear
weights. Outside the volume everything is 0.
"""

import keras
import numpy as np
import tensorflow as tf

from repose_tf import affine, body_parts, helmert
from repose_tf.shapes import check_pose, check_same_batch, check_shape


def vox_transforms(source_from_target_px, grid):
    """Converts similarity transforms from px to voxels: [..., 4, 4] on (x, y, z) -> on (row, column, depth)."""
    vox_from_px = np.eye(4, dtype=np.float32)
    vox_from_px[:3] = 0.0
    for row, axis in enumerate((1, 0, 2)):
        vox_from_px[row, axis] = 1.0 / grid.size_vox_px[axis]
        vox_from_px[row, 3] = -grid.origin_px[axis] / grid.size_vox_px[axis]
    return vox_from_px @ source_from_target_px @ np.linalg.inv(vox_from_px)


def plane_vox_transforms(source_from_target_px, grid):
    """Converts plane transforms from px to cells: [..., 3, 3] on (x, y) -> on (row, column).

    The translation is divided by image_size / volume_size, not by the stride: the reference does so,
    and weights trained with it rely on it.
    """
    linear = tf.reverse(source_from_target_px[..., :2, :2], axis=[-2, -1])
    translation = tf.reverse(source_from_target_px[..., :2, 2:], axis=[-2]) * (grid.volume_size / grid.image_size)
    return tf.concat([tf.concat([linear, translation], axis=-1), source_from_target_px[..., 2:, :]], axis=-2)


def _cells(shape):
    """All cells of a grid as homogeneous column vectors, float32 [len(shape) + 1, number of cells]."""
    cells = np.stack([axis.ravel() for axis in np.indices(shape)] + [np.ones(np.prod(shape))])
    return cells.astype(np.float32)


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


def dense_warp(volume, masks, source_from_target_vox):
    """Warps a volume by masked copies of it, one per part, each sampled everywhere.

    Args:
      volume: [B, H, W, D, C] features.
      masks: [B, H, W, D, P] part masks in the source pose.
      source_from_target_vox: [B, P, 4, 4] on (row, column, depth).

    Returns:
      [B, H, W, D, C]
    """
    shape = tuple(volume.shape[1:4])
    batch = tf.shape(volume)[0]
    cells = _cells(shape)
    warped = None
    for part in range(masks.shape[-1]):
        masked = volume * tf.cast(masks[..., part, tf.newaxis], volume.dtype)
        points = source_from_target_vox[:, part, :3] @ cells  # [B, 3, M]
        sampled = sample_trilinear(tf.reshape(masked, [batch, -1, volume.shape[-1]]), points, shape)
        warped = sampled if warped is None else tf.maximum(warped, sampled)
    return tf.reshape(warped, tf.shape(volume))


def sparse_warp(volume, masks, source_from_target_vox):
    """Warps a volume as `dense_warp` does, but looks only at the voxels that a part can reach.

    A part fills a few per cent of the volume. Its target voxels are those with a masked corner around their
    source point; values are gathered for these alone. The gradient to the volume is exact.

    Args and returns: as `dense_warp`.
    """
    height, width, depth, channels = volume.shape[1:]
    batch, num_parts, num_voxels = tf.shape(volume)[0], masks.shape[-1], height * width * depth
    points = source_from_target_vox[:, :, :3] @ _cells((height, width, depth))  # [B, P, 3, M]
    reached = tf.where(_reached(masks, tf.cast(tf.floor(points), tf.int32)))  # [K, 3]: sample, part, voxel
    reached = tf.cast(reached, tf.int32)
    sample, part, voxel = tf.unstack(reached, axis=1)

    points = tf.gather_nd(tf.transpose(points, [0, 1, 3, 2]), reached)  # [K, 3]
    lower = tf.floor(points)
    fraction = points - lower
    rows = tf.reshape(volume, [-1, channels])
    part_rows = tf.reshape(tf.transpose(masks, [0, 4, 1, 2, 3]), [-1])
    values = 0.0
    for corner in np.ndindex(2, 2, 2):
        cell = tf.cast(lower, tf.int32) + np.array(corner, np.int32)
        inside = tf.reduce_all((cell >= 0) & (cell < [height, width, depth]), axis=1)
        cell = tf.clip_by_value(cell, 0, [height - 1, width - 1, depth - 1])
        index = (cell[:, 0] * width + cell[:, 1]) * depth + cell[:, 2]
        weight = tf.reduce_prod(tf.where(np.array(corner) == 1, fraction, 1.0 - fraction), axis=1)
        weight *= tf.gather(part_rows, (sample * num_parts + part) * num_voxels + index) * tf.cast(inside, tf.float32)
        corner_rows = tf.gather(rows, sample * num_voxels + index)
        values += corner_rows * tf.cast(weight, volume.dtype)[:, tf.newaxis]

    place = sample * num_voxels + voxel
    highest = tf.math.unsorted_segment_max(values, place, batch * num_voxels)
    # Parts that do not reach a voxel count as 0 there, so a negative value stays only where every part reaches.
    count = tf.math.unsorted_segment_sum(tf.ones_like(place), place, batch * num_voxels)
    warped = tf.where((count == num_parts)[:, tf.newaxis], highest, tf.nn.relu(highest))
    return tf.reshape(warped, tf.shape(volume))


def _reached(masks, lower):
    """Where one of the 8 corners from `lower` [B, P, 3, M] on is in the part's mask [B, H, W, D, P]; [B, P, M] bool."""
    height, width, depth = masks.shape[1:4]
    masks = tf.transpose(masks, [0, 4, 1, 2, 3])  # [B, P, H, W, D]
    around = tf.pad(masks, [[0, 0], [0, 0], [1, 1], [1, 1], [1, 1]])
    for axis in (2, 3, 4):  # the maximum over two neighbours along each axis; index 0 belongs to cell -1
        size = around.shape[axis]
        lower_half, upper_half = (tf.gather(around, range(start, start + size - 1), axis=axis) for start in (0, 1))
        around = tf.maximum(lower_half, upper_half)
    row, column, layer = tf.unstack(lower + 1, axis=2)
    inside = ((row >= 0) & (row <= height) & (column >= 0) & (column <= width) & (layer >= 0) & (layer <= depth))
    index = (row * (width + 1) + column) * (depth + 1) + layer
    flat = tf.reshape(around, [-1, masks.shape[1], (height + 1) * (width + 1) * (depth + 1)])
    return inside & (tf.gather(flat, tf.where(inside, index, 0), batch_dims=2) > 0.0)


def dense_plane_warp(volume, plane_masks, source_from_target_vox):
    """Warps all depth layers alike in the image plane, nearest neighbour (the 2D warp ablation, Table 1).

    Args:
      volume: [B, H, W, D, C] features.
      plane_masks: [B, H, W, P] part masks in the source pose, projected along depth.
      source_from_target_vox: [B, P, 3, 3] on (row, column).

    Returns:
      [B, H, W, D, C]
    """
    rows, columns, depth, channels = volume.shape[1:]
    batch = tf.shape(volume)[0]
    layers = tf.reshape(volume, [batch, rows, columns, depth * channels])
    warped = None
    for part in range(plane_masks.shape[-1]):
        masked = layers * tf.cast(plane_masks[..., part, tf.newaxis], volume.dtype)
        points = source_from_target_vox[:, part, :2] @ _cells((rows, columns))  # [B, 2, M]
        nearest = tf.cast(tf.round(points), tf.int32)
        sampled = _gather_inside(tf.reshape(masked, [batch, rows * columns, depth * channels]),
                                 nearest, (rows, columns))
        warped = sampled if warped is None else tf.maximum(warped, sampled)
    return tf.reshape(warped, tf.shape(volume))


class VolumetricWarp(keras.layers.Layer):
    """Keras layer over the warp: (volume, source pose, target pose) -> volume in the target pose.

    Args of the constructor:
      grid: the `VolumeGrid` of the volume.
      mode: '3d' (similarities through the volume) or '2d' (affine maps of the image plane, the ablation).
    """

    def __init__(self, grid, mode='3d', **kwargs):
        # The poses stay in float32 whatever the precision of the features.
        super().__init__(autocast=False, **kwargs)
        if mode not in ('2d', '3d'):
            raise ValueError(f"mode: expected '2d' or '3d', found {mode!r}.")
        self.grid = grid
        self.mode = mode

    def call(self, volume, source_pose_px, target_pose_px, masks=None):
        """Warps a volume.

        Args:
          volume: [B, H, W, D, C] features in the source pose.
          source_pose_px: [B, J, 3] px. No gradient flows to the poses: they are data.
          target_pose_px: [B, J, 3] px.
          masks: [B, H, W, D, P] part masks of the source pose, where the caller already has them.

        Returns:
          [B, H, W, D, C] features in the target pose.

        Raises:
          ShapeError: if a tensor does not fit the grid or the skeleton.
        """
        check_shape('volume', volume, ('B', *self.grid.shape, 'C'))
        check_pose('source_pose_px', source_pose_px)
        check_pose('target_pose_px', target_pose_px)
        check_same_batch(volume=volume, source_pose_px=source_pose_px, target_pose_px=target_pose_px)
        if masks is None:
            masks = body_parts.part_masks(source_pose_px, self.grid)
        if self.mode == '2d':
            transforms = plane_vox_transforms(affine.part_affines(source_pose_px, target_pose_px), self.grid)
            return dense_plane_warp(volume, tf.reduce_max(masks, axis=3), transforms)
        transforms = vox_transforms(helmert.part_transforms(source_pose_px, target_pose_px), self.grid)
        return sparse_warp(volume, masks, transforms)

    def get_config(self):
        grid = {'image_size': self.grid.image_size, 'volume_size': self.grid.volume_size,
                'depth_size': self.grid.depth_size}
        return {**super().get_config(), 'grid': grid, 'mode': self.mode}
