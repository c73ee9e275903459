"""Views of a photo for what is carried: the photo, and the same without the arms that hide the body.

An arm before the body would be carried with the torso, as a ghost that hangs where the arm hung in the photo. Torso
and legs are therefore taken from a view in which their own colours go on smoothly behind the arms.
"""

import tensorflow as tf

from repose_tf.background_inpainter import filled
from repose_tf.detail import surface_warp
from repose_tf.skeleton import NUM_PARTS, PART_NAMES

NUM_VIEWS = 2
_BODY = tuple(number for number, name in enumerate(PART_NAMES) if name == 'torso' or name.endswith('leg'))
_UPPER_ARMS, _LOWER_ARMS = ([PART_NAMES.index(f'{side}_{half}_arm') for side in ('left', 'right')]
                            for half in ('upper', 'lower'))
VIEW_OF_PART = tuple(int(number in _BODY) for number in range(NUM_PARTS))
# How far behind the front of the body an arm may lie and still be taken to hide it, in units of the torso's size: poses
# err in depth. Shoulders, which belong to both, lie about as deep as the body.
_LOWER_SLACK, _UPPER_SLACK = 0.1, -0.08
_REACH_PX = 2  # parts are not quite where the arms are
_INSIDE = 0.7  # a mask's edge has colours of the background in it


def views(image, mask, poses_px, parts_px, stride=1):
    """Makes the views of photos of a person.

    In both, the colours of the person go on smoothly where the background is: parts are rounder than people, and masks
    have errors, so that what is carried from beside the person is hair, skin or cloth as there.

    Args:
      image: [B, N, S, S, 3] float32 in [-1, 1].
      mask: [B, N, S, S, 1] float32 in [0, 1], the person.
      poses_px: [B, N, 19, 3] float32 px.
      parts_px: [B, N, S, S, P] float32, where the lines of sight enter each part, NOBODY_PX or more beside it.
      stride: pixels of the photo that are one of what the decoder sees, in rows and columns.

    Returns:
      [B, N, NUM_VIEWS, S, S, 4] float32, colours and the person's mask; in the second view the person is where no arm
      stands before the background.
    """
    body_px = tf.reduce_min(tf.gather(parts_px, _BODY, axis=-1), axis=-1)
    unit_px = surface_warp.torso_sizes(poses_px)

    def is_before(parts, slack):
        arms_px = tf.reduce_min(tf.gather(parts_px, parts, axis=-1), axis=-1)
        return _as_map((arms_px < surface_warp.NOBODY_PX) & (arms_px <= body_px + slack * unit_px))

    has_body = _as_map(body_px < surface_warp.NOBODY_PX)
    is_arm = tf.maximum(is_before(_LOWER_ARMS, _LOWER_SLACK), has_body * is_before(_UPPER_ARMS, _UPPER_SLACK))
    is_arm = _widened(is_arm, stride * _REACH_PX)
    body = mask * (1.0 - is_arm)
    beside = is_arm * (1.0 - has_body)
    whole = tf.concat([_extended(image, mask), mask], axis=-1)
    return tf.stack([whole, tf.concat([_extended(image, body), mask * (1.0 - beside)], axis=-1)], axis=2)


def _as_map(is_so):
    """Returns bool [B, N, S, S] as float32 [B, N, S, S, 1]."""
    return tf.cast(is_so, tf.float32)[..., tf.newaxis]


def _widened(x, reach_px):
    """Widens what is 1 in maps [B, N, S, S, 1]."""
    flat = tf.nn.max_pool2d(tf.reshape(x, [-1, *x.shape[2:]]), 2 * reach_px + 1, 1, 'SAME')
    return tf.reshape(flat, tf.shape(x))


def _extended(image, mask):
    """Returns photos in which everything but the mask is replaced by what is in the mask nearby."""
    flat, inside = (tf.reshape(x, [-1, *x.shape[2:]]) for x in (image, tf.cast(mask > _INSIDE, tf.float32)))
    return tf.reshape(filled(flat, inside), tf.shape(image))
