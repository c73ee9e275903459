"""Pictures a second out of 20 GB of records, the bytes that are read for them, and the memory of the process."""

import os
import pathlib
import tempfile
import time
import types

import cv2
import numpy as np
import psutil
import tensorflow as tf

from data_pipeline.batches.frames import FramePictures, FrameStore
from data_pipeline.people.people_builder import PeopleBuilder
from data_pipeline.picture_file import read_image
from data_pipeline.records.frame_index import open_index
from experiments.benchmarks import tools

SOURCE_DIR = 'data/people'
_NUM_FILES, _NUM_RECORDS = 20, 27_000
_SIZE = 512  # px
_NUM_PICTURES = 1000  # of a round


def run(rounds, max_gigabytes, plot_dir):
    """Measures everything; returns Markdown. On the disk is one file of 1 GB for a time; the others are links to it."""
    del max_gigabytes, plot_dir
    with tempfile.TemporaryDirectory() as folder:
        builder = made_up(pathlib.Path(folder), _NUM_FILES, _NUM_RECORDS)
        start = time.perf_counter()
        store = FrameStore(builder, ['train'])
        opened = time.perf_counter() - start
        rows = measured(store, builder.info.splits['train'].filepaths[0], rounds)
    return (f'{len(store.ids)} pictures, JPEG of {_SIZE} x {_SIZE} px, {store.num_bytes / 1e9:.1f} GB in {_NUM_FILES} '
            f'files, opened in {opened:.1f} s.\n\n{tools.table(rows)}')


def made_up(root, num_files, num_records):
    """Writes records of the shipped pictures, enlarged; returns what a `FrameStore` asks of a builder."""
    builder = PeopleBuilder(SOURCE_DIR, root)
    features = builder.info.features
    frames = [_encoded(frame) for frames in builder.folder.persons.values() for frame in frames]
    paths = [root / f'train-{file:05d}-of-{num_files:05d}' for file in range(num_files)]
    with tf.io.TFRecordWriter(str(paths[0])) as writer:
        for number in range(num_records):
            writer.write(features.serialize_example({**frames[number % len(frames)], 'name': f'{number:05d}'}))
    index = open_index(features, str(paths[0]), num_records)
    for file, path in enumerate(paths[1:], 1):
        os.link(paths[0], path)
        ids = np.array([b'%02d/%s' % (file, frame_id) for frame_id in index.ids])
        np.savez(f'{path}.index.npz', **index._replace(ids=ids)._asdict())
    split = types.SimpleNamespace(filepaths=paths, shard_lengths=[num_records] * num_files)
    return types.SimpleNamespace(info=types.SimpleNamespace(features=features, splits={'train': split}))


def _encoded(frame):
    image = cv2.resize(read_image(frame.image_path), (_SIZE, _SIZE), interpolation=cv2.INTER_CUBIC)
    data = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    return {'person': 'someone', 'image': data, 'mask': b'', 'size': _SIZE, 'pose_px': frame.pose.px.astype(np.float32),
            'px_per_mm': frame.pose.px_per_mm, 'origin': frame.pose.origin}


def measured(store, file, rounds):
    """Returns a row for each way to read pictures that are drawn from all files, which are links to `file`."""
    decoded = FramePictures(store, _SIZE // 2).image

    def image(number):
        return store.files(number)['image']

    return [_row(name, store, load, rounds, file if is_forgotten else None)
            for name, load, is_forgotten in (
                ("read, none in the system's cache", image, True),
                ('read, all in the cache', image, False),
                (f'read, decoded and made {_SIZE // 2} px', decoded, False))]


def _row(name, store, load, rounds, forgotten):
    rng, process = np.random.default_rng(0), psutil.Process()
    seconds, memory, own, asked, fetched = [], [], 0, 0, 0
    for _ in range(rounds + 1):
        numbers = tf.data.Dataset.from_tensor_slices(rng.integers(0, len(store.ids), _NUM_PICTURES))
        own += _sum(numbers.map(lambda number: tf.strings.length(store.files(number)['image'])))
        if forgotten:
            _forget(forgotten)
        loaded = numbers.map(load, tf.data.AUTOTUNE).map(tf.size)
        before, start = process.io_counters(), time.perf_counter()
        _sum(loaded)
        seconds.append(time.perf_counter() - start)
        after = process.io_counters()
        asked, fetched = asked + after.read_chars - before.read_chars, fetched + after.read_bytes - before.read_bytes
        memory.append(process.memory_info().rss / 1e6)
    return {'pictures': name, 'a second': f'{_NUM_PICTURES / np.median(seconds[1:]):.0f}',
            'bytes read, times their own': f'{asked / own:.3f}', 'bytes from the disk, times their own':
            f'{fetched / own:.2f}', 'memory after the first and the last 1,000, MB':
            f'{memory[0]:.0f}, {memory[-1]:.0f}'}


def _sum(dataset):
    return int(dataset.reduce(0, tf.add))


def _forget(path):
    """Takes a file out of the system's cache."""
    with open(path, 'rb') as file:
        os.fsync(file)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
