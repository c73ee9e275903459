"""How far generated images are from the truth: the SSIM family, PSNR and L1, one value per sample.

Images are [B, H, W, 3] in [0, 1], masks [B, H, W, 1] in [0, 1] with 1 on the foreground. The SSIM family
computes in float64: on evenly bright walls a float32 variance is mostly rounding.
"""

import numpy as np
import tensorflow as tf

# Constants of the SSIM for a data range of 1.
_LUMINANCE = 0.01 ** 2
_CONTRAST = 0.03 ** 2
_UNIFORM_WINDOW = np.full(7, 1 / 7)
_GAUSS_WINDOW = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
_GAUSS_WINDOW /= _GAUSS_WINDOW.sum()


def image_metrics(generated, truth, mask=None):
    """Computes all metrics of this module that need nothing but images.

    Args:
      generated: [B, H, W, 3] in [0, 1].
      truth: likewise.
      mask: [B, H, W, 1] in [0, 1], the foreground; None leaves out the metrics that need it.

    Returns:
      Dict of [B] float32: `ssim`, `ssim_gauss`, `psnr`, `l1` and, with a mask, `ssim_fg`, `l1_fg`.
    """
    ssim_map = structural_similarity_map(generated, truth)
    metrics = {
        'ssim': _mean_inside(ssim_map),
        'ssim_gauss': ssim_gauss(generated, truth),
        'psnr': psnr(generated, truth),
        'l1': l1(generated, truth),
    }
    if mask is not None:
        metrics['ssim_fg'] = _masked_mean(ssim_map[..., tf.newaxis], mask)
        metrics['l1_fg'] = l1_fg(generated, truth, mask)
    return metrics


def structural_similarity_map(generated, truth):
    """SSIM around every pixel, over a uniform 7x7 window, averaged over the channels.

    Data range 1, K1 = 0.01, K2 = 0.03, variances and covariance of the sample (divided by 48): the map that
    scikit-image gives with its default settings. Windows that reach over the border see the image mirrored
    there, the outermost pixel repeated (c b a | a b c), so the outer 3 pixels count some pixels twice.

    Args:
      generated: [B, H, W, 3] in [0, 1]; H and W at least 7.
      truth: likewise.

    Returns:
      [B, H, W] float64, at most 1.
    """
    half = len(_UNIFORM_WINDOW) // 2
    border = ((0, 0), (half, half), (half, half), (0, 0))
    generated, truth = (
        tf.pad(tf.cast(image, tf.float64), border, 'SYMMETRIC') for image in (generated, truth))
    count = len(_UNIFORM_WINDOW) ** 2
    return tf.reduce_mean(
        _ssim_inside(generated, truth, _UNIFORM_WINDOW, covariance_scale=count / (count - 1)), axis=3)


def ssim(generated, truth):
    """Mean of `structural_similarity_map` over all windows that lie inside the image.

    Args:
      generated: [B, H, W, 3] in [0, 1].
      truth: likewise.

    Returns:
      [B] float32, 1 for equal images: the outer 3 pixels of the map do not count, as in scikit-image.
    """
    return _mean_inside(structural_similarity_map(generated, truth))


def ssim_fg(generated, truth, mask):
    """SSIM on the foreground: sum(map * mask) / sum(mask), over the whole map including its border.

    Args:
      generated: [B, H, W, 3] in [0, 1].
      truth: likewise.
      mask: [B, H, W, 1] in [0, 1].

    Returns:
      [B] float32; NaN where the mask is empty, so that no made-up value enters an average.
    """
    return _masked_mean(structural_similarity_map(generated, truth)[..., tf.newaxis], mask)


def ssim_gauss(generated, truth):
    """SSIM over Gaussian windows: sigma 1.5, 11x11, population covariance, windows inside the image.

    Args:
      generated: [B, H, W, 3] in [0, 1]; H and W at least 11.
      truth: likewise.

    Returns:
      [B] float32, what `tf.image.ssim` gives with `max_val=1`, but for rounding.
    """
    generated, truth = tf.cast(generated, tf.float64), tf.cast(truth, tf.float64)
    values = _ssim_inside(generated, truth, _GAUSS_WINDOW, covariance_scale=1.0)
    return tf.cast(tf.reduce_mean(values, axis=(1, 2, 3)), tf.float32)


def psnr(generated, truth):
    """Peak signal-to-noise ratio of images [B, H, W, 3] in [0, 1]: [B] float32, dB; infinite when equal."""
    difference = tf.cast(generated, tf.float32) - tf.cast(truth, tf.float32)
    error = tf.reduce_mean(tf.square(difference), axis=(1, 2, 3))
    return -10.0 / np.log(10.0) * tf.math.log(error)


def l1(generated, truth):
    """Mean absolute difference of images [B, H, W, 3] in [0, 1]: [B] float32."""
    return tf.reduce_mean(_absolute_difference(generated, truth), axis=(1, 2, 3))


def l1_fg(generated, truth, mask):
    """Mean absolute difference on the foreground.

    Args:
      generated: [B, H, W, 3] in [0, 1].
      truth: likewise.
      mask: [B, H, W, 1] in [0, 1].

    Returns:
      [B] float32; NaN where the mask is empty.
    """
    return _masked_mean(
        tf.reduce_mean(_absolute_difference(generated, truth), axis=3, keepdims=True), mask)


def _absolute_difference(generated, truth):
    return tf.abs(tf.cast(generated, tf.float32) - tf.cast(truth, tf.float32))


def _masked_mean(values, mask):
    """Returns sum(values * mask) / sum(mask) of [B, H, W, 1] each: [B] float32."""
    mask = tf.cast(mask, values.dtype)
    mean = tf.reduce_sum(values * mask, axis=(1, 2, 3)) / tf.reduce_sum(mask, axis=(1, 2, 3))
    return tf.cast(mean, tf.float32)


def _mean_inside(ssim_map):
    """Returns the mean of a [B, H, W] map without the windows that reach over the border: [B] float32."""
    half = len(_UNIFORM_WINDOW) // 2
    return tf.cast(tf.reduce_mean(ssim_map[:, half:-half, half:-half], axis=(1, 2)), tf.float32)


def _ssim_inside(generated, truth, window, covariance_scale):
    """Returns the SSIM [B, H - n + 1, W - n + 1, C] of all windows inside the images.

    `window` holds the n weights along rows and along columns; they sum to 1. `covariance_scale` turns the
    population's variances into the sample's.
    """
    # One smoothing of five images side by side is faster than five.
    images = tf.concat([generated, truth, generated ** 2, truth ** 2, generated * truth], axis=3)
    mean_a, mean_b, square_a, square_b, product = tf.split(_smooth(images, window), 5, axis=3)
    variance_a = covariance_scale * (square_a - mean_a ** 2)
    variance_b = covariance_scale * (square_b - mean_b ** 2)
    covariance = covariance_scale * (product - mean_a * mean_b)
    return ((2 * mean_a * mean_b + _LUMINANCE) * (2 * covariance + _CONTRAST)
            / ((mean_a ** 2 + mean_b ** 2 + _LUMINANCE) * (variance_a + variance_b + _CONTRAST)))


def _smooth(images, window):
    """Weighted means over the n x n windows inside images [B, H, W, C], along the rows, then the columns."""
    kernel = tf.tile(tf.constant(window)[:, tf.newaxis, tf.newaxis, tf.newaxis], (1, 1, images.shape[3], 1))
    images = tf.nn.depthwise_conv2d(images, kernel, (1, 1, 1, 1), 'VALID')
    return tf.nn.depthwise_conv2d(images, tf.transpose(kernel, (1, 0, 2, 3)), (1, 1, 1, 1), 'VALID')
