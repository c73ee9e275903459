"""Projection decoder: warped volume and pose features -> RGB and soft mask (paper section 3.1; D_3D, D_2D)."""

import keras
import tensorflow as tf

from repose_tf.architecture import Architecture
from repose_tf.blocks import Composite, ResidualUnit3D, UpBottleneck, conv, run_in_turn
from repose_tf.group_norm import GroupNorm


@keras.saving.register_keras_serializable('repose_tf')
class ProjectionDecoder(Composite):
    """Projects a volume onto the image plane and decodes it; `architecture` and `remat` as for `Generator`."""

    def __init__(self, architecture, remat=False, **kwargs):
        super().__init__(**kwargs)
        self.architecture, self.remat = Architecture.of(architecture), remat
        arch, dtype = self.architecture, self.dtype_policy
        channels = arch.volume_channels + arch.pose_channels
        self.units = tuple(
            ResidualUnit3D(channels, arch.num_groups, arch.volume_norm == 'row', dtype=dtype)
            for _ in range(arch.projection_units))
        blocks, width = [], arch.depth_size * channels
        for block_channels, upsampled in arch.decoder_blocks:
            blocks.append(UpBottleneck(width, block_channels, arch.num_groups, upsampled, dtype=dtype))
            width = block_channels
        self.blocks = tuple(blocks)
        self.norm = GroupNorm(width, arch.num_groups, dtype=dtype)
        # The output convolution stays in float32: colours have more than eight bits of precision.
        self.output_conv = conv(width, 4, 3, 'float32')

    def call(self, volume):
        """Decodes volumes [B, H, W, D, C], the features of the warped volume and of the pose side by side.

        Returns:
          the decoded volume [B, H, W, D, C]; RGB [B, S + 1, S + 1, 3] float32 in [-1, 1]; the soft mask
          [B, S + 1, S + 1, 1] float32 in [0, 1]; and the features that the last two are made of.
        """
        volume = run_in_turn(self.units, volume, self.remat)
        rows, columns, depths, channels = volume.shape[1:]
        features = tf.reshape(volume, [-1, rows, columns, depths * channels])
        features = run_in_turn(self.blocks, features, self.remat)
        features = tf.nn.relu(self.norm(features))
        output = self.output_conv(tf.cast(features, tf.float32))
        return volume, tf.tanh(output[..., :3]), tf.sigmoid(output[..., 3:]), features
