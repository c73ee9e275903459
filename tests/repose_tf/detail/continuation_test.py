"""The background continued: texture goes on, nothing of the hole is read, odd pictures are no trouble."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.background_inpainter import filled
from repose_tf.detail.continuation import continued


def hole(size, radius):
    place = np.arange(size) - size / 2
    return (np.hypot(place, place[:, None]) >= radius).astype(np.float32)[None, ..., None]


def stripes(size, period, upright):
    line = np.where(np.arange(size) // (period // 2) % 2, 0.8, -0.8).astype(np.float32)
    return np.broadcast_to(line if upright else line[:, None], (3, size, size)).transpose(1, 2, 0)[None].copy()


@pytest.mark.parametrize('upright', [True, False])
def test_stripes_go_on_behind_a_person_where_a_smooth_filling_is_grey(upright):
    picture, known = stripes(128, 16, upright), hole(128, 24)
    smooth, own = (np.abs(fill(tf.constant(picture * known), tf.constant(known)) - picture)[known[..., 0] == 0].mean()
                   for fill in (filled, continued))
    assert smooth > 0.5 and own < smooth / 4


def test_a_horizon_goes_on_behind_somebody():
    size = 256
    texture = np.random.default_rng(3).normal(0, 0.03, (size, size, 3))
    picture = (np.where(np.arange(size) < 110, 0.7, -0.3)[:, None, None] + texture).astype(np.float32)[None]
    known = np.ones((1, size, size, 1), np.float32)
    known[:, 50:230, 105:150] = 0.0
    error = np.abs(continued(tf.constant(picture * known), tf.constant(known)) - picture)[known[..., 0] == 0]
    assert (error.max(axis=-1) > 0.4).mean() < 0.02  # pixels of the other side


def test_behind_somebody_as_wide_as_the_picture_the_colours_are_those_above_and_below():
    picture, known = stripes(128, 128, False), np.ones((1, 128, 128, 1), np.float32)
    known[:, 30:100] = 0.0
    result = continued(tf.constant(picture * known), tf.constant(known)).numpy()
    assert np.abs(result).max() < 0.81 and np.abs(result[:, [31, 98]]).min() > 0.6


@pytest.mark.parametrize('size', [24, 45, 90, 128])
def test_the_known_part_stays_and_nothing_of_the_hole_is_read(size):
    random = np.random.default_rng(size)
    picture, known = random.uniform(-1, 1, (2, size, size, 3)).astype(np.float32), np.repeat(hole(size, size / 6), 2, 0)
    result = continued(tf.constant(picture), tf.constant(known)).numpy()
    other = continued(tf.constant(np.where(known > 0, picture, 100.0)), tf.constant(known)).numpy()
    np.testing.assert_allclose(result * known, picture * known, atol=1e-6)
    np.testing.assert_allclose(other, result, atol=1e-5)


def test_one_picture_of_a_batch_does_not_change_another():
    random = np.random.default_rng(0)
    picture, known = random.uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32), np.repeat(hole(64, 12), 2, 0)
    known[1, :20] = 0.0
    together = continued(tf.constant(picture), tf.constant(known)).numpy()
    alone = continued(tf.constant(picture[:1]), tf.constant(known[:1])).numpy()
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)


@pytest.mark.parametrize('rows', [0, 3])
def test_with_no_surroundings_to_copy_it_is_filled_smoothly(rows):
    picture, known = np.full((1, 64, 64, 3), 0.25, np.float32), np.zeros((1, 64, 64, 1), np.float32)
    known[:, :rows] = 1.0
    result = continued(tf.constant(picture), tf.constant(known)).numpy()
    np.testing.assert_allclose(result, 0.25 if rows else 0.0, atol=1e-5)


def test_compiled_by_xla_it_shows_the_same():
    picture, known = tf.constant(stripes(96, 12, True)), tf.constant(hole(96, 20))
    picture += tf.constant(np.random.default_rng(1).normal(0, 0.05, picture.shape), tf.float32)
    compiled = tf.function(continued, jit_compile=True)(picture, known)
    differs = np.abs(compiled - continued(picture, known)) > 1e-4
    assert differs.mean() < 0.001  # where two places are equally good, either will do
