"""The person's mask in a photo, told from the photo, the body parts of its pose and the lifted features."""

import keras
import tensorflow as tf

from repose_tf.blocks import Composite, conv
from repose_tf.detail.scaling import doubled

_CHANNELS = (16, 32)
_INITIAL_LOGIT = 3.0  # the mask begins as what the body parts cover


@keras.saving.register_keras_serializable('repose_tf')
class PersonHead(Composite):
    """Predicts masks.

    Args of the constructor:
      feature_channels: of the lifted features, depth cells times channels.
    """

    def __init__(self, feature_channels, **kwargs):
        super().__init__(autocast=False, **kwargs)
        dtype, (fine, coarse) = self.dtype_policy, _CHANNELS
        self.feature_channels = feature_channels
        self.half = conv(4, fine, 5, dtype, strides=2)
        self.quarter = conv(fine, coarse, 3, dtype, strides=2)
        self.features = conv(feature_channels, coarse, 1, dtype)
        self.joined = conv(2 * coarse, coarse, 3, dtype)
        self.up = conv(coarse, fine, 3, dtype)
        self.fine = conv(2 * fine, fine, 3, dtype)
        self.output_conv = conv(fine + 4, 1, 3, 'float32', kernel_initializer=keras.initializers.VarianceScaling(0.01))

    def call(self, image, silhouette, volume):
        """Predicts the mask.

        Args:
          image: [B, S, S, 3] float32 in [-1, 1].
          silhouette: [B, S, S, 1] float32, 1 where the body parts of the pose cover the picture.
          volume: [B, H, W, D, C], the lifted features of the picture.

        Returns:
          [B, S, S, 1] float32, logits.
        """
        seen = tf.concat([image, silhouette], axis=-1)
        half = tf.nn.relu(self.half(tf.cast(seen, self.compute_dtype)))
        quarter = tf.nn.relu(self.quarter(half))
        rows, columns, depths, channels = volume.shape[1:]
        lifted = tf.nn.relu(self.features(tf.reshape(volume, [-1, rows, columns, depths * channels])))
        # The last row and column are padding.
        lifted = tf.image.resize(lifted[:, :-1, :-1], quarter.shape[1:3])
        quarter = tf.nn.relu(self.joined(tf.concat([quarter, tf.cast(lifted, quarter.dtype)], axis=-1)))
        half = tf.nn.relu(self.fine(tf.concat([half, doubled(self.up(quarter))], axis=-1)))
        logits = self.output_conv(tf.concat([tf.cast(doubled(half), tf.float32), seen], axis=-1))
        return logits + _INITIAL_LOGIT * (2.0 * silhouette - 1.0)
