"""The baseline of carried pixels: geometry alone, over a background in which nobody stands."""

import numpy as np
import pytest
import tensorflow as tf

from experiments.evaluation.systems import Carried, CopyOfSource, WithTruth
from repose_tf.warp.body_parts import person_mask
from tests.support import cases

SIZE = 48
POSE = (cases.STANDING_POSE_PX * (SIZE / 256))[np.newaxis].astype(np.float32)
TURNED = POSE * np.float32([-1, 1, -1]) + np.float32([SIZE, 0, 0])
BACKGROUND = np.float32([-0.5, 0.0, 0.5])


def batch_of(target_pose, has_mask=True):
    """A picture whose person is noise before one colour; its mask is what the pose covers, given or not."""
    batch = {'source_pose': tf.constant(POSE), 'target_pose': tf.constant(target_pose),
             'source_mask': tf.zeros((1, SIZE, SIZE, 1)), 'has_source_mask': tf.constant([False])}
    mask = person_mask(batch, 'source')
    noise = np.random.default_rng(0).uniform(0.6, 1, (1, SIZE, SIZE, 3))
    batch['source_image'] = tf.cast(tf.where(mask > 0, noise, BACKGROUND), tf.float32)
    return batch | ({'source_mask': mask, 'has_source_mask': tf.constant([True])} if has_mask else {}), mask.numpy() > 0


@pytest.fixture(scope='module')
def system():
    return Carried(SIZE)


def carried(system, batch):
    return np.asarray(system(batch)).astype(int)


def pixels(image):
    return np.round((np.asarray(image) + 1) * 127.5)


@pytest.mark.parametrize('has_mask', [True, False])
def test_the_same_pose_shows_the_picture_itself(system, has_mask):
    batch, mask = batch_of(POSE, has_mask)
    found, expected = carried(system, batch), pixels(batch['source_image'])
    # Of the mask's blocks, the surface does not cover all: what it leaves is background.
    is_person = np.abs(found - expected).max(axis=-1) <= 1
    assert is_person[mask[..., 0]].mean() > 0.7
    left = ~is_person
    assert (np.abs(found[left] - pixels(BACKGROUND)) <= 1).all() and not (left & ~mask[..., 0]).any()


def test_half_a_turn_shows_the_front_mirrored(system):
    batch, mask = batch_of(TURNED)
    found, mirrored = carried(system, batch), pixels(batch['source_image'])[:, :, ::-1]
    is_person = np.abs(found - mirrored).max(axis=-1) <= 1
    assert is_person[mask[:, :, ::-1, 0]].mean() > 0.7


def test_nothing_of_the_person_stays_where_it_stood(system):
    batch, mask = batch_of(POSE + np.float32([1e4, 0, 0]))  # out of the picture
    assert mask.any() and (np.abs(carried(system, batch) - pixels(BACKGROUND)) <= 1).all()


def test_of_the_true_picture_the_background_or_the_person_is_shown():
    batch, mask = batch_of(TURNED)
    truth = tf.zeros_like(batch['source_image'])
    batch |= {'target_image': truth, 'target_mask': tf.constant(mask, tf.float32),
              'has_target_mask': tf.constant([True])}
    copied = np.asarray(CopyOfSource()(batch))
    for is_person_true, is_shown in ((True, mask), (False, ~mask)):
        system = WithTruth(CopyOfSource(), is_person_true)
        found = np.asarray(system(batch))
        is_true = (found == pixels(truth)).all(axis=-1, keepdims=True)
        away = np.asarray(tf.nn.max_pool2d(np.float32(mask), 5, 1, 'SAME')) == mask  # not beside its edge
        assert (is_true == is_shown)[away].all() and (found[~is_true[..., 0]] == copied[~is_true[..., 0]]).all()
        assert system.name == f'copy of the source, true {"person" if is_person_true else "background"}'
