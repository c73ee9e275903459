"""The background inpainter: partial convolutions against a loop, and holes that fill from what is around them."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.background_inpainter import PartialConv2D, fill_holes


@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('divide', [False, True])
def test_partial_convolution_equals_a_loop(stride, divide):
    rng = np.random.default_rng(0)
    size, channels = 9, (3, 2)
    features = [rng.normal(size=(1, size, size, count)).astype(np.float32) for count in channels]
    masks = [rng.choice([0.0, 0.5, 1.0], size=(1, size, size, 1)).astype(np.float32) for _ in channels]
    masks[0][:, :5, :5] = masks[1][:, :5, :5] = 0
    layer = PartialConv2D(channels, 4, 3, stride, divide)
    layer.bias.assign(rng.normal(size=4))
    result, reached = layer(tuple(map(tf.constant, features)), tuple(map(tf.constant, masks)))

    x = np.pad(np.concatenate(features, -1)[0], ((1, 1), (1, 1), (0, 0)))
    mask = np.pad(np.concatenate([np.repeat(m, c, -1) for m, c in zip(masks, channels)], -1)[0],
                  ((1, 1), (1, 1), (0, 0)))
    for row in range(0, size, stride):
        for column in range(0, size, stride):
            window = np.s_[row:row + 3, column:column + 3]
            known = mask[window].sum()
            convolved = np.tensordot(x[window], layer.kernel.numpy(), 3)
            full = 9 if divide else 9 * 5
            expected = convolved * full / (known + 1e-8) * min(known, 1) + layer.bias.numpy()
            np.testing.assert_allclose(result[0, row // stride, column // stride], expected, rtol=1e-4, atol=1e-5)
            assert float(reached[0, row // stride, column // stride, 0]) == pytest.approx(min(known, 1))


def test_holes_take_the_colour_around_them_and_the_rest_stays():
    rng = np.random.default_rng(0)
    image = np.full((1, 33, 33, 3), [0.5, -0.25, 1.0], np.float32)
    known = np.ones((1, 33, 33, 1), np.float32)
    known[:, 8:27, 4:20] = 0
    hidden = np.where(known > 0, image, rng.normal(size=image.shape)).astype(np.float32)
    np.testing.assert_allclose(fill_holes(tf.constant(hidden), tf.constant(known)), image, atol=1e-5)


def test_a_filling_lies_between_what_is_around_it():
    image = np.zeros((1, 33, 33, 3), np.float32)
    image[:, :, 20:] = 1.0
    known = np.ones((1, 33, 33, 1), np.float32)
    known[:, 10:24, 12:28] = 0
    filled = fill_holes(tf.constant(image), tf.constant(known)).numpy()
    assert filled.min() >= -1e-6 and filled.max() <= 1 + 1e-6
    assert filled[0, 16, 13, 0] < 0.3 < 0.7 < filled[0, 16, 27, 0]


def test_nothing_known_gives_zeros_not_nan():
    assert not np.any(fill_holes(tf.ones([1, 9, 9, 3]), tf.zeros([1, 9, 9, 1])))
