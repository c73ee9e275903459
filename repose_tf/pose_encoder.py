"""Target pose encoder: pose -> volumetric heatmaps -> features (paper section 3.1, E_pose)."""

import keras
import tensorflow as tf

from repose_tf import heatmaps
from repose_tf.architecture import Architecture
from repose_tf.blocks import Composite, ResidualUnit3D, conv, run_in_turn
from repose_tf.skeleton import NUM_JOINTS


@keras.saving.register_keras_serializable('repose_tf')
class PoseEncoder(Composite):
    """Encodes the heatmaps of a pose; `architecture` and `remat` as for `Generator`."""

    def __init__(self, architecture, remat=False, **kwargs):
        # The pose stays in float32 whatever the precision of the features.
        super().__init__(autocast=False, **kwargs)
        self.architecture, self.remat = Architecture.of(architecture), remat
        arch, dtype = self.architecture, self.dtype_policy
        # Statistics by row depend on the rounding in rows that hold no joint. Only convolving the heatmaps themselves
        # rounds as the reference does; elsewhere the result is computed without them, which is faster.
        self.draws = arch.volume_norm == 'row'
        self.conv = conv(NUM_JOINTS, arch.pose_channels, 3, dtype, rank=3)
        self.units = tuple(
            ResidualUnit3D(arch.pose_channels, min(arch.num_groups, arch.pose_channels), arch.volume_norm == 'row',
                           dtype=dtype) for _ in range(arch.pose_units))

    def call(self, pose_px):
        """[B, J, 3] float32 px -> [B, H, W, D, pose_channels]."""
        return run_in_turn(self.units, self._convolved(pose_px), self.remat)

    def _convolved(self, pose_px):
        """Convolves the heatmaps; [B, J, 3] px -> [B, H, W, D, pose_channels]."""
        arch = self.architecture
        if self.draws:
            drawn = heatmaps.volume_heatmaps(pose_px, arch.grid, arch.pose == '2d')
            return self.conv(tf.cast(drawn, self.compute_dtype))
        kernel, bias = (tf.cast(tf.convert_to_tensor(variable), tf.float32)
                        for variable in (self.conv.kernel, self.conv.bias))
        drawn = heatmaps.convolved_volume_heatmaps(pose_px, arch.grid, kernel, arch.pose == '2d')
        return tf.cast(drawn + bias, self.compute_dtype)
