"""Errors that were made to follow one another are found to do so."""

import numpy as np
import pytest

from data_pipeline.annotation import error_chains
from repose_tf.skeleton import JOINT_INDEX, NUM_JOINTS


def made(number=4000):
    """Errors of 10 mm each, but for a nose that follows the neck by 1.25, and is 40 mm off by another notion of it."""
    errors = np.random.default_rng(0).normal(0, 10, (number, NUM_JOINTS, 3))
    errors[:, JOINT_INDEX['nose'], 2] = 1.25 * errors[:, JOINT_INDEX['neck'], 2] + errors[:, JOINT_INDEX['nose'], 2] / 5
    errors[:, JOINT_INDEX['nose'], 0] += 40
    return errors


def test_what_is_carried_on_and_what_is_a_joints_own_are_told_apart():
    errors = made()
    errors[:20] = 900  # sides that were swapped
    found = error_chains.chains(errors)
    (carried, own), (deep_carried, deep_own) = found['nose']
    assert (carried, own) == (pytest.approx(0, abs=0.1), pytest.approx(10, rel=0.1))
    assert (deep_carried, deep_own) == (pytest.approx(1.25, abs=0.1), pytest.approx(2, abs=1.0))
    assert found['lank'][1] == (pytest.approx(0, abs=0.1), pytest.approx(10, rel=0.1))
    assert f'| nose | neck | {carried:.2f} | 10 | {deep_carried:.2f} | {deep_own:.0f} |' in error_chains.table(errors)


def test_errors_are_in_mm_of_a_torso_of_half_a_metre():
    truth = np.zeros((NUM_JOINTS, 3))
    truth[JOINT_INDEX['neck'], 1] = -25
    found = error_chains.errors_mm(truth + [1, 0, 2], truth)
    np.testing.assert_allclose(found, np.tile([20, 0, 40], (NUM_JOINTS, 1)))


def test_a_joint_comes_behind_the_one_that_it_follows():
    seen = {'pelv'}
    for joint, before in error_chains.BEFORE.items():
        assert before in seen
        seen.add(joint)
    assert len(seen) == NUM_JOINTS
