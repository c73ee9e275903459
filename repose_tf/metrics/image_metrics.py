"""Distances of generated images to the truth: the SSIM family, PSNR and L1, one value per sample.

Images are [B, H, W, 3] in [0, 1], masks [B, H, W, 1] in [0, 1] with 1 on the foreground.
"""

import functools

import numpy as np
import tensorflow as tf

from repose_tf.shapes import ShapeError

# Constants of the SSIM for a data range of 1.
_LUMINANCE = 0.01 ** 2
_CONTRAST = 0.03 ** 2
# Weights of the windows along rows and along columns.
_UNIFORM_WINDOW = (1 / 7,) * 7
_HALF = 3  # cells of that window on each side of its middle
_UNIFORM_SCALE = 49 / 48  # the sample's variance over the population's
_GAUSS_WINDOW = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
_GAUSS_WINDOW = tuple((_GAUSS_WINDOW / _GAUSS_WINDOW.sum()).tolist())


def image_metrics(generated, truth, mask=None):
    """Computes all metrics of this module that need nothing but images.

    Args:
      generated, truth: [B, H, W, 3] in [0, 1].
      mask: [B, H, W, 1] in [0, 1], the foreground; None leaves out the metrics that need it.

    Returns:
      Dict of [B] float32: `ssim`, `ssim_gauss`, `psnr`, `l1` and, with a mask, `ssim_fg`, `l1_fg`.
    """
    ssim_map = structural_similarity_map(generated, truth)
    metrics = {
        'ssim': tf.reduce_mean(ssim_map[:, _HALF:-_HALF, _HALF:-_HALF], axis=(1, 2)),  # as `ssim`
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

    It is the map of scikit-image's default settings: data range 1, K1 = 0.01, K2 = 0.03, variances and covariance of
    the sample (divided by 48). Windows that reach over the border see the image mirrored there (c b a | a b c).

    Args:
      generated, truth: [B, H, W, 3] in [0, 1]; H and W at least 7.

    Returns:
      [B, H, W] float32, at most 1 but for rounding.
    """
    border = ((0, 0), (_HALF, _HALF), (_HALF, _HALF), (0, 0))
    generated, truth = (tf.pad(_float32(image), border, 'SYMMETRIC') for image in (generated, truth))
    return tf.reduce_mean(_ssim_inside(generated, truth, _UNIFORM_WINDOW, _UNIFORM_SCALE), axis=3)


def ssim(generated, truth):
    """Mean of `structural_similarity_map` of images [B, H, W, 3] in [0, 1]: [B] float32, 1 for equal images.

    Only windows that lie inside the image count: the outer 3 pixels of the map do not, as in scikit-image.
    """
    values = _ssim_inside(_float32(generated), _float32(truth), _UNIFORM_WINDOW, _UNIFORM_SCALE)
    return tf.reduce_mean(values, axis=(1, 2, 3))


def ssim_fg(generated, truth, mask):
    """SSIM on the foreground: sum(map * mask) / sum(mask), over the whole map including its border.

    Images [B, H, W, 3] in [0, 1] and a mask [B, H, W, 1] in [0, 1] -> [B] float32; NaN where the mask is empty, so that
    no made-up value enters an average.
    """
    return _masked_mean(structural_similarity_map(generated, truth)[..., tf.newaxis], mask)


def ssim_gauss(generated, truth):
    """SSIM over Gaussian windows: sigma 1.5, 11x11, population covariance, windows inside the image.

    Args:
      generated, truth: [B, H, W, 3] in [0, 1]; H and W at least 11.

    Returns:
      [B] float32, what `tf.image.ssim` gives with `max_val=1`, but for rounding.
    """
    values = _ssim_inside(_float32(generated), _float32(truth), _GAUSS_WINDOW, covariance_scale=1.0)
    return tf.reduce_mean(values, axis=(1, 2, 3))


def psnr(generated, truth):
    """Peak signal-to-noise ratio of images [B, H, W, 3] in [0, 1]: [B] float32, dB; infinite when equal."""
    error = tf.reduce_mean(tf.square(_float32(generated) - _float32(truth)), axis=(1, 2, 3))
    return -10.0 / np.log(10.0) * tf.math.log(error)


def l1(generated, truth):
    """Mean absolute difference of images [B, H, W, 3] in [0, 1]: [B] float32."""
    return tf.reduce_mean(_absolute_difference(generated, truth), axis=(1, 2, 3))


def l1_fg(generated, truth, mask):
    """Mean absolute difference on the foreground, arguments and result as for `ssim_fg`."""
    return _masked_mean(tf.reduce_mean(_absolute_difference(generated, truth), axis=3, keepdims=True), mask)


def _absolute_difference(generated, truth):
    return tf.abs(_float32(generated) - _float32(truth))


def _float32(images):
    return tf.cast(images, tf.float32)


def _masked_mean(values, mask):
    """Returns sum(values * mask) / sum(mask) of [B, H, W, 1] each: [B] float32."""
    mask = _float32(mask)
    return tf.reduce_sum(values * mask, axis=(1, 2, 3)) / tf.reduce_sum(mask, axis=(1, 2, 3))


def _ssim_inside(generated, truth, window, covariance_scale):
    """Computes the SSIM in all windows inside the images.

    All follows from the images' sum p and difference q: p^2 - q^2 = 4 a b and p^2 + q^2 = 2 (a^2 + b^2), of means as of
    deviations. So there are two means and two variances instead of two means, two variances and a covariance.

    Args:
      generated, truth: [B, H, W, C] in [0, 1].
      window: tuple of n floats, the weights along rows and along columns; they sum to 1.
      covariance_scale: turns the population's variances into the sample's.

    Returns:
      [B, H - n + 1, W - n + 1, C] float32.

    Raises:
      ShapeError: an image is smaller than the window.
    """
    size, channels = generated.shape[1:3], generated.shape[3]
    if size.is_fully_defined() and min(size) < len(window):
        raise ShapeError(f'images: expected {len(window)} rows and columns or more, found {size[0]} and {size[1]}.')
    batch, rows, columns, _ = tf.unstack(tf.shape(generated))
    # Columns and channels as one axis: what is shifted then lies side by side in memory.
    flat = [tf.reshape(image, (batch, rows, columns * channels)) for image in (generated, truth)]
    # Compiled apart: as one, XLA may compute the first pass again for every column of the second.
    values = _fused(_across_the_columns)(*_fused(_down_the_rows)(*flat, window), window, covariance_scale, channels)
    return tf.reshape(values, (batch, rows - len(window) + 1, columns - len(window) + 1, channels))


def _down_the_rows(generated, truth, window):
    """Returns mean and variance of the sum and of the difference in windows n x 1 of images [B, H, W C]."""
    return *_spread(generated + truth, 1, 1, window), *_spread(generated - truth, 1, 1, window)


def _across_the_columns(mean_p, variance_p, mean_q, variance_q, window, covariance_scale, channels):
    """Returns the SSIM of windows n x n, from what `_down_the_rows` gives of n x 1."""
    def combined(means, variances):
        mean, between = _spread(means, 2, channels, window)
        within = sum(weight * part for weight, part in zip(window, _shifted(variances, 2, channels, window)))
        return mean ** 2 / 2, covariance_scale / 2 * (within + between)

    (mean_p, variance_p), (mean_q, variance_q) = combined(mean_p, variance_p), combined(mean_q, variance_q)
    return ((mean_p - mean_q + _LUMINANCE) * (variance_p - variance_q + _CONTRAST)
            / ((mean_p + mean_q + _LUMINANCE) * (variance_p + variance_q + _CONTRAST)))


def _spread(values, axis, step, window):
    """Returns mean and variance in windows along an axis, whose neighbours are `step` apart.

    Of the distances from the window's middle: float32 is then exact enough on evenly bright walls, where a mean of
    squares less the square of a mean would be rounding.
    """
    parts = _shifted(values, axis, step, window)
    middle = parts[len(window) // 2]
    distances = [part - middle for part in parts]
    mean = sum(weight * distance for weight, distance in zip(window, distances))
    square = sum(weight * distance ** 2 for weight, distance in zip(window, distances))
    return middle + mean, square - mean ** 2


def _shifted(values, axis, step, window):
    """Returns the parts of [B, H, N] that the places of a window along an axis see."""
    last = step * (len(window) - 1)
    slices = [slice(place, place - last or None) for place in range(0, last + 1, step)]
    return [values[:, part] if axis == 1 else values[:, :, part] for part in slices]


@functools.cache
def _fused(function):
    """Returns the function compiled by XLA where there is no GPU: one pass over memory instead of fifty."""
    return tf.function(function, autograph=False, jit_compile=not tf.config.list_logical_devices('GPU'))
