"""Uploads of the page, within bounds: the pixels of a photo, the poses of a video.

The header of a file is checked before anything of it is decoded.
"""

import dataclasses
import math
import os
import pathlib
import time

import cv2
import numpy as np

from data_pipeline.errors import DataError, PictureError, UsageError
from data_pipeline.estimators.person import largest
from data_pipeline.picture_file import decode_image, read_head, resized
from data_pipeline.program import one_line
from data_pipeline.video_file import VideoReader
from experiments.reposing import targets

VIDEO_SUFFIXES = ('.mp4', '.mov', '.webm')
_PHOTO_FORMATS = ('JPEG', 'PNG', 'WEBP', 'AVIF', 'HEIF')
_MAX_ASPECT = 4  # longer side by the shorter one
_LARGEST_PX = 1536  # of a photo's side; the model takes 256 px at the most
_COUNTED_AT_ONCE = 100  # frames of a video, between two looks at the clock
_SMOOTHING = 1.0  # frames, as in experiments.repose
_EBML = b'\x1a\x45\xdf\xa3'  # WebM begins so
_BOXES = (b'ftyp', b'moov', b'mdat', b'wide', b'free', b'skip')  # MP4 and MOV begin with the length of one of these


class RequestError(UsageError):
    """A request of the page that cannot be met; the message says what was expected and what was found."""


@dataclasses.dataclass(frozen=True)
class UploadLimits:
    """What a request may cost.

    Attributes:
      upload_mb: size of an uploaded photo, MB.
      megapixels: of an uploaded photo, millions.
      frames: pictures of a clip, and frames of a video whose poses are looked for.
      seconds: after which a clip, or the search for poses in a video, is given up.
      video_mb: size of an uploaded video, MB.
      video_megapixels: of a frame of it, millions.
      video_frames: of it.
    """

    upload_mb: float = 10
    megapixels: float = 25
    frames: int = 48
    seconds: float = 60
    video_mb: float = 30
    video_megapixels: float = 9
    video_frames: int = 1800


@dataclasses.dataclass(frozen=True)
class Video:
    """The poses of a video.

    Attributes:
      poses_px: float32 [N, 19, 3], px of the video's frames: only their shape counts.
      fps: poses a second.
      note: what the page tells of how they were found, or ''.
    """

    poses_px: np.ndarray
    fps: float
    note: str = ''


def read_photo(data, limits):
    """Decodes a photo file.

    Args:
      data: its bytes.
      limits: `UploadLimits`.

    Returns:
      uint8 [H, W, 3], RGB, shrunk to at most 1536 px a side.

    Raises:
      RequestError: it is no photo or too large.
    """
    if not isinstance(data, bytes) or not data:
        raise RequestError('Expected a photo, found an empty file.')
    if len(data) > limits.upload_mb * 1e6:
        raise RequestError(f'Expected a file of at most {limits.upload_mb:g} MB, found {len(data) / 1e6:.1f} MB.')
    try:
        columns, rows = read_head(data, 'upload', _PHOTO_FORMATS).size
    except PictureError as error:
        raise RequestError(one_line(error)) from error
    if columns * rows > limits.megapixels * 1e6:
        raise RequestError(f'Expected a photo of at most {limits.megapixels:g} megapixels, found '
                           f'{columns} x {rows} px.')
    if max(columns, rows) > _MAX_ASPECT * min(columns, rows):
        raise RequestError(f'Expected a photo whose sides differ at most {_MAX_ASPECT} times, found '
                           f'{columns} x {rows} px.')
    try:
        photo = decode_image(data, 'upload', _PHOTO_FORMATS)
    except PictureError as error:
        raise RequestError(one_line(error)) from error
    factor = min(1, _LARGEST_PX / max(photo.shape))
    return resized(photo, [max(1, round(factor * length)) for length in photo.shape[1::-1]])


def read_video(path, estimator, limits, deadline):
    """Finds the poses of a video.

    Args:
      path: of the uploaded file.
      estimator: `person.Estimator`.
      limits: `UploadLimits`.
      deadline: time.monotonic() at which the search is given up.

    Returns:
      `Video`, of at most limits.frames frames at even distances.

    Raises:
      RequestError: it is no video, is too large, or shows no person.
    """
    _check_file(path, limits)
    try:
        num_frames = _count_frames(path, limits, deadline)
        every = math.ceil(num_frames / limits.frames)
        found = targets.of_video(path, _Bounded(estimator, deadline, limits.seconds), every, _SMOOTHING)
    except (DataError, UsageError) as error:
        raise RequestError(_without_path(one_line(error), path)) from error
    except (cv2.error, MemoryError) as error:
        raise RequestError(f'Expected a video that can be read, found {one_line(error)[:100]}.') from error
    note = ' '.join(_without_path(line, path) for line in found.notes)
    taken = f'{len(found.poses_px)} of its {num_frames} frames were taken.' if every > 1 else ''
    return Video(found.poses_px, found.fps, ' '.join(filter(None, (note, taken))))


class _Bounded:
    """An `Estimator` that stops at the deadline."""

    def __init__(self, estimator, deadline, seconds):
        self._estimator, self._deadline, self._seconds = estimator, deadline, seconds
        self._num_done = 0

    def find_person(self, image, choose=largest):
        """See `person.Estimator`."""
        if time.monotonic() > self._deadline:
            raise RequestError(f'This took longer than {self._seconds:g} s; {self._num_done} frames were looked at. '
                             'Try a shorter or smaller video.')
        self._num_done += 1
        return self._estimator.find_person(image, choose)


def _check_file(path, limits):
    """Refuses a file that is too large or no video by its first bytes."""
    if pathlib.Path(path).suffix.lower() not in VIDEO_SUFFIXES:
        raise RequestError(f'Expected a video ({", ".join(VIDEO_SUFFIXES)}), found {pathlib.Path(path).suffix[:20]!r}.')
    num_bytes = os.path.getsize(path)
    if not num_bytes:
        raise RequestError('Expected a video, found an empty file.')
    if num_bytes > limits.video_mb * 1e6:
        raise RequestError(f'Expected a video of at most {limits.video_mb:g} MB, found {num_bytes / 1e6:.1f} MB.')
    with open(path, 'rb') as file:
        start = file.read(12)
    # FFmpeg takes texts too, lists of other files and addresses among them; such never reach it.
    if not start.startswith(_EBML) and start[4:8] not in _BOXES:
        raise RequestError(f'Expected a video as MP4, MOV or WebM, found {num_bytes} bytes that are none.')


def _count_frames(path, limits, deadline):
    """Returns how many frames a video has; goes through it, as headers are wrong. Refuses what is too large."""
    with VideoReader(path) as video:
        columns, rows = video.size
        if min(columns, rows) < 1:
            raise RequestError(f'Expected a video, found {columns} x {rows} px.')
        if columns * rows > limits.video_megapixels * 1e6:
            raise RequestError(f'Expected a video of at most {limits.video_megapixels:g} megapixels, found {columns} x '
                               f'{rows} px.')
        num_frames = -1
        while num_frames < video.num_read:
            if video.num_read > limits.video_frames:
                raise RequestError(f'Expected a video of at most {limits.video_frames} frames, found {video.num_read} '
                                   'or more; cut it shorter.')
            if time.monotonic() > deadline:
                raise RequestError(f'This took longer than {limits.seconds:g} s; {video.num_read} frames were counted. '
                                   'Try a shorter or smaller video.')
            num_frames = video.num_read
            video.count(min(num_frames + _COUNTED_AT_ONCE, limits.video_frames + 1))
        if not num_frames:
            raise RequestError('Expected a video with frames that can be read, found none.')
        return num_frames


def _without_path(message, path):
    """Names the video as the visitor knows it, not where it lies here."""
    return message.replace(f'video {path}', 'your video').replace(str(path), 'your video')
