"""Flicker: what results change more than the truth from frame to frame, also where an evaluation goes on."""

import types

import numpy as np
import pytest
import tensorflow as tf

from experiments.evaluation.flicker import Flicker

TRUE = (0, 10, 30, 30, 60)  # the level of every true frame
PAIRS = [('f/source', f'f/{place}') for place in range(len(TRUE))]
BEFORE = {PAIRS[1]: PAIRS[0], PAIRS[2]: PAIRS[1], PAIRS[4]: PAIRS[3]}
SIZE = 4


def frames(levels):
    return np.stack([np.full((SIZE, SIZE, 3), level, np.uint8) for level in levels])


def batches(pairs, batch_size):
    for start in range(0, len(pairs), batch_size):
        some = pairs[start:start + batch_size]
        images = frames([TRUE[PAIRS.index(pair)] for pair in some])
        sources, targets = zip(*some, strict=True)
        yield {'target_image': tf.constant(images / 127.5 - 1, tf.float32), 'source_id': tf.constant(sources),
               'target_id': tf.constant(targets)}


SOURCE = types.SimpleNamespace(before=BEFORE, batches=batches, scored_columns=slice(1, 3))


class System:
    """Makes frames of these levels."""

    missing = ()

    def __init__(self, levels):
        self._levels, self.num_made = levels, 0

    def __call__(self, batch):
        targets = [target.decode() for target in batch['target_id'].numpy()]
        self.num_made += len(targets)
        return frames([self._levels[int(target[2:])] for target in targets])


def flicker_of(system, pairs=PAIRS, batch_size=2, columns=slice(None)):
    flicker = Flicker(system, SOURCE)
    return np.concatenate([flicker(system(batch)[:, :, columns], batch) for batch in batches(pairs, batch_size)]) * 255


@pytest.mark.parametrize('levels, expected', [
    (TRUE, [np.nan, 0, 0, np.nan, 0]),
    ((50,) * 5, [np.nan, -10, -20, np.nan, -30]),  # a still picture moves too little
    ((0, 40, 0, 7, 7), [np.nan, 30, 20, np.nan, -30])])
@pytest.mark.parametrize('batch_size', [1, 2, 5])
def test_flicker_is_the_change_of_results_less_that_of_the_truth(levels, expected, batch_size):
    system = System(levels)
    np.testing.assert_allclose(flicker_of(system, batch_size=batch_size), expected, atol=1e-4)
    np.testing.assert_allclose(flicker_of(System(levels), columns=slice(1, 3)), expected, atol=1e-4)
    assert system.num_made == len(PAIRS)  # none is made twice


def test_an_evaluation_that_goes_on_has_the_same_flicker():
    levels = (0, 40, 0, 7, 7)
    np.testing.assert_allclose(flicker_of(System(levels), PAIRS[2:]), flicker_of(System(levels))[2:])


def test_without_a_result_before_there_is_no_flicker():
    system = System(TRUE)
    system.missing = (PAIRS[3],)
    np.testing.assert_array_equal(np.isnan(flicker_of(system, PAIRS[4:])), [True])
