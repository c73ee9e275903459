"""The detail stream: the sources' own pixels at the picture's full size, mended and filled by a thin network.

The paper's network, the trunk, sees the picture at the same size or at half of it; what it makes is one of the inputs.
With `detail_stride`, the thin network, too, sees the picture shrunk, and what it says is applied to the large one.
"""

import keras
import tensorflow as tf

from repose_tf.architecture import Architecture
from repose_tf.blocks import Composite
from repose_tf.coordinates import scale_pose
from repose_tf.detail import blending, candidates, continuation, surface_warp, views
from repose_tf.detail.detail_decoder import DetailDecoder
from repose_tf.detail.person_head import PersonHead
from repose_tf.detail.scaling import enlarged, shrunk

_MARGIN_PX = 3  # by which the person is cut out of the background too widely, px of what the decoder sees
_SEEN = ('seen_image', 'photo', 'known', 'source_depth_px')  # what `encode` says of photos of any size


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
          dictionary: what `_prepared` returns of the photos and, named `small_...`, of the photos as the decoder sees
          them, if those are smaller; `source_mask_logits` [B, N, S, S, 1] float32, the head's; `continued`
          [B, S, S, 3], the first photo's background continued to where the person stands.
        """
        stride = self.architecture.detail_stride
        small_image, small_pose_px = _by_photo(shrunk, image, stride), scale_pose(pose_px, 1.0 / stride)
        small_parts_px = self._source_parts(small_pose_px, tuple(small_image.shape[2:4]))
        is_person = tf.reduce_min(small_parts_px, axis=-1, keepdims=True) < surface_warp.NOBODY_PX
        silhouette = tf.cast(is_person, tf.float32)
        flat = [tf.reshape(x, [-1, *x.shape[2:]]) for x in (small_image, silhouette)]
        logits = tf.reshape(self.person_head(*flat, volume), tf.shape(silhouette))
        logits = _by_photo(enlarged, logits, stride)
        predicted = tf.sigmoid(logits)
        if mask is None:
            mask = predicted
        else:
            is_given = tf.reduce_max(mask, axis=[2, 3, 4], keepdims=True) > 0.0
            mask = tf.where(is_given, mask, predicted)
        # What the mask cuts is judged by the mask's own loss.
        mask = tf.stop_gradient(mask)
        parts_px = small_parts_px if stride == 1 else self._source_parts(pose_px, tuple(image.shape[2:4]))
        encoded = {**_prepared(image, mask, pose_px, parts_px, stride), 'source_mask_logits': logits}
        if stride > 1:
            small = _prepared(small_image, _by_photo(shrunk, mask, stride), small_pose_px, small_parts_px)
            encoded.update({f'small_{name}': value for name, value in small.items()})
        if self.continues and not training:
            continued = continuation.continued(image[:, 0], encoded['known'])
            encoded['continued'] = tf.clip_by_value(continued, -1.0, 1.0)
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
          foreground, alpha, background at full size, see `blending.blended`; the background is `continued` where that
          was encoded.
        """
        stride = self.architecture.detail_stride
        seen = {name: encoded[name if stride == 1 else f'small_{name}'] for name in _SEEN}
        small_poses_px = [scale_pose(pose_px, 1.0 / stride) for pose_px in (source_poses_px, target_pose_px)]
        carried, maps = self._carried(seen, encoded['source_count'], *small_poses_px)
        filling = _enlarged_to(seen['photo'], background)
        corrections = self.decoder(carried, maps, _filled_in(seen, filling), seen['known'], trunk)
        if stride > 1:
            seen = encoded
            carried, maps = self._carried(seen, encoded['source_count'], source_poses_px, target_pose_px)
            corrections, filling = enlarged(corrections, stride), enlarged(filling, stride)
        coarse = _enlarged_to(seen['photo'], trunk[1])
        foreground, alpha, background = blending.blended(
            corrections, carried, maps, _filled_in(seen, filling), seen['known'], coarse, stride)
        return foreground, alpha, encoded.get('continued', background)

    def _source_parts(self, poses_px, size):
        """See `surface_warp.source_parts`."""
        return surface_warp.source_parts(poses_px, size, self.static_shapes)

    def _carried(self, seen, source_count, source_poses_px, target_pose_px):
        """See `candidates.carried`; `seen` is what `_prepared` returned."""
        return candidates.carried(seen['seen_image'], source_poses_px, target_pose_px, seen['source_depth_px'],
                                  source_count, self.static_shapes)


def _prepared(image, mask, pose_px, parts_px, stride=1):
    """Prepares photos of a person for what is carried.

    Args:
      image: [B, N, S, S, 3] float32 in [-1, 1].
      mask: [B, N, S, S, 1] float32 in [0, 1].
      pose_px: [B, N, 19, 3] float32 px.
      parts_px: `surface_warp.source_parts` of the photos.
      stride: as for `blending.blended`.

    Returns:
      dictionary: `seen_image`, their `views`; `photo` [B, S, S, 3], the first one as it is; `known` [B, S, S, 1]
      float32, 1 where it shows the background; `source_depth_px`, see `surface_warp`.
    """
    dilated = tf.nn.max_pool2d(mask[:, 0], 2 * stride * _MARGIN_PX + 1, 1, 'SAME')
    return {'seen_image': views.views(image, mask, pose_px, parts_px, stride), 'photo': image[:, 0],
            'source_depth_px': surface_warp.source_depth(pose_px, parts_px),
            'known': tf.cast(dilated < 0.5, tf.float32)}


def _filled_in(seen, filling):
    """Returns the first photo of what `_prepared` returned, with the filling where it is not known."""
    return seen['known'] * seen['photo'] + (1.0 - seen['known']) * filling


def _enlarged_to(photo, small):
    """Returns a picture enlarged to the size of another one."""
    return enlarged(small, photo.shape[1] // small.shape[1])


def _by_photo(resize, x, factor):
    """Resizes [B, N, n, m, C] as `scaling` does [B, n, m, C]."""
    batch, photos = tf.shape(x)[0], x.shape[1] or tf.shape(x)[1]
    resized = resize(tf.reshape(x, [-1, *x.shape[2:]]), factor)
    return tf.reshape(resized, [batch, photos, *resized.shape[1:]])
