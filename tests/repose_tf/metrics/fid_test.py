"""The Fréchet distance against closed forms and SciPy, its statistics against NumPy, Inception against Keras."""

import keras
import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

from repose_tf.metrics import fid, inception
from repose_tf.shapes import ShapeError
from tests.support.made_up_metrics import make_up_inception

NETWORK = inception.NETWORK


def statistics(*batches):
    found = fid.FeatureStatistics(batches[0].shape[1])
    for batch in batches:
        found.add(batch)
    return found


def features(count, size=12, seed=0):
    rng = np.random.default_rng(seed)
    return 100 + rng.normal(size=(count, size)) @ rng.normal(size=(size, size))


def test_statistics_are_those_of_numpy_however_they_are_gathered():
    samples = features(57)
    apart = statistics(samples[:20], samples[20:21])
    apart.merge(statistics(samples[21:], samples[:0]))
    for found in (statistics(samples), statistics(*np.array_split(samples, 9)), apart):
        assert found.count == 57
        np.testing.assert_allclose(found.mean, samples.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(found.covariance(), np.cov(samples, rowvar=False), rtol=1e-9, atol=1e-9)


def test_float32_features_far_from_zero_lose_no_digits():
    samples = (1e4 + features(300)).astype(np.float32)
    found = statistics(*np.array_split(samples, 7)).covariance()
    np.testing.assert_allclose(found, np.cov(samples.astype(np.float64), rowvar=False), rtol=1e-9, atol=1e-9)


def test_equal_sets_have_no_distance_and_moved_ones_the_squared_way():
    samples, way = features(40), np.linspace(-1, 2, 12)
    assert abs(fid.fid(statistics(samples), statistics(samples[::-1]))) < 1e-6
    np.testing.assert_allclose(fid.fid(statistics(samples + way), statistics(samples)), way @ way, rtol=1e-6)


def test_spread_along_the_axes_has_a_closed_form():
    spread_a, spread_b = np.array([1.0, 4.0, 0.0]), np.array([9.0, 4.0, 16.0])
    found = fid.frechet_distance(np.zeros(3), np.diag(spread_a), np.array([0, 3, 0]), np.diag(spread_b))
    np.testing.assert_allclose(found, 9 + ((np.sqrt(spread_a) - np.sqrt(spread_b)) ** 2).sum(), rtol=1e-12)


def test_it_equals_scipys_square_root():
    one, other = statistics(features(50)), statistics(features(80, seed=1))
    left, right = one.covariance(), other.covariance()
    expected = (np.sum((one.mean - other.mean) ** 2)
                + np.trace(left + right - 2 * np.real(scipy.linalg.sqrtm(left @ right))))
    np.testing.assert_allclose(fid.fid(one, other), expected, rtol=1e-9)
    np.testing.assert_allclose(fid.fid(other, one), expected, rtol=1e-9)


def test_fewer_samples_than_features_are_no_obstacle():
    samples = features(5)
    assert abs(fid.fid(statistics(samples), statistics(samples))) < 1e-4


@pytest.mark.parametrize('count', [0, 1])
def test_too_few_samples_are_told(count):
    with pytest.raises(fid.TooFewSamplesError, match=f'at least 2 images in each set, found {count}'):
        fid.fid(statistics(features(3)), statistics(features(count)))


@pytest.fixture(scope='module')
def weights():
    return make_up_inception()


@pytest.fixture(scope='module')
def network(weights):
    return inception.Inception(weights)


@pytest.mark.long
def test_all_but_the_last_pool_equals_keras(weights, network):
    # Keras' own has the same convolutions in the same order, but averages in the last pool too.
    keras.backend.clear_session()
    net = keras.applications.InceptionV3(weights=None, include_top=False, input_shape=(107, 107, 3))
    convs = sorted((layer for layer in net.layers if isinstance(layer, keras.layers.Conv2D)), key=number)
    norms = sorted((layer for layer in net.layers if isinstance(layer, keras.layers.BatchNormalization)), key=number)
    for conv, norm, (kernel, bias) in zip(convs, norms, weights.layers.values(), strict=True):
        conv.set_weights([kernel])
        norm.set_weights([bias, np.zeros_like(bias), np.full_like(bias, 1 - norm.epsilon)])
    image = np.random.default_rng(7).uniform(-1, 1, (1, 107, 107, 3)).astype(np.float32)
    before, expected = keras.Model(net.input, [net.get_layer(name).output for name in ('mixed9', 'mixed10')])(image)
    assert before.shape[1:3] == (2, 2) and np.mean(expected) > 0.1

    hidden = tf.function(lambda image: network.run(NETWORK[:-1], image))(image)
    np.testing.assert_allclose(hidden, before, atol=1e-4 * np.max(before))
    found = network.run(NETWORK[-1:], hidden).numpy()
    pooled = np.broadcast_to(hidden.numpy().max(axis=(1, 2), keepdims=True), hidden.shape)  # 3x3 sees all 2x2
    last = pooled @ weights.layers['Mixed_7c.branch_pool'][0][0, 0] + weights.layers['Mixed_7c.branch_pool'][1]
    np.testing.assert_allclose(found[..., :-192], expected[..., :-192], atol=1e-4 * np.max(expected))
    np.testing.assert_allclose(found[..., -192:], np.maximum(last, 0), atol=1e-4 * np.max(expected))


def number(layer):
    """Returns a layer's place in the order of creation: of 'conv2d_7' 7."""
    return int(layer.name.rpartition('_')[2]) if layer.name[-1].isdigit() and '_' in layer.name[-4:] else 0


def test_images_are_resized_between_their_pixels_without_smoothing(network, monkeypatch):
    seen = []
    monkeypatch.setattr(network, 'run', lambda parts, hidden: seen.append(hidden) or hidden)
    row = np.random.default_rng(8).uniform(size=600)
    network(np.broadcast_to(row[np.newaxis, np.newaxis, :, np.newaxis], (1, 4, 600, 3)))
    centres = (np.arange(299) + 0.5) * 600 / 299 - 0.5
    np.testing.assert_allclose(seen[0][0, 17, :, 1], 2 * np.interp(centres, np.arange(600), row) - 1, atol=1e-4)


def test_features_of_a_picture(network):
    images = np.random.default_rng(9).uniform(size=(1, 32, 48, 3))
    found = network(images)
    assert found.shape == (1, inception.NUM_FEATURES) and found.dtype == tf.float32 and np.ptp(found) > 0
    with pytest.raises(ShapeError, match='images'):
        network(images[0])
