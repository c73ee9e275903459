"""Volumetric Gaussian heatmaps of a pose (paper section 3.1), drawn as products of three 1-D Gaussians."""

import numpy as np
import tensorflow as tf

from repose_tf.shapes import check_pose

_SIGMA_PX = 6.0  # at 256 px; the spread follows the image size
_SIGMA_IMAGE_SIZE = 256


def _profiles(pose_px, axes_px, image_size):
    """1-D Gaussians along x, y and z over cells at the given places: three tensors [B, cells, J]."""
    check_pose('pose_px', pose_px)
    sigma = _SIGMA_PX * image_size / _SIGMA_IMAGE_SIZE
    distances = [(cells_px[:, None] - pose_px[:, None, :, axis]) / sigma for axis, cells_px in enumerate(axes_px)]
    return [tf.exp(-0.5 * distance * distance) for distance in distances]


def volume_heatmaps(pose_px, grid, flat=False):
    """Returns a Gaussian of peak 1 around each joint.

    Args:
      pose_px: [B, J, 3] joints, px.
      grid: the `VolumeGrid`; its padded last row, column and depth cell stay 0.
      flat: at every depth their maximum over depth (2D pose ablation, Table 1).

    Returns:
      [B, H, W, D, J] float32 in [0, 1]; sigma is 6 px at an image size of 256.
    """
    x, y, z = _volume_profiles(pose_px, grid, flat)
    plane = y[:, :, None] * x[:, None]  # [B, H, W, J]
    return plane[:, :, :, None] * z[:, None, None]


def _volume_profiles(pose_px, grid, flat):
    """1-D Gaussians along x, y and z over the cells, 0 in the padded last ones: [B, W, J], [B, H, J], [B, D, J]."""
    x, y, z = (tf.pad(profile[:, :-1], [[0, 0], [0, 1], [0, 0]])
               for profile in _profiles(pose_px, grid.axes_px(), grid.image_size))
    if flat:
        inside = (np.arange(grid.depth_size) < grid.depth_size - 1).astype(np.float32)
        z = tf.reduce_max(z, axis=1, keepdims=True) * inside[:, np.newaxis]
    return x, y, z


def image_heatmaps(pose_px, grid, flat=False):
    """Returns heatmaps at full resolution in the image plane, their depth cells as channels.

    Args:
      pose_px, grid, flat: as for `volume_heatmaps`.

    Returns:
      [B, S, S, (D - 1) * J] float32 in [0, 1]; row and column k on the centre of pixel k (in the reference's
      registration on its corner), depth without the grid's padded cell.
    """
    x, y, z = _image_profiles(pose_px, grid, flat)
    plane = y[:, :, None] * x[:, None]  # [B, S, S, J]
    volume = plane[:, :, :, None] * z[:, None, None]
    return tf.reshape(volume, [-1, *volume.shape[1:3], volume.shape[3] * volume.shape[4]])


def _image_profiles(pose_px, grid, flat):
    """1-D Gaussians along x and y over the pixels and along z over the cells: [B, S, J] twice, [B, D - 1, J]."""
    columns, rows = (np.arange(grid.image_size, dtype=np.float32) + first for first in grid.origin_px[:2])
    x, y, z = _profiles(pose_px, (columns, rows, grid.axes_px()[2][:-1]), grid.image_size)
    if flat:
        z = tf.reduce_max(z, axis=1, keepdims=True) + tf.zeros_like(z)
    return x, y, z


def convolved_image_heatmaps(pose_px, grid, kernel, flat=False):
    """Convolves `image_heatmaps` at stride 2 without making them: a heatmap is a product of three vectors.

    Args:
      pose_px, grid, flat: as for `volume_heatmaps`.
      kernel: [K, K, (D - 1) * J, C] float32, K odd.

    Returns:
      [B, S / 2 + 1, S / 2 + 1, C] float32: what the heatmaps, padded by a last row and column of zeros, give around
      every second pixel with zeros outside.
    """
    x, y, z = _image_profiles(pose_px, grid, flat)
    size, channels = kernel.shape[0], kernel.shape[3]
    kernel = tf.reshape(kernel, [size, size, z.shape[1], z.shape[2], channels])
    per_joint = tf.einsum('bdj,kldjc->bkljc', z, kernel)
    columns, rows = (_windows(profile, size, 2) for profile in (x, y))
    return tf.einsum('bhkj,bkjwc->bhwc', rows, tf.einsum('bwlj,bkljc->bkjwc', columns, per_joint))


def convolved_volume_heatmaps(pose_px, grid, kernel, flat=False):
    """Convolves `volume_heatmaps` without making them, in a ninth of the multiplications for 3 x 3 x 3 kernels.

    Args:
      pose_px, grid, flat: as for `volume_heatmaps`.
      kernel: [K, K, K, J, C] float32 over rows, columns and depth, K odd.

    Returns:
      [B, H, W, D, C] float32; zeros are taken outside of the volume.
    """
    x, y, z = _volume_profiles(pose_px, grid, flat)
    columns, rows, depths = (_windows(profile, kernel.shape[0], 1) for profile in (x, y, z))
    per_joint = tf.einsum('bwlj,bkljdc->bkjwdc', columns, tf.einsum('bdmj,klmjc->bkljdc', depths, kernel))
    return tf.einsum('bhkj,bkjwdc->bhwdc', rows, per_joint)


def _windows(profile, size, stride):
    """Stretches around every place of profiles [B, S, J]: [B, S, size, J], or at stride 2 [B, S / 2 + 1, size, J]."""
    places = np.arange(0, profile.shape[1] + stride - 1, stride)[:, np.newaxis] + np.arange(size)
    return tf.gather(tf.pad(profile, [[0, 0], [size // 2, size // 2 + stride - 1], [0, 0]]), places, axis=1)
