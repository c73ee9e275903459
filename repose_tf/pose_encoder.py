"""Target pose encoder: pose -> volumetric heatmaps -> features (paper section 3.1, E_pose)."""

import keras
import tensorflow as tf

from repose_tf import heatmaps
from repose_tf.blocks import Composite, ResidualUnit3D, run_in_turn
from repose_tf.skeleton import NUM_JOINTS


class PoseEncoder(Composite):
    """[B, J, 3] px -> [B, H, W, D, pose_channels]."""

    def __init__(self, architecture, remat=False, **kwargs):
        # The pose stays in float32 whatever the precision of the features.
        super().__init__(autocast=False, **kwargs)
        arch, dtype = architecture, self.dtype_policy
        self.remat = remat
        self.grid = arch.grid
        self.flat = arch.pose == '2d'
        # Statistics by row make much of the rounding in rows that hold no joint: then it must be the reference's.
        self.makes_heatmaps = arch.volume_norm == 'row'
        self.conv = keras.layers.Conv3D(arch.pose_channels, 3, padding='same', dtype=dtype)
        self.conv.build((None, *arch.grid.shape, NUM_JOINTS))
        self.units = tuple(
            ResidualUnit3D(arch.pose_channels, min(arch.num_groups, arch.pose_channels),
                           arch.volume_norm == 'row', dtype=dtype)
            for _ in range(arch.pose_units))

    def call(self, pose_px):
        return run_in_turn(self.units, self._convolved(pose_px), self.remat)

    def _convolved(self, pose_px):
        """The convolution of the heatmaps, which need not be made."""
        if self.makes_heatmaps:
            drawn = heatmaps.volume_heatmaps(pose_px, self.grid, self.flat)
            return self.conv(tf.cast(drawn, self.compute_dtype))
        kernel, bias = (tf.cast(tf.convert_to_tensor(variable), tf.float32)
                        for variable in (self.conv.kernel, self.conv.bias))
        drawn = heatmaps.convolved_volume_heatmaps(pose_px, self.grid, kernel, self.flat)
        return tf.cast(drawn + bias, self.compute_dtype)
