"""Target pose encoder: pose -> volumetric heatmaps -> features (paper section 3.1, E_pose)."""

import keras
import tensorflow as tf

from repose_tf import heatmaps
from repose_tf.blocks import Composite, ResidualUnit3D, run_in_turn


class PoseEncoder(Composite):
    """[B, J, 3] px -> [B, H, W, D, pose_channels]."""

    def __init__(self, architecture, remat=False, **kwargs):
        # The pose stays in float32 whatever the precision of the features.
        super().__init__(autocast=False, **kwargs)
        arch, dtype = architecture, self.dtype_policy
        self.remat = remat
        self.grid = arch.grid
        self.flat = arch.pose == '2d'
        self.conv = keras.layers.Conv3D(arch.pose_channels, 3, padding='same', dtype=dtype)
        self.units = tuple(
            ResidualUnit3D(arch.pose_channels, min(arch.num_groups, arch.pose_channels),
                           arch.volume_norm == 'row', dtype=dtype)
            for _ in range(arch.pose_units))

    def call(self, pose_px):
        drawn = heatmaps.volume_heatmaps(pose_px, self.grid)
        if self.flat:
            drawn = heatmaps.flattened(drawn)
        features = self.conv(tf.cast(drawn, self.compute_dtype))
        return run_in_turn(self.units, features, self.remat)
