"""The metrics against scikit-image and TensorFlow's own, on photo-like images, flat ones and noise."""

import pathlib

import cv2
import numpy as np
import pytest
import skimage.metrics
import tensorflow as tf

from repose_tf.metrics import image_metrics
from repose_tf.shapes import ShapeError

PEOPLE = pathlib.Path(__file__).parents[3] / 'data/people/images'


def noisy_pair():
    rng = np.random.default_rng(0)
    truth = rng.uniform(size=(3, 40, 33, 3))
    return np.clip(truth + rng.normal(0, 0.1, truth.shape), 0, 1), truth


def people_pair():
    """Different frames of the same persons at 256 px, as the project ships them."""
    persons = sorted(PEOPLE.glob('*'))[:2]
    frames = [[cv2.imread(str(path)) / 255.0 for path in sorted(person.glob('*'))[:2]] for person in persons]
    return np.stack([pair[0] for pair in frames]), np.stack([pair[1] for pair in frames])


def hundred_pairs():
    """Pairs at 64 px: people, noise, and all in which float32 variances or sums could be rounding."""
    rng = np.random.default_rng(1)
    people = [cv2.imread(str(path))[:, 64:192] / 255.0 for path in sorted(PEOPLE.glob('*/*'))[:80:2]]
    people = np.stack([cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA) for image in people])
    noise = rng.uniform(size=(20, 64, 64, 3))
    flat = np.ones((20, 64, 64, 3)) * rng.uniform(size=(20, 1, 1, 3))
    bright = 0.97 + 0.01 * rng.uniform(size=(10, 64, 64, 3))  # almost equal, almost white
    half = np.where(np.arange(64)[:, np.newaxis] < 32, 0.0, 0.999 + 0.001 * rng.uniform(size=(10, 64, 64, 3)).mean(-1))
    half = np.repeat(half[..., np.newaxis], 3, axis=-1)  # a bright wall beside black: no shift of the whole suits both
    truth = np.concatenate([people, noise, flat, bright, half])
    generated = np.concatenate([
        people[::-1], (noise + rng.normal(0, 0.1, noise.shape)).clip(0, 1), flat[::-1],
        bright + 0.002 * rng.normal(size=bright.shape), half - 0.0005 * rng.uniform(size=half.shape)])
    assert len(truth) == 100
    return generated, truth


PAIRS = pytest.mark.parametrize('make_pair', [noisy_pair, people_pair, hundred_pairs])


def as_float32(make_pair):
    return [image.astype(np.float32) for image in make_pair()]


def random_mask(images, seed=2):
    mask = np.random.default_rng(seed).uniform(size=(*images.shape[:3], 1))
    return np.where(mask > 0.6, mask, 0).astype(np.float32)


def referee_ssim(generated, truth, **options):
    return skimage.metrics.structural_similarity(
        generated.astype(np.float64), truth.astype(np.float64), data_range=1.0, channel_axis=-1,
        full=True, **options)


@PAIRS
def test_ssim_and_its_map_equal_scikit_image(make_pair):
    generated, truth = as_float32(make_pair)
    found = image_metrics.ssim(generated, truth)
    found_map = image_metrics.structural_similarity_map(generated, truth)
    assert found.dtype == tf.float32 and found_map.shape == generated.shape[:3]
    for sample in range(len(truth)):
        expected, expected_map = referee_ssim(generated[sample], truth[sample])
        np.testing.assert_allclose(found[sample], expected, atol=1e-6)
        np.testing.assert_allclose(found_map[sample], expected_map.mean(-1), atol=1e-6)  # the border too


@PAIRS
def test_ssim_gauss_equals_scikit_image_and_tensorflow(make_pair):
    generated, truth = as_float32(make_pair)
    found = image_metrics.ssim_gauss(generated, truth)
    expected = [referee_ssim(*pair, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)[0]
                for pair in zip(generated, truth, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    if make_pair is not hundred_pairs:  # TensorFlow's is off by up to 4e-4 on evenly bright images
        np.testing.assert_allclose(found, tf.image.ssim(generated, truth, 1.0), atol=3e-5)


def test_ssim_gauss_and_ssim_are_different_numbers():
    generated, truth = as_float32(noisy_pair)
    assert np.abs(image_metrics.ssim(generated, truth) - image_metrics.ssim_gauss(generated, truth)).max() > 1e-3


@PAIRS
def test_ssim_fg_is_the_weighted_mean_of_the_map(make_pair):
    generated, truth = as_float32(make_pair)
    mask = random_mask(truth)
    expected = [(referee_ssim(*pair)[1].mean(-1) * weight[..., 0]).sum() / weight.sum()
                for *pair, weight in zip(generated, truth, mask, strict=True)]
    np.testing.assert_allclose(image_metrics.ssim_fg(generated, truth, mask), expected, atol=1e-5)


def test_ssim_fg_sees_the_foreground_only():
    generated, truth = as_float32(noisy_pair)
    mask = np.zeros((*truth.shape[:3], 1), np.float32)
    mask[:, 10:20, 10:20] = 1
    spoilt = generated.copy()
    spoilt[:, 24:] = 0  # more than half a window away from the mask
    np.testing.assert_array_equal(
        image_metrics.ssim_fg(spoilt, truth, mask), image_metrics.ssim_fg(generated, truth, mask))
    assert np.all(image_metrics.ssim(spoilt, truth) < image_metrics.ssim(generated, truth) - 0.1)


@PAIRS
def test_psnr_equals_scikit_image(make_pair):
    generated, truth = as_float32(make_pair)
    expected = [skimage.metrics.peak_signal_noise_ratio(right, left, data_range=1.0)
                for left, right in zip(generated.astype(np.float64), truth.astype(np.float64), strict=True)]
    np.testing.assert_allclose(image_metrics.psnr(generated, truth), expected, atol=1e-5)


def test_l1_on_the_image_and_on_the_foreground():
    generated, truth = as_float32(noisy_pair)
    mask = random_mask(truth)
    difference = np.abs(generated - truth)
    np.testing.assert_allclose(image_metrics.l1(generated, truth), difference.mean(axis=(1, 2, 3)), rtol=1e-5)
    expected = [np.average(values.mean(-1), weights=weight[..., 0])
                for values, weight in zip(difference, mask, strict=True)]
    np.testing.assert_allclose(image_metrics.l1_fg(generated, truth, mask), expected, rtol=1e-5)


def test_equal_images_are_perfect():
    _, truth = as_float32(noisy_pair)
    found = image_metrics.image_metrics(truth, truth, random_mask(truth))
    perfect_values = {'ssim': 1, 'ssim_gauss': 1, 'ssim_fg': 1, 'l1': 0, 'l1_fg': 0, 'psnr': np.inf}
    assert set(found) == set(perfect_values)
    for key, perfect in perfect_values.items():
        np.testing.assert_allclose(found[key], [perfect] * 3, atol=1e-6, err_msg=key)


def test_image_metrics_collects_the_single_functions_in_a_graph():
    generated, truth = as_float32(noisy_pair)
    mask = random_mask(truth)
    signature = [tf.TensorSpec((None, None, None, channels)) for channels in (3, 3, 1)]
    traced = tf.function(image_metrics.image_metrics, input_signature=signature)
    found = traced(generated, truth, mask)
    assert set(found) == {'ssim', 'ssim_gauss', 'ssim_fg', 'psnr', 'l1', 'l1_fg'}
    for key, values in found.items():
        arguments = (generated, truth, mask) if key.endswith('_fg') else (generated, truth)
        np.testing.assert_allclose(values, getattr(image_metrics, key)(*arguments), rtol=1e-5, err_msg=key)
        assert values.shape == (3,) and values.dtype == tf.float32
    assert set(image_metrics.image_metrics(generated, truth)) == {'ssim', 'ssim_gauss', 'psnr', 'l1'}


def test_an_image_smaller_than_the_window_is_refused():
    small = np.zeros((2, 6, 20, 3), np.float32)
    with pytest.raises(ShapeError, match='7 rows and columns or more, found 6 and 20'):
        image_metrics.ssim(small, small)


def test_an_empty_mask_gives_nan_for_its_sample_only():
    generated, truth = as_float32(noisy_pair)
    mask = random_mask(truth)
    mask[1] = 0
    for metric in (image_metrics.ssim_fg, image_metrics.l1_fg):
        np.testing.assert_array_equal(np.isnan(metric(generated, truth, mask)), [False, True, False])
