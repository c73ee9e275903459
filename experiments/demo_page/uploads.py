"""The poses of an uploaded video, within bounds: what its header announces is looked at before the frames are."""

import dataclasses
import math
import os
import pathlib
import time

import cv2
import numpy as np

from data_pipeline.errors import DataError, UsageError
from data_pipeline.program import one_line
from experiments.demo_page.limits import RequestError
from experiments.reposing import targets as repose_targets

SUFFIXES = ('.mp4', '.mov', '.webm')
_SMOOTHING = 1.0  # frames, as in experiments.repose
_EBML = b'\x1a\x45\xdf\xa3'  # WebM begins so
_BOXES = (b'ftyp', b'moov', b'mdat', b'wide', b'free', b'skip')  # MP4 and MOV begin with the length of one of these


@dataclasses.dataclass(frozen=True)
class Clip:
    """Poses of a video.

    Attributes:
      poses: float32 [N, 19, 3], px of the video's frames: only their shape counts.
      fps: of them a second.
      note: what the page tells of how they were found, or ''.
    """

    poses: np.ndarray
    fps: float
    note: str = ''


def find_clip(path, estimator, limits, deadline):
    """Finds the poses of a video.

    Args:
      path: of the uploaded file.
      estimator: `person.Estimator`.
      limits: `demo_limits.Limits`.
      deadline: of time.monotonic(), after which it is given up.

    Returns:
      `Clip`: of at most limits.frames frames, taken at even distances.

    Raises:
      RequestError: it is none, too much, or nobody is found in it.
    """
    num_frames = _announced_frames(path, limits)
    every = math.ceil(num_frames / limits.frames)
    bounded = _Bounded(estimator, limits.frames, deadline, limits.seconds)
    try:
        targets = repose_targets.load_targets(str(path), None, None, None, lambda: bounded, every, _SMOOTHING)
    except (DataError, UsageError) as error:
        raise RequestError(_without_path(one_line(error), path)) from error
    except (cv2.error, MemoryError) as error:
        raise RequestError(f'Expected a video that can be read, found {one_line(error)[:100]}.') from error
    note = ' '.join(_without_path(line, path) for line in targets.said)
    taken = f'{len(targets.poses_px)} of its {num_frames} frames were taken.' if every > 1 else ''
    return Clip(targets.poses_px, targets.fps, ' '.join(filter(None, (note, taken))))


class _Bounded:
    """An `Estimator` that stops looking when it has had enough."""

    def __init__(self, estimator, num_frames, deadline, seconds):
        self._estimator, self._left, self._deadline, self._seconds = estimator, num_frames, deadline, seconds
        self._num_done = 0

    def largest_person(self, image):
        """See `person.Estimator`."""
        if self._num_done == self._left:
            raise RequestError('Expected a video of as many frames as it announces, found more.')
        if time.monotonic() > self._deadline:
            raise RequestError(f'This took longer than {self._seconds:g} s; {self._num_done} frames were looked at. '
                             'Try a shorter or smaller video.')
        self._num_done += 1
        return self._estimator.largest_person(image)


def _announced_frames(path, limits):
    """Returns how many frames the header of a video announces; refuses what is too much or none."""
    if pathlib.Path(path).suffix.lower() not in SUFFIXES:
        raise RequestError(f'Expected a video ({", ".join(SUFFIXES)}), found {pathlib.Path(path).suffix[:20]!r}.')
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
    columns, rows, num_frames, fps = _header(path)
    if num_frames < 1:
        raise RequestError('Expected a video that tells how many frames it has, found none; MP4 files do.')
    if min(columns, rows) < 1 or not 0 < fps < 1000:
        raise RequestError(f'Expected a video, found {columns} x {rows} px, {fps:g} frames a second.')
    if columns * rows > limits.video_megapixels * 1e6:
        raise RequestError(f'Expected a video of at most {limits.video_megapixels:g} megapixels, found {columns} x '
                           f'{rows} px.')
    if num_frames > limits.video_frames:
        raise RequestError(f'Expected a video of at most {limits.video_frames} frames, found {num_frames} '
                           f'({num_frames / fps:.0f} s); cut it shorter.')
    return num_frames


def _header(path):
    """Returns (columns, rows, number of frames, frames a second) as the header announces them."""
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)  # no other: some take a name for a pattern of many files
    try:
        if not video.isOpened():
            raise RequestError('Expected a video as MP4, MOV or WebM, found one that cannot be opened.')
        columns, rows, num_frames = (_whole(video.get(name)) for name in (
            cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_COUNT))
        return columns, rows, num_frames, video.get(cv2.CAP_PROP_FPS)
    finally:
        video.release()


def _whole(number):
    return int(number) if math.isfinite(number) else 0


def _without_path(message, path):
    """Names the video as the visitor knows it, not where it lies here."""
    return message.replace(f'video {path}', 'your video').replace(str(path), 'your video')
