"""The generator: source image, source pose and target pose -> image in the target pose (paper Figure 2)."""

import math

import keras
import tensorflow as tf

from repose_tf.architecture import Architecture
from repose_tf.background_inpainter import BackgroundInpainter, filled
from repose_tf.coordinates import scale_pose
from repose_tf.detail.detail_stream import DetailStream
from repose_tf.detail.scaling import enlarged, shrunk
from repose_tf.lifting_encoder import LiftingEncoder
from repose_tf.pose_encoder import PoseEncoder
from repose_tf.projection_decoder import ProjectionDecoder
from repose_tf.shapes import check_pose, check_same_batch, check_shape
from repose_tf.skeleton import NUM_JOINTS
from repose_tf.warp import body_parts
from repose_tf.warp.volumetric_warp import VolumetricWarp

# A part of people of usual size reaches up to 6 % of the volume, or 19 % where the target stands three times as large
# in its picture as the source; in the plane a fit may spread a part over more than half.
_LARGEST_PART = 1 / 4
PADDING = [[0, 0], [0, 1], [0, 1], [0, 0]]  # by a last row and column


def warp_capacity(architecture):
    """Returns the voxels (2D warp: cells) per part and sample that the warp has room for in static shapes."""
    grid = architecture.grid
    if architecture.warp == '2d':
        return grid.volume_size ** 2
    return int(math.prod(grid.shape) * _LARGEST_PART)


@keras.saving.register_keras_serializable('repose_tf')
class Generator(keras.Model):
    """Lifting encoder, volumetric warp, pose encoder, projection decoder, background inpainter.

    It has all its variables from the start.

    Args of the constructor:
      architecture: an `Architecture`, or its configuration; None for the reference's sizes.
      static_shapes: for XLA (`jit_compile=True`), which needs all sizes beforehand: the same values, slower elsewhere.
        The warp then has room for `warp_capacity` voxels per part and sample; where a part needs more, it raises or,
        compiled, makes the image NaN (see `volumetric_warp.warp`).
      remat: the backward pass computes the activations of residual units again instead of keeping them: less memory,
        more time, same values.
      dtype: Keras dtype policy of the convolutions; poses, fits, masks and the outputs stay in float32.
    """

    detail_class = DetailStream

    def __init__(self, architecture=None, static_shapes=False, remat=False, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.architecture = arch = Architecture.of(architecture)
        self.static_shapes, self.remat = static_shapes, remat
        dtype = self.dtype_policy
        self.lifting_encoder = LiftingEncoder(arch, remat, dtype=dtype, name='lifting_encoder')
        capacity = warp_capacity(arch) if static_shapes else None
        self.warp = VolumetricWarp(arch.grid, arch.warp, capacity, dtype=dtype, name='warp')
        self.pose_encoder = PoseEncoder(arch, remat, dtype=dtype, name='pose_encoder')
        self.projection_decoder = ProjectionDecoder(arch, remat, dtype=dtype, name='projection_decoder')
        self.background_inpainter = BackgroundInpainter(arch, dtype=dtype, name='background_inpainter')
        self.detail = None
        if arch.detail != 'none':
            self.detail = self.detail_class(arch, static_shapes, dtype=dtype, name='detail_stream')
        self.built = True  # Keras 3 would run the whole model symbolically to build it.

    def call(self, source_image, source_pose_px, target_pose_px, source_mask=None, source_count=None, training=False,
             with_volumes=False):
        """Reposes a person.

        Args:
          source_image: [B, S, S, 3] float32 in [-1, 1], or several photos of the person, [B, N, S, S, 3].
          source_pose_px: [B, 19, 3] or [B, N, 19, 3] float32, px in the source image, z 0 at the pelvis.
          target_pose_px: [B, 19, 3] float32, px in the wanted image.
          source_mask: None, or the person in the source images, [B, S, S, 1] or [B, N, S, S, 1] float32 in [0, 1]; all
            0 where there is none. Only the detail stream uses it, which finds the person itself where there is none.
          source_count: None, or [B] int32: how many of the N photos there are; the others are padding.
          training: adds `coarse_image` [B, T, T, 3], the trunk's picture, `background_guess` [B, S, S, 3], the first
            photo's background continued smoothly, and `source_mask_logits` [B, S, S, 1] or [B, N, S, S, 1] to the
            result, where there is a detail stream.
          with_volumes: adds the intermediate volumes to the result.

        Returns:
          a dictionary of float32 tensors: `image` [B, S, S, 3] in [-1, 1], the blend of
          `foreground` [B, S, S, 3] in [-1, 1] over `background` [B, S, S, 3] in [-1, 1] by
          `foreground_alpha` [B, S, S, 1] in [0, 1]; with volumes also `masks` [B, H, W, D, 10],
          `lifted_volume`, `source_volume`, `warped_volume` [B, H, W, D, C] and `decoded_volume`, of the first photo.

        Raises:
          ShapeError: if a tensor does not fit the architecture.
        """
        size = self.architecture.image_size
        photos = ('N',) * (len(source_image.shape) - 4)
        check_shape('source_image', source_image, ('B', *photos, size, size, 3))
        check_shape('source_pose_px', source_pose_px, ('B', *photos, NUM_JOINTS, 3))
        check_pose('target_pose_px', target_pose_px)
        check_same_batch(source_image=source_image, source_pose_px=source_pose_px, target_pose_px=target_pose_px)
        if source_mask is not None:
            check_shape('source_mask', source_mask, ('B', *photos, size, size, 1))

        encoded = self.encode(source_image, source_pose_px, source_mask, source_count, with_lifted_volume=with_volumes,
                              training=training)
        outputs = self.decode(encoded, target_pose_px, with_volumes, with_coarse=training)
        if training and self.detail is not None:
            logits = encoded['source_mask_logits']
            outputs['source_mask_logits'] = logits if photos else logits[:, 0]
        return outputs

    def encode(self, source_image, source_pose_px, source_mask=None, source_count=None, with_lifted_volume=False,
               training=False):
        """Computes everything that depends on the source alone, once for all its targets.

        Args:
          source_image, source_pose_px, source_mask, source_count: as for `call`, checked there.
          with_lifted_volume: adds what `decode` needs for `with_volumes`.
          training: as for `DetailStream.encode`.

        Returns:
          a dictionary of tensors for `decode`, all with B rows: `source_poses_px` [B, N, 19, 3];
          `source_capsules_vox` [B, N, 17, 3, 3] float64, see `body_parts.capsules_vox`; `source_volume`
          [B, N, H, W, D, C]; `source_count` [B] int32; `background` [B, T + 1, T + 1, 3]; with a detail stream what
          `DetailStream.encode` returns; if asked for `lifted_volume` [B, H, W, D, C].
        """
        if len(source_image.shape) == 4:
            source_image, source_pose_px = source_image[:, tf.newaxis], source_pose_px[:, tf.newaxis]
            source_mask = None if source_mask is None else source_mask[:, tf.newaxis]
        source_image = tf.cast(source_image, tf.float32)
        shape = tf.shape(source_image)[:2]

        def flat(x):
            return tf.reshape(x, [-1, *x.shape[2:]])

        def by_photo(x):
            return tf.reshape(x, [shape[0], source_image.shape[1] or shape[1], *x.shape[1:]])

        stride = self.architecture.trunk_stride
        trunk_image = shrunk(flat(source_image), stride)
        trunk_pose_px = self._trunk_pose(flat(source_pose_px))
        lifted, volume = self.lifting_encoder(tf.cast(tf.pad(trunk_image, PADDING), self.compute_dtype))
        encoded = {'source_poses_px': source_pose_px, 'source_volume': by_photo(volume),
                   'source_count': tf.fill(shape[:1], shape[1]) if source_count is None else source_count,
                   **{name: by_photo(found) for name, found in self._located(trunk_pose_px).items()}}
        if self.detail is None:
            known = self._known_background(by_photo(trunk_pose_px)[:, 0])
        else:
            encoded.update(self.detail.encode(source_image, source_pose_px, source_mask, lifted, training))
            # A pixel is known if all of it is.
            known = tf.pad(tf.floor(shrunk(encoded['known'], stride)), PADDING)
        encoded['background'] = self.background_inpainter(tf.pad(by_photo(trunk_image)[:, 0], PADDING), known)
        return {**encoded, 'lifted_volume': by_photo(lifted)[:, 0]} if with_lifted_volume else encoded

    def decode(self, encoded, target_pose_px, with_volumes=False, with_coarse=False):
        """Shows an encoded source in a pose.

        Args:
          encoded: what `encode` returned, maybe with rows repeated.
          target_pose_px: [B, 19, 3] float32, px in the wanted image.
          with_volumes: as for `call`; `encoded` must then hold the lifted volume.
          with_coarse: adds `coarse_image` and `background_guess`, see `call`.

        Returns:
          as `call`.
        """
        trunk_target_px = self._trunk_pose(target_pose_px)
        warped = self._warped(encoded, trunk_target_px)
        posed = self.pose_encoder(trunk_target_px)
        decoded, foreground, alpha, features = self.projection_decoder(tf.concat([warped, posed], axis=-1))
        # The padded row and column go, or as the reference does it the first ones.
        kept = slice(1, None) if self.architecture.crop == 'start' else slice(-1)
        foreground, alpha, features, background = (
            x[:, kept, kept] for x in (foreground, alpha, features, encoded['background']))
        outputs = {}
        if self.detail is not None:
            if with_coarse:
                outputs['coarse_image'] = alpha * foreground + (1.0 - alpha) * background
                outputs['background_guess'] = filled(encoded['photo'], encoded['known'])
            trunk = features, foreground, alpha
            if self.architecture.detail == 'surface_alone':
                trunk = tuple(map(tf.zeros_like, trunk))
            foreground, alpha, background = self.detail.decode(
                encoded, encoded['source_poses_px'], target_pose_px, background, trunk)
        else:
            foreground, alpha, background = (
                enlarged(x, self.architecture.trunk_stride) for x in (foreground, alpha, background))
        outputs.update(image=alpha * foreground + (1.0 - alpha) * background, foreground=foreground,
                       foreground_alpha=alpha, background=background)
        if with_volumes:
            first_pose_px = self._trunk_pose(encoded['source_poses_px'][:, 0])
            outputs.update(masks=body_parts.part_masks(first_pose_px, self.architecture.grid),
                           lifted_volume=encoded['lifted_volume'], source_volume=encoded['source_volume'][:, 0],
                           warped_volume=warped, decoded_volume=decoded)
        return outputs

    def _located(self, pose_px):
        """Returns what the warp needs to know of a source [B, J, 3], px of the trunk's picture."""
        return {'source_capsules_vox': body_parts.capsules_vox(pose_px, self.architecture.grid)}

    def _warped(self, encoded, target_pose_px):
        """Warps the volumes of all photos, and takes their maximum; the pose in px of the trunk's picture."""
        volume, count = encoded['source_volume'], encoded['source_volume'].shape[1]
        photos = count or tf.shape(volume)[1]
        poses_px = self._trunk_pose(encoded['source_poses_px'])
        flat = [tf.reshape(x, [-1, *x.shape[2:]]) for x in (volume, poses_px, encoded['source_capsules_vox'])]
        warped = self.warp(*flat[:2], tf.repeat(target_pose_px, photos, axis=0), flat[2])
        if count == 1:
            return warped
        warped = tf.reshape(warped, tf.shape(volume))
        present = tf.range(photos) < encoded['source_count'][:, tf.newaxis]
        present = tf.reshape(present, [-1, photos, 1, 1, 1, 1])
        return tf.reduce_max(tf.where(present, warped, warped.dtype.min), axis=1)

    def _known_background(self, pose_px):
        """1 where no part projects, 0 in the person and in the padding; [B, J, 3] px -> [B, T + 1, T + 1, 1]."""
        known = 1.0 - body_parts.image_mask(pose_px, self.architecture.grid, self.static_shapes)
        return tf.pad(known, PADDING)

    def _trunk_pose(self, pose_px):
        """Returns a pose of the picture in px of what the trunk sees."""
        stride = self.architecture.trunk_stride
        return pose_px if stride == 1 else scale_pose(pose_px, 1.0 / stride)

    def get_config(self):
        # A model's own method returns nothing under Keras 2.
        return {**keras.layers.Layer.get_config(self), 'architecture': self.architecture.get_config(),
                'static_shapes': self.static_shapes, 'remat': self.remat}
