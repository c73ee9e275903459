"""The squares of the person and of the head: where they lie, and that nothing but what is in them counts."""

import numpy as np
import pytest
import tensorflow as tf

from experiments.evaluation.pair_scorer import PairScorer
from experiments.evaluation.person_square import SquareMetrics, cut, head_square, person_square
from repose_tf.metrics import lpips
from repose_tf.skeleton import NUM_JOINTS, joint_indices
from tests.support.made_up_metrics import make_up_lpips

SIZE = 80


def mask_of(rows, columns, shape=(SIZE, SIZE)):
    mask = np.zeros(shape, bool)
    mask[slice(*rows), slice(*columns)] = True
    return mask


@pytest.mark.parametrize('rows, columns, shape, expected', [
    ((20, 60), (30, 40), (100, 100), (16, 11, 48)),  # as high as 40 px and a tenth on each side
    ((30, 40), (20, 60), (100, 100), (11, 16, 48)),
    ((50, 52), (40, 41), (100, 100), (35, 24, 32)),  # no smaller than this
    ((0, 40), (95, 100), (100, 100), (0, 52, 48)),  # moved into the picture
    ((60, 100), (0, 5), (100, 100), (52, 0, 48)),
    ((2, 100), (0, 60), (100, 100), (0, 0, 100)),  # no larger than the picture
    ((0, 96), (0, 60), (96, 64), (0, -16, 96)),  # of a high picture: beyond both of its sides
])
def test_where_the_square_lies(rows, columns, shape, expected):
    assert person_square(mask_of(rows, columns, shape)) == expected


def head_at(row, column, length):
    """Returns a pose whose head is so long, from the neck upwards to the eyes; all other joints are far away."""
    pose = np.full((NUM_JOINTS, 3), -500.0)
    pose[joint_indices('nose', 'leye', 'lear', 'reye', 'rear')] = column, row - length, 0
    pose[joint_indices('neck')] = column, row, 0
    return pose


@pytest.mark.parametrize('row, column, length, shape, expected', [
    (60, 50, 20, (100, 100), (30, 30, 40)),  # half of its length above and below
    (60, 50, 10, (100, 100), (39, 34, 32)),
    (10, 98, 20, (100, 100), (0, 60, 40)),  # half of it is above the picture: moved into it
    (-1, 50, 20, (100, 100), None),
    (60, 130, 20, (100, 100), None)])
def test_where_the_square_of_the_head_lies(row, column, length, shape, expected):
    assert head_square(head_at(row, column, length), shape) == expected


def test_what_is_cut_is_the_picture_and_grey_beyond_it():
    image = np.random.default_rng(0).integers(0, 256, (96, 64, 3), np.uint8)
    whole = cut(image, 0, -16, 96)
    np.testing.assert_array_equal(whole[:, 16:80], image)
    assert (whole[:, :16] == 128).all() and (whole[:, 80:] == 128).all()
    # Half of the side, twice as large.
    np.testing.assert_array_equal(cut(image, 10, 5, 48)[::95, ::95], image[10:58:47, 5:53:47])
    assert cut(image, 10, 5, 48).shape == (96, 96, 3)


@pytest.fixture(scope='module')
def metric():
    return lpips.Lpips(make_up_lpips('alex'))


@pytest.fixture(scope='module')
def scorer(metric):
    return PairScorer(slice(0, SIZE), {'lpips_alex': metric}, squares=SquareMetrics(metric))


def batch_of(pixels, has_mask):
    mask = np.zeros((len(pixels), SIZE, SIZE, 1), np.float32)
    mask[:, 30:50, 30:40] = 1
    return {'target_image': tf.constant(pixels / 127.5 - 1, tf.float32), 'target_mask': tf.constant(mask),
            'has_target_mask': tf.constant(has_mask)}


def changed(pixels, rows):
    """Returns pictures whose rows of the columns 30 to 40 are inverted."""
    pixels = pixels.copy()
    pixels[:, slice(*rows), 30:40] ^= 0xff
    return pixels


def test_only_what_is_in_the_square_counts(scorer):
    pixels = np.random.default_rng(1).integers(0, 256, (1, SIZE, SIZE, 3), np.uint8)
    batch = batch_of(pixels, [True])
    assert scorer(pixels, batch)['lpips_person'] == [0]
    outside, inside = (scorer(changed(pixels, rows), batch) for rows in ((70, 80), (35, 45)))
    assert outside['lpips_person'] == [0] < outside['lpips_alex']
    assert inside['lpips_person'] > inside['lpips_alex'] > 0


def test_the_person_is_seen_as_large_as_the_picture(metric):
    pixels = np.random.default_rng(2).integers(0, 256, (1, SIZE, SIZE, 3), np.uint8)
    mask = batch_of(pixels, [True])['target_mask']
    found = SquareMetrics(metric)(changed(pixels, (35, 45)), pixels, mask, [True])['lpips_person']
    squares = [cut(each[0], 24, 19, 32)[np.newaxis] / 255 for each in (changed(pixels, (35, 45)), pixels)]
    np.testing.assert_allclose(found, metric(*squares), rtol=1e-4)


def test_only_the_head_counts_in_its_square_whichever_columns_are_scored(metric):
    pixels = np.random.default_rng(4).integers(0, 256, (1, SIZE, SIZE, 3), np.uint8)
    batch = {**batch_of(pixels, [False]), 'target_pose': tf.constant([head_at(30, 40, 16)], tf.float32)}
    scorer = PairScorer(slice(8, 72), squares=SquareMetrics(metric))
    below, within = (scorer(changed(pixels, rows), batch) for rows in ((40, 80), (10, 20)))
    assert below['lpips_head'] == [0] < within['lpips_head'] and np.isnan(within['lpips_person']).all()
    squares = [cut(each[0, :, 8:72], 6, 16, 32)[np.newaxis] / 255 for each in (changed(pixels, (10, 20)), pixels)]
    np.testing.assert_allclose(within['lpips_head'], metric(*squares), rtol=1e-4)
    assert "head's square: made-up alex" in scorer.identity['lpips_head']


def test_without_a_mask_or_a_person_there_is_no_score(scorer, metric):
    pixels = np.random.default_rng(3).integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
    mask = np.zeros((3, SIZE, SIZE, 1), np.float32)
    mask[:2, 30:50, 30:40] = 1
    found = SquareMetrics(metric)(changed(pixels, (35, 45)), pixels, mask, [True, False, True])['lpips_person']
    assert found[0] > 0 and np.isnan(found[1:]).all()
    assert 'lpips_person' in scorer.identity and "person's square: made-up alex" in scorer.identity['lpips_person']
    assert 'lpips_person' not in PairScorer(slice(0, SIZE), {'lpips_alex': metric}).identity
