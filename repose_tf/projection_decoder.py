"""Projection decoder: warped volume and pose features -> RGB and soft mask (paper section 3.1; D_3D, D_2D)."""

import keras
import tensorflow as tf

from repose_tf.blocks import Composite, ResidualUnit3D, UpBottleneck, run_in_turn
from repose_tf.group_norm import GroupNorm


class ProjectionDecoder(Composite):
    """[B, H, W, D, volume and pose channels] -> decoded volume, RGB [B, S + 1, S + 1, 3], mask [B, S + 1, S + 1, 1]."""

    def __init__(self, architecture, remat=False, **kwargs):
        super().__init__(**kwargs)
        arch, dtype = architecture, self.dtype_policy
        self.remat = remat
        channels = arch.volume_channels + arch.pose_channels
        self.units = tuple(
            ResidualUnit3D(channels, arch.num_groups, arch.volume_norm == 'row', dtype=dtype)
            for _ in range(arch.projection_units))
        width = arch.depth_size * channels
        self.flat_channels = width
        blocks = []
        for block_channels, upsampled in arch.decoder_blocks:
            blocks.append(UpBottleneck(width, block_channels, arch.num_groups, upsampled, dtype=dtype))
            width = block_channels
        self.blocks = tuple(blocks)
        self.norm = GroupNorm(width, arch.num_groups, dtype=dtype)
        # The output convolution stays in float32: colours have more than eight bits of precision.
        self.output_conv = keras.layers.Conv2D(4, 3, padding='same', dtype='float32')

    def call(self, volume):
        volume = run_in_turn(self.units, volume, self.remat)
        rows, columns = volume.shape[1:3]
        features = tf.reshape(volume, [-1, rows, columns, self.flat_channels])
        features = run_in_turn(self.blocks, features, self.remat)
        features = tf.nn.relu(self.norm(features))
        output = self.output_conv(tf.cast(features, tf.float32))
        return volume, tf.tanh(output[..., :3]), tf.sigmoid(output[..., 3:])
