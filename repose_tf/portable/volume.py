"""The parts of the body in the volume, and its warp, without a choice of what is computed: all parts at all voxels.

`repose_tf.warp` finds the few per cent that may not be 0, by operations that TensorFlow alone has. Here every part is
computed everywhere, by elementwise operations, products of matrices and look-ups, in float32 and in sizes that are
known beforehand. So other runtimes can do it, too. The values are the same but for rounding; where a voxel's centre
lies on the border of a part by less than that, the part may fill the voxel here and not there.
"""

import functools

import numpy as np
import tensorflow as tf

from repose_tf.skeleton import NUM_PARTS
from repose_tf.warp import body_parts, helmert

_FAR_PX = np.float32(1e6)  # outside of any picture
_MEMBERS = (np.arange(NUM_PARTS)[:, np.newaxis] == np.array(body_parts.CAPSULE_PARTS)).astype(np.float32)  # [P, N]


def part_masks(pose_px, grid):
    """Returns the mask of every body part.

    Args:
      pose_px: [B, J, 3] joints, px.
      grid: the `VolumeGrid`.

    Returns:
      [B, P, H * W * D] float32, 0 or 1, of the grid without its padded last row, column and depth cell.
    """
    starts, ends, radii = body_parts.capsules_px(pose_px)
    cells = np.indices(body_parts.inner_shape(grid), np.float32).reshape(3, -1)
    size_vox_px = grid.size_vox_px[[1, 0, 2]]
    semi_axes = tf.unstack(radii[..., tf.newaxis] / size_vox_px + 1.0, axis=-1)  # [B, N] each
    starts, ends = (tf.unstack(grid.vox_from_px(points), axis=-1) for points in (starts, ends))
    # From the start to the voxel and to the end, in semi-axes.
    axes = [((end - start) / semi_axis)[..., tf.newaxis] for start, end, semi_axis in zip(starts, ends, semi_axes)]
    offsets = [(cell - start[..., tf.newaxis]) / semi_axis[..., tf.newaxis]
               for cell, start, semi_axis in zip(cells, starts, semi_axes)]
    share = tf.add_n([axis * offset for axis, offset in zip(axes, offsets)])
    share = tf.clip_by_value(share / tf.maximum(tf.add_n([axis * axis for axis in axes]), 1e-12), 0.0, 1.0)
    distance = tf.add_n([tf.square(offset - share * axis) for axis, offset in zip(axes, offsets)])  # [B, N, H * W * D]
    filled = tf.cast(distance <= 1.0, tf.float32)
    return tf.cast(tf.matmul(np.tile(_MEMBERS, [filled.shape[0], 1, 1]), filled) > 0.5, tf.float32)


def image_mask(pose_px, grid):
    """As `body_parts.image_mask`: where any part projects onto the image, [B, S, S, 1] float32, 0 or 1."""
    if grid.registration == 'standard':
        pose_px = pose_px - np.float32([1, 1, 0]) * (grid.stride / 2 - grid.origin_px[0])
    rows, columns, depths = body_parts.inner_shape(grid)
    mask = tf.reduce_max(part_masks(pose_px, grid), axis=1)
    mask = tf.reduce_max(tf.reshape(mask, [-1, rows, columns, depths]), axis=3, keepdims=True)
    return tf.repeat(tf.repeat(mask, grid.stride, axis=1), grid.stride, axis=2)


def warp(volume, source_pose_px, target_pose_px, grid):
    """As `volumetric_warp.warp`, three-dimensional.

    Args:
      volume: [B, H, W, D, C] float32, with the grid's padding; B is known.
      source_pose_px, target_pose_px: [B, J, 3] float32 px.
      grid: the `VolumeGrid`.

    Returns:
      [B, H, W, D, C] float32.
    """
    batch, *shape, channels = volume.shape
    # One empty cell before the volume and two behind it: a point is at most one cell outside.
    padded = [size + 3 for size in shape]
    values = tf.reshape(tf.pad(volume, [[0, 0], *[[1, 2]] * 3, [0, 0]]), [-1, channels])
    inner = body_parts.inner_shape(grid)
    masks = tf.reshape(part_masks(source_pose_px, grid), [-1, *inner])
    masks = tf.reshape(tf.pad(masks, [[0, 0], *[[1, size - axis - 1] for size, axis in zip(padded, inner)]]), [-1])

    firsts, shares = [], []
    for coordinate, size, step in zip(_source_points(source_pose_px, target_pose_px, grid), shape, _strides(padded)):
        coordinate = tf.clip_by_value(coordinate, -1.0, float(size))
        cell = tf.floor(coordinate)
        shares.append((1.0 - (coordinate - cell), coordinate - cell))
        firsts.append((tf.cast(cell, tf.int32) + 1) * step)  # [B, P, H * W * D]
    num_cells = int(np.prod(padded))
    of_sample = np.int32(np.arange(batch) * num_cells)[:, np.newaxis, np.newaxis]
    of_part = np.int32(np.arange(batch * NUM_PARTS) * num_cells).reshape(batch, NUM_PARTS, 1)
    first = tf.add_n(firsts)

    def at(corner):
        cell = first + int(np.dot(corner, _strides(padded)))
        weight = tf.gather(masks, cell + of_part)
        for sides, side in zip(shares, corner):
            weight *= sides[side]
        return tf.gather(values, cell + of_sample) * weight[..., tf.newaxis]  # [B, P, H * W * D, C]

    total = functools.reduce(tf.add, map(at, np.ndindex(2, 2, 2)))
    return tf.reshape(tf.reduce_max(total, axis=1), [-1, *shape, channels])


def _source_points(source_pose_px, target_pose_px, grid):
    """Returns where the parts' fits take the centres of all voxels: (row, column, depth), [B, P, H * W * D] each."""
    fits = helmert.part_transforms(source_pose_px, target_pose_px, tf.float32)[..., :3, :]
    fits = tf.where(tf.abs(fits) < _FAR_PX, fits, -_FAR_PX)
    rows = [[number[..., tf.newaxis] for number in tf.unstack(row, axis=-1)] for row in tf.unstack(fits, axis=-2)]
    x, y, z = grid.axes_px()
    y, x, z = (axis.ravel() for axis in np.meshgrid(y, x, z, indexing='ij'))
    points_px = [a * x + b * y + c * z + shift for a, b, c, shift in rows]
    return [(points_px[axis] - grid.origin_px[axis]) / grid.size_vox_px[axis] for axis in (1, 0, 2)]


def _strides(shape):
    return [int(np.prod(shape[axis + 1:])) for axis in range(len(shape))]
