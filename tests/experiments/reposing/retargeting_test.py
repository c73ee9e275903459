"""Whoever drives a clip, a child or a giant, the person keeps their bones, and feet that rest for the driver rest."""

import numpy as np
import pytest

from experiments.reposing.retargeting import fitted
from experiments.reposing.scene import placements
from experiments.reposing.targets import Targets
from repose_tf.skeleton import BONES, MIRROR_JOINTS, joint_indices
from tests.support.walks import FPS, PELVIS, WALK, leg, own_lengths, standing_feet, walk

SIZE = 600
FIRST, SECOND = (joint_indices(*names) for names in zip(*BONES, strict=True))
LEGS, ARMS = ([child[1:] in names for _, child in BONES] for names in (('kne', 'ank'), ('elb', 'wri')))
MIRRORED = [list(zip(FIRST, SECOND, strict=True)).index((MIRROR_JOINTS[first], MIRROR_JOINTS[second]))
            for first, second in zip(FIRST, SECOND, strict=True)]
RANDOM = np.random.default_rng(1).uniform(0.6, 1.3, len(BONES))
SCALES = {'small': np.full(len(BONES), 0.6), 'tall': np.full(len(BONES), 1.3), 'short legs': np.where(LEGS, 0.6, 1.0),
          'long arms': np.where(ARMS, 1.3, 1.0), 'child': np.where(LEGS, 0.5, np.where(ARMS, 0.6, 0.8)),
          'limb by limb': (RANDOM + RANDOM[MIRRORED]) / 2}


@pytest.fixture
def own():
    """The walk of the person themselves, and the lengths of their bones."""
    return walk(own_lengths()), own_lengths()


def fit(driver_px, own_px, **options):
    return fitted(Targets(np.float32(driver_px), fps=FPS), np.float32(own_px[0]), SIZE, **options)


def foot_travel(poses_px):
    """Returns how far the foot that rests goes to the sides, over all steps, px."""
    steps = np.abs(np.diff(poses_px[:, joint_indices('lank', 'rank'), 0], axis=0))
    return sum(step[foot] for step, foot in zip(steps, standing_feet(), strict=True) if foot >= 0)


@pytest.mark.parametrize('scales', SCALES.values(), ids=SCALES)
def test_drivers_of_all_proportions_drive_alike(own, scales):
    """The driver walks and jumps by their own legs; the person does so by theirs, as if it were their own walk."""
    own_px, lengths = own
    found_px, notes = fit(walk(lengths * scales, start_px=(900, 700)), own_px)
    np.testing.assert_allclose(found_px, own_px - [0, 0, 1] * own_px[:, [PELVIS]], atol=4e-3 * leg(lengths))
    assert foot_travel(found_px) < 2e-3 * leg(lengths) and notes == ()
    assert np.ptp(found_px[:WALK, PELVIS, 0]) > 1.5 * leg(lengths)  # who is kept in one place does not pass here
    stays_px, _ = fit(walk(lengths * scales), own_px, travel=False)
    assert foot_travel(stays_px) > 1.5 * leg(lengths) and np.ptp(stays_px[:, PELVIS, 0]) < 1e-3


@pytest.mark.parametrize('scales', SCALES.values(), ids=SCALES)
def test_bones_have_the_persons_lengths_and_the_drivers_directions(own, scales):
    own_px, lengths = own
    driver_px = walk(lengths * scales)
    for travel in (True, False):
        found_px, _ = fit(driver_px, own_px, travel=travel)
        bones, driver_bones = (poses[:, SECOND] - poses[:, FIRST] for poses in (found_px, driver_px))
        found = np.linalg.norm(bones, axis=2)
        np.testing.assert_allclose(found, np.tile(lengths, (len(found), 1)), rtol=1e-3)
        directions = driver_bones / np.linalg.norm(driver_bones, axis=2, keepdims=True)
        np.testing.assert_allclose(bones / found[..., np.newaxis], directions, atol=1e-3)


@pytest.mark.parametrize('scales', [SCALES['child'], SCALES['tall']], ids=['child', 'tall'])
def test_feet_slide_as_the_drivers_do_and_no_more(own, scales):
    own_px, lengths = own
    driver_px = walk(lengths * scales)
    driver_px[..., 0] -= np.arange(len(driver_px))[:, np.newaxis] * 0.01 * leg(lengths * scales)  # a slippery floor
    found_px, _ = fit(driver_px, own_px, travel=True)
    slid, expected = foot_travel(found_px) / leg(lengths), foot_travel(driver_px) / leg(lengths * scales)
    assert 0.4 < slid < 1.05 * expected


@pytest.mark.parametrize('scales', SCALES.values(), ids=SCALES)
def test_in_the_place_of_a_film_feet_rest_too(own, scales):
    own_px, lengths = own
    film_px = walk(lengths * scales)
    made_px, _ = fit(film_px, own_px, travel=False)
    maps = placements(film_px, made_px, FPS)
    shown_px = made_px[..., 0] * maps[:, :1, 0] + maps[:, 0, 2:]
    assert foot_travel(shown_px[..., np.newaxis]) < 0.12 * leg(lengths * scales)  # of a way of more than 3


def test_who_walks_out_of_the_picture_stays_and_a_line_says_so(own):
    own_px, lengths = own
    for travel, notes in ((None, 1), (False, 0), (True, 0)):
        found_px, said = fitted(Targets(np.float32(walk(lengths)), fps=FPS), np.float32(own_px[0]), 256, travel=travel)
        assert len(said) == notes and (np.ptp(found_px[:, PELVIS, 0]) < 1e-3) == (travel is not True)
        assert all('walks out of the picture' in line and '--travel' in line for line in said)


def test_a_way_that_fits_is_moved_into_the_picture(own):
    own_px, _ = own
    to_the_left = own_px * [-1, 1, 1] + [300, 0, 0]
    found_px, notes = fitted(Targets(np.float32(to_the_left), fps=FPS), np.float32(own_px[0]), SIZE)
    assert notes == () and found_px[..., 0].min() >= -1e-3 and np.ptp(found_px[:, PELVIS, 0]) > 150


def test_a_jump_ends_where_the_picture_does(own):
    own_px, _ = own
    low_px = np.float32(own_px[0] - [0, own_px[0, :, 1].min() - 5, 0])  # 5 px above the head
    found_px, _ = fitted(Targets(np.float32(own_px), fps=FPS), low_px, SIZE)
    assert 0 <= found_px[:, joint_indices('leye', 'reye', 'nose'), 1].min() < 5


def test_a_cut_is_no_step_and_an_approach_is_no_jump(own):
    own_px, lengths = own
    still = np.tile(own_px[0], (40, 1, 1))
    cut = still + np.where(np.arange(40) < 20, 0, 3 * leg(lengths))[:, np.newaxis, np.newaxis] * [1, 0, 0]
    comes = still * (1 + np.arange(40) / 80)[:, np.newaxis, np.newaxis]  # larger, and lower in the picture
    for driver_px in (cut, comes * [0, 1, 1] + still * [1, 0, 0]):
        found_px, _ = fit(driver_px, own_px, travel=True)
        assert np.ptp(found_px[:, PELVIS], axis=0).max() < 0.05 * leg(lengths)


def test_a_turned_driver_goes_the_turned_way(own):
    own_px, _ = own
    straight, turned = (fit(own_px, own_px, turn=angle, travel=True)[0] for angle in (0, np.pi))
    np.testing.assert_allclose(np.diff(turned[:, PELVIS, 0]), -np.diff(straight[:, PELVIS, 0]), atol=1e-3)


def test_poses_that_are_no_clip_stand_where_the_source_stands(own):
    own_px, _ = own
    found_px, _ = fitted(Targets(np.float32(own_px)), np.float32(own_px[0]), SIZE)
    np.testing.assert_allclose(found_px[:, PELVIS, 0], own_px[0, PELVIS, 0], atol=1e-3)
