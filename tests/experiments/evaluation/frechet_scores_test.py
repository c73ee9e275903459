"""FID of systems: features of exactly the scored pairs, whatever was interrupted, against all training pictures."""

import numpy as np
import pytest
import tensorflow as tf

from experiments.evaluation import frechet_scores
from experiments.evaluation.frechet_scores import FrechetScores
from repose_tf.metrics.fid import FeatureStatistics, fid

NUM_FEATURES, SIZE = 4, 4


class Corners:
    """Stands in for Inception: a feature is the sum of the colours in a corner."""

    description = 'corners 12'

    def __call__(self, images):
        return tf.reshape(tf.reduce_sum(images, axis=3)[:, ::SIZE - 1, ::images.shape[2] - 1], [-1, NUM_FEATURES])


class Data:
    """Five training pictures of two persons."""

    name = 'made-up-1'
    images = np.random.default_rng(1).integers(0, 256, (5, SIZE, SIZE, 3), np.uint8)
    num_read = 0

    def frame_ids(self, split):
        return {'train': {'a': ['a/0', 'a/1'], 'b': ['b/0', 'b/1', 'b/2']}}[split]

    def batches_of(self, split, pairs, image_size, batch_size):
        assert (split, image_size) == ('train', SIZE) and len(pairs) == 5
        Data.num_read += 1
        for start in range(0, 5, batch_size):
            yield {'target_image': tf.constant(self.images[start:start + batch_size])}


@pytest.fixture
def frechet(monkeypatch):
    monkeypatch.setattr(frechet_scores, 'NUM_FEATURES', NUM_FEATURES)
    return FrechetScores(Corners(), slice(0, SIZE))


def statistics(images):
    gathered = FeatureStatistics(NUM_FEATURES)
    gathered.add(Corners()(tf.constant(images, tf.float32) / 255))
    return gathered


def test_results_are_compared_with_all_training_pictures_read_once(frechet, tmp_path):
    results = np.random.default_rng(2).integers(0, 256, (7, SIZE, SIZE, 3), np.uint8)
    path = str(tmp_path / 'model-12.jsonl')
    frechet.append(path, 0, results[:4])
    frechet.append(path, 4, np.zeros_like(results[:2]))  # by a process that was killed before it counted them
    frechet.append(path, 4, results[4:])
    truth = frechet.truth(Data(), SIZE, str(tmp_path))
    value, count = frechet.of(path, truth)
    assert count == 7 and truth.count == 5
    assert value == pytest.approx(fid(statistics(results), statistics(Data.images)), rel=1e-5)
    frechet.truth(Data(), SIZE, str(tmp_path))
    assert Data.num_read == 1


def test_only_the_scored_columns_count(frechet, tmp_path):
    cut = FrechetScores(Corners(), slice(1, 3))
    image = np.random.default_rng(3).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    for name, pixels in (('whole', image), ('part', image[:, :, 1:3])):
        cut.append(str(tmp_path / f'{name}.jsonl'), 0, pixels)
    assert (tmp_path / 'whole.features').read_bytes() == (tmp_path / 'part.features').read_bytes()
