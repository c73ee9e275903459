"""Records of a person, one for each picture with its pose, checked and encoded.

A record is a dict: person, name (of the frame), image and mask (the bytes of JPEG or PNG files, which are upright and
opaque; empty without a mask), size (rows and columns, px), pose_px [19, 3], px_per_mm (NaN if unknown) and origin (who
or what measured the pose).
"""

import contextlib
import tempfile

import numpy as np
import tensorflow as tf

from data_pipeline.errors import DataError, PictureError
from data_pipeline.picture_file import decode_image, png, read_head
from data_pipeline.poses.pose_file import is_far_outside
from data_pipeline.records.folder import NOT_IN_FILM, TOO_FEW
from data_pipeline.video_file import VideoReader
from repose_tf.coordinates import scale_pose

MIN_SIZE, MAX_SIZE = 16, 4096  # px, of a picture
_FILM_IN_MEMORY = 32 << 20  # bytes of a person's frames of videos
_JPEG, _PNG = b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n'


def records_of(person, frames, left_out):
    """Yields (key, record) of all pictures of a person. Every picture is decoded once to find broken ones.

    Args:
      person: name.
      frames: the person's `folder.Frame`s. A video is read once; its frames are kept as PNG, from some MB on in a
        temporary file, until their records are written.
      left_out: dict, which gets id -> reason of the frames that a video does not have, as headers only estimate how
        many there are, and of a frame that is then the person's only one.

    Raises:
      DataError: a picture, mask or pose cannot be used; the message names the file.
    """
    with _Film([frame.picture for frame in frames if frame.picture.video_index is not None]) as film:
        found = []
        for frame in frames:
            if frame.picture.video_index is None or film.holds(frame.picture):
                found.append(frame)
            else:
                left_out[frame.id] = NOT_IN_FILM
        if len(found) < min(2, len(frames)):
            left_out.update({frame.id: TOO_FEW for frame in found})
            return
        for frame in found:
            yield frame.id, {'person': person, **_encode(frame, film)}


def _encode(frame, film):
    """Reads and checks the picture, mask and pose of a frame; returns the frame as in a record."""
    path = frame.image_path
    if frame.picture.video_index is None:
        data = _read_file(path)
        image = _decode(path, data, 3)
        rows, columns = image.shape[:2]
        data = _opaque(path, data, image)
    else:
        data, (rows, columns) = film.read(frame.picture)
    if rows != columns or not MIN_SIZE <= rows <= MAX_SIZE:
        raise DataError(f'{path}: expected a square picture around the person of {MIN_SIZE} to {MAX_SIZE} px, '
                        f'found {columns} x {rows} px.')
    mask_data = _read_mask(frame.mask_path, rows) if frame.mask_path else b''
    pose = frame.pose
    px = scale_pose(pose.px, rows / (pose.image_size or rows))
    if is_far_outside(px, rows):
        raise DataError(f'{path}: expected a pose of the person in this picture of {rows} px, '
                        f'found {frame.id!r} with joints far outside of it.')
    return {'name': frame.id.split('/')[1], 'image': data, 'mask': mask_data, 'size': rows,
            'pose_px': px.astype(np.float32), 'px_per_mm': pose.px_per_mm, 'origin': pose.origin}


def _read_mask(path, size):
    data = _read_file(path)
    mask = _decode(path, data, 1)
    if mask.shape[:2] != (size, size):
        raise DataError(f'{path}: expected a mask of {size} x {size} px like its picture, '
                        f'found {mask.shape[1]} x {mask.shape[0]} px.')
    between = mask[(mask > 0) & (mask < 255)]
    if between.size:
        raise DataError(f'{path}: expected a mask of 0 and 255 only, found {between[0]}.')
    return data


def _read_file(path):
    """Returns a picture's bytes; the format is told by content, as some PNG files are named .jpg."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f'{path}: expected a picture, found nothing readable ({error.strerror}).') from error
    if not data.startswith((_JPEG, _PNG)):
        raise DataError(f'{path}: expected a JPEG or PNG picture, found {data[:8]!r}.')
    return data


def _decode(path, data, channels):
    """Returns the pixels of a picture as the readers of the records will see them."""
    head = read_head(data, path)
    if max(head.size) > MAX_SIZE:  # before so much memory is asked for
        raise DataError(f'{path}: expected a picture of at most {MAX_SIZE} px, found {head.size[0]} x {head.size[1]} '
                        'px.')
    if head.is_turned:  # which the readers of the records would not see
        raise DataError(f'{path}: expected a picture that is stored upright, found one that only its rotation tag '
                        '(EXIF) turns upright; save it upright, with a pose in px of it.')
    try:
        return tf.io.decode_image(data, channels, expand_animations=False).numpy()
    except tf.errors.InvalidArgumentError as error:
        raise DataError(f'{path}: expected a whole picture, found one that cannot be decoded '
                        f'({error.message.splitlines()[0]}).') from error


def _opaque(path, data, image):
    """Returns a picture's file as it is, or, where something in it is transparent, a PNG file of it over white.

    The readers of the records see `image`, in which the hidden colours show.
    """
    if not read_head(data, path).has_alpha:
        return data
    shown = decode_image(data, path)
    return data if np.array_equal(shown, image) else png(shown)


class _Film:
    """Frames of videos as PNG files; see `records_of`. Use in a `with` statement."""

    def __init__(self, pictures):
        self._file = tempfile.SpooledTemporaryFile(_FILM_IN_MEMORY)  # noqa: SIM115  (closed by __exit__)
        self._places = {}  # Picture -> (place, length, (rows, columns))
        wanted = {}
        for picture in pictures:
            wanted.setdefault(picture.path, {})[picture.video_index] = picture
        for path, picture_at in wanted.items():
            self._store(path, picture_at)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._file.close()

    def holds(self, picture):
        """Says whether a frame could be read."""
        return picture in self._places

    def read(self, picture):
        """Returns the PNG file and (rows, columns) of a frame."""
        place, length, size = self._places[picture]
        self._file.seek(place)
        return self._file.read(length), size

    def _store(self, path, picture_at):
        with contextlib.suppress(PictureError), VideoReader(path) as video:  # it may have changed since it was listed
            for index, image in video.frames(is_wanted=picture_at.__contains__):
                data = png(image)
                self._places[picture_at[index]] = self._file.tell(), len(data), image.shape[:2]
                self._file.write(data)
                if index == max(picture_at):
                    return
