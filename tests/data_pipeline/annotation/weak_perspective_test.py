"""The scale between px and mm is the least-squares one, and depth follows it."""

import numpy as np
import pytest
import scipy.optimize

from data_pipeline.annotation.weak_perspective import fit_scale, lift
from repose_tf.skeleton import JOINT_INDEX

PELVIS = JOINT_INDEX['pelv']


@pytest.fixture
def mm():
    return np.random.default_rng(0).normal(0, 400, (19, 3))


def test_a_scaled_and_shifted_person_gives_the_scale_exactly(mm):
    scale, rest = fit_scale(0.13 * mm[:, :2] + [300, -40], mm + [5, 6, 7000])
    assert scale == pytest.approx(0.13) and rest == pytest.approx(0, abs=1e-9)


def test_with_noise_it_is_the_best_of_all_scales_and_shifts(mm):
    px = 0.2 * mm[:, :2] + [9, 70] + np.random.default_rng(1).normal(0, 6, (19, 2))

    def residuals(unknowns):
        return (unknowns[0] * mm[:, :2] + unknowns[1:] - px).ravel()

    best = scipy.optimize.least_squares(residuals, [1.0, 0.0, 0.0])
    scale, rest = fit_scale(px, mm)
    assert scale == pytest.approx(best.x[0], rel=1e-6)
    assert rest == pytest.approx(np.sqrt(2 * best.cost / 19), rel=1e-6)


def test_a_person_all_in_one_line_of_sight_has_no_scale(mm):
    assert np.isnan(fit_scale(mm[:, :2], mm * [0, 0, 1])[0])
    assert fit_scale(-mm[:, :2], mm)[0] < 0  # and a mirrored one no positive scale


def test_the_pose_keeps_the_picture_and_puts_the_pelvis_at_depth_0(mm):
    pose = lift(0.1 * mm[:, :2] + 50, mm + [0, 0, 4000], 0.1, {'a': 1})
    np.testing.assert_allclose(pose.px[:, :2], 0.1 * mm[:, :2] + 50, rtol=1e-5)
    np.testing.assert_allclose(pose.px[:, 2], 0.1 * (mm - mm[PELVIS])[:, 2], atol=1e-4)
    np.testing.assert_allclose(pose.mm, mm - mm[PELVIS], atol=1e-3)
    assert pose.px[PELVIS, 2] == 0 and pose.px_per_mm == 0.1 and pose.tags == {'a': 1}
