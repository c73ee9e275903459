"""The volumetric warp: each body part moves as a rigid body through the feature volume (paper section 3.1).

    V'(x) = max over parts i of  sum over the 8 corners c around T_i x of  w_c * M_i(c) * V(c)

T_i maps target voxels to source voxels, M_i is the part's mask in the source pose, w_c are the trilinear weights.
Outside the volume everything is 0.

Nearly all of that is 0, because a person's parts fill a few per cent of the volume. `candidates` finds the pairs of
part and voxel that may not be 0, `sparse_warp` computes them.

Example: on the reference's grid a wrist goes from px (100, 80, 0) in the source to (140, 80, 0) in the target, and its
forearm does not turn. That is a move of 10 columns: T adds (0, -10, 0) to a target voxel, and the features of the
source voxel (20, 25, 16) appear at the target voxel (20, 35, 16).
"""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from repose_tf.coordinates import VolumeGrid
from repose_tf.shapes import ShapeError, check_pose, check_same_batch, check_shape
from repose_tf.warp import affine, body_parts, helmert, sparse_warp
from repose_tf.warp import candidates as warp_candidates

_MODES = ('3d', '2d')


def vox_transforms(source_from_target_px, grid):
    """Converts transforms [..., 4, 4] on (x, y, z) px to [..., 4, 4] float64 on (row, column, depth) voxels."""
    vox_from_px = np.eye(4)
    vox_from_px[:3] = 0.0
    for row, axis in enumerate((1, 0, 2)):
        vox_from_px[row, axis] = 1.0 / grid.size_vox_px[axis]
        vox_from_px[row, 3] = -grid.origin_px[axis] / grid.size_vox_px[axis]
    both_sides = np.einsum('ij,kl->jkil', vox_from_px, np.linalg.inv(vox_from_px))
    transforms = tf.cast(source_from_target_px, tf.float64)[..., tf.newaxis, tf.newaxis]
    return tf.reduce_sum(transforms * both_sides, axis=[-4, -3])


def plane_vox_transforms(source_from_target_px, grid):
    """Converts plane transforms [..., 3, 3] on (x, y) px to [..., 3, 3] float64 on (row, column) cells.

    In the reference's registration the translation is divided by image_size / volume_size instead of the stride: up
    to one cell too little. The reference does so, and weights trained with it rely on it.
    """
    transforms = tf.cast(source_from_target_px, tf.float64)
    linear = tf.reverse(transforms[..., :2, :2], axis=[-2, -1])
    shift = tf.reverse(transforms[..., :2, 2:], axis=[-2])
    if grid.registration == 'reference':
        shift *= grid.volume_size / grid.image_size
    else:
        origin = grid.origin_px[1::-1, np.newaxis].astype(np.float64)  # (row, column) of the first cell, px
        shift = (linear @ origin + shift - origin) / grid.stride
    return tf.concat([tf.concat([linear, shift], axis=-1), transforms[..., 2:, :]], axis=-2)


def warp(volume, source_pose_px, target_pose_px, grid, mode='3d', capacity=None, debug=False,
         source_capsules_vox=None):
    """Warps a volume from one pose to another.

    Args:
      volume: [B, H, W, D, C] features in the source pose, of any floating type; (H, W, D) are the grid's,
        with or without the padded last row, column and depth cell.
      source_pose_px, target_pose_px: [B, J, 3] float32 px. They are data: no gradient flows to them.
      grid: the `VolumeGrid`.
      mode: '3d' (similarities through the volume, trilinear) or '2d' (affine maps of the image plane,
        nearest neighbour, all depths alike: the ablation).
      capacity: None, or the number of voxels per part and sample to make room for. XLA (`jit_compile=True`) needs
        one, because its sizes are known beforehand. Where a part needs more, an error says how many; under XLA, which
        drops such checks, the whole result is NaN.
      debug: True checks that the poses are finite inside of graphs, too.
      source_capsules_vox: `body_parts.capsules_vox` of the source pose, [B, N, 3, 3] float64, if known already.

    Returns:
      [B, H, W, D, C] features in the target pose, of the volume's type. Geometry and sums have at least 32 bits.

    Raises:
      ShapeError: if a tensor does not fit the grid or the skeleton, or, outside of graphs, a pose is not finite.
      tf.errors.InvalidArgumentError: if the capacity is exceeded, or in a graph with `debug` if a pose is not finite.
    """
    volume, source_pose_px, target_pose_px = (
        tf.convert_to_tensor(x) for x in (volume, source_pose_px, target_pose_px))
    _check_volume(volume, grid)
    poses_px = [_checked_pose(name, pose, debug) for name, pose in
                (('source_pose_px', source_pose_px), ('target_pose_px', target_pose_px))]
    check_same_batch(volume=volume, source_pose_px=source_pose_px, target_pose_px=target_pose_px)

    shape = tuple(volume.shape[1:4])
    if mode == '2d':  # every depth of a cell is a feature of it
        shape = shape[:2]
        transforms = plane_vox_transforms(affine.part_affines(*poses_px), grid)
        list_candidates = warp_candidates.plane_candidates
    else:
        transforms = vox_transforms(helmert.part_transforms(*poses_px), grid)
        list_candidates = warp_candidates.volume_candidates
    if source_capsules_vox is None:
        source_capsules_vox = body_parts.capsules_vox(poses_px[0], grid)
    candidates = list_candidates(body_parts.resting_capsules(source_capsules_vox), body_parts.CAPSULE_PARTS,
                                 transforms, body_parts.inner_shape(grid), shape, capacity)
    rows = tf.reshape(volume, [-1, np.prod(volume.shape[1 + len(shape):])])
    if volume.dtype.size < 4:
        rows = tf.cast(rows, tf.float32)
    rows = sparse_warp.warp_rows(rows, candidates, use_static_shapes=capacity is not None)
    if capacity is not None:
        rows = _checked_capacity(rows, candidates.needed, capacity)
    return tf.reshape(tf.cast(rows, volume.dtype), tf.shape(volume))


def _check_volume(volume, grid):
    """Raises ShapeError unless a volume fits the grid with its padding or without."""
    inner = body_parts.inner_shape(grid)
    check_shape('volume', volume, ('B', *(inner if tuple(volume.shape[1:4]) == inner else grid.shape), 'C'))
    if volume.shape[4] is None or not volume.dtype.is_floating:
        raise ShapeError(f'volume: expected a known number of channels of a floating type, '
                         f'found {volume.shape[4]} of type {volume.dtype.name}.')


def _checked_pose(name, pose_px, debug):
    """Returns the pose; raises unless it is [B, 19, 3] and, outside of graphs or with `debug`, finite."""
    check_pose(name, pose_px)
    message = f'{name} {list(pose_px.shape)}: expected finite numbers, found NaN or infinity.'
    if tf.executing_eagerly():
        if not tf.reduce_all(tf.math.is_finite(pose_px)):
            raise ShapeError(message)
    elif debug:
        pose_px = tf.debugging.assert_all_finite(pose_px, message)
    return pose_px


def _checked_capacity(rows, needed, capacity):
    """Returns the result if all candidates had room; raises if not, or returns NaN under XLA."""
    message = f'capacity: one part needs room for more voxels than {capacity}; how many stands below.'
    with tf.control_dependencies([tf.debugging.assert_less_equal(needed, capacity, message=message)]):
        return tf.where(needed <= capacity, rows, tf.constant(float('nan'), rows.dtype))


@keras.saving.register_keras_serializable('repose_tf')
class VolumetricWarp(keras.layers.Layer):
    """`warp` as a Keras layer, without weights (paper section 3.1).

    The volume may have any floating type; the poses stay in float32 whatever the layer's dtype policy is.

    Args of the constructor:
      grid: the `VolumeGrid` of the volume, or a dictionary of its fields; one without a registration, as older
        configurations are, has the reference's.
      mode: '3d' or '2d', see `warp`.
      capacity: None, or under XLA the number of voxels per part and sample to make room for, see `warp`.
      debug: True checks that the poses are finite inside of graphs, too.

    Raises:
      ValueError: if the mode is unknown or the capacity is below 1.
    """

    def __init__(self, grid, mode='3d', capacity=None, debug=False, **kwargs):
        super().__init__(autocast=False, **kwargs)  # the poses stay in float32
        if mode not in _MODES:
            raise ValueError(f'mode: expected one of {_MODES}, found {mode!r}.')
        if capacity is not None and capacity < 1:
            raise ValueError(f'capacity: expected None or at least 1, found {capacity}.')
        self.grid = VolumeGrid(**{'registration': 'reference', **grid}) if isinstance(grid, dict) else grid
        self.mode = mode
        self.capacity = capacity
        self.debug = debug

    def call(self, volume, source_pose_px, target_pose_px, source_capsules_vox=None):
        """Warps a volume [B, H, W, D, C] to other poses [B, J, 3] px; arguments, result and errors as for `warp`."""
        return warp(volume, source_pose_px, target_pose_px, self.grid, self.mode, self.capacity, self.debug,
                    source_capsules_vox)

    def get_config(self):
        return {**super().get_config(), 'grid': dataclasses.asdict(self.grid), 'mode': self.mode,
                'capacity': self.capacity, 'debug': self.debug}
