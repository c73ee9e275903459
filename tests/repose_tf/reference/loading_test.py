"""Reading the reference's checkpoints: what is found where, what is taken, and what is refused and how."""

import dataclasses
import shutil
import zipfile

import numpy as np
import pytest
import tensorflow as tf

import repose_tf
from experiments.training.checkpoints import Checkpoints
from repose_tf.architecture import REFERENCE_CONVENTIONS
from repose_tf.discriminator import Discriminator
from repose_tf.generator import Generator
from repose_tf.reference import loading
from repose_tf.reference.checkpoint import opened
from repose_tf.reference.loading import CheckpointError, check_variant, has_discriminator, load_generator, restore
from repose_tf.reference.names import discriminator_names, generator_names
from tests.support.reference_files import made_up_values, write_checkpoint
from tests.support.tiny import TINY

ARCHITECTURE = dataclasses.replace(TINY, **REFERENCE_CONVENTIONS)
# In the authors' files and for us to leave alone.
OTHERS = {'GAN/Generator/resnet_v2_50/block3/unit_1/bottleneck_v2/conv1/weights': (1, 1, 8, 4),
          'GAN/Generator/resnet_v2_50/postnorm/gamma': (8,), 'GAN/Discriminator/resnet_v2_50/block4/unit_1/x': (2,),
          'block1_conv1/kernel': (3, 3, 3, 64)}
NORM = 'GAN/Generator/GroupNorm_2/gamma'


def shapes_of(names):
    return {name: tuple(variable.shape) for name, variable in names.items()}


@pytest.fixture(scope='module')
def networks():
    return Generator(ARCHITECTURE), Discriminator(ARCHITECTURE)


@pytest.fixture(scope='module')
def shapes(networks):
    """The names and shapes in a made-up checkpoint of a tiny model."""
    generator, discriminator = networks
    return {**OTHERS, **shapes_of(generator_names(generator)), **shapes_of(discriminator_names(discriminator))}


@pytest.fixture(scope='module')
def prefix(tmp_path_factory, shapes):
    """Prefix of that checkpoint, with the slots of an optimiser."""
    path = tmp_path_factory.mktemp('iPER-3d_w-2d_p') / 'model.ckpt-5'
    write_checkpoint(path, shapes)
    return path


def altered(tmp_path, shapes, values=made_up_values):
    """Writes another checkpoint; returns its prefix."""
    write_checkpoint(tmp_path / 'model.ckpt-5', shapes, values, num_trained=0)
    return tmp_path / 'model.ckpt-5'


def restored(network, path):
    with opened(path) as saved:
        restore(network, saved)


def zipped(path, prefix, folder=''):
    """Packs the files of a checkpoint; returns the path."""
    with zipfile.ZipFile(path, 'w') as archive:
        for file in prefix.parent.iterdir():
            archive.write(file, folder + file.name)
    return path


def test_every_variable_gets_the_value_of_its_name(networks, prefix):
    for network, names in zip(networks, (generator_names, discriminator_names), strict=True):
        assert len(names(network)) == len(network.variables)
        for variable in network.variables:
            variable.assign(tf.zeros_like(variable))
        restored(network, prefix)
        for name, variable in names(network).items():
            np.testing.assert_array_equal(variable, made_up_values(name, tuple(variable.shape)), name)


@pytest.mark.parametrize('place', ['prefix', '.index', '.meta', '.data-00000-of-00001', 'folder', 'zip', 'nested zip'])
def test_a_checkpoint_is_found_in_every_place(prefix, tmp_path, place):
    path = {'prefix': prefix, 'folder': prefix.parent}.get(place)
    if 'zip' in place:
        path = zipped(tmp_path / 'model.zip', prefix, 'some/folder/' if place == 'nested zip' else '')
    with opened(path or f'{prefix}{place}') as saved:
        assert has_discriminator(saved)
        np.testing.assert_array_equal(saved.read(NORM), made_up_values(NORM, saved.shapes[NORM]))


def test_nothing_gets_out_of_an_archive(prefix, tmp_path):
    (tmp_path / 'in').mkdir()
    with opened(zipped(tmp_path / 'in' / 'model.zip', prefix, '../../out/')) as saved:
        assert NORM in saved.shapes
        unpacked = saved.prefix
    assert sorted(file.name for file in tmp_path.rglob('*')) == ['in', 'model.zip']
    assert not tf.io.gfile.exists(f'{unpacked}.index')  # nor does it stay


@pytest.mark.parametrize('change, words', [
    (lambda shapes: shapes.pop(NORM), f'missing: {NORM}'),
    (lambda shapes: shapes.update({'GAN/Generator/conv3d_99/kernel': (1,)}), 'not known: GAN/Generator/conv3d_99/ker'),
    (lambda shapes: shapes.update({'GAN/Elsewhere/x': (1,)}), 'not known: GAN/Elsewhere/x'),
    (lambda shapes: shapes.update({NORM: (5,)}), rf'of another shape: {NORM} expected \[4\], found \[5\]'),
])
def test_other_variables_are_listed(networks, shapes, tmp_path, change, words):
    shapes = dict(shapes)
    change(shapes)
    with pytest.raises(CheckpointError, match=f'holds another generator.*{words}'):
        restored(networks[0], altered(tmp_path, shapes))


def test_a_long_list_is_cut(networks, shapes, tmp_path):
    shapes = {name: shape for name, shape in shapes.items() if 'bias' not in name}
    count = sum('bias' in name for name in generator_names(networks[0]))
    with pytest.raises(CheckpointError, match=rf'missing: ([\w/]+, ){{10}}\.\.\. \({count} in all\)'):
        restored(networks[0], altered(tmp_path, shapes))


@pytest.mark.parametrize('bad', [np.nan, np.inf])
def test_numbers_are_finite(networks, shapes, tmp_path, bad):
    path = altered(tmp_path, shapes, lambda name, shape: np.full(shape, bad if name == NORM else 1.0, np.float32))
    with pytest.raises(CheckpointError, match=f'finite.*{NORM}'):
        restored(networks[0], path)


def test_a_checkpoint_of_another_size_is_refused(prefix):
    with pytest.raises(CheckpointError, match='of 256 px.*another shape: .*expected.*found'):
        load_generator(prefix, '3d', '2d')


def test_a_checkpoint_of_another_program_is_refused(networks, tmp_path):
    path = altered(tmp_path, {'dense/kernel': (2, 2), 'dense/bias': (2,)})
    with pytest.raises(CheckpointError, match='no generator of the reference; expected .*GAN/.*found dense/bias, den'):
        restored(networks[0], path)
    with opened(path) as saved:
        assert not has_discriminator(saved)


@pytest.mark.parametrize('pose, fits', [('2d', True), ('3d', False)])
def test_a_name_that_says_another_variant_is_refused(prefix, pose, fits):
    with opened(prefix) as saved:
        if fits:
            check_variant(saved, '3d', pose)
        else:
            with pytest.raises(CheckpointError, match='warp=3d and pose=3d, found .* warp=3d and pose=2d'):
                check_variant(saved, '3d', pose)


@pytest.mark.parametrize('name, expected', [
    ('fash-2d_w-3d_p.zip', ('2d', '3d')), ('a/3D_warp-2D_pose/b', ('3d', '2d')),
    ('3d_w-3d_p/x/2d_w-2d_p', ('2d', '2d')),
    ('model.ckpt-150000', None), ('my3d_world-2d_people', None)])
def test_which_names_say_a_variant(name, expected):
    class Saved:
        path, prefix = name, 'x'

    refused = []
    for variant in (('3d', '3d'), ('3d', '2d'), ('2d', '3d'), ('2d', '2d')):
        try:
            check_variant(Saved, *variant)
        except CheckpointError:
            refused.append(variant)
    assert len(refused) == (3 if expected else 0) and expected not in refused


def test_a_tensorflow_2_checkpoint_is_told(networks, tmp_path):
    Checkpoints(str(tmp_path), generator=networks[0]).save(3)
    with pytest.raises(CheckpointError, match='step-3.*looks like TensorFlow 2.*--run_dir'):
        load_generator(tmp_path / 'step-3')


def test_a_missing_checkpoint_is_told(tmp_path):
    with pytest.raises(CheckpointError, match='nowhere: expected a checkpoint .* found no file .*nowhere.index'):
        load_generator(tmp_path / 'nowhere')
    with pytest.raises(CheckpointError, match='expected a checkpoint in it .* found no .index file'):
        load_generator(tmp_path)


def test_several_checkpoints_are_listed(prefix, tmp_path):
    for number in (1, 2):
        shutil.copy(f'{prefix}.index', tmp_path / f'model.ckpt-{number}.index')
    with pytest.raises(CheckpointError, match='found 2: model.ckpt-1, model.ckpt-2'):
        load_generator(tmp_path)


@pytest.mark.parametrize('file, size, words', [
    ('data-00000-of-00001', 1000, 'complete checkpoint'), ('data-00000-of-00001', 0, 'complete checkpoint'),
    ('index', 100, 'complete checkpoint'), ('index', 0, 'complete checkpoint'),
    ('data-00000-of-00001', None, 'beside its .index file, found none')])
def test_a_truncated_checkpoint_is_told(networks, prefix, tmp_path, file, size, words):
    folder = shutil.copytree(prefix.parent, tmp_path / 'copy')
    damaged = folder / f'{prefix.name}.{file}'
    damaged.write_bytes(damaged.read_bytes()[:size]) if size is not None else damaged.unlink()
    with pytest.raises(CheckpointError, match=f'copy: expected .*{words}'):
        restored(networks[0], folder)


@pytest.mark.parametrize('damage, words', [
    (lambda content: content[:len(content) // 2], 'no zip archive, or not all of one'),
    (lambda content: content[:2000] + bytes(3000) + content[5000:], 'complete zip archive'),
    (lambda content: b'something else', 'no zip archive')])
def test_a_broken_archive_is_told(prefix, tmp_path, damage, words):
    path = zipped(tmp_path / 'model.zip', prefix)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CheckpointError, match=f'model.zip: expected .*{words}'):
        load_generator(path)


def test_the_package_offers_the_loading():
    assert repose_tf.reference.load_generator is loading.load_generator
    assert repose_tf.reference.load_discriminator is loading.load_discriminator
