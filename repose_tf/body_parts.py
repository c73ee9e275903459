"""The ten body parts as capsules around a pose (paper section 3.1), and the masks they fill.

Each part is a union of capsules. A capsule from a to b of radius r has semi-axes r + stride in
x and y and r + depth_stride in z: one voxel more than the nominal radius, so that even a thin
limb fills voxels. All masks are binary.
"""

import numpy as np
import tensorflow as tf

from repose_tf import skeleton
from repose_tf.shapes import check_pose
from repose_tf.skeleton import joint_indices

# Diameters in units of the torso size.
_TORSO_DIAMETER = 0.3
_HEAD_DIAMETER = 0.5
_LIMB_DIAMETER = 0.2
_HAND_DIAMETER = 0.4

_TORSO_PAIRS = (('rhip', 'lhip'), ('rhip', 'lsho'), ('rhip', 'rsho'),
                ('lhip', 'lsho'), ('lhip', 'rsho'), ('lsho', 'rsho'))
# Joints that are moved outwards before the limbs are drawn: joint + factor * (joint - from).
_EXTENSIONS = (('lhip', 'lsho', 0.1), ('rhip', 'rsho', 0.1), ('lwri', 'lelb', 0.2),
               ('rwri', 'relb', 0.2), ('lank', 'lkne', 0.2), ('rank', 'rkne', 0.2))
_END_JOINTS = ('lwri', 'rwri', 'lank', 'rank')

# The part that each capsule belongs to, in the order in which `part_capsules` lists them.
_LIMB_PARTS = tuple(range(2, skeleton.NUM_PARTS))
_END_PARTS = tuple(part for part, bone in zip(_LIMB_PARTS, skeleton.LIMB_BONES) if bone[1] in _END_JOINTS)
CAPSULE_PARTS = (0,) * len(_TORSO_PAIRS) + (1,) + _LIMB_PARTS + _END_PARTS
NUM_CAPSULES = len(CAPSULE_PARTS)


def torso_size(pose_px):
    """Returns the longer of the two shoulder-to-opposite-hip distances; [B, J, 3] px -> [B] px."""
    shoulders = tf.gather(pose_px, joint_indices('lsho', 'rsho'), axis=1)
    hips = tf.gather(pose_px, joint_indices('rhip', 'lhip'), axis=1)
    return tf.reduce_max(tf.norm(shoulders - hips, axis=-1), axis=1)


def _extended(pose_px):
    """Returns the pose with hips, wrists and ankles moved outwards, [B, J, 3] px."""
    matrix = np.eye(skeleton.NUM_JOINTS, dtype=np.float32)
    for joint, origin, factor in _EXTENSIONS:
        row, = joint_indices(joint)
        matrix[row, row] += factor
        matrix[row, joint_indices(origin)[0]] -= factor
    return tf.einsum('kj,bjc->bkc', tf.constant(matrix, pose_px.dtype), pose_px)


def _ends(points_px, bones):
    """Returns the start and end points [B, N, 3] of N bones given as pairs of joint names."""
    starts, ends = zip(*bones)
    return (tf.gather(points_px, joint_indices(*starts), axis=1),
            tf.gather(points_px, joint_indices(*ends), axis=1))


def part_capsules(pose_px):
    """Returns the capsules of all parts.

    Args:
      pose_px: [B, J, 3] joints, px.

    Returns:
      starts [B, N, 3] px, ends [B, N, 3] px, radii [B, N] px of N = NUM_CAPSULES capsules;
      capsule n belongs to part CAPSULE_PARTS[n].
    """
    check_pose('pose_px', pose_px)
    size = torso_size(pose_px)
    torso = _ends(pose_px, _TORSO_PAIRS)

    neck = tf.gather(pose_px, joint_indices('neck'), axis=1)
    ears = tf.gather(pose_px, joint_indices('lear', 'rear'), axis=1)
    middle = tf.reduce_mean(ears, axis=1, keepdims=True)
    head = (middle + 0.3 * (neck - middle), middle - 0.3 * (neck - middle))

    extended = _extended(pose_px)
    limbs = _ends(extended, skeleton.LIMB_BONES)
    tips = _ends(extended, [(joint, joint) for joint in _END_JOINTS])

    starts, ends = (tf.concat(points, axis=1) for points in zip(torso, head, limbs, tips))
    diameters = np.array([_TORSO_DIAMETER] * len(_TORSO_PAIRS) + [_HEAD_DIAMETER]
                         + [_LIMB_DIAMETER] * len(_LIMB_PARTS) + [_HAND_DIAMETER] * len(_END_JOINTS))
    radii = size[:, tf.newaxis] * tf.constant(diameters / 2, size.dtype)
    return starts, ends, radii


def _squared_capsule_distances(pose_px, grid):
    """Squared distances of all voxels to all capsules, in units of the capsules' semi-axes.

    Dots and squares are sums over the three axes, so only 1-D arrays are combined by broadcasting.

    Returns:
      [B, N, H, W, D]; a voxel is inside where the value is at most 1.
    """
    starts, ends, radii = part_capsules(pose_px)
    semi_axes = radii[..., tf.newaxis] + grid.size_vox_px  # [B, N, 3]
    a = starts / semi_axes
    u = (ends - starts) / semi_axes
    length_squared = tf.reduce_sum(u * u, axis=-1)[..., tf.newaxis, tf.newaxis, tf.newaxis]

    shapes = ((1, -1, 1), (-1, 1, 1), (1, 1, -1))  # x runs along columns, y along rows, z along depth
    along, squared = 0.0, 0.0
    for axis, (cells_px, shape) in enumerate(zip(grid.axes_px(), shapes)):
        offset = cells_px / semi_axes[..., axis, tf.newaxis] - a[..., axis, tf.newaxis]  # [B, N, cells]
        full = tf.concat([tf.shape(offset)[:2], shape], axis=0)
        along += tf.reshape(offset * u[..., axis, tf.newaxis], full)
        squared += tf.reshape(offset * offset, full)
    t = tf.clip_by_value(tf.math.divide_no_nan(along, length_squared), 0.0, 1.0)
    return squared + t * (t * length_squared - 2.0 * along)


def _border(grid):
    """1 in the volume, 0 in its padded last row, column and depth cell; float32 [H, W, D, 1]."""
    inside = np.zeros(grid.shape + (1,), np.float32)
    inside[:-1, :-1, :-1] = 1.0
    return inside


def part_masks(pose_px, grid):
    """Returns the mask of every body part.

    Args:
      pose_px: [B, J, 3] joints, px.
      grid: the `VolumeGrid`.

    Returns:
      [B, H, W, D, P] float32, 0 or 1; the padded last row, column and depth cell are 0.
    """
    inside = tf.cast(_squared_capsule_distances(pose_px, grid) <= 1.0, tf.float32)
    # The capsules are sorted by part except for the four ends of limbs, which follow.
    torso = tf.reduce_max(inside[:, :len(_TORSO_PAIRS)], axis=1, keepdims=True)
    others = tf.unstack(inside[:, len(_TORSO_PAIRS):], axis=1)  # head, limbs, ends
    for part, end in zip(_END_PARTS, others[-len(_END_PARTS):]):
        others[part - 1] = tf.maximum(others[part - 1], end)
    parts = tf.stack(others[:skeleton.NUM_PARTS - 1], axis=-1)
    return tf.concat([torso[:, 0, ..., tf.newaxis], parts], axis=-1) * _border(grid)


def projected_mask(masks):
    """Returns where any part projects onto the image plane; [B, H, W, D, P] -> [B, H, W, 1], 0 or 1."""
    return tf.reduce_max(masks, axis=[3, 4])[..., tf.newaxis]
