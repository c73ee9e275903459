"""Losses of JPEG files: photos that people send have been compressed, mostly more than once."""

import tensorflow as tf

_QUALITIES = (30, 96)  # from what messengers send to what cameras write
_SALT = 0x4A504547  # the seeds of a pair's other draws are (seed, number) themselves


def compressed(pair, seed, number, share):
    """Compresses both pictures of a pair by the same quality, or neither.

    It runs where pictures are read and not inside of the train step, as the codec works on the CPU only.

    Args:
      pair: dict with source_image and target_image [S, S, 3] uint8, as of `input_pipeline`.
      seed: int.
      number: int64 scalar, of the pair; seed and number decide everything.
      share: of the pairs that are compressed, from 0 to 1.

    Returns:
      The dict with other pictures, of the same shapes.
    """
    uniform = tf.random.stateless_uniform([2], tf.stack([tf.cast(seed ^ _SALT, tf.int64), number]))
    quality = tf.cast(_QUALITIES[0] + uniform[1] * (_QUALITIES[1] - _QUALITIES[0]), tf.int32)

    def lossy(image):
        return tf.ensure_shape(tf.image.adjust_jpeg_quality(image, quality), image.shape)

    names = ('source_image', 'target_image')
    images = tf.cond(uniform[0] < share, lambda: [lossy(pair[name]) for name in names],
                     lambda: [pair[name] for name in names])
    return {**pair, **dict(zip(names, images, strict=True))}
