"""Losses of a camera: blur, and the noise of its sensor, grains of light and blots of colour."""

import tensorflow as tf

from data_pipeline.batches.smooth_maps import softened

NUM_DRAWS = 4
_LARGEST_BLUR = 1 / 3  # see `softened`: a standard deviation of 0.8 px
_LARGEST_SPREAD = 0.08  # of the noise, for pictures in [-1, 1]
_BLOTS = 0.5  # share of the noise's variance


def photographed(planes, uniform, tile, strength):
    """Disturbs both pictures of a pair alike, each pair its own way.

    Args:
      planes: red, green and blue of source and target, [3, B, 2, S, S] float32 in [-1, 1].
      uniform: [B, NUM_DRAWS] float32 in [0, 1).
      tile: as of `draw_tile`.
      strength: from 0 to 1.

    Returns:
      [3, B, 2, S, S] float32 in [-1, 1].
    """
    blur, spread = (strength * draw[:, tf.newaxis, tf.newaxis, tf.newaxis]
                    for draw in tf.unstack(uniform[:, :2], axis=1))
    planes = softened(planes, _LARGEST_BLUR * blur)
    size = planes.shape[-1]
    first = tf.cast(uniform[:, 2:] * size, tf.int32)  # of each picture, so that no two have the same noise
    noise = tf.gather(tile, first[..., tf.newaxis] + tf.range(size), axis=1)
    return tf.clip_by_value(planes + _LARGEST_SPREAD * spread ** 2 * noise, -1.0, 1.0)


def draw_tile(seed, size):
    """Draws noise of mean 0 and variance 1, [3, 2 size, size], of which each picture has `size` rows."""
    fine_seed, coarse_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    reach, half = 3.0 ** 0.5, -(-size // 2)
    fine = tf.random.stateless_uniform([1, 2 * size, size], fine_seed, -reach, reach)
    coarse = tf.random.stateless_uniform([3, size, half], coarse_seed, -reach, reach)
    coarse = tf.repeat(tf.repeat(coarse, 2, axis=1), 2, axis=2)[:, :, :size]
    return (1.0 - _BLOTS) ** 0.5 * fine + _BLOTS ** 0.5 * coarse
