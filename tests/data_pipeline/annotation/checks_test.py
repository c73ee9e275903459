"""Smoothing takes noise and leaves movement."""

import numpy as np
import pytest

from data_pipeline.annotation.checks import smooth, stretches
from repose_tf.skeleton import MIRROR_JOINTS

TIMES = np.array([0, 1, 2, 3, 5, 6, 7, 11, 12, 13, 14, 40])


@pytest.mark.parametrize('sigma', [0.5, 2, 10])
def test_even_movement_stays_as_it_is_at_ends_and_gaps_too(sigma):
    joints = TIMES[:, np.newaxis, np.newaxis] * np.array([[1.0, -2.0], [0.0, 7.0]]) + 3
    np.testing.assert_allclose(smooth(TIMES, joints, sigma), joints, atol=1e-8)


def test_noise_becomes_less_and_nothing_lags_behind():
    times = np.arange(200)
    clean = 50 * np.sin(times / 15)
    noisy = clean + np.random.default_rng(0).normal(0, 2, 200)
    smoothed = smooth(times, noisy, 2.0)
    assert np.std(smoothed - clean) < 0.6 * np.std(noisy - clean)
    errors = [np.std(smoothed[10:-10] - np.roll(clean, lag)[10:-10]) for lag in (-2, -1, 0, 1, 2)]
    assert np.argmin(errors) == 2


def test_without_a_width_and_with_few_frames_nothing_changes():
    joints = np.random.default_rng(0).normal(size=(12, 3))
    np.testing.assert_array_equal(smooth(TIMES, joints, 0), joints)
    np.testing.assert_array_equal(smooth([0, 1], joints[:2], 3), joints[:2])
    assert smooth([], np.zeros((0, 19, 2)), 3).shape == (0, 19, 2)


def test_a_frame_far_from_all_others_stays():
    joints = np.random.default_rng(0).normal(size=(12, 3))
    np.testing.assert_array_equal(smooth(TIMES, joints, 1)[-1], joints[-1])


def test_a_video_is_cut_where_another_person_comes_in():
    body = np.random.default_rng(0).uniform(0, 100, (19, 2))
    starts = [0, 10, 25, 300, 310, 305, 40]
    assert stretches([body + [start, 0] for start in starts]) == [slice(0, 3), slice(3, 6), slice(6, 7)]
    assert stretches([body]) == [slice(0, 1)]


def test_a_video_is_cut_where_left_and_right_change_places():
    body = np.random.default_rng(0).uniform(0, 100, (19, 2))
    turned = body[list(MIRROR_JOINTS)]
    assert stretches([body, body + 1, turned, turned - 1, body]) == [slice(0, 2), slice(2, 4), slice(4, 5)]
