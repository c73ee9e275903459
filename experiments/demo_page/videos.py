"""Films that are uploaded to the page, within bounds: the poses of the people in videos, of BVH and of pose files."""

import dataclasses
import math
import os
import pathlib
import time

import cv2
import numpy as np

from data_pipeline.errors import DataError, UsageError
from data_pipeline.estimators.following import Follower
from data_pipeline.estimators.person import largest
from data_pipeline.finding import natural_key
from data_pipeline.poses import motion_capture, pose_file
from data_pipeline.program import one_line
from data_pipeline.video_file import VideoReader
from experiments.demo_page.checks import number as check_number
from experiments.demo_page.photos import MOST_PEOPLE, chosen_of, numbered
from experiments.demo_page.samples import PagePerson
from experiments.demo_page.uploads import RequestError
from experiments.pictures import sound
from experiments.reposing import targets

VIDEO_SUFFIXES = ('.mp4', '.mov', '.webm')
POSE_SUFFIXES = ('.bvh', '.json')
_FPS_OF_POSES = 4.0  # of a file that tells none
_COUNTED_AT_ONCE = 100  # frames of a video, between two looks at the clock
_SMOOTHING = None  # as much as the joints tremble, as in experiments.repose
_EBML = b'\x1a\x45\xdf\xa3'  # WebM begins so
_BOXES = (b'ftyp', b'moov', b'mdat', b'wide', b'free', b'skip')  # MP4 and MOV begin with the length of one of these


@dataclasses.dataclass(frozen=True)
class VideoPerson:
    """Somebody in a video.

    Attributes:
      poses_px: float32 [N, 19, 3], px of the video's frames: only their shape counts.
      note: what the page tells of how they were found, or ''.
    """

    poses_px: np.ndarray
    note: str = ''


@dataclasses.dataclass(frozen=True)
class Video:
    """The people in a video, and who of them is followed; or one whose poses came from a file.

    Attributes:
      people: dict, number as in the picture, from the left -> `VideoPerson`.
      fps: poses a second.
      chosen: the number of who is followed.
      picture: uint8 [H, W, 3], a frame with the numbers; None where there is one person.
      frame: whose pose is looked at, from 1.
      sound: of the video, see `sound.extracted`.
    """

    people: dict
    fps: float
    chosen: int = 1
    picture: np.ndarray | None = None
    frame: int = 1
    sound: bytes = b''

    def with_frame(self, number):
        """Returns the video with the pose of another frame looked at; raises RequestError if there is no such frame."""
        return dataclasses.replace(self, frame=int(check_number('frame', number, 1, len(self.poses_px))))

    @property
    def person(self):
        """The pose of the frame that is looked at, a `PagePerson` without a picture."""
        return PagePerson(f'frame {self.frame} of your film', None, self.poses_px[self.frame - 1], self.note)

    @property
    def poses_px(self):
        return self.people[self.chosen].poses_px

    @property
    def note(self):
        return self.people[self.chosen].note

    def with_chosen(self, number):
        """Returns the video with another person followed; raises RequestError if there is none of this number."""
        return dataclasses.replace(self, chosen=chosen_of(self.people, number, 'video'))


def read_poses(path, limits):
    """Reads the poses of motion capture (.bvh) or of a pose file (.json).

    Args:
      path: of the uploaded file.
      limits: `UploadLimits`; of more than limits.frames poses every second, third, ... is taken.

    Returns:
      `Video` of one person.

    Raises:
      RequestError: it is no such file, or too large.
    """
    path = pathlib.Path(path)
    num_bytes = os.path.getsize(path)
    if num_bytes > limits.upload_mb * 1e6:
        raise RequestError(f'Expected a file of at most {limits.upload_mb:g} MB, found {num_bytes / 1e6:.1f} MB.')
    try:
        if path.suffix.lower() == '.bvh':
            motion = motion_capture.read(path)
            poses_px, fps, notes = motion_capture.poses_of(motion, path), motion.fps or _FPS_OF_POSES, motion.notes
        else:
            poses = pose_file.read(path)
            if not poses:
                raise RequestError('Expected a file of poses, found none in it.')
            poses_px, fps, notes = [poses[key] for key in sorted(poses, key=natural_key)], _FPS_OF_POSES, ()
    except (DataError, UsageError) as error:
        raise RequestError(_without_path(one_line(error), path, 'your file')) from error
    every = math.ceil(len(poses_px) / limits.frames)
    taken = [f'{math.ceil(len(poses_px) / every)} of its {len(poses_px)} poses were taken.'] * (every > 1)
    note = ' '.join([*(_without_path(line, path, 'your file') for line in notes), *taken])
    return Video({1: VideoPerson(np.float32(poses_px[::every]), note)}, fps / every)


def read_video(path, estimator, limits, deadline, progress=None):
    """Finds the poses of everybody in a video, of MOST_PEOPLE at the most.

    Args:
      path: of the uploaded file.
      estimator: `person.Estimator`.
      limits: `UploadLimits`.
      deadline: time.monotonic() at which the search is given up.
      progress: function of (number of frames looked at, of how many), or None.

    Returns:
      `Video`, of at most limits.frames frames at even distances.

    Raises:
      RequestError: it is no video, is too large, or shows no person.
    """
    _check_file(path, limits)
    try:
        num_frames = _count_frames(path, limits, deadline)
        every = math.ceil(num_frames / limits.frames)
        bounded = _Bounded(estimator, deadline, limits.seconds)
        image, places = _people(path, bounded, every)
        bounded.tell(progress, math.ceil(num_frames / every) * len(places))
        if len(places) > 1:
            found = targets.follow(path, bounded, [Follower(number) for number in places], every, _SMOOTHING)
            found = {number: item for number, item in zip(places, found, strict=True)
                     if isinstance(item, targets.Targets)}
        else:
            found = {1: targets.of_video(path, bounded, every, _SMOOTHING)}
    except (DataError, UsageError) as error:
        raise RequestError(_without_path(one_line(error), path)) from error
    except (cv2.error, MemoryError) as error:
        raise RequestError(f'Expected a video that can be read, found {one_line(error)[:100]}.') from error
    if not found:
        raise RequestError('Expected a video of a person, found none whose pose is clear.')
    heard, note = sound.extracted(path)
    told = [f'{math.ceil(num_frames / every)} of its {num_frames} frames were taken.'] * (every > 1)
    told += [note] * bool(note)
    people = {number: VideoPerson(item.poses_px, ' '.join([_without_path(line, path) for line in item.notes] + told))
              for number, item in found.items()}
    chosen = next(iter(people))  # the largest
    return Video(dict(sorted(people.items())), found[chosen].fps, chosen,
                 numbered(image, {number: places[number] for number in people}) if len(people) > 1 else None,
                 sound=heard)


class _Bounded:
    """An `Estimator` that stops at the deadline."""

    def __init__(self, estimator, deadline, seconds):
        self._estimator, self._deadline, self._seconds = estimator, deadline, seconds
        self._num_done, self._progress, self._total = 0, None, 0

    def tell(self, progress, total):
        """Tells `progress` of every frame that is looked at from here on."""
        self._num_done, self._progress, self._total = 0, progress, total

    def find_person(self, image, choose=largest):
        """See `person.Estimator`."""
        if time.monotonic() > self._deadline:
            raise RequestError(f'This took longer than {self._seconds:g} s; {self._num_done} frames were looked at. '
                             'Try a shorter or smaller video.')
        self._num_done += 1
        if self._progress:
            self._progress(self._num_done, max(self._num_done, self._total))
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


def _people(path, estimator, every):
    """Returns the first frame that shows anybody, and dict, number from the left -> `Place`, of the largest people in
    it; the largest of all comes first."""
    found = []
    with VideoReader(path) as video:
        for _, image in video.frames(every):
            estimator.find_person(image, found.extend)  # returns nothing, so that nobody is wanted
            if found:
                break
    order = sorted(range(len(found)), key=lambda index: found[index].centre_px[0])
    return image, {1 + order.index(index): place for index, place in enumerate(found[:MOST_PEOPLE])}


def _without_path(message, path, what='your video'):
    """Names the file as the visitor knows it, not where it lies here."""
    return message.replace(f'video {path}', what).replace(str(path), what)
