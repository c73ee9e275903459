"""The index of a file of records: which frames lie in it and where, kept beside it.

With the index a frame is one read of its own record, and nothing but the index has to be read before the first one:
less than a kilobyte a frame.
"""

import logging
import os
import pathlib
import typing
import zipfile

import numpy as np
import tensorflow as tf

from data_pipeline.errors import DataError, WriteError
from data_pipeline.files import sha256, whole_file

_NUM_CHECKED = 64  # records, to see whether an index is of its file; what is read is checked in any case
_HEAD_BYTES, _TAIL_BYTES = 12, 4  # around the content of a record in a TFRecord file: its length, check sums
ANEW = 'Delete its folder to make the records anew.'


class FrameIndex(typing.NamedTuple):
    """The N frames of a file, one a record, in their order there."""

    ids: np.ndarray  # [N] bytes, `person/frame` in UTF-8
    poses_px: np.ndarray  # [N, 19, 3] float32, px of the pictures
    sizes: np.ndarray  # [N] int32, rows and columns of the pictures, px
    places: np.ndarray  # [N, 2] int64, the first byte of the record in the file and how many there are
    file_bytes: np.ndarray  # [N, 2] int64, of the files in it: picture, and mask or 0
    digest: np.ndarray  # text, see `_digest`


def open_index(features, path, num_records):
    """Returns the `FrameIndex` of a file of records; makes and keeps it if it is not there.

    Args:
      features: the FeaturesDict of the records.
      path: of the TFRecord file; the index is the file of this name and `.index.npz`.
      num_records: how many records there should be.

    Raises:
      DataError: a record cannot be read, or there are fewer or more.
    """
    kept = pathlib.Path(f'{path}.index.npz')
    index = _read(kept, path) if kept.exists() else None
    if index is None:
        index = _made(features, path, num_records)
        try:
            with whole_file(kept) as unfinished:
                np.savez(unfinished, **index._asdict())
        except WriteError as error:
            logging.warning('%s The records are read through at every start.', error)
    return index


def _read(kept, path):
    """Returns the index that is kept if it can be read and is of this file, else None."""
    try:
        with np.load(kept) as content:
            index = FrameIndex(**{name: content[name] for name in FrameIndex._fields})
        if index.digest == _digest(path, index.places):
            return index
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass
    logging.warning('%s: expected the index of the records beside it, found a damaged one or one of other records; it '
                    'is made anew.', kept)
    return None


def _made(features, path, num_records):
    """Makes an index in one pass over the records, whose check sums are verified."""
    frames, place = [], 0
    records = tf.data.TFRecordDataset(path).map(
        lambda content: (tf.strings.length(content), features.deserialize_example(content)), tf.data.AUTOTUNE)
    try:
        for content_bytes, record in records.as_numpy_iterator():
            num_bytes = _HEAD_BYTES + int(content_bytes) + _TAIL_BYTES
            frames.append((record['person'] + b'/' + record['name'], record['pose_px'], record['size'],
                           (place, num_bytes), (len(record['image']), len(record['mask']))))
            place += num_bytes
    except tf.errors.OpError as error:
        is_damaged = isinstance(error, tf.errors.DataLossError)
        found = 'a damaged one or the end of the file' if is_damaged else error.message.splitlines()[0]
        raise DataError(f'{path}: record {len(frames) + 1}: expected a whole record, found {found}. {ANEW}') from error
    if len(frames) != num_records:
        raise DataError(f'{path}: expected {num_records} records, found {len(frames)}. {ANEW}')
    columns = dict(zip(FrameIndex._fields, map(np.array, zip(*frames, strict=True))))
    return FrameIndex(**columns, digest=np.array(_digest(path, columns['places'])))


def _digest(path, places):
    """Returns a digest of a file's length and of some records' lengths and check sums, which stand around them."""
    some = np.unique(np.linspace(0, len(places) - 1, _NUM_CHECKED, dtype=int))
    with open(path, 'rb') as file:
        around = (os.pread(file.fileno(), _TAIL_BYTES + _HEAD_BYTES, end - _TAIL_BYTES) for end in places[some].sum(1))
        return sha256([str(os.fstat(file.fileno()).st_size).encode(), *around])
