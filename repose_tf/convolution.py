"""3D convolution whose kernel's gradient is computed by 2D convolutions, where that is faster."""

import keras
import tensorflow as tf

from repose_tf import processor

_MOST_CHANNELS = 32  # with 64, oneDNN's own gradient is as fast: python -m experiments.benchmark --case=convolution


@keras.saving.register_keras_serializable('repose_tf')
class Conv3D(keras.layers.Conv3D):
    """keras.layers.Conv3D that keeps the size, stride 1; for few channels its kernel's gradient is faster on AVX2."""

    def convolution_op(self, inputs, kernel):
        if inputs.dtype == tf.float32 and inputs.shape[-1] <= _MOST_CHANNELS and _is_avx2_alone():
            return _convolved(inputs, tf.convert_to_tensor(kernel))
        return super().convolution_op(inputs, kernel)


def _is_avx2_alone():
    """Says whether this is a processor without wider instructions than AVX2; those, and GPUs, have fast kernels."""
    known = processor.instruction_sets()
    return 'avx2' in known and 'avx512f' not in known and not tf.config.list_logical_devices('GPU')


@tf.custom_gradient
def _convolved(x, kernel):
    """[B, H, W, D, C] and [K, K, K, C, C'] -> [B, H, W, D, C']; zeros are taken outside, K is odd."""
    strides = [1] * 5

    def gradient(upstream):
        to_x = tf.raw_ops.Conv3DBackpropInputV2(
            input_sizes=tf.shape(x), filter=kernel, out_backprop=upstream, strides=strides, padding='SAME')
        return to_x, kernel_gradient(x, upstream, kernel.shape[0])

    return tf.nn.conv3d(x, kernel, strides, 'SAME'), gradient


def kernel_gradient(x, upstream, size):
    """Computes the gradient of the kernel of a 3D convolution.

    A row of the volume is a picture [W, D]. The pictures that the kernel's rows see are stacked as channels of one,
    and each is compared with what comes from above by a 2D convolution's gradient. That one takes `upstream` for its
    input and the stack for what comes from above: kernels of the CPU run along the latter's channels, the more, the
    faster.

    Args:
      x: [B, H, W, D, C], the input of the convolution.
      upstream: [B, H, W, D, C'], the gradient of its output.
      size: K of the kernel, odd.

    Returns:
      [K, K, K, C, C'].
    """
    _, rows, width, depth, channels = x.shape
    border = size // 2
    padded = tf.pad(x, [[0, 0], [border, border], [0, 0], [0, 0], [0, 0]])
    stack = tf.concat([padded[:, row:row + rows] for row in range(size)], axis=-1)
    result = tf.raw_ops.Conv2DBackpropFilter(
        input=tf.reshape(upstream, [-1, width, depth, upstream.shape[-1]]),
        filter_sizes=[size, size, upstream.shape[-1], size * channels],
        out_backprop=tf.reshape(stack, [-1, width, depth, size * channels]), strides=[1] * 4, padding='SAME')
    # Input and output having changed places, the kernel is mirrored: [K, K, C', K * C].
    result = tf.reshape(result[::-1, ::-1], [size, size, upstream.shape[-1], size, channels])
    return tf.transpose(result, [3, 0, 1, 4, 2])
