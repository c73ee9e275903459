"""Smoothing takes noise and leaves movement."""

import numpy as np
import pytest

from data_pipeline.annotation.smoothing import smooth, steadied, stretches
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


def rest_and_kick(jitter, seed=0):
    """A body of 400 px that rests for a second, kicks with 1.5 Hz and 100 px, and rests again, at 30 frames a second.

    Returns: times [T], the truth [T, 19, 2], the same with normal noise, and which frames rest."""
    times = np.arange(120)
    kick = np.where((times > 40) & (times < 80), 100 * np.sin(2 * np.pi * 1.5 * (times - 40) / 30), 0.0)
    body = np.linspace(0, 400, 19)[:, np.newaxis] * [0.3, 1]
    truth = np.tile(body, (len(times), 1, 1))
    truth[:, 7, 0] += kick
    return times, truth, truth + np.random.default_rng(seed).normal(0, jitter, truth.shape), (times < 30) | (times > 90)


@pytest.mark.parametrize('jitter', [0.5, 2.0, 6.0])  # px
def test_what_rests_gets_still_and_a_fast_kick_stays_fast(jitter):
    times, truth, noisy, rests = rest_and_kick(jitter)
    found = steadied(times, noisy)
    assert np.std((found - truth)[rests]) < 0.45 * jitter
    kicks, before = (np.sqrt(np.mean((joints - truth)[~rests, 7] ** 2)) for joints in (found, noisy))
    assert kicks < 1.2 * before  # about as good as it was
    assert np.ptp(found[:, 7, 0]) == pytest.approx(np.ptp(truth[:, 7, 0]), abs=4 * jitter)
    fixed = smooth(times, noisy, 4.0)  # gets as still, and blunts the kick
    assert np.ptp(fixed[:, 7, 0]) < 0.85 * np.ptp(truth[:, 7, 0])


def test_a_kick_is_neither_earlier_nor_later():
    times, truth, noisy, _ = rest_and_kick(4.0)
    found = steadied(times, noisy)[:, 7, 0]
    errors = [np.std(found[10:-10] - np.roll(truth[:, 7, 0], lag)[10:-10]) for lag in (-2, -1, 0, 1, 2)]
    assert np.argmin(errors) == 2
    backwards = steadied(times, noisy[::-1])[::-1, 7, 0]  # time has no direction here
    np.testing.assert_allclose(backwards, found, atol=1e-6)


def test_without_noise_nothing_changes():
    times, truth, *_ = rest_and_kick(0.0)
    np.testing.assert_allclose(steadied(times, truth), truth, atol=1e-9)
    for count in (1, 2, 3):
        np.testing.assert_array_equal(steadied(times[:count], truth[:count]), truth[:count])
    assert steadied([], np.zeros((0, 19, 2))).shape == (0, 19, 2)


def test_a_single_frame_that_is_far_off_is_left_out():
    times, truth, noisy, _ = rest_and_kick(1.0)
    for frame, joint in ((20, 3), (60, 7), (100, 12)):
        noisy[frame, joint] += [90, -70]
    assert np.abs(steadied(times, noisy) - truth).max() < 8 < 40 < np.abs(smooth(times, noisy, 1.0) - truth).max() + 20


def test_of_a_film_of_few_frames_a_second_no_movement_is_taken_for_jitter():
    """All of it moves from frame to frame: at most some hundredths of the body are smoothed away."""
    times = np.arange(40)
    body = np.linspace(0, 400, 19)[:, np.newaxis] * [0.3, 1]
    joints = body + 60 * np.sin(2 * np.pi * 0.29 * times)[:, np.newaxis, np.newaxis] * [1, 0]
    assert np.abs(steadied(times, joints) - joints).max() < 0.06 * 400
    assert np.abs(smooth(times, joints, 1.0) - joints).max() > 0.06 * 400
