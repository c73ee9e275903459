"""The losses against their formulas in NumPy and against Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from repose_tf import losses
from repose_tf.skeleton import JOINT_INDEX, NUM_JOINTS

LOGITS = np.array([-60.0, -2.0, 0.0, 0.5, 60.0], np.float32)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def images(seed, batch=3, size=8):
    return np.random.default_rng(seed).uniform(-1, 1, (batch, size, size, 3)).astype(np.float32)


def test_generator_wants_to_be_taken_for_real():
    found = losses.generator_adversarial_loss(LOGITS)
    np.testing.assert_allclose(found[:-1], -np.log(sigmoid(LOGITS[:-1])), rtol=1e-5)
    assert found[-1] < 1e-20


def test_generator_gradient_does_not_saturate_where_the_discriminator_is_sure():
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = losses.generator_adversarial_loss(logits)
    np.testing.assert_allclose(tape.gradient(loss, logits)[0], -1.0, rtol=1e-6)


@pytest.mark.parametrize('smoothing', [0.0, 0.25])
def test_discriminator_losses_are_cross_entropies_with_smoothed_real_labels(smoothing):
    real, generated = LOGITS[1:4], LOGITS[1:4][::-1].copy()
    found = losses.discriminator_losses(real, generated, smoothing)
    label = 1 - smoothing
    expected = -label * np.log(sigmoid(real)) - (1 - label) * np.log(1 - sigmoid(real))
    np.testing.assert_allclose(found['loss/discriminator_real'], expected, rtol=1e-5)
    np.testing.assert_allclose(
        found['loss/discriminator_generated'], -np.log(1 - sigmoid(generated)), rtol=1e-5)


def test_real_images_are_best_judged_with_the_smoothed_probability():
    logits = np.linspace(-4, 4, 8001, dtype=np.float32)
    found = losses.discriminator_losses(logits, logits)['loss/discriminator_real']
    assert sigmoid(logits[np.argmin(found)]) == pytest.approx(0.75, abs=2e-3)


def test_losses_of_extreme_and_bfloat16_logits_are_finite_float32():
    for logits in (LOGITS * 1e3, tf.cast(LOGITS, tf.bfloat16)):
        terms = losses.discriminator_losses(logits, logits)
        terms['loss/adversarial'] = losses.generator_adversarial_loss(logits)
        for value in terms.values():
            assert value.dtype == tf.float32 and value.shape == (5,)
            assert np.all(np.isfinite(value))


def test_l1_is_the_mean_absolute_difference_per_sample():
    np.testing.assert_allclose(
        losses.l1_loss(images(0), images(1)), np.abs(images(0) - images(1)).mean(axis=(1, 2, 3)), rtol=1e-5)


def test_weighted_l1_counts_a_foreground_pixel_as_often_as_its_weight():
    foreground = np.zeros((3, 8, 8, 1), np.float32)
    foreground[:, 2:5, 3:7] = 1
    found = losses.l1_loss(images(0), images(1), foreground, foreground_weight=5.0)
    per_pixel = np.abs(images(0) - images(1)).mean(-1)
    repeated = [np.repeat(values.ravel(), np.where(mask.ravel() > 0, 5, 1))
                for values, mask in zip(per_pixel, foreground, strict=True)]
    np.testing.assert_allclose(found, [values.mean() for values in repeated], rtol=1e-5)


@pytest.mark.parametrize('foreground', [0.0, 0.5, 1.0])
def test_an_even_foreground_or_weight_1_changes_nothing(foreground):
    mask = np.full((3, 8, 8, 1), foreground, np.float32)
    plain = losses.l1_loss(images(0), images(1))
    np.testing.assert_allclose(losses.l1_loss(images(0), images(1), mask, 7.0), plain, rtol=1e-5)
    np.testing.assert_allclose(
        losses.l1_loss(images(0), images(1), mask * images(2)[..., :1] ** 2, 1.0), plain, rtol=1e-5)


def test_mask_loss_is_the_cross_entropy_per_sample():
    alpha, foreground = (images(2)[..., :1] + 1) / 2, (images(3)[..., :1] > 0).astype(np.float32)
    expected = np.mean(keras.losses.binary_crossentropy(foreground, alpha), axis=(1, 2))
    np.testing.assert_allclose(losses.mask_loss(alpha, foreground), expected, rtol=5e-3)


def test_a_mask_that_fell_to_0_is_still_told_where_the_person_is():
    logit = tf.Variable(tf.fill([1, 4, 4, 1], -7.0))
    foreground = np.zeros([1, 4, 4, 1], np.float32)
    foreground[:, 1:3] = 1
    with tf.GradientTape() as tape:
        value = losses.mask_loss(tf.sigmoid(logit), foreground)
    gradient = tape.gradient(value, logit).numpy()
    assert np.all(gradient[foreground == 1] < -0.5 / 16) and np.all(np.abs(gradient[foreground == 0]) < 1e-3)
    assert np.isfinite(losses.mask_loss(foreground, 1 - foreground)).all()


def test_close_ups_show_the_head_and_both_hands_in_order():
    pose = np.random.default_rng(4).uniform(-8, 40, (2, NUM_JOINTS, 3)).astype(np.float32)  # some out of the picture
    pictures = np.zeros((2, 32, 32, 1), np.float32)
    for row, (picture, joints) in enumerate(zip(pictures, pose)):
        for number, name in enumerate(('nose', 'lwri', 'rwri')):
            x, y = np.clip(joints[JOINT_INDEX[name], :2], 0, 31).round().astype(int)
            picture[y, x] = 10 * row + number + 1
    squares = losses.close_ups(pictures, pose, 12).numpy()
    assert squares.shape == (6, 12, 12, 1)
    for square, wanted in zip(squares, (1, 2, 3, 11, 12, 13)):
        assert wanted in square


def test_the_hidden_background_is_held_to_the_guess_on_the_person_alone():
    background, guess, foreground = np.zeros((2, 4, 4, 3)), np.ones((2, 4, 4, 3)), np.zeros((2, 4, 4, 1))
    foreground[0, :2], guess[0, 0] = 1.0, 0.5
    loss = losses.hidden_background_loss(*(tf.constant(x, tf.float32) for x in (background, guess, foreground)))
    np.testing.assert_allclose(loss, [0.75, 0.0])


def test_generator_losses_are_keyed_as_logged_and_per_sample():
    def perceptual(generated, truth):
        return tf.reduce_sum((generated - truth) ** 2, axis=(1, 2, 3))

    found = losses.generator_losses(images(0), images(1), LOGITS[:3], perceptual)
    assert set(found) == {'loss/adversarial', 'loss/perceptual', 'loss/l1'}
    assert all(value.shape == (3,) for value in found.values())
    np.testing.assert_allclose(found['loss/perceptual'], perceptual(images(0), images(1)))
    assert set(losses.generator_losses(images(0), images(1), LOGITS[:3])) == {'loss/adversarial', 'loss/l1'}


def test_weighted_sum_ignores_what_has_no_weight_and_demands_what_has_one():
    terms = {'loss/adversarial': tf.constant([1.0, 2.0]), 'loss/l1': tf.constant([np.nan, np.nan])}
    weights = {'loss/adversarial': 3.0, 'loss/l1': 0.0, 'loss/perceptual': 0.0}
    np.testing.assert_allclose(losses.weighted_sum(terms, weights), [3.0, 6.0])
    with pytest.raises(KeyError, match='loss/perceptual'):
        losses.weighted_sum(terms, {'loss/perceptual': 3.0})


def test_l2_counts_the_kernels_of_2d_convolutions_only():
    layers = (keras.layers.Conv2D(4, 3), keras.layers.Conv3D(4, 3), keras.layers.Dense(4))
    for layer, shape in zip(layers, ((None, 8, 8, 3), (None, 8, 8, 8, 3), (None, 3)), strict=True):
        layer.build(shape)
    variables = [variable for layer in layers for variable in layer.trainable_variables]
    kernel = layers[0].get_weights()[0]
    found = losses.l2_regularisation(variables)
    np.testing.assert_allclose(found, 1e-4 * (kernel.astype(np.float64) ** 2).sum() / 2, rtol=1e-5)


def test_l2_gradient_is_the_weight_times_the_kernel():
    kernel, bias = tf.Variable(images(0)), tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        value = losses.l2_regularisation([kernel, bias], weight=0.5)
    to_kernel, to_bias = tape.gradient(value, [kernel, bias])
    np.testing.assert_allclose(to_kernel, 0.5 * kernel.numpy(), rtol=1e-6)
    assert to_bias is None


def test_l2_of_no_kernels_is_zero():
    assert losses.l2_regularisation([tf.Variable([1.0])]).numpy() == 0.0
