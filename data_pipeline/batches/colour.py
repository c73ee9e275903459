"""Distortion of colours: brightness, contrast, hue and saturation, for each sample in its own order."""

import tensorflow as tf

COLOUR_STEPS = ('brightness', 'contrast', 'hue', 'saturation')


def distort_colour(planes, factors, order):
    """Changes brightness, contrast, hue and saturation one after the other, clipped to [0, 1] after each.

    A step equals the function `tf.image.adjust_<step>` of one image, but every sample has its own factors and order.
    There are no branches: all samples pass through one chain of steps, of which those that are not a sample's turn
    are neutral. As hue and saturation commute, every order is a part of the chain (hue, saturation), brightness or
    contrast, (hue, saturation), contrast or brightness, (hue, saturation).

    Args:
      planes: red, green and blue, [B, N, H, W] float32 in [0, 1] each; the N images of a sample are treated alike.
      factors: dict of [B] float32: `brightness`, added; `contrast`, times the distance from the mean colour
        of the image; `hue`, added, in turns of the circle; `saturation`, times.
      order: [B, 4] int32, per sample an order of COLOUR_STEPS by index.

    Returns:
      red, green and blue, [B, N, H, W] float32 in [0, 1].
    """
    factors = {name: value[:, tf.newaxis, tf.newaxis, tf.newaxis] for name, value in factors.items()}
    place = tf.argsort(order, axis=1)[:, :, tf.newaxis, tf.newaxis, tf.newaxis]  # of each step
    place = dict(zip(COLOUR_STEPS, tf.unstack(place, axis=1), strict=True))
    link = {step: sum(tf.cast(place[step] > place[other], tf.int32) for other in ('brightness', 'contrast'))
            for step in ('hue', 'saturation')}
    rgb = planes
    for turn in range(3):
        rgb = _turn_hue_and_saturation(rgb, *(tf.where(link[step] == turn, factors[step], neutral)
                                              for step, neutral in (('hue', 0.0), ('saturation', 1.0))))
        if turn < 2:
            is_contrast = (place['contrast'] < place['brightness']) == (turn == 0)
            factor = tf.where(is_contrast, factors['contrast'], 1.0)
            added = tf.where(is_contrast, 0.0, factors['brightness'])
            rgb = [_stretched(plane, factor, added) for plane in rgb]
    return rgb


def _stretched(plane, factor, added):
    """Multiplies the distance from the mean of each image by `factor` and adds `added`, clipped to [0, 1]."""
    mean = tf.reduce_mean(plane, axis=(2, 3), keepdims=True)
    return tf.clip_by_value(plane * factor + (mean * (1.0 - factor) + added), 0.0, 1.0)


def _turn_hue_and_saturation(rgb, turns, factor):
    """Adds `turns` to the hue and multiplies the saturation, in HSV, without computing its angles.

    The value v, the largest of the three, stays. Around the circle the others lie below it by a share of the range d
    (v less the smallest) that goes 0, 0, 1, 1 linearly over sixths of the circle; d follows the saturation.
    """
    red, green, blue = rgb
    value = tf.maximum(tf.maximum(red, green), blue)
    reach = value - tf.minimum(tf.minimum(red, green), blue)
    # Sixths of the circle from red, times d, so that grey needs no exception: in [-1, 5] d.
    angle = tf.where(value == red, green - blue,
                     tf.where(value == green, 2.0 * reach + blue - red, 4.0 * reach + red - green))
    angle += 6.0 * turns * reach
    angle = tf.where(angle < 0.0, angle + 6.0 * reach, angle)
    angle = tf.where(angle >= 6.0 * reach, angle - 6.0 * reach, angle)
    factor = tf.minimum(factor, value / tf.maximum(reach, 1e-20))  # a saturation above 1 is clipped

    def below(share):
        return value - factor * tf.maximum(tf.minimum(share, reach), 0.0)

    return (below(2.0 * reach - tf.abs(angle - 3.0 * reach)), below(tf.abs(angle - 2.0 * reach) - reach),
            below(tf.abs(angle - 4.0 * reach) - reach))
