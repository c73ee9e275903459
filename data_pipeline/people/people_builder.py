"""TFDS builder of any folder in the `people` layout."""

import random

import tensorflow as tf  # before tensorflow_datasets, which would otherwise load without it
import tensorflow_datasets as tfds
from absl import logging

from data_pipeline.errors import DataError
from data_pipeline.people_folder import open_folder
from repose_tf.skeleton import NUM_JOINTS

MAX_FRAMES = 32  # of a record: a training pair is drawn within one, so it must not grow with the data set
_SEED = 0
_SIGNATURES = (b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n')


class PeopleBuilder(tfds.core.GeneratorBasedBuilder):
    """Records of a folder in the `people` layout.

    A record holds up to 32 pictures of one person. Records are kept under the folder's name and the digest of
    what lies in it, so that two folders, or a folder before and after a change, are never confused.

    Attributes:
      folder: the `PeopleFolder` that the records are of.
    """

    name = 'people'
    VERSION = tfds.core.Version('1.0.0')
    RELEASE_NOTES = {'1.0.0': 'Up to 32 pictures of one person a record.'}

    def __init__(self, source_dir, data_dir=None, allow_missing_poses=False, **kwargs):
        """Checks the folder; `open_people` also makes the records.

        Args:
          source_dir: a folder in the people layout.
          data_dir: where records are kept; None for TFDS's own place.
          allow_missing_poses: leave out pictures without a pose, and say how many, instead of refusing the
            folder.
          **kwargs: as for every TFDS builder.

        Raises:
          DataError: the folder is not in the layout.
        """
        self.folder = open_folder(source_dir, allow_missing_poses)
        if self.folder.num_missing_poses:
            logging.warning(
                '%s: left out %d pictures without a pose.', source_dir, self.folder.num_missing_poses)
        config = tfds.core.BuilderConfig(name=self.folder.name, description=f'Of the folder {source_dir}.')
        self.get_builder_config = lambda name, version: config  # or TFDS warns that it does not know it
        super().__init__(data_dir=data_dir, config=config, **kwargs)

    def _info(self):
        frame = {
            'name': tfds.features.Text(),
            'image': tfds.features.Tensor(shape=(), dtype=tf.string),  # the file as it is
            'mask': tfds.features.Tensor(shape=(), dtype=tf.string),  # empty where there is none
            'size': tfds.features.Scalar(tf.int32),
            'pose_px': tfds.features.Tensor(shape=(NUM_JOINTS, 3), dtype=tf.float32),
            'px_per_mm': tfds.features.Scalar(tf.float32),
        }
        features = tfds.features.FeaturesDict(
            {'person': tfds.features.Text(), 'frames': tfds.features.Sequence(frame)})
        metadata = tfds.core.MetadataDict(num_missing_poses=self.folder.num_missing_poses)
        return self.dataset_info_from_configs(features=features, metadata=metadata)

    def _split_generators(self, dl_manager):
        del dl_manager  # nothing is downloaded
        return {split: self._generate_examples(persons) for split, persons in self.folder.splits.items()}

    def _generate_examples(self, persons):
        """Yields the records of the persons; every picture is decoded once, so that no broken one gets in."""
        for person in persons:
            for index, frames in enumerate(_cut(person, self.folder.persons[person])):
                record = {'person': person, 'frames': [_encode(frame) for frame in frames]}
                yield f'{person}/{index:05d}', record


def open_people(source_dir, data_dir=None, allow_missing_poses=False):
    """Returns the `PeopleBuilder` of a folder with its records made; raises DataError as the builder does."""
    builder = PeopleBuilder(source_dir, data_dir, allow_missing_poses)
    builder.download_and_prepare()
    return builder


def _cut(person, frames):
    """Cuts a person's frames into records of like size; shuffled, so that a record spans a whole video."""
    num_records = -(-len(frames) // MAX_FRAMES)
    if num_records == 1:
        return [frames]
    frames = list(frames)
    random.Random(f'{_SEED} {person}').shuffle(frames)
    return [frames[index::num_records] for index in range(num_records)]


def _encode(frame):
    """Reads and checks the files of a frame; returns it as in a record."""
    data, image = _read(frame.image_path, channels=3)
    rows, columns = image.shape[:2]
    if rows != columns:
        raise DataError(f'{frame.image_path}: expected a square picture around the person, '
                        f'found {columns} x {rows} px.')
    mask_data = b''
    if frame.mask_path is not None:
        mask_data, mask = _read(frame.mask_path, channels=1)
        if mask.shape[:2] != (rows, columns):
            raise DataError(f'{frame.mask_path}: expected a mask of {columns} x {rows} px like its picture, '
                            f'found {mask.shape[1]} x {mask.shape[0]} px.')
        between = mask[(mask > 0) & (mask < 255)]
        if between.size:
            raise DataError(f'{frame.mask_path}: expected a mask of 0 and 255 only, found {between[0]}.')
    return {'name': frame.id.split('/')[1], 'image': data, 'mask': mask_data, 'size': rows,
            'pose_px': frame.pose.px, 'px_per_mm': frame.pose.px_per_mm}


def _read(path, channels):
    """Returns a picture's bytes and its pixels; by content, as there are PNGs under .jpg names."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f'{path}: expected a picture, found nothing readable ({error.strerror}).') from error
    if not data.startswith(_SIGNATURES):
        raise DataError(f'{path}: expected a JPEG or PNG picture, found {data[:8]!r}.')
    try:
        return data, tf.io.decode_image(data, channels, expand_animations=False).numpy()
    except tf.errors.InvalidArgumentError as error:
        raise DataError(f'{path}: expected a whole picture, found one that cannot be decoded '
                        f'({error.message.splitlines()[0]}).') from error
