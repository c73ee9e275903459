"""The perceptual loss: distance between the VGG features of two images (paper section 3.2)."""

import keras
import tensorflow as tf

from repose_tf import vgg_weights
from repose_tf.shapes import check_image_pair

# Feature map -> its weight in the loss: the deeper, the more it counts.
FEATURE_WEIGHTS = {'block1_conv2': 1 / 32, 'block2_conv2': 1 / 16, 'block3_conv2': 1 / 8, 'block4_conv2': 1 / 4,
                   'block5_conv2': 1.0}
# The blue, green and red means of ImageNet in [0, 255], with which the released nets were trained.
_MEAN_BGR = (103.939, 116.779, 123.68)
MIN_IMAGE_SIZE = 32


def vgg_input(images):
    """Converts images [B, S, S, 3], RGB in [-1, 1], to BGR in [0, 255] minus the means, as the VGG nets know them."""
    return (images[..., ::-1] + 1.0) * 127.5 - tf.constant(_MEAN_BGR, images.dtype)


class VggFeatures(keras.Model):
    """The five feature maps of a frozen VGG net that the perceptual loss compares.

    Holds only the layers up to block5_conv2. It is a constant of the training, not a part of the trained model: keep it
    out of checkpoints (it weighs 50 MB) and create it under the distribution strategy.
    """

    def __init__(self, weights, dtype='float32', **kwargs):
        """Makes the layers and fills them.

        Args:
          weights: `VggWeights`.
          dtype: 'float32', 'bfloat16' or 'float16', in which the net is kept (nothing is updated) and computed.
          **kwargs: of keras.Model.
        """
        # Images come as float32 and are normalised as such: bfloat16 has too few digits for 0 to 255.
        super().__init__(dtype='float32', autocast=False, trainable=False, **kwargs)
        self.compute_type = tf.as_dtype(dtype)
        self.convs = tuple(
            keras.layers.Conv2D(kernel.shape[-1], 3, padding='same', activation='relu', kernel_initializer='zeros',
                                trainable=False, dtype=dtype, name=name)
            for name, (kernel, _) in weights.layers.items())
        for conv, (kernel, bias) in zip(self.convs, weights.layers.values(), strict=True):
            conv.build((None, None, None, kernel.shape[2]))
            conv.set_weights([kernel, bias])
        self.built = True

    def call(self, images):
        """Computes the features of images [B, S, S, 3] float32, RGB in [-1, 1].

        Returns:
          Dict, feature name -> [B, S / 2^k, S / 2^k, C] with k = 0 to 4, after the ReLU.
        """
        hidden = tf.cast(vgg_input(images), self.compute_type)
        features = {}
        for conv in self.convs:
            if conv.name.endswith('conv1') and conv is not self.convs[0]:
                hidden = tf.nn.max_pool2d(hidden, 2, 2, 'VALID')
            hidden = conv(hidden)
            if conv.name in FEATURE_WEIGHTS:
                features[conv.name] = hidden
        return features


class PerceptualLoss:
    """Weighted mean absolute difference of VGG features (paper section 3.2).

    Attributes:
      description: one line for the log that says which weights are in use.
    """

    def __init__(self, weights, dtype='float32'):
        """Takes the weights (vgg_weights.VggWeights) and the name of the dtype to compute in."""
        self.description = weights.description
        self.features = VggFeatures(weights, dtype)

    def __call__(self, generated, truth):
        """Compares two batches of images. Gradients flow to `generated` only.

        Args:
          generated, truth: [B, S, S, 3] float32, RGB in [-1, 1]; S at least 32.

        Returns:
          [B] float32: sum over features of weight * mean over pixels and channels of |difference|.

        Raises:
          ShapeError: if the images are smaller than 32 px or their shapes differ.
        """
        check_image_pair(generated, truth, MIN_IMAGE_SIZE)
        # Two passes, not one joint batch: the truth then needs no backward pass, a quarter of the work.
        true_features, generated_features = self.features(truth), self.features(generated)
        total = 0.0
        for name, weight in FEATURE_WEIGHTS.items():
            difference = (tf.cast(generated_features[name], tf.float32)
                          - tf.stop_gradient(tf.cast(true_features[name], tf.float32)))
            total += weight * tf.reduce_mean(tf.abs(difference), axis=(1, 2, 3))  # [B]
        return total


def make_perceptual_loss(source, dtype='float32', is_computed=True):
    """Creates the perceptual loss that a name stands for.

    Args:
      source: 'imagenet', 'hed' or a file, see `vgg_weights.load_vgg_weights`; or 'none'.
      dtype: see `VggFeatures`.
      is_computed: False where only the cost is asked for: then nothing is downloaded.

    Returns:
      PerceptualLoss, or None for 'none': training then goes without it.

    Raises:
      WeightsError: if the weights cannot be had; they are never replaced by random ones.
    """
    if source == 'none':
        return None
    if source == 'imagenet' and not is_computed:
        return PerceptualLoss(vgg_weights.shapes_only('VGG19'), dtype)
    return PerceptualLoss(vgg_weights.load_vgg_weights(source), dtype)
