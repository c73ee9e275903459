"""Augmentation: image and joints move alike, against OpenCV and tf.image; nothing else changes."""

import itertools

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.batches import augment as augmentation
from data_pipeline.batches.augment import NOTHING, REFERENCE, WITHOUT_COLOUR, AugmentSettings, augment, prepare
from data_pipeline.batches.colour import distort_colour
from data_pipeline.batches.image_warp import warp_images
from repose_tf.skeleton import JOINT_INDEX, JOINT_NAMES, MIRROR_JOINTS, NUM_JOINTS

SEED = (3, 14)
PICTURES = ('source_image', 'target_image', 'source_mask', 'target_mask')
FLIP_ONLY = AugmentSettings(0.0, 0.0, 0.0, True, 0.0, 0.0, 0.0, 0.0, 0.0)


def make_batch(num_samples, size, rng):
    """Returns smooth images with edges cut by the border, joints in the middle, and a mask."""
    def image(channels):
        noise = rng.uniform(0, 255, (num_samples, 6, 6, channels)).astype(np.float32)
        large = [cv2.resize(one, (size, size), interpolation=cv2.INTER_LINEAR) for one in noise]
        return np.stack(large).reshape(num_samples, size, size, channels).astype(np.uint8)

    def pose():
        xy = rng.uniform(0.35, 0.65, (num_samples, NUM_JOINTS, 2)) * size
        z = rng.uniform(-0.3, 0.3, (num_samples, NUM_JOINTS, 1)) * size
        return np.concatenate([xy, z], axis=2).astype(np.float32)

    return {'source_image': image(3), 'target_image': image(3), 'source_pose': pose(), 'target_pose': pose(),
            'target_mask': image(1), 'has_target_mask': np.ones(num_samples, bool),
            'source_mask': image(1), 'has_source_mask': np.ones(num_samples, bool),
            'source_id': np.array([b'p/00'] * num_samples), 'target_id': np.array([b'p/01'] * num_samples)}


@pytest.fixture
def batch():
    return make_batch(4, 64, np.random.default_rng(1))


def numpy(batch):
    return {name: np.asarray(value) for name, value in batch.items()}


def unit(images):
    return (images + 1) / 2


def affine_of(before_px, after_px):
    """Fits x, y of one pose before and after: [2, 3]; a mirrored person's joints change places first."""
    def fit(before):
        design = np.concatenate([before[:, :2], np.ones((NUM_JOINTS, 1))], axis=1).astype(np.float64)
        solution, residual, *_ = np.linalg.lstsq(design, after_px[:, :2].astype(np.float64), rcond=None)
        return solution.T, residual.sum()

    (plain, error), (mirrored, mirrored_error) = fit(before_px), fit(before_px[list(MIRROR_JOINTS)])
    best, least = (plain, error) if error < mirrored_error else (mirrored, mirrored_error)
    assert least < 1e-5 * before_px[:, :2].max() ** 2
    assert (np.linalg.det(best[:, :2]) < 0) == (mirrored_error < error)
    return best


def test_a_dot_on_a_joint_is_found_on_that_joint():
    # One dot per picture: the centroid of the whole picture finds it without knowing where to look.
    size, rng = 128, np.random.default_rng(2)
    batch = make_batch(4 * NUM_JOINTS, size, rng)
    centres = np.arange(size) + 0.5
    joints = np.arange(len(batch['source_pose'])) % NUM_JOINTS
    for side in ('source', 'target'):
        for sample, joint in enumerate(joints):
            x, y = batch[f'{side}_pose'][sample, joint, :2]
            dot = np.exp(-((centres - x) ** 2 + (centres[:, None] - y) ** 2) / (2 * 3.0 ** 2))
            batch[f'{side}_image'][sample] = np.rint(255 * dot)[..., None]
    middle = [JOINT_INDEX[name] for name in ('neck', 'nose', 'pelv')]
    moved = numpy(augment(batch, SEED, WITHOUT_COLOUR))
    num_mirrored = 0
    for side, (sample, joint) in itertools.product(('source', 'target'), enumerate(joints)):
        before, after = (np.linalg.det(np.c_[poses[sample, middle, :2], np.ones(3)])
                         for poses in (batch[f'{side}_pose'], moved[f'{side}_pose']))
        is_mirrored = before * after < 0
        num_mirrored += is_mirrored
        # The left hand of the person in the mirror is the right hand of the person before it.
        expected = moved[f'{side}_pose'][sample, MIRROR_JOINTS[joint] if is_mirrored else joint, :2]
        weights = unit(moved[f'{side}_image'][sample, :, :, 0])
        found = np.array([(weights.sum(0) * centres).sum(), (weights.sum(1) * centres).sum()]) / weights.sum()
        np.testing.assert_allclose(found, expected, atol=0.05)
    assert 0.25 < num_mirrored / (2 * len(joints)) < 0.75


def test_images_and_mask_agree_with_opencv(batch):
    moved = numpy(augment(batch, SEED, WITHOUT_COLOUR))
    half = np.full(2, 0.5)
    for sample in range(4):
        affine = affine_of(batch['source_pose'][sample], moved['source_pose'][sample])
        affine[:, 2] += affine[:, :2] @ half - half  # OpenCV's first pixel centre is 0
        for name in PICTURES:
            expected = cv2.warpAffine(batch[name][sample].astype(np.float32), affine, (64, 64),
                                      flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            found = moved[name][sample] if name.endswith('mask') else unit(moved[name][sample])
            # OpenCV rounds positions to 1/32 px; neighbouring pixels differ by up to 25.
            np.testing.assert_allclose(255 * found, expected.reshape(found.shape), atol=1.6)


def test_draws_fill_their_ranges():
    size, num_samples = 8, 2000
    batch = make_batch(num_samples, size, np.random.default_rng(3))
    moved = numpy(augment(batch, SEED, WITHOUT_COLOUR))
    affines = np.stack([affine_of(*poses) for poses in zip(
        batch['source_pose'], moved['source_pose'], strict=True)])
    mirrored = np.linalg.det(affines[:, :, :2]) < 0
    assert abs(mirrored.mean() - 0.5) < 0.05
    centre = np.full(2, size / 2)
    z = batch['target_pose'][..., 2]
    z = np.where(mirrored[:, None], z[:, list(MIRROR_JOINTS)], z)
    expected_z = z * np.sqrt(np.abs(np.linalg.det(affines[:, :, :2])))[:, None]
    draws = {  # the second column of A = scale R F knows nothing of the flip
        'rotation': (np.arctan2(-affines[:, 0, 1], affines[:, 1, 1]), 0.1),
        'scale': (np.hypot(affines[:, 0, 1], affines[:, 1, 1]) - 1, 0.1),
        'x': ((affines[:, :, :2] @ centre + affines[:, :, 2] - centre)[:, 0], 20 * size / 256),
        'y': ((affines[:, :, :2] @ centre + affines[:, :, 2] - centre)[:, 1], 20 * size / 256),
        'z': (moved['target_pose'][..., 2] - expected_z, 0.5 * size / 256),
    }
    for name, (values, reach) in draws.items():
        assert -1.01 * reach < values.min() < -0.98 * reach, name
        assert 0.98 * reach < values.max() < 1.01 * reach, name
        assert abs(values.mean()) < 0.06 * reach, name


def test_nothing_changes_nothing(batch):
    prepared, same = numpy(prepare(batch)), numpy(augment(batch, SEED, NOTHING))
    assert set(same) == set(prepared) == set(batch)
    for name, value in prepared.items():
        np.testing.assert_array_equal(same[name], value, err_msg=name)


def test_prepare_fills_the_ranges(batch):
    batch['source_image'][0, 0, 0], batch['target_mask'][0, 0, 0, 0] = (0, 51, 255), 255
    prepared = numpy(prepare(batch))
    np.testing.assert_allclose(prepared['source_image'][0, 0, 0], (-1, -0.6, 1), atol=1e-6)
    assert prepared['target_mask'][0, 0, 0, 0] == 1
    assert {prepared[name].dtype for name in PICTURES} == {np.dtype(np.float32)}


def test_flip_mirrors_pixels_and_points_and_undoes_itself(batch):
    flipped, prepared = numpy(augment(batch, SEED, FLIP_ONLY)), numpy(prepare(batch))
    is_flipped = (flipped['source_image'] != prepared['source_image']).any(axis=(1, 2, 3))
    assert 0 < is_flipped.sum() < 4  # the seed shows both
    for name in PICTURES:
        np.testing.assert_array_equal(flipped[name][is_flipped], prepared[name][is_flipped, :, ::-1])
    left = flipped['source_pose'][is_flipped, JOINT_INDEX['lwri']]
    right = batch['source_pose'][is_flipped, JOINT_INDEX['rwri']]
    np.testing.assert_allclose(left, right * (-1, 1, 1) + (64, 0, 0), atol=1e-5)
    bytes_again = {name: np.rint(255 * (flipped[name] if name.endswith('mask') else unit(flipped[name])))
                   for name in PICTURES}
    twice = numpy(augment({**flipped, **bytes_again}, SEED, FLIP_ONLY))
    for name, value in prepared.items():
        if value.dtype == np.float32:
            np.testing.assert_allclose(twice[name], value, atol=2e-5, err_msg=name)


def test_the_mirror_map_is_an_involution_that_swaps_sides():
    assert [MIRROR_JOINTS[index] for index in MIRROR_JOINTS] == list(range(NUM_JOINTS))
    swapped = {name: JOINT_NAMES[MIRROR_JOINTS[index]] for index, name in enumerate(JOINT_NAMES)}
    assert swapped['lwri'] == 'rwri' and swapped['rear'] == 'lear' and swapped['neck'] == 'neck'
    assert sum(name == other for name, other in swapped.items()) == 3


def test_images_stay_in_range_however_hard_the_colours(batch):
    rng = np.random.default_rng(4)
    for name in ('source_image', 'target_image'):
        batch[name] = rng.choice(np.array([0, 1, 128, 254, 255], np.uint8), batch[name].shape)
    settings = AugmentSettings(brightness=1.0, contrast=1.0, saturation=1.0)
    for seed in range(5):
        moved = numpy(augment(batch, (seed, 0), settings))
        for name in PICTURES:
            low = 0 if name.endswith('mask') else -1
            assert np.isfinite(moved[name]).all() and low <= moved[name].min() and moved[name].max() <= 1
        assert moved['source_image'].min() == -1 and moved['source_image'].max() == 1


def test_source_and_target_get_the_same_draw(batch):
    batch['target_image'], batch['target_pose'] = batch['source_image'], batch['source_pose']
    batch['source_mask'] = batch['target_mask'] = batch['source_image'][..., :1]
    moved = numpy(augment(batch, SEED))
    np.testing.assert_array_equal(moved['source_image'], moved['target_image'])
    jitter = moved['target_pose'] - moved['source_pose']
    assert not jitter[..., :2].any() and 0 < np.abs(jitter[..., 2]).max() <= 0.5 * 64 / 256
    masks = numpy(augment(batch, SEED, WITHOUT_COLOUR))
    for name in ('source_mask', 'target_mask'):
        np.testing.assert_allclose(masks[name], unit(masks['source_image'][..., :1]), atol=1e-6)


def test_nothing_else_depends_on_the_masks(batch):
    moved = numpy(augment(batch, SEED))
    without = {**batch, **{name: np.zeros_like(batch[name]) for name in ('source_mask', 'target_mask')}}
    for name, value in numpy(augment(without, SEED)).items():
        assert name.endswith('mask') or (value == moved[name]).all(), name


def test_the_seed_decides_and_samples_differ(batch):
    batch = {name: np.repeat(value[:1], 4, axis=0) for name, value in batch.items()}
    once, again = numpy(augment(batch, SEED)), numpy(augment(batch, SEED))
    other = numpy(augment(batch, (3, 15)))
    graph = numpy(tf.function(augment)(batch, tf.constant(SEED)))
    for name in (*PICTURES, 'source_pose', 'target_pose'):
        np.testing.assert_array_equal(once[name], again[name])
        np.testing.assert_allclose(once[name], graph[name], atol=1e-4)
        assert not np.allclose(once[name], other[name], atol=1e-3)
        assert not any(np.allclose(once[name][0], sample, atol=1e-3) for sample in once[name][1:])


def test_a_batch_equals_its_samples_one_by_one(batch):
    """With the draws of the batch, which follow from a sample's place in it."""
    whole = numpy(augment(batch, SEED))
    num_samples, size = len(batch['source_image']), 64.0
    seeds = tf.unstack(tf.random.experimental.stateless_split(SEED, 3))
    warp = augmentation.draw_warp(seeds[0], num_samples, size, REFERENCE)
    factors, order = augmentation.draw_colour(seeds[1], num_samples, REFERENCE)
    for sample in range(num_samples):
        one = slice(sample, sample + 1)
        pair = tf.concat([batch[name][one] for name in PICTURES[:2]], 3)
        warped = warp_images(pair, **{name: value[one] for name, value in warp.items()}) / 255
        planes = tf.stack(tf.split(tf.transpose(warped, (3, 0, 1, 2)), 2), axis=2)
        distorted = tf.stack(distort_colour(
            tf.unstack(planes), {name: value[one] for name, value in factors.items()}, order[one]), axis=-1)
        for place, name in enumerate(PICTURES[:2]):
            np.testing.assert_allclose(unit(whole[name][one]), distorted[:, place], atol=1e-5)


@pytest.mark.parametrize('change', [
    {'scale': 1.0}, {'hue': 0.6}, {'brightness': -0.1}, {'rotation_rad': float('nan')}, {'contrast': 1.5}])
def test_impossible_settings_are_named(change):
    with pytest.raises(ValueError, match=f'{next(iter(change))}: expected a number from 0'):
        AugmentSettings(**change)
    assert REFERENCE.changes_colour and not WITHOUT_COLOUR.changes_colour


def test_parts_of_a_batch_are_distorted_as_the_whole(batch):
    whole = numpy(augment(batch, SEED))
    for first in (0, 2):
        part = numpy(augment({name: value[first:first + 2] for name, value in batch.items()}, SEED,
                             first_row=first, num_rows=4))
        for name, value in part.items():
            if value.dtype == np.float32:
                # Compiled for another number of samples, the sums round otherwise.
                np.testing.assert_allclose(value, whole[name][first:first + 2], atol=1e-5, err_msg=name)
