"""Candidates for the colour of every pixel: carried samples of all sources, each with what speaks for it.

Several photos of a person become one here: for each layer and sample, the photo that shows the point best. All that
follows sees one set of candidates, however many photos there were.
"""

import tensorflow as tf

from repose_tf.detail import surface_warp, surfaces, views
from repose_tf.detail.surface_warp import NUM_SAMPLES

NUM_CANDIDATES = surfaces.NUM_LAYERS * NUM_SAMPLES
CHANNELS = 6  # of a candidate: red, green and blue, person, visible, facing
_SHARPNESS = 12.0  # of the choice between photos
_SIDEWAYS = 0.2  # what a point is worth that the photo shows from the side
_HIDDEN = 0.1  # what a point is worth that the photo does not show


def carried(images, source_poses_px, target_pose_px, source_depth_px, source_count, static_shapes=False):
    """Carries the pixels of the sources to a pose and chooses between the sources.

    Args:
      images: [B, N, NUM_VIEWS, S, S, 4] float32: the sources' `views.views`.
      source_poses_px: [B, N, 19, 3] float32 px.
      target_pose_px: [B, 19, 3] float32 px.
      source_depth_px: `surface_warp.source_depth` of the sources.
      source_count: [B] int32, how many of the N are photos; the others are padding.
      static_shapes: as for `Generator`.

    Returns:
      (candidates, maps): [B, S, S, L, V, CHANNELS] float32, all 0 where nothing is carried, and what
      `surface_warp.warp` returns of the target alone.
    """
    maps = surface_warp.warp(images, source_poses_px, target_pose_px, static_shapes, source_depth_px,
                             views.VIEW_OF_PART)
    values, visible, facing = (maps.pop(name) for name in ('values', 'visible', 'facing'))
    candidates = tf.concat([values, tf.stack([visible, facing], axis=-1)], axis=-1)
    if candidates.shape[1] == 1:
        return candidates[:, 0], maps
    score = (visible * (_SIDEWAYS + (1.0 - _SIDEWAYS) * facing) + _HIDDEN) * values[..., 3]
    present = tf.cast(tf.range(tf.shape(score)[1]) < source_count[:, tf.newaxis], tf.float32)
    # A softmax; the scores are small numbers.
    weight = tf.exp(_SHARPNESS * score) * tf.reshape(present, [-1, tf.shape(score)[1], 1, 1, 1, 1])
    share = weight / tf.reduce_sum(weight, axis=1, keepdims=True)
    return tf.reduce_sum(share[..., tf.newaxis] * candidates, axis=1), maps
