"""Residual blocks of the sub-networks (paper 'Architectural details'; pre-activation as in He et al. 2016)."""

import keras
import tensorflow as tf

from repose_tf.group_norm import GroupNorm

# The reference's group norms differ in epsilon: 1e-5 in its ResNets, 1e-6 elsewhere.
RESNET_EPSILON = 1e-5


def upsample(x):
    """Doubles the cells between the corners: [B, n, m, C] -> [B, 2n - 1, 2m - 1, C], bilinear.

    Old cells keep their values and sit on every second new one; Keras 3 has no layer that does this.
    """
    rows, columns = x.shape[1:3]
    result = tf.raw_ops.ResizeBilinear(images=x, size=[2 * rows - 1, 2 * columns - 1], align_corners=True)
    return tf.cast(result, x.dtype)


def conv(channels, kernel_size, dtype, **kwargs):
    """A 2D convolution that keeps the size, or at stride 2 every second pixel.

    On a corner-aligned grid, whose sizes are odd, 'same' pads by half a kernel on both sides at stride 2, too.
    """
    return keras.layers.Conv2D(channels, kernel_size, padding='same', dtype=dtype, **kwargs)


class Composite(keras.layers.Layer):
    """A layer of layers: each makes its own variables when it is first called.

    Without a `build` of its own Keras 3 runs every such layer once more to have its parts built, and so the parts of
    parts again and again.
    """

    has_variables = False

    def build(self, input_shape=None):
        del input_shape
        self.built = True


def run_in_turn(units, x, remat):
    """Runs layers one after the other.

    Args:
      units: `Composite` layers.
      x: tensor for the first one.
      remat: keeps only what goes from layer to layer for the backward pass, which computes the rest again. Layers
        that make their variables in this call keep all.

    Returns:
      the tensor from the last one.
    """
    for unit in units:
        recomputed = remat and unit.has_variables
        x = tf.recompute_grad(unit)(x) if recomputed else unit(x)
        unit.has_variables = True
    return x


class ResidualUnit3D(Composite):
    """Twice (group norm, ReLU, 3x3x3 convolution), added to the input; [B, H, W, D, C] -> the same."""

    def __init__(self, channels, num_groups, per_row, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.norms = tuple(GroupNorm(channels, num_groups, per_row=per_row, dtype=dtype) for _ in range(2))
        self.convs = tuple(keras.layers.Conv3D(channels, 3, padding='same', dtype=dtype) for _ in range(2))

    def call(self, x):
        residual = x
        for norm, convolution in zip(self.norms, self.convs):
            residual = convolution(tf.nn.relu(norm(residual)))
        return x + residual


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
        self.stride = stride
        self.preact = GroupNorm(in_channels, num_groups, RESNET_EPSILON, dtype=dtype)
        self.shortcut = conv(channels, 1, dtype) if in_channels != channels else None
        self.conv1 = conv(inner, 1, dtype, use_bias=False)
        self.norm1 = GroupNorm(inner, num_groups, RESNET_EPSILON, dtype=dtype)
        self.conv2 = conv(inner, 3, dtype, use_bias=False, strides=stride, dilation_rate=dilation)
        self.norm2 = GroupNorm(inner, num_groups, RESNET_EPSILON, dtype=dtype)
        self.conv3 = conv(channels, 1, dtype)

    def call(self, x):
        """[B, H, W, in_channels] -> [B, ceil(H / stride), ceil(W / stride), channels]."""
        activated = tf.nn.relu(self.preact(x))
        shortcut = x if self.shortcut is None else self.shortcut(activated)
        residual = tf.nn.relu(self.norm1(self.conv1(activated)))
        if self.stride > 1:
            shortcut = shortcut[:, ::self.stride, ::self.stride]
        residual = tf.nn.relu(self.norm2(self.conv2(residual)))
        return shortcut + self.conv3(residual)


class UpBottleneck(Composite):
    """Bottleneck of the 2D decoder: norm only before, and if `upsampled` n -> 2n - 1 before the 3x3 convolution."""

    def __init__(self, in_channels, channels, num_groups, upsampled, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.upsampled = upsampled
        self.preact = GroupNorm(in_channels, num_groups, dtype=dtype)
        self.shortcut = conv(channels, 1, dtype) if in_channels != channels else None
        self.conv1 = conv(channels // 4, 1, dtype)
        self.conv2 = conv(channels // 4, 3, dtype)
        self.conv3 = conv(channels, 1, dtype)

    def call(self, x):
        """[B, n, n, in_channels] -> [B, n or 2n - 1, n or 2n - 1, channels]."""
        activated = tf.nn.relu(self.preact(x))
        shortcut = x if self.shortcut is None else self.shortcut(activated)
        residual = tf.nn.relu(self.conv1(activated))
        if self.upsampled:
            shortcut, residual = upsample(shortcut), upsample(residual)
        residual = tf.nn.relu(self.conv2(residual))
        return shortcut + self.conv3(residual)


class Stem(Composite):
    """ResNet stem: 7x7 convolution of stride 2, then, unless the output stride is 2, 3x3 max-pool of stride 2.

    Corner-aligned: [B, n, n, C] -> [B, (n - 1) / output_stride + 1, ...].
    """

    def __init__(self, channels, output_stride=4, **kwargs):
        super().__init__(**kwargs)
        self.conv1 = conv(channels, 7, self.dtype_policy, strides=2)
        self.output_stride = output_stride

    def call(self, x):
        return self.pool(self.conv1(x))

    def pool(self, x):
        """All that follows the convolution."""
        return x if self.output_stride == 2 else tf.nn.max_pool2d(x, 3, 2, 'SAME')
