"""The black bars of a letterboxed photo: rows and columns beside the picture that are no part of the place."""

import tensorflow as tf

BLACK = -1.0
_DARKEST = -0.875  # no brighter than this, of [-1, 1], is black: limited range or compression leaves some grey
_HIDDEN = 1 / 32  # of the picture: so much of a bar may be hidden by a person whom the picture cuts off


def is_picture(image, known):
    """Tells what of photos is no black bar.

    A bar is rows or columns at a border that are black from end to end and wholly known, so that the black wall behind
    a person is none; and behind those a few more, the known part of which is black.

    Args:
      image: [B, S, S, 3] float32 in [-1, 1].
      known: [B, S, S, 1] float32, 1 where the photo is known, 0 where a person hides it.

    Returns:
      [B, S, S, 1] float32, 0 in the bars, 1 elsewhere; 1 everywhere in a photo all of which is black.
    """
    is_bright = tf.cast(tf.reduce_max(image, axis=-1) > _DARKEST, tf.float32) * known[..., 0]
    hidden = 1.0 - known[..., 0]
    rows, columns = (_between_bars(tf.reduce_max(is_bright, axis), tf.reduce_max(hidden, axis)) for axis in (2, 1))
    inside = rows[:, :, tf.newaxis] * columns[:, tf.newaxis]
    is_black = 1.0 - tf.reduce_max(is_bright, axis=[1, 2], keepdims=True)
    return tf.maximum(inside, is_black)[..., tf.newaxis]


def _between_bars(is_bright, is_hidden):
    """Returns which lines are in no bar, [B, S] of 0 and 1, by whether they have bright and hidden pixels."""
    return _after_bar(is_bright, is_hidden) * _after_bar(is_bright[:, ::-1], is_hidden[:, ::-1])[:, ::-1]


def _after_bar(is_bright, is_hidden):
    """Returns which lines come after the bar at their beginning, if there is one."""
    after = _from_first(tf.maximum(is_bright, is_hidden))
    reach = max(1, round(is_bright.shape[1] * _HIDDEN))
    # Whether the line so far before is past the bar, too. If not, only what is bright ends the bar, not what is hidden.
    is_far = tf.concat([tf.repeat(after[:, :1], reach, axis=1), after[:, :-reach]], axis=1)
    return _from_first(tf.maximum(is_bright, is_far))


def _from_first(ends):
    """Returns 0 before the first 1, 1 from there on."""
    return tf.cast(tf.cumsum(ends, axis=1) > 0.5, tf.float32)
