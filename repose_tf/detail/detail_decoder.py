"""The detail decoder: a thin U-Net at full size that mends and fills what was carried."""

import keras
import tensorflow as tf

from repose_tf.architecture import Architecture
from repose_tf.blocks import Composite, conv
from repose_tf.detail import candidates, flow, surface_warp
from repose_tf.detail.scaling import doubled, halved
from repose_tf.group_norm import GroupNorm
from repose_tf.skeleton import NUM_PARTS, PART_NAMES

# A part's own sample of the nearest layer, where it is visible, begins with most of the weight.
_WORTH = (1.0, 0.1, 0.05, 0.02)  # of the candidates: both samples of the nearest layer, and of the next one
_SPARE = 0.02  # the worth of a mirrored sample where the part's own is seen: blended, two faces are none
_UNSEEN = 0.05  # the worth of what the source hides there: a guess
_UNSEEN_HEAD = 0.001  # the back of a head does not look like its face
_BESIDE = 0.01  # the worth of what is carried from beside the person
_PAINTED = 0.01
_LEAST = 1e-4
_MAX_FLOW_PX = 4.0
_INITIAL_ALPHA_LOGIT = 3.0
_HEAD = PART_NAMES.index('head')
_NUM_OUTPUTS = candidates.NUM_CANDIDATES + 1 + 3 + 1 + 2 + 3


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
    """Blends candidates, paints what none of them shows, and sets the person before the background.

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
        self.output_conv = conv(widths[0], _NUM_OUTPUTS, 3, 'float32',
                                kernel_initializer=keras.initializers.VarianceScaling(0.01))

    def call(self, carried, maps, background, known, trunk):
        """Makes the picture.

        Args:
          carried, maps: as `candidates.carried` returns them.
          background: [B, S, S, 3] float32 in [-1, 1], its holes filled.
          known: [B, S, S, 1] float32, 1 where the background was seen.
          trunk: the trunk's (features, foreground, alpha), as `ProjectionDecoder` returns them but without padding.

        Returns:
          foreground, alpha, background: [B, S, S, 3], [B, S, S, 1] and [B, S, S, 3] float32, colours in [-1, 1].
        """
        output = self.output_conv(tf.cast(self._features(carried, maps, background, known, trunk), tf.float32))
        shares, painted, alpha, flow_px, filling = tf.split(output, [-1, 3, 1, 2, 3], axis=-1)
        each = tf.split(self._flat(carried, background), candidates.NUM_CANDIDATES, axis=-1)
        part = tf.repeat(maps['part'], surface_warp.NUM_SAMPLES, axis=-1)
        unseen = tf.split(tf.where(part == _HEAD, _UNSEEN_HEAD, _UNSEEN), len(each), axis=-1)
        # Parts are rounder than people: where the photo shows nobody on the nearest one, the next one is seen.
        persons = [one[..., 3:4] for one in each[::surface_warp.NUM_SAMPLES]]
        bare = [tf.zeros_like(alpha)] * surface_warp.NUM_SAMPLES + [1.0 - persons[0]] * surface_warp.NUM_SAMPLES
        needed = [need for own in each[::surface_warp.NUM_SAMPLES] for need in _needed(own)]
        worth = tf.cast(part >= 0, tf.float32) * tf.concat(
            [(worth + nobody) * need * _trust(one, guess)
             for worth, nobody, need, one, guess in zip(_WORTH, bare, needed, each, unseen, strict=True)], axis=-1)
        worth = tf.concat([worth, tf.fill(tf.shape(alpha), _PAINTED)], axis=-1)
        shares = tf.nn.softmax(shares + tf.math.log(worth + _LEAST), axis=-1)
        painted_share = shares[..., -1:]
        copied = tf.add_n([shares[..., number:number + 1] * one[..., :3] for number, one in enumerate(each)])
        copied = flow.resampled(copied / (1.0 - painted_share + 1e-6), _MAX_FLOW_PX * tf.tanh(flow_px))
        coarse = trunk[1] if trunk[1].shape[1] == background.shape[1] else doubled(trunk[1])
        painted = tf.clip_by_value(coarse + 2.0 * tf.tanh(painted), -1.0, 1.0)
        foreground = (1.0 - painted_share) * copied + painted_share * painted
        alpha = tf.sigmoid(alpha + _INITIAL_ALPHA_LOGIT * (2.0 * tf.maximum(*persons) - 1.0))
        background = tf.clip_by_value(background + (1.0 - known) * tf.tanh(filling), -1.0, 1.0)
        return foreground, alpha, background

    @staticmethod
    def _flat(carried, background):
        """Returns the candidates one after the other, first by layer and then by sample, [B, S, S, channels]."""
        return tf.reshape(carried, [-1, *background.shape[1:3], candidates.NUM_CANDIDATES * candidates.CHANNELS])

    def _features(self, carried, maps, background, known, trunk):
        """Runs the U-Net; returns the features of its last level, [B, S, S, C]."""
        x = tf.concat([self._flat(carried, background), _geometry(maps), tf.stop_gradient(background), known], axis=-1)
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


def _needed(own):
    """Returns how far a layer's samples are needed, its own candidate [B, S, S, CHANNELS] and the mirrored one."""
    _, person, visible, _ = tf.split(own, [3, 1, 1, 1], axis=-1)
    return 1.0, 1.0 - (1.0 - _SPARE) * person * visible


def _trust(candidate, unseen):
    """Returns how far a candidate [B, S, S, CHANNELS] can be trusted before any training, [B, S, S, 1].

    `unseen` [B, S, S, 1] is what it is worth where its source hides it.
    """
    _, person, visible, facing = tf.split(candidate, [3, 1, 1, 1], axis=-1)
    return _BESIDE + person * (unseen + visible * (0.3 + 0.7 * facing))

