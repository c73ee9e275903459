"""JPEG noise is that of JPEG files: as another codec's of a quality in the range, alike on both sides."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.batches import input_pipeline, jpeg_noise
from data_pipeline.people.people_builder import PeopleBuilder
from tests.support.people_folders import write_people

NUM_DRAWS = 60


@pytest.fixture(scope='module')
def picture():
    """[64, 64, 3] uint8: soft shapes with grain, as photos have."""
    rng = np.random.default_rng(0)
    soft = cv2.GaussianBlur(rng.uniform(0, 255, (64, 64, 3)).astype(np.float32), (0, 0), 3)
    soft = (soft - soft.mean()) * 6 + 128
    return np.clip(soft + rng.normal(0, 6, soft.shape), 0, 255).astype(np.uint8)


def drawn(picture, share, seed=1):
    pair = {'source_image': tf.constant(picture), 'target_image': tf.constant(picture), 'source_id': tf.constant('a')}
    found = [jpeg_noise.compressed(pair, seed, tf.constant(number, tf.int64), share) for number in range(NUM_DRAWS)]
    return [{name: value.numpy() for name, value in one.items()} for one in found]


def error(image, truth):
    return np.abs(image.astype(np.float64) - truth).mean()


def test_errors_lie_between_those_of_the_best_and_of_the_worst_quality_of_another_codec(picture):
    limits = [error(cv2.imdecode(cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1), picture)
              for quality in (96, 30)]
    errors = np.array([error(one['source_image'], picture) for one in drawn(picture, 1.0)])
    assert limits[0] * 0.9 < errors.min() and errors.max() < limits[1] * 1.1
    assert errors.min() < limits[0] * 1.5 and errors.max() > limits[1] * 0.8  # nearly the whole range occurs


def test_source_and_target_are_compressed_alike_and_the_rest_stays(picture):
    for one in drawn(picture, 1.0):
        assert one['source_id'] == b'a'
        np.testing.assert_array_equal(one['source_image'], one['target_image'])


def test_the_share_says_how_many_pairs_are_compressed(picture):
    changed = np.mean([np.any(one['source_image'] != picture) for one in drawn(picture, 0.5)])
    assert 0.3 < changed < 0.7
    assert not any(np.any(one['source_image'] != picture) for one in drawn(picture, 0.0))


def test_batches_with_jpeg_noise_differ_in_pictures_alone_and_are_drawn_again(tmp_path):
    write_people(tmp_path / 'mine', {'a': 3, 'b': 2}, {'train': ['a', 'b']})
    builder = PeopleBuilder.opened(tmp_path / 'mine', tmp_path / 'records')

    def batches(share, first=0):
        found = input_pipeline.train_batches(builder, 16, 4, 3, first_step=first, jpeg_share=share)
        return [{name: value.numpy() for name, value in batch.items()} for batch in found.take(2)]

    clean, noisy, again, later = batches(0.0), batches(1.0), batches(1.0), batches(1.0, first=1)
    for one, other, same in zip(clean, noisy, again, strict=True):
        for name in one:
            assert np.array_equal(one[name], other[name]) == (name not in ('source_image', 'target_image')), name
            np.testing.assert_array_equal(other[name], same[name])
    np.testing.assert_array_equal(later[0]['source_image'], noisy[1]['source_image'])  # a resumed run
