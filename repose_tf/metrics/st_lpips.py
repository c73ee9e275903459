"""ST-LPIPS: LPIPS that forgives small shifts (Ghildyal and Liu, Shift-tolerant Perceptual Similarity Metric, 2022).

LPIPS of an AlexNet that was trained without coarse steps: the first convolution looks at every pixel, and where the net
loses resolution it blurs before. Its gradient is finite everywhere, so it is a loss, too.
"""

import tensorflow as tf

from repose_tf.metrics.lpips import MIN_IMAGE_SIZE, net_input
from repose_tf.shapes import check_image_pair

# A feature's length is the root of its square plus this: without it the root of nothing has no finite gradient.
_EPSILON = 1e-10
_BORDER = 2  # px, of the first convolution and of each blur


class StLpipsFeatures(tf.Module):
    """The five feature maps that are compared, of a frozen net.

    A constant of the training, not a part of the trained model: keep it out of checkpoints and create it under the
    distribution strategy.
    """

    def __init__(self, weights, dtype='float32'):
        """Makes and fills the variables.

        Args:
          weights: `LpipsWeights` of the net 'alex' (any number of channels).
          dtype: 'float32', 'bfloat16' or 'float16', in which the net is kept (nothing is updated) and computed.
        """
        super().__init__()
        self.compute_type = tf.as_dtype(dtype)
        self.convs = tuple(
            tuple(tf.Variable(tf.cast(array, self.compute_type), trainable=False) for array in arrays)
            for arrays in weights.layers.values())

    def __call__(self, images):
        """Computes the features of images [B, H, W, 3] float32, RGB in [-1, 1]: a list of five [B, H', W', C]."""
        hidden = tf.cast(net_input(images), self.compute_type)
        hidden = tf.pad(hidden, [[0, 0], [_BORDER, _BORDER], [_BORDER, _BORDER], [0, 0]])
        stages = [tf.nn.relu(_blur_and_halve(_convolved(hidden, self.convs[0], 'VALID')))]
        for stage, conv in enumerate(self.convs[1:], start=2):
            hidden = stages[-1]
            if stage <= 3:
                hidden = _blur_and_halve(tf.nn.max_pool2d(hidden, 3, 1, 'VALID'))
            stages.append(tf.nn.relu(_convolved(hidden, conv, 'SAME')))
        return stages


class StLpipsLoss:
    """The distance with its weights, as a loss: gradients flow to the generated images only.

    Attributes:
      description: one line for the log that says which weights are in use.
      features: the `StLpipsFeatures`.
    """

    def __init__(self, weights, dtype='float32'):
        """Takes what `StLpipsFeatures` does."""
        self.description = weights.description
        self.features = StLpipsFeatures(weights, dtype)
        self._linear = weights.linear

    def __call__(self, generated, truth):
        """Compares two batches of images.

        Args:
          generated, truth: [B, H, W, 3] float32, RGB in [-1, 1]; H and W at least 32.

        Returns:
          [B] float32, 0 for equal images.

        Raises:
          ShapeError: the images are smaller, or their shapes differ.
        """
        check_image_pair(generated, truth, MIN_IMAGE_SIZE)
        total = 0.0
        # Two passes, not one joint batch: the truth then needs no backward pass.
        for ours, wanted, weight in zip(self.features(generated), self.features(truth), self._linear, strict=True):
            difference = tf.square(_to_length_one(ours) - tf.stop_gradient(_to_length_one(wanted)))  # [B, H', W', C]
            total += tf.reduce_mean(tf.reduce_sum(tf.constant(weight) * difference, axis=3), axis=(1, 2))  # [B]
        return total


class StLpips(StLpipsLoss):
    """The same distance as a measure, of images [B, H, W, 3], RGB in [0, 1], like the other metrics."""

    def __call__(self, generated, truth):
        return super().__call__(*(2.0 * tf.cast(images, tf.float32) - 1.0 for images in (generated, truth)))


def _convolved(hidden, conv, padding):
    kernel, bias = conv
    return tf.nn.conv2d(hidden, kernel, 1, padding) + bias


def _blur_and_halve(hidden):
    """Halves features [B, H, W, C] by the 3x3 filter (1, 2, 1) / 4 along both axes, on a mirrored border."""
    border = [[0, 0], [_BORDER, _BORDER], [_BORDER, _BORDER], [0, 0]]
    # A mean of two and again a mean of two is the filter: pooling has kernels everywhere, in every type.
    means = tf.nn.avg_pool2d(tf.pad(hidden, border, 'REFLECT'), 2, 1, 'VALID')
    return tf.nn.avg_pool2d(means, 2, 2, 'VALID')


def _to_length_one(features):
    features = tf.cast(features, tf.float32)
    return features * tf.math.rsqrt(tf.reduce_sum(tf.square(features), axis=3, keepdims=True) + _EPSILON)
