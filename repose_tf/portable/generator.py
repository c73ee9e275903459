"""The generator in operations that other runtimes than TensorFlow know."""

import keras
import tensorflow as tf

from repose_tf.detail.detail_stream import DetailStream
from repose_tf.errors import ModelError
from repose_tf.generator import PADDING, Generator
from repose_tf.group_norm import GroupNorm
from repose_tf.portable import surface, volume
from repose_tf.shapes import ShapeError


@keras.saving.register_keras_serializable('repose_tf')
class PortableDetailStream(DetailStream):
    """`DetailStream` of one photo, with the geometry of `portable.surface`.

    The background behind the person is the network's own, smooth: a continuation that compares patches would show
    others wherever a runtime rounds in another way.
    """

    continues = False

    def _source_parts(self, poses_px, size):
        return surface.source_parts(poses_px, size)

    def _carried(self, seen, source_count, source_poses_px, target_pose_px):
        return surface.carried(seen['seen_image'], source_poses_px, target_pose_px, seen['source_depth_px'])


@keras.saving.register_keras_serializable('repose_tf')
class PortableGenerator(Generator):
    """`Generator` of one photo a person, of a batch that is known beforehand; the same variables, the same pictures.

    What differs is the background behind the person, see `PortableDetailStream`.

    All parts are computed everywhere, in float32: slower than `Generator` in TensorFlow, but OpenVINO and TensorFlow
    Lite can run it (docs/serving.md). It is not for training.

    Args of the constructor:
      architecture: as for `Generator`, with the warp through the volume.

    Raises:
      ModelError: the architecture has the warp in the plane.
    """

    detail_class = PortableDetailStream

    def __init__(self, architecture=None, **kwargs):
        super().__init__(architecture, **kwargs)
        if self.architecture.warp != '3d':
            raise ModelError('The portable form: expected a model with the warp through the volume, found the ablation '
                             f'that warps in the plane (warp {self.architecture.warp}).')
        self.pose_encoder.draws = True
        for layer in self._flatten_layers():  # which both Keras have
            if isinstance(layer, GroupNorm):
                layer.is_plain = True

    @classmethod
    def of(cls, generator):
        """Returns one with the architecture and a copy of the weights of a `Generator`."""
        portable = cls(generator.architecture)
        portable.set_weights(generator.get_weights())
        return portable

    def call(self, source_image, source_pose_px, target_pose_px, **kwargs):
        """As `Generator.call` with [B, S, S, 3], [B, 19, 3] and [B, 19, 3]; ShapeError for an unknown B as well."""
        if source_image.shape[0] is None or len(source_image.shape) != 4:
            raise ShapeError(f'source_image: expected [B, S, S, 3] with a known B, found {list(source_image.shape)}.')
        return super().call(source_image, source_pose_px, target_pose_px, **kwargs)

    def _located(self, trunk_pose_px):
        del trunk_pose_px
        return {}

    def _known_background(self, pose_px):
        return tf.pad(1.0 - volume.image_mask(pose_px, self.architecture.grid), PADDING)

    def _warped(self, encoded, target_pose_px):
        features = encoded['source_volume']
        pose_px = self._trunk_pose(encoded['source_poses_px'][:, 0])
        return volume.warp(tf.reshape(features, [-1, *features.shape[2:]]), pose_px, target_pose_px,
                           self.architecture.grid)
