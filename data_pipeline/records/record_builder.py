"""The TFDS builder of all data sets: a reader lists the folder, the builder writes the records."""

import logging
import os
import pathlib

import tensorflow as tf  # before tensorflow_datasets, which would otherwise load without it
import tensorflow_datasets as tfds

from data_pipeline.errors import DataError
from data_pipeline.records.folder import NOT_IN_FILM, TOO_FEW
from data_pipeline.records.frame_index import open_index
from data_pipeline.records.record import records_of
from data_pipeline.records.record_parts import NO_RECORDS, RecordParts
from repose_tf.skeleton import NUM_JOINTS

# A full disk, a file larger than allowed, a folder of another user.
_WRITE_ERRORS = (OSError, tf.errors.ResourceExhaustedError, tf.errors.OutOfRangeError, tf.errors.PermissionDeniedError)
LEFT_OUT_FILE = 'left_out.txt'  # beside the records: a line for everything that was left out, and why


class RecordBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Records of a folder, one for each picture (record.py), with an index beside every file (frame_index.py).

    Records are kept under the folder's name and the digest of its contents, so that two folders, or a folder before
    and after a change, are never confused. They appear when all are written, or not at all.

    Attributes:
      folder: the `Folder` that the records are of.
    """

    VERSION = tfds.core.Version('3.0.0')
    RELEASE_NOTES = {'3.0.0': 'One picture a record.',
                     '2.1.0': 'Films are upright, and what is transparent is white.',
                     '2.0.0': 'The origin of every pose.', '1.0.0': 'Up to 32 pictures of one person a record.'}

    @staticmethod
    def read_folder(root, allow_missing_poses=False):
        """Lists and checks a folder; subclasses define it.

        Args:
          root: path of the folder.
          allow_missing_poses: leave out pictures without a pose, and count them, instead of refusing the folder.

        Returns:
          `Folder`.

        Raises:
          DataError: the layout is broken; the message names the file or the person.
        """
        raise NotImplementedError

    def __init__(self, source_dir, data_dir=None, allow_missing_poses=False, workers=None, **kwargs):
        """Checks the folder; `opened` also makes the records.

        Args:
          source_dir, allow_missing_poses: see `read_folder`; how much was left out is logged.
          data_dir: where records are kept; None for TFDS's own place.
          workers: `BeamWorkers` that make the records, or None: this process does.
          **kwargs: as for every TFDS builder.

        Raises:
          DataError: the folder is not in the layout.
        """
        self.folder = type(self).read_folder(source_dir, allow_missing_poses)
        if self.folder.left_out:
            logging.warning('%s: left out: %s. %s beside the records names them.', source_dir, self.folder.summary(),
                            LEFT_OUT_FILE)
        config = tfds.core.BuilderConfig(name=self.folder.name, description=f'Of the folder {source_dir}.')
        self.get_builder_config = lambda name, version: config  # else TFDS warns that it does not know it
        super().__init__(data_dir=data_dir, config=config, **kwargs)
        self._workers, self._unread = workers, {}
        # Beside the records, under the same digest, as TFDS makes the folder of the records only at the end.
        self._parts = RecordParts(pathlib.Path(f'{self.data_dir}.parts'), self.folder)

    @classmethod
    def opened(cls, source_dir, data_dir=None, allow_missing_poses=False, workers=None):
        """Returns the builder of a folder, and makes the records if they are not there; arguments as above.

        Raises:
          DataError: the folder is not in the layout, something in it cannot be read, or there is no room for the
            records.
        """
        builder = cls(source_dir, data_dir, allow_missing_poses, workers)
        try:
            builder.download_and_prepare()
        except (RuntimeError, *_WRITE_ERRORS) as error:
            # TFDS wraps what happened in a RuntimeError.
            if not isinstance(error, _WRITE_ERRORS) and not isinstance(error.__cause__, _WRITE_ERRORS):
                raise
            if os.path.isdir(builder.data_dir):  # another process made the same records in the meantime
                return cls.opened(source_dir, data_dir, allow_missing_poses, workers)
            raise DataError(f'{builder.data_dir}: expected room for the records, found that they cannot be written '
                            f'({error}); nothing of them is kept.') from error
        builder._take_out_unread()
        return builder

    def _info(self):
        features = tfds.features.FeaturesDict({
            'person': tfds.features.Text(),
            'name': tfds.features.Text(),
            'image': tfds.features.Tensor(shape=(), dtype=tf.string),  # the file as it is
            'mask': tfds.features.Tensor(shape=(), dtype=tf.string),  # empty where there is none
            'size': tfds.features.Scalar(tf.int32),
            'pose_px': tfds.features.Tensor(shape=(NUM_JOINTS, 3), dtype=tf.float32),
            'px_per_mm': tfds.features.Scalar(tf.float32),
            'origin': tfds.features.Text(),
        })
        metadata = tfds.core.MetadataDict(
            num_missing_poses=self.folder.num_missing_poses, left_out=self.folder.summary())
        return self.dataset_info_from_configs(features=features, metadata=metadata)

    def _split_generators(self, dl_manager):
        del dl_manager  # nothing is downloaded
        self._list_left_out()
        return {split: self._generate_examples(persons) for split, persons in self.folder.splits.items()}

    def _generate_examples(self, persons):
        is_empty = True
        for person in persons:
            for record in records_of(person, self.folder.persons[person], self._unread):
                is_empty = False
                yield record
        if is_empty:
            raise DataError(f'{self.folder.root}: {NO_RECORDS} that of {persons[0]}.')

    def _generate_splits(self, dl_manager, download_config):
        """Writes all records; returns a list of tfds.core.SplitInfo."""
        if self._workers is None:
            splits = super()._generate_splits(dl_manager, download_config)
        else:
            self._parts.make(self._workers, self.info.features)
            splits = [self._parts.write_shards(split, self._get_filename_template(split_name=split))
                      for split in self.folder.splits]
            self._unread = self._parts.left_out()
            self._parts.remove()
        self._list_left_out()
        for split in splits:
            for path, num_records in zip(split.filepaths, split.shard_lengths, strict=True):
                open_index(self.info.features, os.fspath(path), num_records)
        return splits

    def _list_left_out(self):
        # While records are made, data_dir is a folder that TFDS renames at the end.
        left_out = {**self.folder.left_out, **self._unread}
        with tf.io.gfile.GFile(f'{self.data_dir}/{LEFT_OUT_FILE}', 'w') as file:
            file.write(''.join(f'{name}: {reason}\n' for name, reason in left_out.items()))

    def _take_out_unread(self):
        """Takes out of the folder what could not be read of videos when the records were made."""
        unread = {}
        for line in pathlib.Path(self.data_dir, LEFT_OUT_FILE).read_text(encoding='utf-8').splitlines():
            frame_id, _, reason = line.rpartition(': ')
            if reason in (NOT_IN_FILM, TOO_FEW) and frame_id not in self.folder.left_out:
                unread[frame_id] = reason
        if unread:
            self.folder = self.folder.without(unread)
            logging.warning('%s: left out of videos: %s.', self.folder.root, self.folder.summary())
