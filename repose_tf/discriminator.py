"""The discriminator: source image, judged image and its pose -> true or generated (paper section 3.2)."""

import keras
import tensorflow as tf

from repose_tf import heatmaps
from repose_tf.architecture import Architecture
from repose_tf.blocks import Bottleneck, Stem, conv, run_in_turn
from repose_tf.group_norm import GroupNorm
from repose_tf.shapes import check_pose, check_same_batch, check_shape
from repose_tf.skeleton import NUM_JOINTS

_IMAGE_CHANNELS = 6  # of the source image and of the judged one


@keras.saving.register_keras_serializable('repose_tf')
class Discriminator(keras.Model):
    """ResNet over source image, judged image and the target pose's heatmaps -> one logit per image.

    It has all its variables from the start.

    Args of the constructor:
      architecture: an `Architecture`, or its configuration; None for the reference's sizes.
      remat: as for `Generator`.
      dtype: Keras dtype policy of the convolutions; the logits stay in float32.
    """

    def __init__(self, architecture=None, remat=False, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.architecture, self.remat = Architecture.of(architecture), remat
        arch, dtype = self.architecture, self.dtype_policy
        self.stem = Stem(_IMAGE_CHANNELS + (arch.depth_size - 1) * NUM_JOINTS, arch.stem_channels, dtype=dtype)
        bottlenecks, width = [], arch.stem_channels
        for units, channels in arch.discriminator_blocks:
            for unit in range(units):
                stride = 2 if unit == units - 1 else 1
                bottlenecks.append(Bottleneck(width, channels, arch.num_groups, stride=stride, dtype=dtype))
                width = channels
        self.bottlenecks = tuple(bottlenecks)
        self.norm = GroupNorm(width, arch.num_groups, dtype=dtype)
        self.output_conv = conv(width, 1, 3, 'float32')
        self.built = True  # Keras 3 would run the whole model symbolically to build it.

    def call(self, source_image, judged_image, target_pose_px, training=False):
        """Judges images.

        Args:
          source_image: [B, S, S, 3] float32 in [-1, 1].
          judged_image: [B, S, S, 3] float32 in [-1, 1], true or generated.
          target_pose_px: [B, 19, 3] px, the pose of the judged image.
          training: unused.

        Returns:
          logits [B] float32; positive means true.

        Raises:
          ShapeError: if a tensor does not fit the architecture.
        """
        del training
        size = self.architecture.image_size
        check_shape('source_image', source_image, ('B', size, size, 3))
        check_shape('judged_image', judged_image, ('B', size, size, 3))
        check_pose('target_pose_px', target_pose_px)
        check_same_batch(source_image=source_image, judged_image=judged_image, target_pose_px=target_pose_px)
        features = self.stem.pool(self._first_convolution(source_image, judged_image, target_pose_px))
        features = run_in_turn(self.bottlenecks, features, self.remat)
        features = tf.nn.relu(self.norm(features))
        return tf.reduce_mean(self.output_conv(tf.cast(features, tf.float32)), axis=[1, 2, 3])

    def get_config(self):
        # A model's own method returns nothing under Keras 2.
        return {**keras.layers.Layer.get_config(self), 'architecture': self.architecture.get_config(),
                'remat': self.remat}

    def _first_convolution(self, source_image, judged_image, target_pose_px):
        """Runs the stem's convolution on images and heatmaps side by side, padded by a last row and column.

        All but six of its hundreds of channels are heatmaps. Their convolution is computed from the joints, without
        drawing them.
        """
        kernel, bias = (tf.cast(tf.convert_to_tensor(variable), tf.float32)
                        for variable in (self.stem.conv1.kernel, self.stem.conv1.bias))
        images = tf.pad(tf.concat([source_image, judged_image], axis=-1), [[0, 0], [0, 1], [0, 1], [0, 0]])
        seen = tf.nn.conv2d(tf.cast(images, self.compute_dtype),
                            tf.cast(kernel[:, :, :_IMAGE_CHANNELS], self.compute_dtype), 2, 'SAME')
        drawn = heatmaps.convolved_image_heatmaps(
            target_pose_px, self.architecture.grid, kernel[:, :, _IMAGE_CHANNELS:], self.architecture.pose == '2d')
        return seen + tf.cast(drawn + bias, self.compute_dtype)
