"""Batches hold the right pictures, poses and masks of the right pairs; the seed decides what is drawn."""

import collections
import itertools

import cv2
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from data_pipeline.batches import input_pipeline
from data_pipeline.errors import DataError
from data_pipeline.people.people_builder import PeopleBuilder
from tests.support.people_folders import SIZE, write_image, write_people

SPLITS = {'train': ['a', 'b', 'c'], 'test': ['t', 'u']}
FRAMES = {'a': 2, 'b': 3, 'c': 4, 't': 3, 'u': 2}
PAIRS = [('u/01', 'u/00'), ('t/00', 't/02'), ('t/02', 't/01'), ('u/01', 'u/00'), ('t/01', 't/02')]


@pytest.fixture(scope='module')
def people(tmp_path_factory):
    """A builder with its records made, and the content of its folder."""
    root = tmp_path_factory.mktemp('people')
    content = write_people(root / 'mine', FRAMES, SPLITS, masked=['t/02'])
    return PeopleBuilder.opened(root / 'mine', root / 'records'), content


def numpy(batch):
    return {name: np.asarray(value) for name, value in batch.items()}


def train(builder, num_batches, seed=0, image_size=SIZE, batch_size=4, **options):
    batches = input_pipeline.train_batches(builder, image_size, batch_size, seed, **options)
    return [numpy(batch) for batch in batches.take(num_batches)]


def pairs(builder, pairs=PAIRS, image_size=SIZE, batch_size=2):
    batches = input_pipeline.pair_batches(builder, 'test', pairs, image_size, batch_size)
    return [numpy(batch) for batch in batches]


def joined(batches):
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def assert_equal(batches, same):
    for one, other in zip(batches, same, strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name], err_msg=name)


def ids(batches):
    every = joined(batches)
    return [(source.decode(), target.decode())
            for source, target in zip(every['source_id'], every['target_id'], strict=True)]


def test_batches_are_as_agreed(people):
    for batch in (train(people[0], 1)[0], pairs(people[0], PAIRS[:4], batch_size=4)[0]):
        found = {name: (value.shape, value.dtype.kind) for name, value in batch.items()}
        assert found == {
            'source_image': ((4, SIZE, SIZE, 3), 'u'), 'target_image': ((4, SIZE, SIZE, 3), 'u'),
            'source_pose': ((4, 19, 3), 'f'), 'target_pose': ((4, 19, 3), 'f'),
            'source_id': ((4,), 'O'), 'target_id': ((4,), 'O'),
            'source_mask': ((4, SIZE, SIZE, 1), 'u'), 'has_source_mask': ((4,), 'b'),
            'target_mask': ((4, SIZE, SIZE, 1), 'u'), 'has_target_mask': ((4,), 'b')}


def test_shapes_are_known_before_anything_runs(people):
    spec = input_pipeline.train_batches(people[0], 8, 4, 0).element_spec
    assert spec['source_image'].shape == spec['target_image'].shape == (4, 8, 8, 3)
    assert spec['source_pose'].shape == (4, 19, 3)
    assert spec['source_mask'].shape == spec['target_mask'].shape == (4, 8, 8, 1)


def assert_true(batches, content):
    """Every picture and pose is that of its id."""
    every = joined(batches)
    for index, frame_ids in enumerate(ids(batches)):
        for side, frame_id in zip(('source', 'target'), frame_ids, strict=True):
            image, pose = content[frame_id]
            np.testing.assert_array_equal(every[f'{side}_image'][index], image)
            np.testing.assert_array_equal(every[f'{side}_pose'][index], pose)


def test_fixed_pairs_come_in_order_with_their_pictures_and_poses(people):
    builder, content = people
    batches = pairs(builder)
    assert [len(batch['source_id']) for batch in batches] == [2, 2, 1]
    assert int(input_pipeline.pair_batches(builder, 'test', PAIRS, SIZE, 2).cardinality()) == 3
    assert ids(batches) == PAIRS
    assert_true(batches, content)


def test_training_pairs_are_two_pictures_of_a_person_of_the_split(people):
    builder, content = people
    batches = train(builder, 100)
    assert_true(batches[:5], content)
    count = collections.Counter(ids(batches))
    possible = {pair for person in SPLITS['train'] for pair in itertools.permutations(
        [f'{person}/{index:02d}' for index in range(FRAMES[person])], 2)}
    assert set(count) == possible
    persons = collections.Counter()
    for (source, _), number in count.items():
        persons[source[0]] += number
    # Persons take turns; within one, pairs come by chance.
    assert max(persons.values()) - min(persons.values()) <= 1
    within_a = np.array([number for (source, _), number in count.items() if source[0] == 'a'])
    assert within_a.min() > 0.3 * within_a.sum()


@pytest.mark.long
def test_the_seed_decides_the_batches(people):
    once, again, other = (train(people[0], 6, seed) for seed in (1, 1, 2))
    assert_equal(once, again)
    assert ids(once) != ids(other)
    assert ids(once[:3]) != ids(once[3:])  # nor does an epoch repeat the one before


def test_a_run_that_starts_at_a_step_has_what_an_uninterrupted_one_had(people):
    whole = train(people[0], 9, seed=5)
    for first in (1, 7):
        assert_equal(train(people[0], 2, seed=5, first_step=first), whole[first:first + 2])
    assert len(train(people[0], 1, first_step=2 ** 39)) == 1  # nothing before is read


@pytest.mark.long
def test_workers_share_every_batch(people):
    whole = train(people[0], 5, seed=6, first_step=3)
    parts = [train(people[0], 5, seed=6, first_step=3, shard=(index, 2)) for index in range(2)]
    assert_equal([joined(halves) for halves in zip(*parts, strict=True)], whole)
    for shard in ((0, 3), (2, 2), (-1, 2)):
        with pytest.raises(ValueError, match='shard: expected'):
            train(people[0], 1, shard=shard)


@pytest.mark.parametrize('image_size', [pytest.param(SIZE, marks=pytest.mark.long), 8])
def test_what_is_decoded_once_is_the_same(people, image_size):
    said = []
    # One picture of the split test has a mask.
    options = {'image_size': image_size, 'splits': ['test', 'train'], 'announce': said.append}
    needed = image_size ** 2 * (3 * sum(FRAMES.values()) + 1)
    kept = train(people[0], 5, cache_bytes=needed, **options)
    for cache_bytes in (needed - 1, 0):
        assert_equal(kept, train(people[0], 5, cache_bytes=cache_bytes, **options))
    assert any(batch['has_target_mask'].any() for batch in kept)
    assert 'decoded once and kept' in said[0] and all('decoded whenever they occur' in line for line in said[1:])


@pytest.mark.long
def test_what_is_decoded_once_is_not_decoded_again(people, monkeypatch):
    calls = []
    decode = tf.io.decode_image

    def counted(*arguments, **options):
        tf.py_function(lambda: calls.append(1), [], [])
        return decode(*arguments, **options)

    monkeypatch.setattr(tf.io, 'decode_image', counted)
    train(people[0], 10, cache_bytes=10 ** 9)
    assert len(calls) == sum(FRAMES[person] for person in SPLITS['train'])
    train(people[0], 10)
    assert len(calls) >= 80


def test_splits_can_be_trained_on_together(people):
    persons = {source.split('/')[0] for source, _ in ids(train(people[0], 5, splits=['train', 'test']))}
    assert persons == set(FRAMES)


@pytest.mark.parametrize(('side', 'place'), [('source', 0), ('target', 1)])
def test_masks_belong_to_their_picture_and_are_empty_where_there_are_none(people, side, place):
    every = joined(pairs(people[0]))
    np.testing.assert_array_equal(every[f'has_{side}_mask'], [pair[place] == 't/02' for pair in PAIRS])
    expected = np.zeros((SIZE, SIZE, 1), np.uint8)
    expected[:, :SIZE // 2] = 255
    for has_mask, mask in zip(every[f'has_{side}_mask'], every[f'{side}_mask'], strict=True):
        np.testing.assert_array_equal(mask, expected if has_mask else 0 * expected)


@pytest.mark.parametrize('image_size', [8, 10, 24])
def test_pictures_poses_and_masks_are_resized_alike(people, image_size):
    builder, content = people
    every = joined(pairs(builder, image_size=image_size))
    interpolation = cv2.INTER_AREA if image_size < SIZE else cv2.INTER_LINEAR
    for index, (source, _) in enumerate(PAIRS):
        image, pose = content[source]
        expected = cv2.resize(image, (image_size, image_size), interpolation=interpolation)
        assert np.abs(every['source_image'][index].astype(int) - expected).max() <= 1
        np.testing.assert_allclose(every['source_pose'][index], pose * image_size / SIZE, rtol=1e-6)
    mask = every['target_mask'][1, :, :, 0]
    half = np.where(np.arange(image_size) < image_size / 2, 255, 0)
    np.testing.assert_array_equal(mask, np.tile(half, (image_size, 1)))


def test_every_format_is_decoded_to_the_same_picture(tmp_path):
    root = tmp_path / 'mine'
    content = write_people(root, {'a': 4})
    smooth = cv2.GaussianBlur(content['a/00'][0], (0, 0), 5)
    with_alpha = np.concatenate([smooth[..., ::-1], np.full_like(smooth[..., :1], 255)], axis=2)
    for frame in range(4):
        (root / 'images' / 'a' / f'{frame:02d}.png').unlink()
    write_image(root / 'images' / 'a' / '00.png', smooth)
    write_image(root / 'images' / 'a' / '01.jpg', smooth)
    cv2.imwrite(str(root / 'images' / 'a' / '02.png'), with_alpha)
    write_image(root / 'images' / 'a' / '03.png', smooth[..., 0])
    builder = PeopleBuilder.opened(root, tmp_path / 'records')
    listed = [('a/00', 'a/01'), ('a/02', 'a/03')]
    batch = numpy(next(iter(input_pipeline.pair_batches(builder, 'train', listed, SIZE, 2))))
    np.testing.assert_array_equal(batch['source_image'][0], smooth)
    assert np.abs(batch['target_image'][0].astype(int) - smooth).max() < 12  # JPEG loses a little
    np.testing.assert_array_equal(batch['source_image'][1], smooth)
    np.testing.assert_array_equal(batch['target_image'][1], np.repeat(smooth[..., :1], 3, axis=2))


@pytest.mark.long
def test_shards_are_read_together(tmp_path):
    names = [f'p{index}' for index in range(12)]
    write_people(tmp_path / 'mine', dict.fromkeys(names, 2), {'train': names})
    builder = PeopleBuilder(tmp_path / 'mine', tmp_path / 'records')
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(num_shards=4))
    assert builder.info.splits['train'].num_shards == 4
    once, again = (train(builder, 12) for _ in range(2))
    assert {source.split('/')[0] for source, _ in ids(once)} == set(names)
    assert ids(once) == ids(again)


@pytest.mark.parametrize(('split', 'listed', 'message'), [
    ('test', [], 'expected one or more, found none'),
    ('test', [('t/00', 't/09')], "expected pictures of this split, found 't/09' .1 in all"),
    ('test', [('a/00', 'a/01')], "expected pictures of this split, found 'a/00' .2 in all"),
    ('validation', PAIRS, "expected one of the splits .*, found 'validation'"),
])
def test_pairs_that_cannot_be_read_are_named(people, split, listed, message):
    with pytest.raises(DataError, match=message):
        input_pipeline.pair_batches(people[0], split, listed, SIZE, 2)
