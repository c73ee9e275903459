"""The detail stream: the sources' own pixels at the picture's full size, mended and filled by a thin network.

The paper's network, the trunk, sees the picture at the same size or at half of it; what it makes is one of the inputs.
"""

import keras
import tensorflow as tf

from repose_tf.architecture import Architecture
from repose_tf.background_inpainter import filled
from repose_tf.blocks import Composite
from repose_tf.detail import candidates, continuation, surface_warp
from repose_tf.detail.detail_decoder import DetailDecoder
from repose_tf.detail.person_head import PersonHead
from repose_tf.detail.scaling import doubled

_INSIDE = 0.7  # a mask's edge has colours of the background in it
_MARGIN_PX = 7  # window of the dilation that cuts the person out of the background


@keras.saving.register_keras_serializable('repose_tf')
class DetailStream(Composite):
    """All of the generator that works at full size; `architecture` and `static_shapes` as for `Generator`."""

    continues = True  # the background, see `continuation`

    def __init__(self, architecture, static_shapes=False, **kwargs):
        super().__init__(autocast=False, **kwargs)  # colours and geometry stay in float32
        self.architecture, self.static_shapes = Architecture.of(architecture), static_shapes
        arch, dtype = self.architecture, self.dtype_policy
        self.person_head = PersonHead(arch.depth_size * arch.volume_channels, dtype=dtype, name='person_head')
        self.decoder = DetailDecoder(arch, dtype=dtype, name='detail_decoder')

    def encode(self, image, pose_px, mask, volume, training=False):
        """Prepares photos of a person.

        Args:
          image: [B, N, S, S, 3] float32 in [-1, 1].
          pose_px: [B, N, 19, 3] float32 px.
          mask: [B, N, S, S, 1] float32 in [0, 1], all 0 for a photo without one; or None.
          volume: [B * N, H, W, D, C], the lifted features of the photos.
          training: leaves `continued` out: the network learns from the smooth background, which has gradients.

        Returns:
          dictionary: `seen_image` [B, N, S, S, 4] float32, the person's colours, which go on smoothly beside the
          person, and the mask; `photo` [B, S, S, 3], the first one as it is; `source_depth_px`, see `surface_warp`;
          `source_mask_logits` [B, N, S, S, 1] float32, the head's; `known` [B, S, S, 1] float32, 1 where the first
          photo shows the background; `continued` [B, S, S, 3], that background continued to where the person stands.
        """
        size = tuple(image.shape[2:4])
        depth_px = self._source_depth(pose_px, size)
        silhouette = tf.cast(depth_px < surface_warp.NOBODY_PX, tf.float32)[..., tf.newaxis]
        flat = [tf.reshape(x, [-1, *x.shape[2:]]) for x in (image, silhouette)]
        logits = tf.reshape(self.person_head(*flat, volume), tf.shape(silhouette))
        predicted = tf.sigmoid(logits)
        if mask is None:
            mask = predicted
        else:
            is_given = tf.reduce_max(mask, axis=[2, 3, 4], keepdims=True) > 0.0
            mask = tf.where(is_given, mask, predicted)
        # What the mask cuts is judged by the mask's own loss.
        mask = tf.stop_gradient(mask)
        dilated = tf.nn.max_pool2d(mask[:, 0], _MARGIN_PX, 1, 'SAME')
        known = tf.cast(dilated < 0.5, tf.float32)
        encoded = {'seen_image': tf.concat([_extended(image, mask), mask], axis=-1), 'photo': image[:, 0],
                   'source_depth_px': depth_px, 'source_mask_logits': logits, 'known': known}
        if self.continues and not training:
            encoded['continued'] = tf.clip_by_value(continuation.continued(image[:, 0], known), -1.0, 1.0)
        return encoded

    def decode(self, encoded, source_poses_px, target_pose_px, background, trunk):
        """Makes the picture of what `encode` returned.

        Args:
          encoded: dictionary of `encode`, and `source_count` [B] int32.
          source_poses_px: [B, N, 19, 3] float32 px.
          target_pose_px: [B, 19, 3] float32 px.
          background: [B, T, T, 3] float32, the trunk's, its holes filled.
          trunk: see `DetailDecoder`.

        Returns:
          foreground, alpha, background at full size, see `DetailDecoder`; the background is `continued` where that was
          encoded.
        """
        first, known = encoded['photo'], encoded['known']
        if background.shape[1] != first.shape[1]:
            background = doubled(background)
        background = known * first + (1.0 - known) * background
        carried, maps = self._carried(encoded, source_poses_px, target_pose_px)
        foreground, alpha, background = self.decoder(carried, maps, background, known, trunk)
        return foreground, alpha, encoded.get('continued', background)

    def _source_depth(self, poses_px, size):
        """See `surface_warp.source_depth`."""
        return surface_warp.source_depth(poses_px, size, self.static_shapes)

    def _carried(self, encoded, source_poses_px, target_pose_px):
        """See `candidates.carried`."""
        return candidates.carried(encoded['seen_image'], source_poses_px, target_pose_px, encoded['source_depth_px'],
                                  encoded['source_count'], self.static_shapes)


def _extended(image, mask):
    """Returns photos whose background is replaced by what the person's colours nearby look like.

    Parts are rounder than people, and masks have errors: what is carried from beside the person is then hair, skin or
    cloth as there, and not background.
    """
    flat, inside = (tf.reshape(x, [-1, *x.shape[2:]]) for x in (image, tf.cast(mask > _INSIDE, tf.float32)))
    return tf.reshape(filled(flat, inside), tf.shape(image))
