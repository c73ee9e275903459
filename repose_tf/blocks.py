"""Residual blocks of the sub-networks (paper 'Architectural details'; pre-activation as in He et al. 2016)."""

import inspect

import keras
import tensorflow as tf

from repose_tf.convolution import Conv3D
from repose_tf.group_norm import GroupNorm

# The reference's group norms differ in epsilon: 1e-5 in its ResNets, 1e-6 elsewhere.
RESNET_EPSILON = 1e-5


def upsample(x):
    """Doubles the cells between the corners, bilinear.

    Old cells keep their values and sit on every second new one; Keras 3 has no layer that does this.

    Args:
      x: [B, n, m, C], of any floating type.

    Returns:
      [B, 2n - 1, 2m - 1, C], of the type of `x`.
    """
    rows, columns = x.shape[1:3]
    result = tf.raw_ops.ResizeBilinear(images=x, size=[2 * rows - 1, 2 * columns - 1], align_corners=True)
    return tf.cast(result, x.dtype)


def conv(in_channels, channels, kernel_size, dtype, rank=2, **kwargs):
    """Makes a convolution that keeps the size, or at stride 2 every second pixel, with its variables.

    On a corner-aligned grid, whose sizes are odd, 'same' pads by half a kernel on both sides at stride 2, too.

    Args:
      in_channels, channels: of input and output.
      kernel_size: along every axis.
      dtype: Keras dtype policy.
      rank: 2 for [B, H, W, C], 3 for [B, H, W, D, C].
      **kwargs: of the Keras layer, which is returned.
    """
    layer_class = keras.layers.Conv2D if rank == 2 else Conv3D
    layer = layer_class(channels, kernel_size, padding='same', dtype=dtype, **kwargs)
    layer.build((*[None] * (rank + 1), in_channels))
    return layer


def run_in_turn(layers, x, remat):
    """Runs layers one after the other on a tensor; returns that of the last one.

    With `remat` only what goes from layer to layer is kept for the backward pass, which computes the rest again.
    """
    for layer in layers:
        x = tf.recompute_grad(layer)(x) if remat else layer(x)
    return x


class Composite(keras.layers.Layer):
    """A layer of layers, all of which make their variables in the constructor.

    The arguments of a subclass' constructor are attributes of the same names.
    """

    def build(self, input_shape=None):
        # There is nothing to build. Without this method Keras 3 would run the whole layer symbolically.
        del input_shape
        self.built = True

    def get_config(self):
        """Returns the arguments of the constructor; those with a configuration of their own as that."""
        names = [name for name in inspect.signature(type(self).__init__).parameters if name not in ('self', 'kwargs')]
        values = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **{
            name: value.get_config() if hasattr(value, 'get_config') else value for name, value in values.items()}}


@keras.saving.register_keras_serializable('repose_tf')
class ResidualUnit3D(Composite):
    """Twice (group norm, ReLU, 3x3x3 convolution), added to the input.

    Args of the constructor:
      channels: C of input and output.
      num_groups, per_row: of the group norms, see `GroupNorm`.
    """

    def __init__(self, channels, num_groups, per_row, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.channels, self.num_groups, self.per_row = channels, num_groups, per_row
        self.norms = tuple(GroupNorm(channels, num_groups, per_row=per_row, dtype=dtype) for _ in range(2))
        self.convs = tuple(conv(channels, channels, 3, dtype, rank=3) for _ in range(2))

    def call(self, x):
        """[B, H, W, D, C] -> [B, H, W, D, C]."""
        residual = x
        for norm, convolution in zip(self.norms, self.convs):
            residual = convolution(tf.nn.relu(norm(residual)))
        return x + residual


@keras.saving.register_keras_serializable('repose_tf')
class Bottleneck(Composite):
    """ResNet-v2 bottleneck: 1x1, 3x3, 1x1 convolution, each but the last followed by group norm and ReLU.

    Args of the constructor:
      in_channels, channels: of input and output. Where they differ, the shortcut is a 1x1 convolution.
      num_groups: of the group norms.
      dilation: of the 3x3 convolution.
      stride: 1 or 2, of the 3x3 convolution; the shortcut then takes every second pixel.
    """

    def __init__(self, in_channels, channels, num_groups, dilation=1, stride=1, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        inner = channels // 4
        self.in_channels, self.channels, self.num_groups = in_channels, channels, num_groups
        self.dilation, self.stride = dilation, stride
        self.preact = GroupNorm(in_channels, num_groups, RESNET_EPSILON, dtype=dtype)
        self.shortcut = conv(in_channels, channels, 1, dtype) if in_channels != channels else None
        self.conv1 = conv(in_channels, inner, 1, dtype, use_bias=False)
        self.norm1 = GroupNorm(inner, num_groups, RESNET_EPSILON, dtype=dtype)
        self.conv2 = conv(inner, inner, 3, dtype, use_bias=False, strides=stride, dilation_rate=dilation)
        self.norm2 = GroupNorm(inner, num_groups, RESNET_EPSILON, dtype=dtype)
        self.conv3 = conv(inner, channels, 1, dtype)

    def call(self, x):
        """[B, H, W, in_channels] -> [B, ceil(H / stride), ceil(W / stride), channels]."""
        activated = tf.nn.relu(self.preact(x))
        shortcut = x if self.shortcut is None else self.shortcut(activated)
        residual = tf.nn.relu(self.norm1(self.conv1(activated)))
        if self.stride > 1:
            shortcut = shortcut[:, ::self.stride, ::self.stride]
        residual = tf.nn.relu(self.norm2(self.conv2(residual)))
        return shortcut + self.conv3(residual)


@keras.saving.register_keras_serializable('repose_tf')
class UpBottleneck(Composite):
    """Bottleneck of the 2D decoder, with a group norm at its start alone.

    Args of the constructor:
      in_channels, channels: of input and output. Where they differ, the shortcut is a 1x1 convolution.
      num_groups: of the group norm.
      upsampled: doubles the size before the 3x3 convolution, n -> 2n - 1.
    """

    def __init__(self, in_channels, channels, num_groups, upsampled, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.in_channels, self.channels, self.num_groups = in_channels, channels, num_groups
        self.upsampled = upsampled
        self.preact = GroupNorm(in_channels, num_groups, dtype=dtype)
        self.shortcut = conv(in_channels, channels, 1, dtype) if in_channels != channels else None
        self.conv1 = conv(in_channels, channels // 4, 1, dtype)
        self.conv2 = conv(channels // 4, channels // 4, 3, dtype)
        self.conv3 = conv(channels // 4, channels, 1, dtype)

    def call(self, x):
        """[B, n, n, in_channels] -> [B, n or 2n - 1, n or 2n - 1, channels]."""
        activated = tf.nn.relu(self.preact(x))
        shortcut = x if self.shortcut is None else self.shortcut(activated)
        residual = tf.nn.relu(self.conv1(activated))
        if self.upsampled:
            shortcut, residual = upsample(shortcut), upsample(residual)
        residual = tf.nn.relu(self.conv2(residual))
        return shortcut + self.conv3(residual)


@keras.saving.register_keras_serializable('repose_tf')
class Stem(Composite):
    """ResNet stem: 7x7 convolution of stride 2, then, unless the output stride is 2, 3x3 max-pool of stride 2.

    Args of the constructor:
      in_channels, channels: of input and output.
      output_stride: 2 or 4.
    """

    def __init__(self, in_channels, channels, output_stride=4, **kwargs):
        super().__init__(**kwargs)
        self.in_channels, self.channels, self.output_stride = in_channels, channels, output_stride
        self.conv1 = conv(in_channels, channels, 7, self.dtype_policy, strides=2)

    def call(self, x):
        """Corner-aligned: [B, n, n, in_channels] -> [B, (n - 1) / output_stride + 1, ..., channels]."""
        return self.pool(self.conv1(x))

    def pool(self, x):
        """Pools what the convolution gave, unless the output stride is 2."""
        return x if self.output_stride == 2 else tf.nn.max_pool2d(x, 3, 2, 'SAME')
