"""Doubling and halving of maps whose pixels tile the picture, so that corners of the picture stay corners."""

import tensorflow as tf


def doubled(x):
    """Doubles rows and columns of [B, n, m, C], bilinear between the pixels' centres; keeps the type."""
    rows, columns = x.shape[1:3]
    result = tf.raw_ops.ResizeBilinear(images=x, size=[2 * rows, 2 * columns], half_pixel_centers=True)
    return tf.cast(result, x.dtype)


def halved(x):
    """Halves rows and columns of [B, n, m, C]: each pixel is the mean of four."""
    return tf.nn.avg_pool2d(x, 2, 2, 'VALID')
