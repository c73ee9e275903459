"""Lifting encoder: image -> feature volume (paper section 3.1; E_2D, the split into depth layers, E_3D)."""

import tensorflow as tf

from repose_tf.blocks import Bottleneck, Composite, ResidualUnit3D, Stem, conv, run_in_turn
from repose_tf.group_norm import GroupNorm


class LiftingEncoder(Composite):
    """[B, S + 1, S + 1, 3] padded image -> lifted volume and source volume, both [B, H, W, D, C]."""

    def __init__(self, architecture, remat=False, **kwargs):
        super().__init__(**kwargs)
        self.remat = remat
        arch, dtype = architecture, self.dtype_policy
        self.volume_shape = (*arch.grid.shape, arch.volume_channels)
        self.stem = Stem(arch.stem_channels, arch.grid.stride, dtype=dtype)
        blocks, width = [], arch.stem_channels
        for units, channels, dilation in arch.encoder_blocks:
            block = []
            for _ in range(units):
                block.append(Bottleneck(width, channels, arch.num_groups, dilation=dilation, dtype=dtype))
                width = channels
            blocks.append(tuple(block))
        self.blocks = tuple(blocks)
        self.norm = GroupNorm(width, arch.num_groups, dtype=dtype)
        self.lift = conv(arch.depth_size * arch.volume_channels, 3, dtype)
        self.units = tuple(
            ResidualUnit3D(arch.volume_channels, arch.num_groups, arch.volume_norm == 'row', dtype=dtype)
            for _ in range(arch.volume_units))

    def call(self, image):
        features = self.stem(image)
        for block in self.blocks:
            features = run_in_turn(block, features, self.remat)
        features = self.lift(tf.nn.relu(self.norm(features)))  # [B, H, W, D * C]
        lifted = tf.reshape(features, [-1, *self.volume_shape])
        return lifted, run_in_turn(self.units, lifted, self.remat)
