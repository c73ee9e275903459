"""Reading films frame by frame, upright. What a header says is an estimate; what can be read is the film."""

import math
import os

import cv2

from data_pipeline.errors import PictureError

USUAL_FPS = 25.0
_MOST_FPS = 1000  # browsers write films whose frame rate reads as 1000
_MOST_FRAMES = 1_000_000  # eleven hours; headers that announce more say nothing
_FPS_TOLERANCE = 0.1  # by which the times of the frames may differ from the header's rate
_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


class VideoReader:
    """A film that is read once, from its beginning. Use in a `with` statement.

    Attributes:
      path: the file.
      size: (columns, rows) of an upright frame, px, as the header says.
      num_announced: how many frames the header announces; 0 where it says nothing that can be.
      num_read: how many frames have been passed.
    """

    def __init__(self, path):
        """Opens a film; raises PictureError if it is none."""
        self.path, self.num_read, self._times_ms = path, 0, []
        # FFmpeg alone, as OpenCV's other readers take some names for patterns of many files; and the whole path, as
        # FFmpeg takes what stands before a : for a protocol.
        self._video = cv2.VideoCapture(os.path.join(os.getcwd(), path), cv2.CAP_FFMPEG)
        if not self._video.isOpened():
            raise PictureError(f'video {path}: expected a video that OpenCV can open, found none.')
        self._video.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)  # OpenCV 5 turns by itself, 4 does not
        self._turn = _TURNS.get(self._whole(cv2.CAP_PROP_ORIENTATION_META) % 360)
        size = self._whole(cv2.CAP_PROP_FRAME_WIDTH), self._whole(cv2.CAP_PROP_FRAME_HEIGHT)
        self.size = size if self._turn in (None, cv2.ROTATE_180) else size[::-1]
        announced = self._whole(cv2.CAP_PROP_FRAME_COUNT)
        self.num_announced = announced if 0 < announced <= _MOST_FRAMES else 0

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._video.release()

    def frames(self, every=1, is_wanted=lambda index: True):
        """Yields (index, frame uint8 [H, W, 3] RGB), upright.

        Args:
          every: takes frames 0, every, 2 * every, ...
          is_wanted: function of a frame's index; says whether the frame is made.

        Raises:
          PictureError: no frame can be read.
        """
        while self._next():
            index = self.num_read - 1
            if index % every == 0 and is_wanted(index):
                is_read, image = self._video.retrieve()
                if not is_read:
                    self.num_read -= 1
                    break
                image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
                yield index, image if self._turn is None else cv2.rotate(image, self._turn)
        if not self.num_read:
            raise PictureError(f'video {self.path}: expected a video with frames that can be read, found none.')

    def count(self, at_most=math.inf):
        """Returns how many frames there are, read from here on; stops at `at_most`."""
        while self.num_read < at_most and self._next():
            pass
        return self.num_read

    def note(self):
        """Returns what the user is told of a film that was read to its end, a line, or ''."""
        if self.num_read + 1 < self.num_announced:  # of one frame headers are often wrong
            return f'{self.path}: {self.num_read} frames can be read, its header announces {self.num_announced}.'
        return ''

    def frame_rate(self):
        """Returns frames a second of what was read, and what the user is told of them, a line, or ''.

        The header's, unless the times of the frames tell another: theirs is the mean, so that the film keeps its
        length. USUAL_FPS where neither can be.
        """
        announced, span_ms = self._video.get(cv2.CAP_PROP_FPS), 0.0
        if len(self._times_ms) > 1:
            span_ms = self._times_ms[1] - self._times_ms[0]
        seen = 1000 * (self.num_read - 1) / span_ms if span_ms > 0 else math.nan
        if _can_be(announced) and not (_can_be(seen) and abs(seen / announced - 1) > _FPS_TOLERANCE):
            return announced, ''
        if _can_be(seen):
            return seen, f'{self.path}: {seen:.4g} frames a second by their times, its header says {announced:.4g}.'
        return USUAL_FPS, (f'{self.path}: its header says {announced:.4g} frames a second and the times of its frames '
                           f'tell none, so it is taken for {USUAL_FPS:g} unless --fps says another.')

    def _next(self):
        """Goes to the next frame; returns whether there is one."""
        if not self._video.grab():
            return False
        self.num_read += 1
        self._times_ms[1:] = [self._video.get(cv2.CAP_PROP_POS_MSEC)]  # the first and the latest
        return True

    def _whole(self, name):
        number = self._video.get(name)
        return int(number) if math.isfinite(number) else 0


def _can_be(fps):
    return 0 < fps < _MOST_FPS
