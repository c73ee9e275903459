"""The generator: source image, source pose and target pose -> image in the target pose (paper Figure 2)."""

import math

import keras
import tensorflow as tf

from repose_tf.architecture import Architecture
from repose_tf.background_inpainter import BackgroundInpainter
from repose_tf.lifting_encoder import LiftingEncoder
from repose_tf.pose_encoder import PoseEncoder
from repose_tf.projection_decoder import ProjectionDecoder
from repose_tf.shapes import check_pose, check_same_batch, check_shape
from repose_tf.warp import body_parts
from repose_tf.warp.volumetric_warp import VolumetricWarp

# A part of people of usual size reaches up to 6 % of the volume, or 19 % where the target stands three times as large
# in its picture as the source; in the plane a fit may spread a part over more than half.
_LARGEST_PART = 1 / 4
_PADDING = [[0, 0], [0, 1], [0, 1], [0, 0]]  # by a last row and column


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
        self.built = True  # Keras 3 would run the whole model symbolically to build it.

    def call(self, source_image, source_pose_px, target_pose_px, training=False, with_volumes=False):
        """Reposes a person.

        Args:
          source_image: [B, S, S, 3] float32 in [-1, 1].
          source_pose_px: [B, 19, 3] float32, px in the source image, z 0 at the pelvis.
          target_pose_px: [B, 19, 3] float32, px in the wanted image.
          training: unused; the model has no part that behaves differently in training.
          with_volumes: adds the intermediate volumes to the result.

        Returns:
          a dictionary of float32 tensors: `image` [B, S, S, 3] in [-1, 1], the blend of
          `foreground` [B, S, S, 3] in [-1, 1] over `background` [B, S, S, 3] in [-1, 1] by
          `foreground_alpha` [B, S, S, 1] in [0, 1]; with volumes also `masks` [B, H, W, D, 10],
          `lifted_volume`, `source_volume`, `warped_volume` [B, H, W, D, C] and `decoded_volume`.

        Raises:
          ShapeError: if a tensor does not fit the architecture.
        """
        del training
        size = self.architecture.image_size
        check_shape('source_image', source_image, ('B', size, size, 3))
        check_pose('source_pose_px', source_pose_px)
        check_pose('target_pose_px', target_pose_px)
        check_same_batch(source_image=source_image, source_pose_px=source_pose_px, target_pose_px=target_pose_px)

        encoded = self.encode(source_image, source_pose_px, with_lifted_volume=with_volumes)
        return self.decode(encoded, target_pose_px, with_volumes)

    def encode(self, source_image, source_pose_px, with_lifted_volume=False):
        """Computes everything that depends on the source alone, once for all its targets.

        Args:
          source_image, source_pose_px: as for `call`, checked there.
          with_lifted_volume: adds what `decode` needs for `with_volumes`.

        Returns:
          a dictionary of tensors for `decode`, all with B rows: `source_pose_px`; `source_capsules_vox` [B, N, 3, 3]
          float64, see `body_parts.capsules_vox`; `source_volume` [B, H, W, D, C]; `background` [B, S + 1, S + 1, 3];
          if asked for `lifted_volume` [B, H, W, D, C].
        """
        image = tf.pad(tf.cast(source_image, tf.float32), _PADDING)
        lifted, volume = self.lifting_encoder(tf.cast(image, self.compute_dtype))
        background = self.background_inpainter(image, self._known_background(source_pose_px))
        encoded = {'source_pose_px': source_pose_px, 'source_volume': volume, 'background': background,
                   'source_capsules_vox': body_parts.capsules_vox(source_pose_px, self.architecture.grid)}
        return {**encoded, 'lifted_volume': lifted} if with_lifted_volume else encoded

    def decode(self, encoded, target_pose_px, with_volumes=False):
        """Shows an encoded source in a pose.

        Args:
          encoded: what `encode` returned, maybe with rows repeated.
          target_pose_px: [B, 19, 3] float32, px in the wanted image.
          with_volumes: as for `call`; `encoded` must then hold the lifted volume.

        Returns:
          as `call`.
        """
        warped = self.warp(encoded['source_volume'], encoded['source_pose_px'], target_pose_px,
                           encoded['source_capsules_vox'])
        posed = self.pose_encoder(target_pose_px)
        decoded, foreground, alpha = self.projection_decoder(tf.concat([warped, posed], axis=-1))
        background = encoded['background']

        padded = {'image': alpha * foreground + (1.0 - alpha) * background, 'foreground': foreground,
                  'foreground_alpha': alpha, 'background': background}
        # The padded row and column go, or as the reference does it the first ones.
        kept = slice(1, None) if self.architecture.crop == 'start' else slice(-1)
        outputs = {name: tensor[:, kept, kept] for name, tensor in padded.items()}
        if with_volumes:
            outputs.update(masks=body_parts.part_masks(encoded['source_pose_px'], self.architecture.grid),
                           lifted_volume=encoded['lifted_volume'], source_volume=encoded['source_volume'],
                           warped_volume=warped, decoded_volume=decoded)
        return outputs

    def get_config(self):
        # A model's own method returns nothing under Keras 2.
        return {**keras.layers.Layer.get_config(self), 'architecture': self.architecture.get_config(),
                'static_shapes': self.static_shapes, 'remat': self.remat}

    def _known_background(self, source_pose_px):
        """1 where no part projects, 0 in the person and in the padding; [B, J, 3] px -> [B, S + 1, S + 1, 1]."""
        known = 1.0 - body_parts.image_mask(source_pose_px, self.architecture.grid, self.static_shapes)
        return tf.pad(known, _PADDING)
