"""Enlarging and shrinking of maps whose pixels tile the picture, so that corners of the picture stay corners."""

import tensorflow as tf


def enlarged(x, factor):
    """Multiplies rows and columns of [B, n, m, C], bilinear between the pixels' centres; keeps the type."""
    if factor == 1:
        return x
    rows, columns = x.shape[1:3]
    result = tf.raw_ops.ResizeBilinear(images=x, size=[factor * rows, factor * columns], half_pixel_centers=True)
    return tf.cast(result, x.dtype)


def doubled(x):
    """Enlarges by a factor of two."""
    return enlarged(x, 2)


def shrunk(x, factor):
    """Divides rows and columns of [B, n, m, C]: each pixel is the mean of a square of them."""
    return x if factor == 1 else tf.nn.avg_pool2d(x, factor, factor, 'VALID')


def halved(x):
    """Shrinks by a factor of two."""
    return shrunk(x, 2)
