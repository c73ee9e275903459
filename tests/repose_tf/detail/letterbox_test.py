"""Black bars beside a photo do not get into its background; a black wall behind somebody stays one."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.detail.continuation import continued
from repose_tf.detail.letterbox import is_picture

SIZE = 128


def letterboxed(top, bottom, left, right, grey=0.0):
    """A bright, rough picture, [1, S, S, 3], with black bars of so many px, of which `grey` is not quite black."""
    random = np.random.default_rng(5)
    picture = random.uniform(-0.2, 0.8, (1, SIZE, SIZE, 3)).astype(np.float32)
    bars = random.uniform(-1.0, -1.0 + grey, picture.shape).astype(np.float32) if grey else np.full_like(picture, -1.0)
    is_bar = np.ones((1, SIZE, SIZE, 1), bool)
    is_bar[:, top:SIZE - bottom, left:SIZE - right] = False
    return np.where(is_bar, bars, picture), is_bar


def with_hole(rows, columns):
    known = np.ones((1, SIZE, SIZE, 1), np.float32)
    known[:, slice(*rows), slice(*columns)] = 0.0
    return known


@pytest.mark.parametrize('bars', [(0, 0, 30, 30), (0, 0, 0, 2), (17, 5, 0, 0), (20, 0, 26, 25), (0, 0, 0, 0)])
@pytest.mark.parametrize('grey', [0.0, 0.1])
def test_bars_are_found_to_the_line(bars, grey):
    picture, is_bar = letterboxed(*bars, grey=grey)
    known = with_hole((40, 90), (50, 70))
    np.testing.assert_array_equal(is_picture(picture, known), ~is_bar)


def test_who_is_cut_off_by_a_bar_hides_no_bar():
    picture, is_bar = letterboxed(0, 0, 30, 30)
    np.testing.assert_array_equal(is_picture(picture, with_hole((40, 128), (70, 101))), ~is_bar)


@pytest.mark.parametrize('flip', [lambda x: x, lambda x: x[:, ::-1], lambda x: np.swapaxes(x, 1, 2)])
def test_beside_a_bar_the_background_goes_on_without_it(flip):
    picture, is_bar = (flip(x) for x in letterboxed(20, 0, 30, 30, grey=0.05))
    known = flip(with_hole((60, 128), (70, 100)))  # to the bar, and two px over it
    result = continued(tf.constant(picture * known), tf.constant(known)).numpy()
    hidden = known == 0
    assert result.max(axis=-1, keepdims=True)[hidden & ~is_bar].min() > -0.3
    assert result.max(axis=-1, keepdims=True)[is_bar].max() < -0.9
    np.testing.assert_allclose(result * known, picture * known, atol=1e-6)


def test_a_black_wall_over_a_bright_floor_stays_black_behind_somebody():
    picture = np.full((1, SIZE, SIZE, 3), -1.0, np.float32)
    picture[:, 100:] = 0.5
    known = with_hole((30, 115), (50, 75))
    result = continued(tf.constant(picture * known), tf.constant(known)).numpy()
    assert result[0, 34:92, 52:73].max() < -0.9 and result[0, 106:, 52:73].min() > 0.2


@pytest.mark.parametrize('hole', [((0, 0), (0, 0)), ((0, 128), (0, 128)), ((40, 90), (50, 70))])
def test_a_black_photo_stays_black(hole):
    picture, known = np.full((1, SIZE, SIZE, 3), -1.0, np.float32), with_hole(*hole)
    np.testing.assert_array_equal(is_picture(picture, known), np.ones_like(known))
    result = continued(tf.constant(picture * known), tf.constant(known)).numpy()
    np.testing.assert_allclose(result * known, picture * known, atol=1e-6)
    if known.any():
        np.testing.assert_allclose(result, -1.0, atol=1e-5)


def test_each_photo_of_a_batch_has_its_own_bars():
    (first, its_bars), (second, other_bars) = letterboxed(0, 0, 30, 30), letterboxed(9, 0, 0, 0)
    known = np.repeat(with_hole((40, 90), (50, 70)), 2, 0)
    both = is_picture(np.concatenate([first, second]), known)
    np.testing.assert_array_equal(both, ~np.concatenate([its_bars, other_bars]))
