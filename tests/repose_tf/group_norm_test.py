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


@pytest.mark.parametrize('num_samples', [1, 3])
@pytest.mark.parametrize('mean', [0, 3, 30, 200])
def test_bfloat16_rounds_only_its_result(num_samples, mean):
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(mean, 1, (num_samples, 24, 24, 8)), tf.bfloat16)
    # As in a network, the upstream gradient goes with the values, so that all terms of the closed form matter.
    upstream = tf.constant(rng.normal(size=x.shape) + np.asarray(x, np.float64) - mean, tf.bfloat16)
    exact = keras.layers.GroupNormalization(4, epsilon=1e-6, dtype='float64')
    exact.build(x.shape)
    layer = random_layer(8, 4, dtype='mixed_bfloat16')
    # Mixed precision reads gain and offset rounded.
    exact.set_weights([np.asarray(tf.cast(weight, tf.bfloat16), np.float64) for weight in (layer.gamma, layer.beta)])
    found, expected = [], []
    for norm, values, given in ((layer, x, found), (exact, tf.cast(x, tf.float64), expected)):
        with tf.GradientTape() as tape:
            tape.watch(values)
            y = norm(values)
        given += [y, tape.gradient(y, values, tf.cast(upstream, values.dtype))]
    assert [value.dtype for value in found] == [tf.bfloat16] * 2
    for ours, theirs in zip(found, expected):
        # Half of the last of 8 bits, and what float32 loses where the mean cancels.
        bound = 2.0 ** -8 * np.abs(theirs) + 2.0 ** -20 * (1 + mean)
        assert np.all(np.abs(tf.cast(ours, tf.float64) - theirs) <= bound)


def test_groups_must_divide_the_channels():
    with pytest.raises(ValueError, match='12 channels, 5 groups'):
        GroupNorm(12, 5)


def test_config_round_trip():
    layer = GroupNorm(8, 2, 1e-3, per_row=True)
    assert GroupNorm.from_config(layer.get_config()).get_config() == layer.get_config()
