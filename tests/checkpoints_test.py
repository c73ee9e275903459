"""What was saved comes back, all of it, and nothing else is taken for it."""

import dataclasses
import glob
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments import checkpoints
from experiments.program import UsageError
from repose_tf.variables import tf_variables
from tests.tiny import TINY, tiny_generator, tiny_run


def values(model):
    return [variable.numpy() for variable in tf_variables(model)]


def same(first, second):
    return len(first) == len(second) and all(map(np.array_equal, first, second))


def test_every_variable_is_saved(tmp_path):
    generator = tiny_generator()
    prefix = checkpoints.Checkpoints(str(tmp_path), generator=generator).save(1)
    saved = [name for name, _ in tf.train.list_variables(prefix) if name.startswith('generator/')]
    assert len(saved) == len(generator.variables) > 50


def test_a_generator_comes_back_from_its_run_folder(tmp_path):
    generator = tiny_generator()
    loaded = checkpoints.load_generator(tiny_run(tmp_path, generator))
    assert same(values(generator), values(loaded))


def test_optimiser_and_step_come_back(tmp_path):
    weights = [tf.Variable([1.0, 2.0]), tf.Variable([[3.0]])]

    def parts():
        optimizer = keras.optimizers.Adam(0.1)
        optimizer.build(weights)
        return optimizer, tf.Variable(0, dtype=tf.int64)

    optimizer, step = parts()
    optimizer.apply_gradients([(tf.ones_like(weight), weight) for weight in weights])
    step.assign(7)
    checkpoints.Checkpoints(str(tmp_path), optimizer=optimizer, step=step).save(7)
    restored, restored_step = parts()
    checkpoints.Checkpoints(str(tmp_path), optimizer=restored, step=restored_step).restore_latest()
    assert restored_step.numpy() == 7
    assert same(values(optimizer), values(restored))


def test_only_the_latest_are_kept(tmp_path):
    saver = checkpoints.Checkpoints(str(tmp_path), keep=2, step=tf.Variable(0))
    for step in (10, 20, 30):
        saver.save(step)
    assert sorted(os.path.basename(path) for path in glob.glob(str(tmp_path / '*.index'))) == [
        'step-20.index', 'step-30.index']
    assert saver.prefixes[0].endswith('step-30')


def test_a_folder_without_checkpoint_is_refused(tmp_path):
    with pytest.raises(UsageError, match='expected a checkpoint, found none'):
        checkpoints.Checkpoints(str(tmp_path), step=tf.Variable(0)).restore_latest()


@pytest.mark.parametrize('change, words', [
    ({'volume_channels': 8}, 'expected .* of shape .*found'),
    ({'volume_units': 2}, 'expected [0-9]+ variables, found [0-9]+'),
])
def test_another_architecture_is_refused(tmp_path, change, words):
    checkpoints.Checkpoints(str(tmp_path), generator=tiny_generator()).save(1)
    other = tiny_generator(dataclasses.replace(TINY, **change))
    before = values(other)
    with pytest.raises(UsageError, match=f'holds another generator; {words}'):
        checkpoints.Checkpoints(str(tmp_path), generator=other).restore_latest()
    assert same(before, values(other))


def test_a_truncated_checkpoint_is_refused(tmp_path):
    step = tf.Variable(np.zeros(1000, np.float32))
    prefix = checkpoints.Checkpoints(str(tmp_path), step=step).save(1)
    data = f'{prefix}.data-00000-of-00001'
    os.truncate(data, 100)
    with pytest.raises(UsageError, match='expected a complete checkpoint'):
        checkpoints.Checkpoints(str(tmp_path), step=step).restore_latest()
