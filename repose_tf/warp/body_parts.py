"""The ten body parts as capsules around a pose (paper section 3.1), and the masks that they fill.

A part is a union of capsules. A capsule is all that lies within a radius r of the segment from a to b. On a grid its
half widths are r + stride px along x and y and r + depth_stride px along z: one voxel more than the radius, so that
even a thin limb fills voxels. All masks of parts are 0 or 1.

Example: a person with a torso size of 100 px has thighs of radius 0.2 / 2 * 100 = 10 px. On the reference's grid
(stride 4 px, depth stride 8 px) their half widths are 10 / 4 + 1 = 3.5 rows and columns and 10 / 8 + 1 = 2.25 depths.
"""

import numpy as np
import tensorflow as tf

from repose_tf import skeleton
from repose_tf.coordinates import VolumeGrid, scale_pose
from repose_tf.shapes import check_pose
from repose_tf.skeleton import joint_indices
from repose_tf.warp import occupancy, scanlines

# Diameters in units of the torso size.
_TORSO_DIAMETER, _HEAD_DIAMETER, _LIMB_DIAMETER, _HAND_DIAMETER = 0.3, 0.5, 0.2, 0.4

_TORSO_PAIRS = (('rhip', 'lhip'), ('rhip', 'lsho'), ('rhip', 'rsho'),
                ('lhip', 'lsho'), ('lhip', 'rsho'), ('lsho', 'rsho'))
# Joints that are moved outwards before the limbs are drawn: joint + factor * (joint - origin).
_EXTENSIONS = {'lhip': ('lsho', 0.1), 'rhip': ('rsho', 0.1), 'lwri': ('lelb', 0.2),
               'rwri': ('relb', 0.2), 'lank': ('lkne', 0.2), 'rank': ('rkne', 0.2)}
_END_JOINTS = ('lwri', 'rwri', 'lank', 'rank')

# The part of each capsule, in the order of `_end_points`: of the torso, the head, the limbs, the hands and feet.
_LIMB_PARTS = tuple(range(2, skeleton.NUM_PARTS))
_END_PARTS = tuple(part for part, bone in zip(_LIMB_PARTS, skeleton.LIMB_BONES) if bone[1] in _END_JOINTS)
CAPSULE_PARTS = (0,) * len(_TORSO_PAIRS) + (1,) + _LIMB_PARTS + _END_PARTS
_DIAMETERS = np.array([_TORSO_DIAMETER] * len(_TORSO_PAIRS) + [_HEAD_DIAMETER]
                      + [_LIMB_DIAMETER] * len(_LIMB_PARTS) + [_HAND_DIAMETER] * len(_END_JOINTS))


def _end_points():
    """Returns starts and ends of all capsules as weights of the joints, float32 array [2, N, J]."""
    joints = dict(zip(skeleton.JOINT_NAMES, np.eye(skeleton.NUM_JOINTS)))
    extended = dict(joints)
    for joint, (origin, factor) in _EXTENSIONS.items():
        extended[joint] = joints[joint] + factor * (joints[joint] - joints[origin])
    ears = (joints['lear'] + joints['rear']) / 2
    axis = 0.3 * (joints['neck'] - ears)
    pairs = [(joints[start], joints[end]) for start, end in _TORSO_PAIRS]
    pairs += [(ears + axis, ears - axis)]
    pairs += [(extended[start], extended[end]) for start, end in skeleton.LIMB_BONES]
    pairs += [(extended[joint], extended[joint]) for joint in _END_JOINTS]
    return np.swapaxes(np.array(pairs, np.float32), 0, 1)


def torso_size(pose_px):
    """Returns the longer of the two shoulder-to-opposite-hip distances; [B, J, 3] px -> [B] px."""
    shoulders = tf.gather(pose_px, joint_indices('lsho', 'rsho'), axis=1)
    hips = tf.gather(pose_px, joint_indices('rhip', 'lhip'), axis=1)
    return tf.reduce_max(tf.norm(shoulders - hips, axis=-1), axis=1)


def capsules_px(pose_px):
    """Returns the capsules of all parts in px, with their nominal radii.

    Args:
      pose_px: [B, J, 3] joints, px.

    Returns:
      starts, ends: [B, N, 3] (x, y, z) of the axes. radii: [B, N]. Capsule n belongs to part CAPSULE_PARTS[n]. No
      gradient flows to the pose.

    Raises:
      ShapeError: if the pose is not [B, J, 3].
    """
    check_pose('pose_px', pose_px)
    pose_px = tf.stop_gradient(pose_px)
    starts, ends = tf.unstack(tf.einsum('enj,bjc->ebnc', _end_points(), pose_px))
    return starts, ends, torso_size(pose_px)[:, tf.newaxis] * (_DIAMETERS / 2).astype(np.float32)


def capsules_vox(pose_px, grid):
    """Returns start, end and semi-axes of the capsules of all parts on the grid.

    Args:
      pose_px: [B, J, 3] joints, px.
      grid: the `VolumeGrid`.

    Returns:
      [B, N, 3, 3] float64: for each of the N capsules three vectors (row, column, depth) in voxels. Capsule
      n belongs to part CAPSULE_PARTS[n].
    """
    starts, ends, radii = (tf.cast(x, tf.float64) for x in capsules_px(pose_px))
    size_vox_px = grid.size_vox_px[[1, 0, 2]].astype(np.float64)
    semi_axes = radii[..., tf.newaxis] / size_vox_px + 1.0
    return tf.stack([grid.vox_from_px(starts), grid.vox_from_px(ends), semi_axes], axis=2)


def voxel_capsules(pose_px, grid):
    """Returns the capsules of all parts of a pose [B, J, 3] px as `scanlines.Capsules` on the grid, not moved."""
    return resting_capsules(capsules_vox(pose_px, grid))


def resting_capsules(vectors_vox):
    """Makes `scanlines.Capsules`, not moved, of the three vectors that `capsules_vox` returned."""
    starts, ends, semi_axes = tf.unstack(vectors_vox, axis=2)
    identity = tf.eye(3, batch_shape=tf.shape(starts)[:2], dtype=tf.float64)
    return scanlines.Capsules(starts, ends, semi_axes, identity, tf.zeros_like(starts))


def inner_shape(grid):
    """Returns (H, W, D) of a grid without its padded last row, column and depth cell: there all masks are 0."""
    return tuple(size - 1 for size in grid.shape)


def part_masks(pose_px, grid):
    """Returns the mask of every body part.

    Args:
      pose_px: [B, J, 3] joints, px.
      grid: the `VolumeGrid`.

    Returns:
      [B, H, W, D, P] float32, 0 or 1; the padded last row, column and depth cell are 0.
    """
    spans = scanlines.spans(voxel_capsules(pose_px, grid), inner_shape(grid))
    bits = occupancy.of_volume(spans, CAPSULE_PARTS, inner_shape(grid), grid.shape)[..., tf.newaxis]
    return tf.cast(tf.bitwise.bitwise_and(bits, occupancy.part_bits(CAPSULE_PARTS)) != 0, tf.float32)


def image_mask(pose_px, grid, use_static_shapes=False):
    """Returns where any part projects onto the image, in blocks of stride x stride px; no volume is made for it.

    A block is filled if a part covers its centre; in the reference's registration, if a part fills the voxels of its
    first pixel, so that the mask lies half a block to the right of and below the person.

    Args:
      pose_px: [B, J, 3] joints, px.
      grid: the `VolumeGrid`.
      use_static_shapes: True under XLA, which needs sizes that are known beforehand; slower elsewhere.

    Returns:
      [B, S, S, 1] float32, 0 or 1.
    """
    if grid.registration == 'standard':  # seen from the first block's centre the person lies further left and up
        pose_px = pose_px - np.float32([1, 1, 0]) * (grid.stride / 2 - grid.origin_px[0])
    inner = inner_shape(grid)
    spans = scanlines.spans(voxel_capsules(pose_px, grid), inner, use_static_shapes)
    bits = occupancy.of_plane(spans, CAPSULE_PARTS, inner, inner[:2])
    mask = tf.cast(bits != 0, tf.float32)[..., tf.newaxis]
    return tf.repeat(tf.repeat(mask, grid.stride, axis=1), grid.stride, axis=2)


_PERSON_GRID = VolumeGrid()  # whatever the model: what counts as the person must not depend on it


def person_mask(batch, side='target'):
    """Returns where the person is in the target images, or in the source images.

    A sample's own mask is taken where the data has one; else the body parts of the pose are projected, on a grid of
    64 x 64 blocks whatever the size of the images.

    Args:
      batch: dictionary with `target_mask` [B, S, S, 1] float32 in [0, 1] and, unless all samples have a mask,
        `has_target_mask` [B] bool and `target_pose` [B, J, 3] px.
      side: 'target' or 'source', with which the names in the batch begin.

    Returns:
      [B, S, S, 1] float32 in [0, 1].
    """
    mask = batch[f'{side}_mask']
    if f'{side}_pose' not in batch:
        return mask
    size = mask.shape[1]
    pose_px = scale_pose(batch[f'{side}_pose'], _PERSON_GRID.image_size / size)
    projected = tf.image.resize(image_mask(pose_px, _PERSON_GRID), [size, size], 'nearest')
    return tf.where(batch[f'has_{side}_mask'][:, tf.newaxis, tf.newaxis, tf.newaxis], mask, projected)
