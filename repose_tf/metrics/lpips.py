"""LPIPS v0.1: a learned distance of two images (Zhang et al., The Unreasonable Effectiveness of Deep Features, 2018).

Features of a frozen classifier after the ReLU of five stages, each brought to length 1 over the channels; their squared
differences, weighted per channel, averaged over the pixels and summed over the stages.
"""

import dataclasses

import tensorflow as tf

from repose_tf.shapes import check_image_pair
from repose_tf.vgg_weights import BLOCK_CHANNELS, CONVS_PER_BLOCK, layer_channels

NETS = ('alex', 'vgg')
NUM_STAGES = 5
MIN_IMAGE_SIZE = 32
# Of images in [-1, 1], as the metric's authors define it.
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_EPSILON = 1e-10
# AlexNet as torchvision has it: per stage channels, kernel size, stride, padding.
_ALEX = ((64, 11, 4, 2), (192, 5, 1, 2), (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1))
_ALEX_POOLED = ('conv2', 'conv3')  # 3x3 max-pool of stride 2 before these


@dataclasses.dataclass(frozen=True)
class LpipsWeights:
    """A frozen classifier and what each of its channels counts.

    Attributes:
      net: 'alex' or 'vgg'.
      description: one line: net, origins, start of their SHA-256.
      layers: name -> (kernel [K, K, C_in, C_out], bias [C_out]), float32 arrays, named and ordered as `layer_shapes`.
      linear: the channels' weights, five float32 arrays [C].
    """

    net: str
    description: str
    layers: dict
    linear: tuple


def layer_shapes(net):
    """Returns name -> (kernel shape, bias shape) of a net's convolutions, in forward order."""
    if net == 'vgg':
        return {name: ((3, 3, *channels), channels[1:]) for name, channels in layer_channels('VGG16').items()}
    return {f'conv{stage}': ((size, size, before, channels), (channels,))
            for stage, ((channels, size, *_), before) in enumerate(zip(_ALEX, (3, *stage_channels(net))), start=1)}


def stage_channels(net):
    """Returns how many channels each of the five stages has."""
    return [channels for channels, *_ in _ALEX] if net == 'alex' else list(BLOCK_CHANNELS)


def squared_difference(left, right):
    """Squares the difference of features [B, H, W, C], each brought to length 1 over the channels; zeros stay zeros."""
    left, right = (features / (tf.norm(features, axis=3, keepdims=True) + _EPSILON) for features in (left, right))
    return tf.square(left - right)


def net_input(images):
    """Shifts and scales images [B, H, W, 3], RGB in [-1, 1], to what the nets were trained on."""
    return (images - tf.constant(_SHIFT, images.dtype)) / tf.constant(_SCALE, images.dtype)


class Lpips:
    """The metric with its weights; a measure, not a loss: its gradient is not finite where all features are zero.

    Attributes:
      description: of the weights.
    """

    def __init__(self, weights):
        """Takes `LpipsWeights`."""
        self.description = weights.description
        self._layers = {name: tuple(tf.constant(array, tf.float32) for array in arrays)
                        for name, arrays in weights.layers.items()}
        self._linear = [tf.constant(array, tf.float32) for array in weights.linear]
        self._stages = {'alex': self._alex_stages, 'vgg': self._vgg_stages}[weights.net]

    def __call__(self, generated, truth):
        """Compares two batches of images.

        Args:
          generated, truth: [B, H, W, 3], RGB in [0, 1]; H and W at least 32.

        Returns:
          [B] float32, 0 for equal images.

        Raises:
          ShapeError: the images are smaller, or their shapes differ.
        """
        check_image_pair(generated, truth, MIN_IMAGE_SIZE)
        total = 0.0
        for left, right, weight in zip(self.features(generated), self.features(truth), self._linear, strict=True):
            weighted = weight * squared_difference(left, right)  # [B, H, W, C]
            total += tf.reduce_mean(tf.reduce_sum(weighted, axis=3), axis=(1, 2))  # [B]
        return total

    def features(self, images):
        """Computes the features after the five stages of images [B, H, W, 3] in [0, 1]: five of [B, H', W', C]."""
        return self._stages(net_input(2.0 * tf.cast(images, tf.float32) - 1.0))

    def _alex_stages(self, hidden):
        stages = []
        for name, (_, _, stride, padding) in zip(self._layers, _ALEX, strict=True):
            if name in _ALEX_POOLED:
                hidden = tf.nn.max_pool2d(hidden, 3, 2, 'VALID')
            hidden = self._conv(hidden, name, stride, padding)
            stages.append(hidden)
        return stages

    def _vgg_stages(self, hidden):
        stages = []
        for block, count in enumerate(CONVS_PER_BLOCK['VGG16'], start=1):
            if stages:
                hidden = tf.nn.max_pool2d(hidden, 2, 2, 'VALID')
            for conv in range(1, count + 1):
                hidden = self._conv(hidden, f'block{block}_conv{conv}', 1, 1)
            stages.append(hidden)
        return stages

    def _conv(self, hidden, name, stride, padding):
        kernel, bias = self._layers[name]
        border = ((0, 0), (padding, padding), (padding, padding), (0, 0))
        return tf.nn.relu(tf.nn.conv2d(hidden, kernel, stride, border) + bias)
