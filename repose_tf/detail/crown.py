"""The crown of a head: what its back looks like.

A photo of a face shows no back of the head, and neither does its mirror image. Both the back and the crown have hair,
or both have none. So the second sample of a head that faces the camera, or looks away, is taken from its crown.
"""

import numpy as np
import tensorflow as tf

from repose_tf.skeleton import PART_NAMES, joint_indices
from repose_tf.warp import body_parts

# Of the place above the ears, in units of the torso's size: heads end at 0.2 to 0.25, and beyond a mask its colours go
# on, while below there may be a forehead.
_HEIGHT = 0.21
_LOW, _NARROW = 0.03, 0.25  # by which a head's height and width shrink, so that all of it is above the forehead
_TURNED = 0.5  # sine of the angle from which on a head shows a side, and its mirror image the other one
_HEAD = np.reshape([name == 'head' for name in PART_NAMES], [-1, 1, 1])


def with_crowns(transforms, own, source_poses_px):
    """Replaces the transforms of heads that are not turned to a side by those to their crowns.

    Args:
      transforms: [N, P, 3, 4] float32 of the parts' second samples.
      own: [N, P, 3, 4] float32, the parts' own transforms to the sources.
      source_poses_px: [N, J, 3] float32 px.

    Returns:
      [N, P, 3, 4] float32.
    """
    linear, shift_px = _to_crowns(source_poses_px)
    crowns = tf.matmul(linear[:, tf.newaxis], own) + tf.pad(
        shift_px[:, tf.newaxis, :, tf.newaxis], [[0, 0], [0, 0], [0, 0], [3, 0]])
    is_replaced = _HEAD & ~_are_turned(source_poses_px)[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return tf.where(is_replaced, crowns, transforms)


def _to_crowns(poses_px):
    """Returns what takes all of a head to its crown, and before it, where it is seen: [N, 3, 3] and a shift [N, 3]."""
    lear, rear, neck = _joints(poses_px, 'lear', 'rear', 'neck')
    ears, unit_px = (lear + rear) / 2.0, body_parts.torso_size(poses_px)[:, tf.newaxis]
    up, side = (tf.math.l2_normalize(x, axis=-1) for x in (ears - neck, lear - rear))
    linear = sum(share * x[:, :, tf.newaxis] * x[:, tf.newaxis] for share, x in ((_LOW, up), (_NARROW, side)))
    linear *= np.float32([[1], [1], [0]])  # all at one depth
    place = ears + unit_px * (_HEIGHT * up - np.float32([0, 0, 1]))
    return linear, place - tf.linalg.matvec(linear, ears)


def _are_turned(poses_px):
    """Says which heads show one side, bool [N]."""
    lear, rear = _joints(poses_px, 'lear', 'rear')
    return tf.abs(lear - rear)[:, 2] > _TURNED * tf.norm(lear - rear, axis=-1)


def _joints(poses_px, *names):
    """Returns joints by name, [N, 3] each."""
    return tf.unstack(tf.gather(poses_px, joint_indices(*names), axis=1), axis=1)
