"""Further photos show what the source does not, are never the target, and are what a system of several photos uses."""

import json
import types

import numpy as np
import pytest

from data_pipeline.errors import DataError, UsageError
from experiments.configuration.data import Data
from experiments.configuration.settings import DataSettings
from experiments.evaluation import further_photos
from experiments.evaluation.pair_sources import DataPairs
from experiments.evaluation.systems import ModelSystem
from experiments.models import exporting
from repose_tf.skeleton import JOINT_INDEX
from tests.support import cases
from tests.support.people_folders import write_image, write_poses
from tests.support.tiny import LEAST, TINY_DETAIL, tiny_generator

SIZE = TINY_DETAIL.image_size
FRONT = cases.STANDING_POSE_PX * (SIZE / 256)
DEGREES = {'front': 0, 'slightly': 20, 'side': 90, 'behind': 180, 'target': 170}
RED, BLUE = np.uint8([250, 10, 10]), np.uint8([10, 10, 250])


def turned(degrees):
    angle, pelvis = np.radians(degrees), FRONT[JOINT_INDEX['pelv']]
    rotation = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]])
    return (FRONT - pelvis) @ rotation.T + pelvis


def frame(name, degrees, people=1):
    return types.SimpleNamespace(id=f'a/{name}', pose=types.SimpleNamespace(px=turned(degrees),
                                                                            tags={'people': people}))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A person that is blue before and red behind, before white; all of each picture but its edge is the person's."""
    root = tmp_path_factory.mktemp('coats')
    for name, degrees in DEGREES.items():
        image = np.full((SIZE, SIZE, 3), 255, np.uint8)
        image[:, 4:-4] = RED if degrees > 90 else BLUE
        write_image(root / 'images' / 'a' / f'{name}.png', image)
        write_image(root / 'masks' / 'a' / f'{name}.png', (image.min(axis=-1) < 255).astype(np.uint8) * 255)
    write_poses(root / 'poses.json', {f'a/{name}': turned(degrees).tolist() for name, degrees in DEGREES.items()})
    (root / 'splits.json').write_text(json.dumps({'test': ['a']}))
    (root / 'pairs.json').write_text(json.dumps({'test': [['a/front', 'a/target']]}))
    return root


@pytest.fixture(scope='module')
def data(folder):
    return Data(DataSettings('people', str(folder), str(folder / 'records'), False))


@pytest.fixture(scope='module')
def packed(tmp_path_factory):
    path = str(tmp_path_factory.mktemp('packed') / 'model')
    exporting.pack(tiny_generator(TINY_DETAIL), path)
    return path


def test_each_photo_faces_another_way_than_those_before_it():
    frames = {'a': [frame(name, degrees) for name, degrees in DEGREES.items()]}
    for pair, expected in ((('a/front', 'a/target'), ['behind', 'side']),
                           (('a/side', 'a/front'), ['behind', 'slightly']),
                           (('a/front', 'a/behind'), ['target', 'side'])):
        assert further_photos.chosen(frames, [pair], 2) == {pair: [f'a/{name}' for name in expected]}


def test_pictures_of_several_people_are_no_photos_of_the_person():
    frames = {'a': [frame('front', 0), frame('two', 180, people=2), frame('side', 90), frame('target', 170)]}
    assert further_photos.chosen(frames, [('a/front', 'a/target')], 1) == {('a/front', 'a/target'): ['a/side']}
    with pytest.raises(DataError, match=r'source_photos=3: expected 4 pictures or more of a alone.* found 3'):
        further_photos.chosen(frames, [('a/front', 'a/target')], 2)


def test_sides():
    assert further_photos.sides_shown(np.stack([turned(degrees) for degrees in (0, -50, 90, 130, -180)])) == [
        'the front', 'the front', 'a side', 'behind', 'behind']


@pytest.mark.long
def test_with_a_photo_from_behind_a_back_has_its_own_colour(data, packed):
    one = ModelSystem(packed)
    source, two = DataPairs(data, 'test', 0, SIZE, num_photos=2), one.given(2)
    assert source.labels == {'the target is seen from': ['behind']}
    batch, = source.batches(source.pairs, 4)
    torso = np.mean(turned(170)[[JOINT_INDEX['neck'], JOINT_INDEX['pelv']]], axis=0).round().astype(int)
    coats = [np.asarray(system(batch))[0, torso[1], torso[0]].astype(int) for system in (one, two)]
    assert coats[0][2] > coats[0][0] + 50 and coats[1][0] > coats[1][2] + 50  # blue, red
    assert one.digest != two.digest and two.name == f'{one.name}, 2 photos'


def test_without_further_photos_batches_are_as_ever(data):
    source = DataPairs(data, 'test', 0, SIZE)
    batch, = source.batches(source.pairs, 4)
    assert source.labels == {} and not [name for name in batch if name.startswith('further')]


def test_more_photos_than_a_model_takes_are_refused(tmp_path):
    exporting.pack(tiny_generator(LEAST), str(tmp_path / 'model'))
    system = ModelSystem(str(tmp_path / 'model'))
    with pytest.raises(UsageError, match='--source_photos=5: expected at most as many as .* takes, 4'):
        system.given(5)
