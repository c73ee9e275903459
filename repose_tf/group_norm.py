"""Group normalisation with its statistics in float32 and its data passes kept few (Wu and He 2018)."""

import keras
import tensorflow as tf


def group_norm(x, gamma, beta, num_groups, epsilon):
    """Normalises each sample's channel groups over all positions.

    The sums run per channel over the positions, and only those [B, C] numbers are grouped, so that no pass
    works on a five- or six-dimensional view of the data.

    Args:
      x: [B, N, C] N positions, float32 or lower precision.
      gamma: [C] float32 gain.
      beta: [C] float32 offset.
      num_groups: divides C.
      epsilon: added to the variance.

    Returns:
      [B, N, C] in the type of `x`.
    """
    channels = x.shape[-1]

    def grouped(per_channel):  # [B, C] -> [B, 1, C]: the mean within each group, for all its channels
        means = tf.reduce_mean(tf.reshape(per_channel, [-1, num_groups, channels // num_groups]), axis=-1)
        return tf.repeat(means, channels // num_groups, axis=-1)[:, tf.newaxis]

    wide = tf.cast(x, tf.float32)
    mean = grouped(tf.reduce_mean(wide, axis=1))
    variance = grouped(tf.reduce_mean(tf.math.squared_difference(wide, mean), axis=1))
    gain = gamma * tf.math.rsqrt(variance + epsilon)
    offset = beta - mean * gain
    return x * tf.cast(gain, x.dtype) + tf.cast(offset, x.dtype)


class GroupNorm(keras.layers.Layer):
    """Group normalisation of [B, ..., C].

    Keras' own layer computes the same (the tests hold them against each other) but spends several times as
    long on a CPU, and it cannot take the statistics of a volume row by row.

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
        # The geometry of the statistics needs float32 weights under mixed precision too.
        self.gamma = self.add_weight(name='gamma', shape=(channels,), initializer='ones', dtype='float32')
        self.beta = self.add_weight(name='beta', shape=(channels,), initializer='zeros', dtype='float32')

    def call(self, x):
        """Normalises x [B, ..., C]."""
        shape = tf.shape(x)
        instances = shape[0] * shape[1] if self.per_row else shape[0]
        flat = tf.reshape(x, [instances, -1, self.channels])
        gamma, beta = (tf.cast(tf.convert_to_tensor(weight), tf.float32) for weight in (self.gamma, self.beta))
        normalised = group_norm(flat, gamma, beta, self.num_groups, self.epsilon)
        result = tf.reshape(normalised, shape)
        result.set_shape(x.shape)
        return result

    def get_config(self):
        return {**super().get_config(), 'channels': self.channels, 'num_groups': self.num_groups,
                'epsilon': self.epsilon, 'per_row': self.per_row}
