"""Checkpoints: all that was saved comes back, and nothing else is taken for it."""

import dataclasses
import glob
import os
import resource

import keras
import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.errors import UsageError
from experiments.models import opening
from experiments.training import checkpoints, run_folder
from repose_tf.variables import tf_variables
from tests.support.tiny import LEAST, TINY, TINY_DETAIL, tiny_generator, tiny_run


def values(model):
    return [variable.numpy() for variable in tf_variables(model)]


def same(first, second):
    return len(first) == len(second) and all(map(np.array_equal, first, second))


def test_every_variable_is_saved(tmp_path):
    generator = tiny_generator(TINY)
    prefix = checkpoints.Checkpoints(str(tmp_path), generator=generator).save(1)
    saved = [name for name, _ in tf.train.list_variables(prefix) if name.startswith('generator/')]
    assert len(saved) == len(generator.variables) > 50


def test_a_generator_comes_back_from_its_run_folder(tmp_path):
    generator = tiny_generator()
    loaded = opening.load_generator(tiny_run(tmp_path, generator))
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
    other = tiny_generator(dataclasses.replace(LEAST, **change))
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


def three_checkpoints(folder):
    """Checkpoints 1, 2 and 3, whose only value is their number."""
    step = tf.Variable(np.zeros(1000, np.float32))
    saved = checkpoints.Checkpoints(str(folder), step=step)
    for number in (1, 2, 3):
        step.assign(tf.fill([1000], float(number)))
        saved.save(number)
    return saved, step


def shorten(data):
    return data[:100]


def change_a_byte(data):
    return data[:500] + bytes([data[500] ^ 1]) + data[501:]


@pytest.mark.parametrize('damage', [shorten, change_a_byte])
@pytest.mark.parametrize('suffix', ['.index', '.data-00000-of-00001'])
def test_a_damaged_checkpoint_is_passed_over_aloud(tmp_path, damage, suffix):
    saved, step = three_checkpoints(tmp_path)
    path = tmp_path / f'step-3{suffix}'
    data = path.read_bytes()
    path.write_bytes(damage(data) if len(data) > 500 else data[:len(data) // 2])
    said = []
    assert saved.restore_latest(said.append).endswith('step-2')
    assert step.numpy()[0] == 2
    assert len(said) == 1 and 'step-3: damaged, the one before is taken' in said[0]


def test_where_all_are_damaged_nothing_is_trained_from_scratch(tmp_path):
    saved, _ = three_checkpoints(tmp_path)
    for path in tmp_path.glob('*.index'):
        path.write_bytes(b'')
    with pytest.raises(UsageError, match='step-1: expected a complete checkpoint'):
        saved.restore_latest(lambda text: None)


def test_a_full_disk_leaves_the_checkpoints_before(tmp_path):
    saved, step = three_checkpoints(tmp_path)
    step.assign(tf.fill([1000], 4.0))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # no file may grow larger, as if there were no room
    try:
        with pytest.raises(UsageError, match='step-4: the checkpoint cannot be written.*step-3 is intact'):
            saved.save(4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(path.name for path in tmp_path.glob('*.index')) == [f'step-{number}.index' for number in (1, 2, 3)]
    assert not list(tmp_path.glob('step-4*'))
    assert saved.restore_latest().endswith('step-3') and step.numpy()[0] == 3


def test_a_new_run_begins_with_the_average_of_another(tmp_path):
    generator, average = tiny_generator(), tiny_generator()
    folder = tiny_run(tmp_path)
    checkpoints.Checkpoints(folder.checkpoints_dir, generator=generator, average=average).save(5)
    parts = {'generator': tiny_generator(), 'average': tiny_generator(), 'discriminator': tiny_generator()}
    untouched = values(parts['discriminator'])
    said = checkpoints.take_over(folder, parts)
    assert same(values(parts['generator']), values(average)) and same(values(parts['average']), values(average))
    assert same(values(parts['discriminator']), untouched)
    assert 'holds no discriminator: this run begins with an untrained one' in said[-1]


def test_a_run_may_begin_with_a_packed_model(tmp_path):
    packed = tiny_generator()
    parts = {'generator': tiny_generator(), 'average': tiny_generator(), 'discriminator': tiny_generator()}
    untouched = values(parts['discriminator'])
    said = checkpoints.take_over_packed('there', packed, parts)
    assert same(values(parts['generator']), values(packed)) and same(values(parts['average']), values(packed))
    assert same(values(parts['discriminator']), untouched) and 'there' in said[-1]
    with pytest.raises(UsageError, match='there: holds another architecture: .*detail expected'):
        run_folder.check_architecture('there', TINY_DETAIL, packed.architecture)


def test_the_average_is_what_is_loaded_unless_the_latest_is_asked_for(tmp_path):
    generator, average = tiny_generator(), tiny_generator()
    folder = tiny_run(tmp_path, generator)  # keeps no average
    assert same(values(opening.load_generator(folder)), values(generator))
    checkpoints.Checkpoints(folder.checkpoints_dir, generator=generator, average=average).save(5)
    assert same(values(opening.load_generator(folder)), values(average))
    assert same(values(opening.load_generator(folder, weights='latest')), values(generator))
