"""The 3D convolution's own gradient, against TensorFlow's and against single products."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from repose_tf import convolution, processor


@pytest.fixture
def avx2(monkeypatch):
    """A processor on which the gradient is computed by 2D convolutions, whatever the tests run on."""
    monkeypatch.setattr(processor, 'instruction_sets', lambda: {'avx2'})


def layer(cls, channels, size, x):
    made = cls(channels, size, padding='same')
    made.build((None, *x.shape[1:]))
    return made


@pytest.mark.parametrize(('shape', 'channels', 'size'), [((2, 5, 7, 3, 4), 6, 3), ((1, 3, 3, 9, 1), 2, 5),
                                                         ((2, 4, 3, 5, 3), 3, 1)])
def test_values_and_gradients_are_those_of_tensorflow(avx2, shape, channels, size):
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=shape), tf.float32)
    own, plain = (layer(cls, channels, size, x) for cls in (convolution.Conv3D, keras.layers.Conv3D))
    plain.set_weights(own.get_weights())
    upstream = tf.constant(rng.normal(size=(*shape[:-1], channels)), tf.float32)

    @tf.function
    def gradients(made, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = made(x)
            total = tf.reduce_sum(y * upstream)
        return y, *tape.gradient(total, [x, *made.trainable_variables])

    for found, expected in zip(gradients(own, x), gradients(plain, x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_one_voxel_above_one_voxel_gives_one_tap():
    x, upstream = np.zeros((1, 5, 5, 5, 2), np.float32), np.zeros((1, 5, 5, 5, 3), np.float32)
    upstream[0, 2, 2, 2, 1] = 2.0
    x[0, 1, 2, 3, 0] = 5.0  # one row above, one cell deeper than where the output is looked at
    found = convolution.kernel_gradient(tf.constant(x), tf.constant(upstream), 3).numpy()
    assert found[0, 1, 2, 0, 1] == pytest.approx(10.0)
    assert np.count_nonzero(np.abs(found) > 1e-6) == 1


def operations(dtype, channels=2):
    made = layer(convolution.Conv3D, 2, 3, tf.zeros([1, 3, 3, 3, channels]))

    @tf.function
    def gradient(x):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(made.convolution_op(x, tf.cast(made.kernel, dtype)))
        return tape.gradient(total, made.kernel)

    return {operation.type for operation in gradient.get_concrete_function(
        tf.TensorSpec([None, 3, 3, 3, channels], dtype)).graph.get_operations()}


def test_by_2d_convolutions_where_they_are_faster_only(avx2, monkeypatch):
    assert 'Conv2DBackpropFilter' in operations(tf.float32)
    assert 'Conv3DBackpropFilterV2' in operations(tf.bfloat16)
    assert 'Conv3DBackpropFilterV2' in operations(tf.float32, channels=64)
    monkeypatch.setattr(processor, 'instruction_sets', lambda: {'avx2', 'avx512f'})
    assert 'Conv3DBackpropFilterV2' in operations(tf.float32)
