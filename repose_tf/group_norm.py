"""Group normalisation with statistics in float32 and few passes over the data (Wu and He 2018)."""

import functools
import math

import keras
import tensorflow as tf


def group_norm(x, gamma, beta, num_groups, epsilon, plain_means=False):
    """Normalises each sample's channel groups over all positions.

    The sums run per channel over the positions, and only those [B, C] numbers are grouped, so that no pass
    works on a five- or six-dimensional view of the data.

    Args:
      x: [B, N, C] N positions, float32 or lower precision.
      gamma, beta: [C] float32, gain and offset.
      num_groups: divides C.
      epsilon: added to the variance.
      plain_means: averages by TensorFlow's own reduction, whose rounding is the reference's.

    Returns:
      [B, N, C] in the type of `x`.
    """
    channel_means = (lambda x: tf.reduce_mean(x, axis=1)) if plain_means else _channel_means

    @tf.custom_gradient
    def normalise(x, gamma, beta):
        wide = tf.cast(x, tf.float32)
        mean = _group_means(channel_means(wide), num_groups)
        variance = _group_means(channel_means(tf.math.squared_difference(wide, mean)), num_groups)
        inverse = tf.math.rsqrt(variance + epsilon)
        gain = gamma * inverse
        if x.shape[0] == 1:
            result = _normalised_alone(x, gamma, beta, mean, variance + epsilon)
        else:
            # In float32 as in the fused kernel: in 8 bits, product and offset would cancel where means are large.
            result = tf.cast(wide * gain + (beta - mean * gain), x.dtype)

        scope = tf.get_current_name_scope()

        def gradient(upstream):
            with tf.name_scope(f'{scope}/gradient/' if scope else 'gradient'):  # a profile then shows where it belongs
                # In closed form: two sums per channel, then the gradient is linear in `upstream` and `x`.
                wide_upstream, wide = tf.cast(upstream, tf.float32), tf.cast(x, tf.float32)
                total = channel_means(wide_upstream)[:, tf.newaxis]  # [B, 1, C]
                product = (channel_means(wide_upstream * wide)[:, tf.newaxis] - mean * total) * inverse
                total_mean = _group_means((gamma * total)[:, 0], num_groups)
                slope = -inverse * inverse * _group_means((gamma * product)[:, 0], num_groups)
                offset = -inverse * total_mean - slope * mean
                to_x = tf.cast((wide_upstream * gain + wide * slope) + offset, x.dtype)
                positions = tf.cast(tf.shape(x)[1], tf.float32)
                to_gamma, to_beta = (positions * tf.reduce_sum(means, axis=[0, 1]) for means in (product, total))
                return to_x, to_gamma, to_beta

        return result, gradient

    return normalise(x, gamma, beta)


def _normalised_alone(x, gamma, beta, mean, variance):
    """Applies statistics [1, 1, C] to the only sample [1, N, C]: then they belong to channels, as in batch norm."""
    shape = [1, *_stretches(x.shape[1]), x.shape[2]]
    return tf.reshape(tf.raw_ops.FusedBatchNormV3(
        x=tf.reshape(x, shape), scale=gamma, offset=beta, mean=mean[0, 0], variance=variance[0, 0], epsilon=0.0,
        is_training=False).y, x.shape)


def _channel_means(x):
    """Averages [B, N, C] float32 over its positions: [B, C].

    Average pooling of stretches and then the mean of those: faster than one mean on a CPU, and more accurate, because
    no sum runs over more than some hundred numbers.
    """
    positions, channels = x.shape[1:]
    stretches, length = _stretches(positions)
    pooled = tf.nn.avg_pool2d(tf.reshape(x, [-1, length, 1, channels]), [length, 1], 1, 'VALID')
    return tf.reduce_mean(tf.reshape(pooled, [-1, stretches, channels]), axis=1)


@functools.cache
def _stretches(positions):
    """Divides positions into about as many stretches as each is long; returns both numbers."""
    stretches = min((number for number in range(1, positions + 1) if positions % number == 0),
                    key=lambda number: abs(number - math.sqrt(positions)))
    return stretches, positions // stretches


def _group_means(per_channel, num_groups):
    """Averages [B, C] within each group of channels; returns [B, 1, C], the mean repeated for all its channels."""
    channels = per_channel.shape[-1]
    means = tf.reduce_mean(tf.reshape(per_channel, [-1, num_groups, channels // num_groups]), axis=-1)
    repeated = tf.tile(means[..., tf.newaxis], [1, 1, channels // num_groups])  # tf.repeat makes thirty nodes of it
    return tf.reshape(repeated, [-1, 1, channels])


@keras.saving.register_keras_serializable('repose_tf')
class GroupNorm(keras.layers.Layer):
    """Group normalisation of [B, ..., C].

    Keras' own layer computes the same but takes several times as long on a CPU, and it has no statistics row by row.

    Args of the constructor:
      channels: C.
      num_groups: must divide `channels`.
      epsilon: added to the variance.
      per_row: for [B, H, W, D, C]: takes the statistics over (W, D) of each row, as the reference's weights need.
    """

    def __init__(self, channels, num_groups=32, epsilon=1e-6, per_row=False, **kwargs):
        super().__init__(**kwargs)
        if channels % num_groups:
            raise ValueError(f'num_groups must divide the channels: {channels} channels, {num_groups} groups.')
        self.channels = channels
        self.num_groups = num_groups
        self.epsilon = epsilon
        self.per_row = per_row
        self.is_plain = False  # the portable form's
        # The geometry of the statistics needs float32 weights under mixed precision too.
        self.gamma = self.add_weight(name='gamma', shape=(channels,), initializer='ones', dtype='float32')
        self.beta = self.add_weight(name='beta', shape=(channels,), initializer='zeros', dtype='float32')

    def call(self, x):
        """Normalises x [B, ..., C], of any batch size and otherwise known shape."""
        if self.is_plain:
            return self._plainly(x)
        positions = math.prod(x.shape[2 if self.per_row else 1:-1])
        flat = tf.reshape(x, [-1, positions, self.channels])
        if self.per_row:
            # Rows without a person hardly vary: gains go up to 1000 and product and offset cancel, which leaves
            # nothing of their last bits in lower precision. What the weights have seen there is little but the rounding
            # of the reference's means.
            flat = tf.cast(flat, tf.float32)
        gamma, beta = (tf.cast(tf.convert_to_tensor(weight), tf.float32) for weight in (self.gamma, self.beta))
        normalised = group_norm(flat, gamma, beta, self.num_groups, self.epsilon, plain_means=self.per_row)
        result = tf.reshape(tf.cast(normalised, x.dtype), tf.shape(x))
        result.set_shape(x.shape)
        return result

    def _plainly(self, x):
        """Normalises without reshaping `x`, which TensorFlow Lite may then overwrite although it is needed later on."""
        axes = x.shape[:2] if self.per_row else x.shape[:1]
        flat = [-1, math.prod(x.shape[len(axes):-1]), self.channels]
        of_all = [*axes, *[1] * (len(x.shape) - len(axes) - 1), self.channels]

        def means(values):
            return tf.reshape(_group_means(_channel_means(tf.reshape(values, flat)), self.num_groups), of_all)

        centred = x - means(x)
        gain = self.gamma * tf.math.rsqrt(means(tf.square(centred)) + self.epsilon)
        return centred * gain + self.beta

    def get_config(self):
        return {**super().get_config(), 'channels': self.channels, 'num_groups': self.num_groups,
                'epsilon': self.epsilon, 'per_row': self.per_row}
