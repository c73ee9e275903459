"""The group norm against Keras' own, its gradient against autodiff, and its per-row form against a loop."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from repose_tf.group_norm import GroupNorm


def random_layer(channels, num_groups, **kwargs):
    layer = GroupNorm(channels, num_groups, **kwargs)
    rng = np.random.default_rng(1)
    layer.gamma.assign(rng.normal(1, 0.3, channels))
    layer.beta.assign(rng.normal(0, 0.3, channels))
    return layer


@pytest.mark.parametrize('shape', [(1, 7, 5, 12), (2, 7, 5, 12), (3, 4, 3, 5, 12)])
@pytest.mark.parametrize('num_groups', [1, 4, 12])
def test_equals_keras_in_value_and_gradient(shape, num_groups):
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(3, 2, shape), tf.float32)
    upstream = tf.constant(rng.normal(size=shape), tf.float32)
    layer = random_layer(12, num_groups, epsilon=1e-5)
    peer = keras.layers.GroupNormalization(num_groups, epsilon=1e-5)
    peer.build(shape)
    peer.set_weights([layer.gamma.numpy(), layer.beta.numpy()])

    results = []
    for norm in (layer, peer):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = norm(x)
            loss = tf.reduce_sum(y * upstream)
        results.append((y, *tape.gradient(loss, [x, norm.gamma, norm.beta])))
    for ours, theirs in zip(*results):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-5)


def test_per_row_takes_each_row_for_itself():
    x = tf.constant(np.random.default_rng(0).normal(1, 2, (2, 4, 5, 3, 8)), tf.float32)
    rows = [random_layer(8, 2)(x[:, row:row + 1]) for row in range(4)]
    np.testing.assert_allclose(random_layer(8, 2, per_row=True)(x), tf.concat(rows, axis=1), atol=1e-5)


def test_bfloat16_rounds_only_its_last_two_operations():
    x = tf.constant(np.random.default_rng(0).normal(3, 1, (1, 64, 64, 4)), tf.bfloat16)
    y = tf.cast(random_layer(4, 1, dtype='mixed_bfloat16')(x), tf.float32)
    exact = random_layer(4, 1)(tf.cast(x, tf.float32))
    # y = x * gain + offset: gain, product, offset and sum are each off by at most half of the last of 8 bits.
    values = np.asarray(tf.cast(x, tf.float32))
    gain = random_layer(4, 1).gamma.numpy() / values.std()
    bound = 2.0 ** -8 * (2 * np.abs(values * gain) + np.abs(values.mean() * gain) + np.abs(exact) + 1.0)
    assert np.all(np.abs(y - exact) <= bound)


def test_groups_must_divide_the_channels():
    with pytest.raises(ValueError, match='12 channels, 5 groups'):
        GroupNorm(12, 5)


def test_config_round_trip():
    layer = GroupNorm(8, 2, 1e-3, per_row=True)
    assert GroupNorm.from_config(layer.get_config()).get_config() == layer.get_config()
