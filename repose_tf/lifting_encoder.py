"""Lifting encoder: image -> feature volume (paper section 3.1; E_2D, the split into depth layers, E_3D)."""

import keras
import tensorflow as tf

from repose_tf.architecture import Architecture
from repose_tf.blocks import Bottleneck, Composite, ResidualUnit3D, Stem, conv, run_in_turn
from repose_tf.group_norm import GroupNorm


@keras.saving.register_keras_serializable('repose_tf')
class LiftingEncoder(Composite):
    """Lifts an image into a feature volume; `architecture` and `remat` as for `Generator`."""

    def __init__(self, architecture, remat=False, **kwargs):
        super().__init__(**kwargs)
        self.architecture, self.remat = Architecture.of(architecture), remat
        arch, dtype = self.architecture, self.dtype_policy
        self.stem = Stem(3, arch.stem_channels, arch.grid.stride, dtype=dtype)
        bottlenecks, width = [], arch.stem_channels
        for units, channels, dilation in arch.encoder_blocks:
            for _ in range(units):
                bottlenecks.append(Bottleneck(width, channels, arch.num_groups, dilation=dilation, dtype=dtype))
                width = channels
        self.bottlenecks = tuple(bottlenecks)
        self.norm = GroupNorm(width, arch.num_groups, dtype=dtype)
        self.lift = conv(width, arch.depth_size * arch.volume_channels, 3, dtype)
        self.units = tuple(
            ResidualUnit3D(arch.volume_channels, arch.num_groups, arch.volume_norm == 'row', dtype=dtype)
            for _ in range(arch.volume_units))

    def call(self, image):
        """Encodes padded images [B, S + 1, S + 1, 3] in [-1, 1].

        Returns:
          the lifted volume before the 3D units, and the source volume after them, both [B, H, W, D, C].
        """
        features = run_in_turn(self.bottlenecks, self.stem(image), self.remat)
        features = self.lift(tf.nn.relu(self.norm(features)))  # [B, H, W, D * C]
        lifted = tf.reshape(features, [-1, *self.architecture.grid.shape, self.architecture.volume_channels])
        return lifted, run_in_turn(self.units, lifted, self.remat)
