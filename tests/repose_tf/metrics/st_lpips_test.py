"""ST-LPIPS against its definition in NumPy, and what makes it a loss."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.metrics.lpips import LpipsWeights
from repose_tf.metrics.st_lpips import StLpips, StLpipsLoss
from repose_tf.shapes import ShapeError
from tests.support import gpu_kernels
from tests.support.made_up_metrics import make_up_st_lpips

SHIFT, SCALE = np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450])


def random_images(seed, size=33, batch=2):
    return np.random.default_rng(seed).uniform(-1, 1, (batch, size, size, 3)).astype(np.float32)


def windows(values, size, stride=1):
    """Returns [B, H', W', C, size, size] of [B, H, W, C]."""
    return np.lib.stride_tricks.sliding_window_view(values, (size, size), (1, 2))[:, ::stride, ::stride]


def numpy_features(weights, images):
    """The five features as they are defined: convolution, blur, maximum, each by its windows."""
    def conv(values, name, border):
        kernel, bias = weights.layers[name]
        padded = np.pad(values, ((0, 0), (border, border), (border, border), (0, 0)))
        seen = windows(padded, len(kernel))
        return np.einsum('bhwcij,ijco->bhwo', seen, kernel.astype(np.float64), optimize=True) + bias

    def blurred(values):
        padded = np.pad(values, ((0, 0), (2, 2), (2, 2), (0, 0)), 'reflect')
        return np.einsum('bhwcij,ij->bhwc', windows(padded, 3, 2), np.outer([1, 2, 1], [1, 2, 1]) / 16, optimize=True)

    def pooled(values):
        return blurred(windows(values, 3).max(axis=(4, 5)))

    stages = [np.maximum(blurred(conv((images - SHIFT) / SCALE, 'conv1', 2)), 0)]
    stages.append(np.maximum(conv(pooled(stages[-1]), 'conv2', 2), 0))
    stages.append(np.maximum(conv(pooled(stages[-1]), 'conv3', 1), 0))
    stages.append(np.maximum(conv(stages[-1], 'conv4', 1), 0))
    return [*stages, np.maximum(conv(stages[-1], 'conv5', 1), 0)]


def numpy_distance(weights, *images):
    lefts, rights = (numpy_features(weights, each.astype(np.float64)) for each in images)
    total = 0
    for left, right, weight in zip(lefts, rights, weights.linear, strict=True):
        left, right = (part / (np.linalg.norm(part, axis=3, keepdims=True) + 1e-10) for part in (left, right))
        total += (weight * (left - right) ** 2).sum(axis=3).mean(axis=(1, 2))
    return total


def value_and_gradient(loss, generated, truth):
    @tf.function
    def both(generated, truth):
        with tf.GradientTape() as tape:
            tape.watch([generated, truth])
            value = loss(generated, truth)
        return value, *tape.gradient(value, [generated, truth])

    return both(tf.constant(generated), tf.constant(truth))


@pytest.mark.parametrize('size', [32, 33])
def test_it_is_what_its_definition_says(size):
    weights = make_up_st_lpips()
    left, right = random_images(0, size), random_images(1, size)
    expected = numpy_distance(weights, left, right)
    found = tf.function(StLpipsLoss(weights))(left, right)
    assert found.dtype == tf.float32 and found.shape == (2,) and expected.min() > 0.05
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    np.testing.assert_allclose(StLpips(weights)((left + 1) / 2, (right + 1) / 2), found, rtol=1e-4)


def test_its_gradient_is_the_slope_and_goes_to_the_generated_image_alone():
    weights = make_up_st_lpips()
    generated, truth = random_images(2, batch=1), random_images(3, batch=1)
    _, to_generated, to_truth = value_and_gradient(StLpipsLoss(weights), generated, truth)
    assert to_truth is None
    # So small a step that no maximum and no ReLU changes sides; NumPy computes in float64.
    step = 1e-7 / np.linalg.norm(to_generated) ** 2 * to_generated.numpy().astype(np.float64)
    slope = numpy_distance(weights, generated + step, truth) - numpy_distance(weights, generated - step, truth)
    np.testing.assert_allclose(slope, [2e-7], rtol=1e-3)


def test_its_gradient_is_finite_where_there_are_no_features():
    made_up = make_up_st_lpips()
    layers = {name: (np.zeros_like(kernel), np.zeros_like(bias)) for name, (kernel, bias) in made_up.layers.items()}
    empty = StLpipsLoss(LpipsWeights('alex', '', layers, made_up.linear))
    for loss, generated, truth in ((empty, 0, 1), (StLpipsLoss(made_up), 2, 2), (StLpipsLoss(made_up), 2, 3)):
        value, gradient, _ = value_and_gradient(loss, random_images(generated), random_images(truth))
        assert np.isfinite(gradient).all() and np.isfinite(value).all()
        assert (generated == 2 and truth == 3) == bool(value.numpy().all())


def test_bfloat16_stays_close_to_float32_and_has_kernels_for_gpus():
    weights, images = make_up_st_lpips(), (random_images(5), random_images(6))
    low = StLpipsLoss(weights, 'bfloat16')
    assert {value.dtype for value in low.features(images[0])} == {tf.bfloat16}
    np.testing.assert_allclose(low(*images), StLpipsLoss(weights)(*images), rtol=3e-2)

    def gradient(generated, truth):
        return tf.gradients(low(generated, truth), generated)

    graph = tf.function(gradient, autograph=False).get_concrete_function(*map(tf.constant, images)).graph
    assert gpu_kernels.lacking(graph)[0] == set()
    assert gpu_kernels.kinds(graph) & gpu_kernels.NOT_DETERMINISTIC == set()


def test_it_is_a_constant_of_the_training():
    features = StLpipsLoss(make_up_st_lpips()).features
    assert len(features.variables) == 10 and not features.trainable_variables


@pytest.mark.parametrize('sizes', [(31, 31), (32, 64)])
def test_images_of_a_wrong_size_are_named(sizes):
    with pytest.raises(ShapeError, match='generated|truth'):
        StLpipsLoss(make_up_st_lpips())(*(tf.zeros((1, size, size, 3)) for size in sizes))
