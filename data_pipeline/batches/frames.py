"""The frames of a split by number, and their pictures and masks, read from the records when they are needed.

In memory, a frame is its id, its pose and its place: less than a kilobyte. A picture is one read of its own record, by
TensorFlow itself: a Python function in the pipeline could keep the program from ending.
"""

import collections
import os

import numpy as np
import tensorflow as tf  # before tensorflow_datasets, which would otherwise load without it

from data_pipeline.errors import DataError
from data_pipeline.records.frame_index import ANEW, open_index


class FrameStore:
    """All frames of one split or several, by person and then by name, so that those of a person follow each other.

    Attributes:
      ids: list of `person/frame`; a frame's number is its place here.
      counts: [P] int, how many frames each person has, persons in the order of their frames.
      poses_px: tensor [N, 19, 3] float32, px of the pictures.
      sizes: tensor [N] int32, rows and columns of the pictures, px.
      has_mask: tensor [N] bool.
      num_bytes: of all pictures and masks as files.
    """

    def __init__(self, builder, splits):
        """Opens the index of every file of records, which reads these through where there is none yet.

        Args:
          builder: a prepared TFDS builder with records as of `RecordBuilder`.
          splits: names of splits.

        Raises:
          DataError: there is no such split, or a file of the records cannot be read.
        """
        for split in splits:
            if split not in builder.info.splits:
                raise DataError(f'{builder.info.full_name}: expected one of the splits '
                                f'{", ".join(builder.info.splits)}, found {split!r}.')
        files = [(os.fspath(path), num_records) for split in splits for info in [builder.info.splits[split]]
                 for path, num_records in zip(info.filepaths, info.shard_lengths, strict=True)]
        indexes = [open_index(builder.info.features, *file) for file in files]
        rows = {frame_id.decode(): row for row, frame_id in enumerate(np.concatenate([one.ids for one in indexes]))}
        # Not as texts, among which `anna-dress/00` is before `anna/00`, though `anna` is before `anna-dress`.
        self.ids = sorted(rows, key=lambda frame_id: frame_id.split('/', 1))
        order = [rows[frame_id] for frame_id in self.ids]

        def ordered(name):
            return np.concatenate([getattr(one, name) for one in indexes])[order]

        # Counted in the order of the frames, so that no other order can ever matter.
        self.counts = np.array(list(collections.Counter(frame_id.split('/', 1)[0] for frame_id in self.ids).values()))
        file_bytes = ordered('file_bytes')
        self.num_bytes = int(file_bytes.sum())
        self._kept = None
        with tf.device('CPU'):  # where the pipeline runs; and once, not as a constant of every graph
            self._id_table = tf.constant(self.ids)
            self.poses_px, self.sizes = tf.constant(ordered('poses_px')), tf.constant(ordered('sizes'))
            self.has_mask = tf.constant(file_bytes[:, 1] > 0)
            self._paths = tf.constant([path for path, _ in files])
            self._files = tf.constant(np.repeat(np.arange(len(files)), [len(one.ids) for one in indexes])[order])
            self._places = tf.constant(ordered('places'))

    def frame_id(self, number):
        """Returns the id of a frame; number and result are scalar tensors."""
        return tf.gather(self._id_table, number)

    def files(self, number):
        """Returns a frame's picture and mask as they were on disk, JPEG or PNG; the mask is b'' where there is none.

        Args:
          number: scalar tensor.

        Returns:
          dict, 'image' and 'mask' -> scalar tensor of bytes.

        Raises:
          tf.errors.InvalidArgumentError: the record is damaged or gone; `program.run` tells its text as a `DataError`.
        """
        if self._kept is not None:
            return {name: tf.gather(files, number) for name, files in self._kept.items()}
        path = tf.gather(self._paths, tf.gather(self._files, number))
        place, num_bytes = tf.unstack(tf.gather(self._places, number))
        record = _read_record(path, place, num_bytes)
        told = tf.strings.join([
            'DataError: ', path, ': the record of ', self.frame_id(number), ' at byte ', tf.strings.as_string(place),
            f': expected it whole, found none or a damaged one. {ANEW}'])
        with tf.control_dependencies([tf.debugging.Assert(record != '', [told])]):
            return tf.io.parse_single_example(record, {
                name: tf.io.FixedLenFeature([], tf.string) for name in ('image', 'mask')})

    def keep_files(self):
        """Reads all files into memory, `num_bytes`, so that nothing is read later."""
        read = tf.data.Dataset.range(len(self.ids)).map(self.files, tf.data.AUTOTUNE)
        files = list(read.as_numpy_iterator())
        with tf.device('CPU'):
            self._kept = {name: tf.constant([each[name] for each in files]) for name in ('image', 'mask')}


class FramePictures:
    """Pictures and masks of one size by the frames' numbers, for use inside of a `tf.data` pipeline.

    Attributes:
      image_size: S, px.
      description: text that says whether they are decoded once or their files kept, and how much memory this takes.
    """

    def __init__(self, store, image_size, cache_bytes=0):
        """Decodes everything now if `cache_bytes` are enough, or else keeps the files if these fit.

        Decoding takes twice the memory for a moment.

        Args:
          store: a `FrameStore`.
          image_size: S, px.
          cache_bytes: how much memory decoded pictures and masks, or their files, may take.
        """
        self.image_size = image_size
        self._store = store
        self._images = self._masks = None
        num_frames, has_mask = len(store.ids), store.has_mask.numpy()
        masked = np.flatnonzero(has_mask)
        needed = image_size ** 2 * (3 * num_frames + len(masked))
        if needed > cache_bytes:
            self.description = (f'decoded whenever they occur (to keep them takes {needed / 1e6:.0f} MB, '
                                f'{cache_bytes / 1e6:.0f} MB are allowed)')
            if store.num_bytes <= cache_bytes:
                store.keep_files()
                self.description += f', from files kept in memory ({store.num_bytes / 1e6:.0f} MB)'
            return
        self.description = f'decoded once and kept ({needed / 1e6:.0f} MB)'
        self._images = _kept(np.arange(num_frames), self._decoded_image, [image_size, image_size, 3])
        self._masks = _kept(masked, self._decoded_mask, [image_size, image_size, 1])
        self._mask_rows = np.cumsum(has_mask) - 1

    def image(self, number):
        """Returns the picture of a frame, [S, S, 3] uint8; number is a scalar tensor."""
        return self._decoded_image(number) if self._images is None else tf.gather(self._images, number)

    def image_and_mask(self, number):
        """Returns the picture of a frame likewise, and its mask, [S, S, 1] uint8, 0 or 255; all 0 if there is none."""
        files = self._store.files(number) if self._images is None else None

        def mask():
            return self._mask(files) if files else tf.gather(self._masks, tf.gather(self._mask_rows, number))

        return self._image(files) if files else self.image(number), tf.cond(
            tf.gather(self._store.has_mask, number), mask,
            lambda: tf.zeros([self.image_size, self.image_size, 1], tf.uint8))

    def _decoded_image(self, number):
        return self._image(self._store.files(number))

    def _decoded_mask(self, number):
        return self._mask(self._store.files(number))

    def _image(self, files):
        return self._sized(files['image'], 3, lambda image: tf.cast(tf.round(image), tf.uint8))

    def _mask(self, files):
        """Returns a mask, 255 where at least half of a pixel is the person."""
        return self._sized(files['mask'], 1,
                           lambda mask: tf.where(mask >= 127.5, tf.constant(255, tf.uint8), tf.constant(0, tf.uint8)))

    def _sized(self, file, num_channels, to_bytes):
        """Decodes a square JPEG or PNG file and resizes it in float32 if needed; averages where it shrinks."""
        image = tf.io.decode_image(file, num_channels, expand_animations=False)
        image = tf.ensure_shape(image, [None, None, num_channels])
        size = tf.shape(image)[0]

        def resized(method):
            return lambda: to_bytes(tf.image.resize(image, [self.image_size, self.image_size], method))

        image = tf.case([(tf.equal(size, self.image_size), lambda: image), (size > self.image_size, resized('area'))],
                        resized('bilinear'))
        return tf.ensure_shape(image, [self.image_size, self.image_size, num_channels])


def _read_record(path, place, num_bytes):
    """Returns the content of a record, '' where it cannot be read or its check sums are wrong; by one read."""
    # The public TFRecordDataset cannot begin at a place.
    records = tf.data.experimental.from_variant(tf.raw_ops.TFRecordDatasetV2(
        filenames=[path], compression_type='', buffer_size=num_bytes, byte_offsets=[place]),
        tf.TensorSpec([], tf.string))
    nothing = tf.data.Dataset.from_tensors('')
    return records.take(1).ignore_errors().concatenate(nothing).take(1).get_single_element()


def _kept(numbers, decode, shape):
    """Decodes the frames of these numbers on all cores; returns [N, *shape] uint8 in the memory of the CPU."""
    kept = np.empty([len(numbers), *shape], np.uint8)
    decoded = tf.data.Dataset.from_tensor_slices(numbers).map(decode, tf.data.AUTOTUNE)
    for row, image in enumerate(decoded.as_numpy_iterator()):
        kept[row] = image
    with tf.device('CPU'):
        return tf.constant(kept)
