"""The detail decoder: a thin U-Net that says how to mend and fill what was carried."""

import keras
import tensorflow as tf

from repose_tf.architecture import Architecture
from repose_tf.blocks import Composite, conv
from repose_tf.detail import blending, candidates
from repose_tf.detail.scaling import doubled, halved
from repose_tf.group_norm import GroupNorm
from repose_tf.skeleton import NUM_PARTS


@keras.saving.register_keras_serializable('repose_tf')
class DetailLevel(Composite):
    """Twice a convolution and a ReLU, with a group norm between; keeps the channels."""

    def __init__(self, channels, num_groups, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.channels, self.num_groups = channels, num_groups
        self.conv1 = conv(channels, channels, 3, dtype)
        self.norm = GroupNorm(channels, num_groups, dtype=dtype)
        self.conv2 = conv(channels, channels, 3, dtype)

    def call(self, x):
        return tf.nn.relu(self.conv2(tf.nn.relu(self.norm(self.conv1(x)))))


@keras.saving.register_keras_serializable('repose_tf')
class DetailDecoder(Composite):
    """Says which candidates to take, what to paint where none of them shows it, and who stands before the background.

    Args of the constructor:
      architecture: as for `Generator`.
    """

    def __init__(self, architecture, **kwargs):
        super().__init__(autocast=False, **kwargs)  # colours stay in float32
        self.architecture = arch = Architecture.of(architecture)
        dtype, groups = self.dtype_policy, arch.num_groups
        widths = arch.detail_channels
        seen = candidates.NUM_CANDIDATES * candidates.CHANNELS + NUM_PARTS + 6 + 4
        self.entry = conv(seen, widths[0], 1, dtype)  # full size is where convolutions cost most
        self.from_trunk = conv(arch.decoder_blocks[-1][0] + 4, widths[1], 1, dtype)
        self.down = tuple(conv(before, after, 3, dtype, strides=2) for before, after in zip(widths, widths[1:]))
        self.levels = tuple(DetailLevel(width, groups, dtype=dtype) for width in widths[1:])
        self.up = tuple(conv(coarse, fine, 3, dtype) for fine, coarse in zip(widths, widths[1:]))
        self.mend = tuple(conv(width, width, 3, dtype) for width in widths[:-1])
        self.output_conv = conv(widths[0], blending.NUM_CORRECTIONS, 3, 'float32',
                                kernel_initializer=keras.initializers.VarianceScaling(0.01))

    def call(self, carried, maps, background, known, trunk):
        """Says how to make the picture.

        Args:
          carried, maps: as `candidates.carried` returns them.
          background: [B, S, S, 3] float32 in [-1, 1], its holes filled.
          known: [B, S, S, 1] float32, 1 where the background was seen.
          trunk: the trunk's (features, foreground, alpha), as `ProjectionDecoder` returns them but without padding.

        Returns:
          [B, S, S, NUM_CORRECTIONS] float32, see `blending.blended`.
        """
        return self.output_conv(tf.cast(self._features(carried, maps, background, known, trunk), tf.float32))

    def _features(self, carried, maps, background, known, trunk):
        """Runs the U-Net; returns the features of its last level, [B, S, S, C]."""
        x = tf.concat([blending.flat(carried), _geometry(maps), tf.stop_gradient(background), known], axis=-1)
        x = tf.nn.relu(self.entry(tf.cast(x, self.compute_dtype)))
        skips = []
        for number, (down, level) in enumerate(zip(self.down, self.levels, strict=True)):
            skips.append(x)
            x = down(x)
            if number == 0:
                joined = tf.concat([tf.cast(part, x.dtype) for part in trunk], axis=-1)
                x += self.from_trunk(joined if joined.shape[1] == x.shape[1] else halved(joined))
            x = level(tf.nn.relu(x))
        for up, mend, skip in zip(self.up[::-1], self.mend[::-1], skips[::-1], strict=True):
            x = tf.nn.relu(mend(tf.nn.relu(skip + doubled(up(x)))))
        return x


def _geometry(maps):
    """Returns what the target's surface says of each pixel: its part, ring, normal and depths, [B, S, S, P + 6]."""
    part, ring = maps['part'][..., 0], maps['ring'][..., 0]
    gap = (maps['depth_px'][..., 1] - maps['depth_px'][..., 0]) / 32.0
    has_two = tf.cast(maps['part'][..., 1] >= 0, tf.float32)
    return tf.concat([
        tf.one_hot(part, NUM_PARTS), maps['normal'][..., 0, :], tf.cast(ring, tf.float32)[..., tf.newaxis],
        (has_two * tf.clip_by_value(gap, -2.0, 2.0))[..., tf.newaxis], has_two[..., tf.newaxis]], axis=-1)
