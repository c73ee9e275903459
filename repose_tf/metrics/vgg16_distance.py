"""A distance of VGG features that needs no weights beyond the packaged ones; a substitute, NOT LPIPS.

It is made as LPIPS is, but nothing in it was learned from what people see as similar, its VGG16 was tuned to find
edges, and its values cannot be compared with anybody's LPIPS: of two systems scored here it tells which is nearer.
"""

import tensorflow as tf

from repose_tf import vgg_weights
from repose_tf.metrics.lpips import squared_difference
from repose_tf.perceptual import MIN_IMAGE_SIZE, VggFeatures
from repose_tf.shapes import check_image_pair


class Vgg16Distance:
    """Squared distance of normalised VGG16 features.

    Attributes:
      description: which weights it uses, and that it is not LPIPS.
    """

    def __init__(self, weights):
        """Takes `vgg_weights.VggWeights` of a VGG16."""
        if weights.net != 'VGG16':
            raise vgg_weights.WeightsError(f'vgg16_distance: expected a VGG16, found {weights.description}.')
        self.description = f'not LPIPS; {weights.description}'
        self._features = VggFeatures(weights)

    def __call__(self, generated, truth):
        """Compares two batches of images.

        Args:
          generated, truth: [B, H, W, 3], RGB in [0, 1]; H and W at least 32.

        Returns:
          [B] float32, 0 to 4: mean over the five feature maps of `VggFeatures` of the mean over pixels of the squared
          distance between the two features, each brought to length 1 over the channels.

        Raises:
          ShapeError: the images are smaller, or their shapes differ.
        """
        check_image_pair(generated, truth, MIN_IMAGE_SIZE)
        left, right = (self._features(2.0 * tf.cast(images, tf.float32) - 1.0) for images in (generated, truth))
        per_pixel = [tf.reduce_sum(squared_difference(left[name], right[name]), axis=3) for name in left]
        return tf.add_n([tf.reduce_mean(values, axis=(1, 2)) for values in per_pixel]) / len(per_pixel)
