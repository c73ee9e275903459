"""Records made by many workers: first each person's in files of their own, then all in shards.

TFDS's own way through Beam would hold all records in the memory of Beam's runner for one machine. The shards are byte
for byte those that TFDS writes in one process: records in the order of the hashes of their keys, in as many shards.
"""

import functools
import json
import os
import shutil

import tensorflow as tf  # before tensorflow_datasets, which would otherwise load without it
import tensorflow_datasets as tfds
from tensorflow_datasets.core import hashing
from tensorflow_datasets.core.utils import shard_utils

from data_pipeline.errors import DataError, WorkerError
from data_pipeline.files import whole_file, write_text
from data_pipeline.records.record import records_of
from repose_tf.errors import UserError

NO_RECORDS = 'expected frames that can be read in every split, found none in'


class RecordParts:
    """The parts of one build. Parts that an earlier run made are used as they are."""

    def __init__(self, root, folder):
        """Args: `root`, pathlib.Path of a folder for the parts of this `folder.Folder` alone; `folder`."""
        self._root, self._folder = root, folder
        # Files are named by number, as a person's name may hold any character.
        self._numbers = {person: number for number, person in enumerate(folder.persons)}

    def make(self, workers, features):
        """Makes the parts that are not there yet.

        Args:
          workers: `BeamWorkers`.
          features: the FeaturesDict of the records.

        Raises:
          DataError: as `records_of`. Nothing is kept then, as the corrected folder will have another name.
          WriteError: there is no room. Nothing is kept then either.
          WorkerError: a worker ended; what was made is kept.
        """
        root = self._root  # and not self, with the whole folder
        root.mkdir(parents=True, exist_ok=True)
        try:
            workers.run(lambda: functools.partial(_write_part, root, features), self._tasks(), root / 'tasks')
        except UserError as error:
            if not isinstance(error, WorkerError):
                self.remove()
            raise

    def write_shards(self, split, filename_template):
        """Writes the shards of a split to the paths of TFDS's template; returns its tfds.core.SplitInfo."""
        hash_key = hashing.Hasher(split).hash_key
        records = sorted((hash_key(key), number, *place)
                         for person in self._folder.splits[split] for number in [self._numbers[person]]
                         for key, place in self._index(number)['places'].items())
        if not records:
            self.remove()  # as above
            raise DataError(f'{self._folder.root}: {NO_RECORDS} {split}.')
        total = sum(length for *_, length in records)
        num_shards = shard_utils.ShardConfig().get_number_shards(total, len(records))
        ends = shard_utils.get_shard_boundaries(len(records), num_shards)
        spans = list(zip([0, *ends], ends))
        for index, (start, end) in enumerate(spans):
            path = filename_template.sharded_filepath(shard_index=index, num_shards=num_shards)
            with tf.io.TFRecordWriter(os.fspath(path)) as writer:
                for _, number, place, length in records[start:end]:
                    with open(_data_path(self._root, number), 'rb') as file:
                        file.seek(place)
                        writer.write(file.read(length))
        return tfds.core.SplitInfo(name=split, shard_lengths=[end - start for start, end in spans], num_bytes=total,
                                   filename_template=filename_template)

    def left_out(self):
        """Returns dict, id -> reason, of the frames that `records_of` left out."""
        return {frame_id: reason for names in self._folder.splits.values() for person in names
                for frame_id, reason in self._index(self._numbers[person])['left_out'].items()}

    def _index(self, number):
        return json.loads(_index_path(self._root, number).read_text())

    def remove(self):
        """Removes all parts."""
        shutil.rmtree(self._root, ignore_errors=True)

    def _tasks(self):
        """Yields (number, person, frames) of every part that is not there."""
        for persons in self._folder.splits.values():
            for person in persons:
                number = self._numbers[person]
                if not _index_path(self._root, number).exists():
                    yield number, person, self._folder.persons[person]


def _write_part(root, features, task):
    """Writes the records of a person, and then their places in the file, as a sign that they are whole."""
    number, person, frames = task
    places, left_out = {}, {}
    with whole_file(_data_path(root, number)) as path, open(path, 'wb') as file:
        for key, record in records_of(person, frames, left_out):
            data = features.serialize_example(record)
            places[key] = file.tell(), len(data)
            file.write(data)
    write_text(_index_path(root, number), json.dumps({'places': places, 'left_out': left_out}))


def _data_path(root, number):
    return root / f'{number:06d}.records'


def _index_path(root, number):
    return root / f'{number:06d}.json'
