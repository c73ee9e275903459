"""Background inpainter: a U-Net of partial convolutions over the image without person (paper section 3.1).

Partial convolutions (Liu et al. 2018) look only at known pixels and rescale by how many there are. All channels of a
tensor share one mask [B, H, W, 1].
"""

import math

import keras
import tensorflow as tf

from repose_tf.architecture import Architecture
from repose_tf.blocks import Composite, upsample
from repose_tf.group_norm import GroupNorm

_HOLE_VALUE = 1.5  # brighter than any pixel: marks the holes where the last layer looks at the image
_EPSILON = 1e-8


@keras.saving.register_keras_serializable('repose_tf')
class PartialConv2D(Composite):
    """Partial convolution over one or two concatenated tensors, each with its own mask.

    Args of the constructor:
      in_channels: a tuple with the channels of each input tensor.
      channels: of the output.
      kernel_size: odd; the input, of an odd size, is zero-padded by half of it.
      stride: 1 or 2.
      divide_by_channels: also divides by the number of input channels, as the reference does.
      kernel_initializer: of the kernel, as Keras names or makes it.
    """

    def __init__(self, in_channels, channels, kernel_size, stride=1, divide_by_channels=False,
                 kernel_initializer='glorot_uniform', **kwargs):
        # Masks count pixels, thousands of them: they stay in float32 whatever the precision of the features.
        super().__init__(autocast=False, **kwargs)
        self.in_channels, self.channels = tuple(in_channels), channels
        self.kernel_size, self.stride = kernel_size, stride
        self.divide_by_channels = divide_by_channels
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel = self.add_weight(
            name='kernel', shape=(kernel_size, kernel_size, sum(in_channels), channels),
            initializer=self.kernel_initializer)
        self.bias = self.add_weight(name='bias', shape=(channels,), initializer='zeros')

    def _convolve(self, x, kernel):
        # On a corner-aligned grid, whose sizes are odd, 'SAME' pads by half a kernel on both sides at stride 2, too.
        return tf.nn.conv2d(x, kernel, self.stride, 'SAME')

    def call(self, features, masks):
        """Convolves the known part of the features.

        Args:
          features: tuple of tensors [B, H, W, C_i].
          masks: tuple of float32 tensors [B, H, W, 1] in [0, 1]: the share of each pixel that is known.

        Returns:
          the features [B, H', W', channels] and their mask [B, H', W', 1].
        """
        window = tf.ones([self.kernel_size, self.kernel_size, 1, 1])
        known = sum(count * self._convolve(mask, window) for count, mask in zip(self.in_channels, masks, strict=True))
        reached = tf.clip_by_value(known, 0.0, 1.0)
        full = self.kernel_size ** 2 * (1 if self.divide_by_channels else sum(self.in_channels))
        ratio = reached * full / (known + _EPSILON)
        joined = features[0] if len(features) == 1 else tf.concat(features, axis=-1)
        dtype = joined.dtype
        result = self._convolve(joined, tf.cast(tf.convert_to_tensor(self.kernel), dtype))
        result = result * tf.cast(ratio, dtype) + tf.cast(tf.convert_to_tensor(self.bias), dtype)
        return result, reached

    def get_config(self):
        return {**super().get_config(), 'kernel_initializer': keras.initializers.serialize(self.kernel_initializer)}


def fill_holes(image, known):
    """Fills holes smoothly from what is known around them: averages over ever larger windows, finest first.

    Args:
      image: [B, n, n, C] with n = 2^k + 1; only its known part is read.
      known: [B, n, n, 1] in [0, 1].

    Returns:
      [B, n, n, C], the image itself where it is known; 0 everywhere where nothing is known.
    """
    if image.shape[1] <= 3:
        total = tf.reduce_sum(known, axis=[1, 2], keepdims=True)
        mean = tf.reduce_sum(image * known, axis=[1, 2], keepdims=True) / (total + _EPSILON)
        return known * image + (1.0 - known) * mean
    weight = tf.nn.avg_pool2d(known, 3, 2, 'SAME')
    coarse = tf.nn.avg_pool2d(image * known, 3, 2, 'SAME') / (weight + _EPSILON)
    coarse = fill_holes(coarse, tf.cast(weight > 0.0, tf.float32))
    return known * image + (1.0 - known) * upsample(coarse)


def filled(image, known):
    """As `fill_holes`, for square images [B, S, S, C] of any size; `known` [B, S, S, 1]."""
    size = image.shape[1]
    padding = 2 ** math.ceil(math.log2(size)) + 1 - size
    padded = (tf.pad(each, [[0, 0], [0, padding], [0, padding], [0, 0]]) for each in (image, known))
    return fill_holes(*padded)[:, :size, :size]


@keras.saving.register_keras_serializable('repose_tf')
class BackgroundInpainter(Composite):
    """Padded image and its known part -> the image with its holes filled; `architecture` as for `Generator`."""

    def __init__(self, architecture, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.architecture = arch = Architecture.of(architecture)
        dtype, groups = self.dtype_policy, arch.num_groups
        self.as_reference = arch.inpainter == 'reference'
        image_channels = 4 if self.as_reference else 3

        widths = [image_channels, *(channels for channels, _ in arch.inpainter_layers)]
        skips = widths[-2:0:-1]
        self.encoder = tuple(PartialConv2D((width,), channels, size, 2, self.as_reference, dtype=dtype)
                             for width, (channels, size) in zip(widths, arch.inpainter_layers))
        self.decoder = tuple(PartialConv2D((skip, width), skip, 3, 1, self.as_reference, dtype=dtype)
                             for skip, width in zip(skips, widths[:1:-1]))
        # The output convolution stays in float32: colours have more than eight bits of precision.
        self.output_conv = PartialConv2D(
            (image_channels, widths[1]), 3, 3, 1, self.as_reference, dtype='float32',
            # Trained here the network adds to a smooth filling and starts with adding little.
            kernel_initializer='glorot_uniform' if self.as_reference else keras.initializers.VarianceScaling(0.01))
        self.encoder_norms = tuple(GroupNorm(width, groups, dtype=dtype) for width in widths[2:])
        self.decoder_norms = tuple(GroupNorm(width, groups, dtype=dtype) for width in skips)

    def call(self, image, known, noise=None):
        """Inpaints the holes.

        Args:
          image: [B, S + 1, S + 1, 3] float32 in [-1, 1], padded.
          known: [B, S + 1, S + 1, 1] float32, 1 where the image is to be seen, 0 in holes and padding.
          noise: [B, S + 1, S + 1, 1] float32, standard normal: what the reference drew anew for its fourth
            channel at every call; None stands for its mean. Only where the inpainter is the reference's.

        Returns:
          [B, S + 1, S + 1, 3] float32 in [-1, 1].
        """
        if self.as_reference:
            image = tf.concat([image, tf.zeros_like(known) if noise is None else noise], axis=-1)
        visible = ((image + 1.0) / 2.0) * known
        marked = visible + _HOLE_VALUE * (1.0 - known)
        features, mask = tf.cast(visible, self.compute_dtype), known
        skips = []
        for layer, norm in zip(self.encoder, (None, *self.encoder_norms), strict=True):
            # Without the mask the bias of an unseen place would pass for something seen.
            features, mask = layer((features * tf.cast(mask, features.dtype),), (mask,))
            features = tf.nn.relu(features if norm is None else norm(features))
            skips.append((features, mask))
        skips.pop()
        for layer, norm in zip(self.decoder, self.decoder_norms, strict=True):
            features, mask = self._joined(layer, skips.pop(), features, mask)
            features = tf.nn.leaky_relu(norm(features), 0.2)
        features, _ = self._joined(self.output_conv, (marked, known), features, mask)
        if self.as_reference:
            return tf.tanh(tf.nn.leaky_relu(features, 0.2))
        # What is seen stays as it is: no capacity goes into copying it, and it cannot blur.
        smooth = fill_holes(image, known)
        return known * image + (1.0 - known) * tf.clip_by_value(smooth + tf.tanh(features), -1.0, 1.0)

    def _joined(self, layer, skip, features, mask):
        """Upsamples the known part of the features and convolves it together with the skip connection."""
        features = upsample(features * tf.cast(mask, features.dtype))
        features = tf.cast(features, layer.compute_dtype)
        return layer((skip[0], features), (skip[1], upsample(mask)))
