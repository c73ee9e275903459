"""The frames of a split by number, and their pictures and masks, read from the records when they are needed.

A record holds up to 32 pictures of a person; a pair needs two. So the records are read once to find the place of each
picture in their files; from then on a picture is one read of its bytes, which the system's cache makes fast if there is
memory to spare. In memory, a frame is its id, its pose and its place: less than a kilobyte.
"""

import collections
import contextlib
import os

import numpy as np
import tensorflow as tf  # before tensorflow_datasets, which would otherwise load without it

from data_pipeline.errors import DataError

_HEAD_BYTES, _TAIL_BYTES = 12, 4  # around the content of a record in a TFRecord file: its length, check sums
_NOWHERE = (0, 0)


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
        """Reads all records once.

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
        self._paths = [os.fspath(path) for split in splits for path in builder.info.splits[split].filepaths]
        found = {}
        for file, path in enumerate(self._paths):
            try:
                found.update(_scan(builder.info.features, file, path))
            except tf.errors.OpError as error:
                raise DataError(f'{path}: expected whole records, found a file that cannot be read '
                                f'({error.message.splitlines()[0]}). Delete its folder to make them anew.') from error
        self._kept = {}
        # Not as texts, among which `anna-dress/00` is before `anna/00`, though `anna` is before `anna-dress`.
        self.ids = sorted(found, key=lambda frame_id: frame_id.split('/', 1))
        columns = zip(*(found[frame_id] for frame_id in self.ids), strict=True)
        poses_px, sizes, files, images, masks = map(np.array, columns)
        # Counted in the order of the frames, so that no other order can ever matter.
        self.counts = np.array(list(collections.Counter(frame_id.split('/', 1)[0] for frame_id in self.ids).values()))
        self.num_bytes = int(images[:, 1].sum() + masks[:, 1].sum())
        with tf.device('CPU'):  # where the pipeline runs; and once, not as a constant of every graph
            self._id_table = tf.constant(self.ids)
            self.poses_px, self.sizes, self.has_mask = map(tf.constant, (poses_px, sizes, masks[:, 1] > 0))
            self._files = tf.constant(files)
            self._spans = {'images': tf.constant(images), 'masks': tf.constant(masks)}
            self._file_lengths = tf.constant([os.path.getsize(path) for path in self._paths], tf.int64)

    def frame_id(self, number):
        """Returns the id of a frame; number and result are scalar tensors."""
        return tf.gather(self._id_table, number)

    def image_file(self, number):
        """Returns a frame's picture as it was on disk, JPEG or PNG; number and result are scalar tensors."""
        return self._read('images', number)

    def mask_file(self, number):
        """Returns a frame's mask, JPEG or PNG, likewise; only for frames that have one."""
        return self._read('masks', number)

    def keep_files(self):
        """Reads all files into memory, `num_bytes`, so that nothing is read later."""
        with contextlib.ExitStack() as stack:
            files = self._files.numpy()
            opened = [stack.enter_context(open(path, 'rb')) for path in self._paths]

            def load(file, start, length):
                opened[file].seek(start)
                return opened[file].read(length)

            with tf.device('CPU'):
                self._kept = {
                    part: tf.constant([load(file, *span) for file, span in zip(files, spans.numpy(), strict=True)])
                    for part, spans in self._spans.items()}

    def _read(self, part, number):
        """Reads a span of bytes, as the record of a file whose header is all before it, whose footer all after."""
        if part in self._kept:
            return tf.gather(self._kept[part], number)
        spans = self._spans[part]
        file = tf.gather(self._files, number)
        start, length = tf.unstack(tf.gather(spans, number))
        after = tf.gather(self._file_lengths, file) - start - length
        return tf.data.FixedLengthRecordDataset(
            tf.gather(self._paths, file), length, start, after, buffer_size=length).get_single_element()


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
        self._images = _kept(np.arange(num_frames), self._decode_image, [image_size, image_size, 3])
        self._masks = _kept(masked, self._decode_mask, [image_size, image_size, 1])
        self._mask_rows = np.cumsum(has_mask) - 1

    def image(self, number):
        """Returns the picture of a frame, [S, S, 3] uint8; number is a scalar tensor."""
        return self._decode_image(number) if self._images is None else tf.gather(self._images, number)

    def mask(self, number):
        """Returns the mask of a frame, [S, S, 1] uint8, 0 or 255; all 0 if there is none."""
        def found():
            if self._masks is None:
                return self._decode_mask(number)
            return tf.gather(self._masks, tf.gather(self._mask_rows, number))

        return tf.cond(tf.gather(self._store.has_mask, number), found,
                       lambda: tf.zeros([self.image_size, self.image_size, 1], tf.uint8))

    def _decode_image(self, number):
        return self._sized(self._store.image_file(number), 3, lambda image: tf.cast(tf.round(image), tf.uint8))

    def _decode_mask(self, number):
        """Returns a mask, 255 where at least half of a pixel is the person."""
        return self._sized(self._store.mask_file(number), 1,
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


def _scan(features, file, path):
    """Yields (id, (pose [19, 3] px, size, number of the file, span of the picture, span of the mask)) of each frame.

    A span is the place of the first byte and the number of bytes.
    """
    records = tf.data.TFRecordDataset(path).map(
        lambda content: (content, features.deserialize_example(content)), tf.data.AUTOTUNE)
    start = 0  # of the content of the record
    for content, record in records.as_numpy_iterator():
        start += _HEAD_BYTES
        frames = record['frames']
        spans = zip(*(_spans(content, start, frames[part]) for part in ('image', 'mask')), strict=True)
        for name, pose_px, size, (image, mask) in zip(
                frames['name'], frames['pose_px'], frames['size'], spans, strict=True):
            yield f'{record["person"].decode()}/{name.decode()}', (pose_px, size, file, image, mask)
        start += len(content) + _TAIL_BYTES


def _spans(content, start, parts):
    """Returns the spans of files in a record, which holds them unchanged and in this order."""
    spans, place = [], 0
    for part in parts:
        place = content.index(part, place)
        spans.append((start + place, len(part)) if part else _NOWHERE)
    return spans


def _kept(numbers, decode, shape):
    """Decodes the frames of these numbers on all cores; returns [N, *shape] uint8 in the memory of the CPU."""
    kept = np.empty([len(numbers), *shape], np.uint8)
    decoded = tf.data.Dataset.from_tensor_slices(numbers).map(decode, tf.data.AUTOTUNE)
    for row, image in enumerate(decoded.as_numpy_iterator()):
        kept[row] = image
    with tf.device('CPU'):
        return tf.constant(kept)
