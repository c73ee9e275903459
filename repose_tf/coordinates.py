"""Pixels and voxels, and all conversions between them.

Pixels (suffix `_px`): x right, y down, z away from the camera, all with the same scale. x and y are continuous: the
image spans [0, image_size] and the first pixel's centre is 0.5. z is 0 at the pelvis. Poses are [..., 3] = (x, y, z).

Voxels (suffix `_vox`): (row, column, depth) of a corner-aligned volume of `volume_size` rows and columns and
`depth_size` depth cells (2^n + 1 of each). Row and column k sit on the centre of pixel number `k * stride`: there the
convolutions of stride 2 see them, and there the decoder puts them. Depth cell k sits on z = `k * depth_stride -
image_size / 2`.
    vox = ((y - 0.5) / stride, (x - 0.5) / stride, (z + image_size / 2) / depth_stride)
At the reference size (image 256, volume 65 x 65 x 33; stride 4, depth stride 8) the joint (x, y, z) = (128.5, 64.5, 0)
px sits at (row, column, depth) = (16, 32, 16). The last row, column and depth cell belong to the padding: nothing of
the person is drawn there.

Weights that were trained with the reference's registration need it: there a joint is looked up at (y / stride, x /
stride), half a pixel from where the encoder saw it (`VolumeGrid.registration`).

Transforms are named `<to>_from_<from>`, column vectors, x' = s R x + t. Sampling transforms map target to source.
"""

import dataclasses

import numpy as np

REGISTRATIONS = ('standard', 'reference')


@dataclasses.dataclass(frozen=True)
class VolumeGrid:
    """A corner-aligned voxel grid over an image.

    Attributes:
      image_size: rows and columns of the image, px.
      volume_size: rows and columns of the volume, 2^n + 1.
      depth_size: depth cells of the volume, 2^n + 1; they span `image_size` px, pelvis in the middle.
      registration: 'standard': row and column k on the centre of pixel k * stride, as said above. 'reference': on the
        corner of that pixel, at k * stride px; the warp in the image plane then has a scale of its own, too
        (`volumetric_warp.plane_vox_transforms`), and projected masks begin at their cells (`body_parts.image_mask`).
    """

    image_size: int = 256
    volume_size: int = 65
    depth_size: int = 33
    registration: str = 'standard'

    def __post_init__(self):
        if self.registration not in REGISTRATIONS:
            raise ValueError(f'registration: expected one of {REGISTRATIONS}, found {self.registration!r}.')
        for name in ('volume_size', 'depth_size'):
            cells = getattr(self, name) - 1
            if cells < 2 or cells & (cells - 1):
                raise ValueError(f'{name} must be a power of two plus one (for example 33), found {cells + 1}.')
        if self.image_size % (self.volume_size - 1):
            raise ValueError(f'image_size must be a multiple of volume_size - 1 = {self.volume_size - 1}, '
                             f'found {self.image_size}.')

    @property
    def stride(self):
        """Pixels between neighbouring rows and columns."""
        return self.image_size // (self.volume_size - 1)

    @property
    def depth_stride(self):
        """Pixels between neighbouring depth cells."""
        return self.image_size / (self.depth_size - 1)

    @property
    def shape(self):
        """(rows, columns, depth cells)."""
        return (self.volume_size, self.volume_size, self.depth_size)

    @property
    def size_vox_px(self):
        """Edge lengths of a voxel along (x, y, z), px; float32 array [3]."""
        return np.array([self.stride, self.stride, self.depth_stride], np.float32)

    @property
    def origin_px(self):
        """Position (x, y, z) of voxel (0, 0, 0), px; float32 array [3]."""
        first = 0.5 if self.registration == 'standard' else 0.0
        return np.array([first, first, -self.image_size / 2], np.float32)

    def vox_from_px(self, points_px):
        """Converts points [..., 3] (x, y, z) px to [..., 3] (row, column, depth) voxels."""
        return _swap_xy((points_px - self.origin_px) / self.size_vox_px)

    def px_from_vox(self, points_vox):
        """Converts points [..., 3] (row, column, depth) voxels to [..., 3] (x, y, z) px."""
        return _swap_xy(points_vox) * self.size_vox_px + self.origin_px

    def axes_px(self):
        """Returns the px coordinates of the cells along x, y and z: float32 arrays [n_x], [n_y], [n_z]."""
        return tuple(np.arange(size, dtype=np.float32) * step + first for size, step, first in zip(
            (self.volume_size, self.volume_size, self.depth_size), self.size_vox_px, self.origin_px, strict=True))


def _swap_xy(points):
    """Exchanges the first two of three coordinates; works on NumPy arrays and on tensors."""
    if isinstance(points, np.ndarray):
        return points[..., [1, 0, 2]]
    import tensorflow as tf  # kept out of the module: data programs use the NumPy side alone
    return tf.gather(points, [1, 0, 2], axis=-1)


def scale_pose(pose_px, factor):
    """Returns a pose [..., 3] px for the image resized by `factor`: all three coordinates scale."""
    return pose_px * factor
