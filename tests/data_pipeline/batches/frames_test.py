"""Every frame is found by its number, with the very bytes of its files; broken records are named."""

import pathlib
import shutil
import types

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from data_pipeline import program
from data_pipeline.batches.frames import FrameStore
from data_pipeline.errors import DataError
from data_pipeline.people.people_builder import PeopleBuilder
from tests.support.people_folders import SIZE, write_people

FRAMES = {'a': 2, 'a-b': 40, 'b': 3}  # in the order of the persons; the second's name begins as the first's
IDS = [f'{person}/{frame:02d}' for person, count in FRAMES.items() for frame in range(count)]


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """A builder with records in several files, and the content and the root of its folder."""
    root = tmp_path_factory.mktemp('people')
    content = write_people(root / 'mine', FRAMES, {'train': list(FRAMES)}, masked=['a/00', 'b/00', 'b/02'])
    picture = root / 'mine/images/a/01.png'
    picture.write_bytes(picture.read_bytes() + 4 * b'\0')  # no byte may be lost
    builder = PeopleBuilder(root / 'mine', root / 'records')
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(num_shards=3))
    assert builder.info.splits['train'].num_shards == 3
    return builder, content, root / 'mine'


@pytest.fixture
def records(made, tmp_path):
    """What a store asks of a builder, with files of its own, each with its index."""
    split = made[0].info.splits['train']
    for path in split.filepaths:
        shutil.copy(path, tmp_path)
        shutil.copy(f'{path}.index.npz', tmp_path)
    copied = types.SimpleNamespace(filepaths=[pathlib.Path(tmp_path, path.name) for path in split.filepaths],
                                   shard_lengths=split.shard_lengths)
    return types.SimpleNamespace(info=types.SimpleNamespace(
        features=made[0].info.features, splits={'train': copied}, full_name='copied'))


def paths_of(records):
    return records.info.splits['train'].filepaths


def index_of(path):
    return path.with_name(f'{path.name}.index.npz')


def all_files(store):
    """Returns list of dict, 'image' and 'mask' -> bytes, read several at a time."""
    read = tf.data.Dataset.range(len(store.ids)).map(store.files, 8)
    return list(read.as_numpy_iterator())


@pytest.mark.parametrize('kept', [False, True])
def test_frames_have_their_files_and_poses(made, records, kept):
    _, content, root = made
    store = FrameStore(records, ['train'])
    if kept:
        store.keep_files()
        for path in paths_of(records):
            path.write_bytes(b'')
    assert store.ids == IDS and store.counts.tolist() == list(FRAMES.values())
    for number, (frame_id, files) in enumerate(zip(IDS, all_files(store), strict=True)):
        assert store.frame_id(number).numpy().decode() == frame_id
        assert files['image'] == (root / f'images/{frame_id}.png').read_bytes()
        mask = root / f'masks/{frame_id}.png'
        assert files['mask'] == (mask.read_bytes() if mask.exists() else b'')
        assert store.has_mask[number] == mask.exists() and store.sizes[number] == SIZE
        np.testing.assert_array_equal(store.poses_px[number], content[frame_id][1])
    assert store.num_bytes == sum(path.stat().st_size for path in root.rglob('*.png'))


def test_frames_are_those_of_reading_one_after_the_other(made, records):
    store = FrameStore(records, ['train'])
    files = dict(zip(store.ids, all_files(store), strict=True))
    for record in made[0].as_dataset(split='train').as_numpy_iterator():
        assert files.pop(f'{record["person"].decode()}/{record["name"].decode()}') == {
            'image': record['image'], 'mask': record['mask']}
    assert not files


@pytest.mark.skipif(not pathlib.Path('/proc/self/io').exists(), reason='needs Linux to count the bytes that are read')
def test_a_picture_is_one_read_of_its_own_bytes(made, tmp_path):
    """Of files whose length is mostly before the pictures that are read."""
    num_records, num_bytes = 64, 40_000
    features, paths = made[0].info.features, [tmp_path / 'one', tmp_path / 'other']
    for path in paths:
        with tf.io.TFRecordWriter(str(path)) as writer:
            for number in range(num_records):
                writer.write(features.serialize_example({
                    'person': path.name, 'name': f'{number:02d}', 'image': num_bytes * b'.', 'mask': b'', 'size': SIZE,
                    'pose_px': np.zeros((19, 3), np.float32), 'px_per_mm': 1, 'origin': ''}))
    split = types.SimpleNamespace(filepaths=paths, shard_lengths=[num_records] * 2)
    store = FrameStore(types.SimpleNamespace(info=types.SimpleNamespace(
        features=features, splits={'train': split}, full_name='made up')), ['train'])

    def bytes_read():
        counts = pathlib.Path('/proc/self/io').read_text().split()
        return int(counts[counts.index('rchar:') + 1])

    read = tf.data.Dataset.range(len(store.ids)).map(lambda number: tf.strings.length(store.files(number)['image']), 4)
    before = bytes_read()
    own = int(read.reduce(0, tf.add))
    assert own == 2 * num_records * num_bytes and own <= bytes_read() - before < 1.1 * own


def test_nothing_but_the_index_is_read_before_the_first_picture(records, monkeypatch):
    monkeypatch.setattr(tf.data, 'TFRecordDataset', None)
    assert FrameStore(records, ['train']).ids == IDS


@pytest.mark.parametrize('spoil', [
    lambda path, other: index_of(path).unlink(),
    lambda path, other: shutil.copy(index_of(other), index_of(path)),
    lambda path, other: index_of(path).write_bytes(index_of(path).read_bytes()[:-40]),
])
def test_an_index_that_does_not_fit_is_made_anew(records, spoil, caplog):
    path, other = paths_of(records)[:2]
    num_bytes = index_of(path).stat().st_size
    spoil(path, other)
    was_there = index_of(path).exists()
    store = FrameStore(records, ['train'])
    assert store.ids == IDS and len(all_files(store)) == len(IDS)
    assert (f'{path.name}.index.npz: expected the index' in caplog.text) == was_there
    caplog.clear()
    assert FrameStore(records, ['train']).ids == IDS and not caplog.text
    assert len(index_of(path).read_bytes()) == num_bytes


@pytest.mark.parametrize('cut', [50, 0])  # within a record, and between two
def test_cut_off_records_are_named(records, cut):
    path = paths_of(records)[-1]
    with np.load(index_of(path)) as index:
        places, num_records = index['places'], len(index['places'])
    path.write_bytes(path.read_bytes()[:places[-1, 0] + cut])
    told = f'record {num_records}: expected a whole record' if cut else f'expected {num_records} records, found'
    with pytest.raises(DataError, match=f'{path.name}: {told}.*anew'):
        FrameStore(records, ['train'])


@pytest.mark.parametrize('spoil', ['a byte', 'all'])
def test_what_is_damaged_later_is_named_where_it_is_read(records, spoil):
    path = paths_of(records)[1]
    store = FrameStore(records, ['train'])
    with np.load(index_of(path)) as index:
        frame_id, (place, length) = index['ids'][2].decode(), index['places'][2]
    content = bytearray(path.read_bytes())
    content[place + length // 2] ^= 1
    path.write_bytes(bytes(content) if spoil == 'a byte' else b'')
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        all_files(store)
    error = program.in_pipeline(caught.value)
    assert isinstance(error, DataError) and program.is_user_error(error)
    assert program.one_line(error).startswith(f'{path}: the record of ') and 'anew.' in str(error)[-30:]
    if spoil == 'a byte':
        assert f'the record of {frame_id} at byte {place}: expected it whole' in str(error)


def test_other_errors_of_tensorflow_stay_bugs():
    def checked(number):
        with tf.control_dependencies([tf.debugging.assert_greater(number, number, 'a bug')]):
            return tf.identity(number)

    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        list(tf.data.Dataset.range(1).map(checked))
    assert program.in_pipeline(caught.value) is caught.value and not program.is_user_error(caught.value)
