"""Picture files: PNG, JPEG, GIF, series, grids and videos, written whole or not at all."""

import contextlib
import io
import itertools
import math
import os
import pathlib
import re
import stat

import cv2
import numpy as np
from PIL import Image

from data_pipeline.errors import UsageError
from data_pipeline.files import whole_file
from data_pipeline.picture_file import resized
from experiments.pictures.marks import COMMENT, commented, watermarked

_CODECS = {'.mp4': 'mp4v', '.webm': 'VP80'}  # OpenCV's own FFmpeg can always encode these
_PICTURES = ('.png', '.jpg')
ANIMATIONS = (*_CODECS, '.gif')
_MOST_IN_MEMORY = 400  # pictures of a grid or a GIF
_NUMBER = re.compile(r'%0?\d*d(?![A-Za-z])')  # of a series; 100%done is no number
_GIF_FPS = 50  # GIFs count in 10 ms, and browsers slow down what stands for less than 20 ms
_CLIP_PX = 128  # a browser enlarges the rest; more takes long to find 256 colours for


def write_picture(path, image, watermark=False):
    """Writes an image.

    Args:
      path: file ending in .png or .jpg; its folders are created.
      image: uint8 [H, W, 3], RGB.
      watermark: whether it gets a mark in its corner.

    Raises:
      UsageError: the path ends otherwise.
      WriteError: it cannot be written.
    """
    suffix = pathlib.Path(path).suffix.lower()
    if suffix not in _PICTURES:
        raise UsageError(f'picture {path}: expected a file name ending in .png or .jpg.')
    with whole_file(path) as unfinished:
        unfinished.write_bytes(_encoded(watermarked(image) if watermark else image, suffix))


def gif(images, fps):
    """Returns square images, uint8 [S, S, 3] RGB, as the bytes of a GIF file that repeats; small ones are enlarged."""
    size, file = max(_CLIP_PX, len(images[0])), io.BytesIO()
    _write_gif(file, [resized(image, size) for image in images], fps)
    return file.getvalue()


def gif_places(count, fps):
    """Returns the range of those of `count` pictures that a GIF can show at `fps`: 0, 1, ... or 0, n, 2 * n, ..."""
    step = max(1, math.ceil(fps / _GIF_FPS - 1e-6))
    return range(0, step * max(1, round(count / step)), step)


def check_output(path, num_pictures):
    """Refuses an output that cannot be written, before anything is computed.

    Args:
      path: ends in .png or .jpg, with %03d in its name for a series of files; .gif, .mp4 or .webm.
      num_pictures: how many there will be.

    Raises:
      UsageError: the path ends otherwise, cannot be, or there are too many pictures for it.
    """
    suffix = pathlib.Path(path).suffix.lower()
    if suffix not in (*_PICTURES, *ANIMATIONS):
        raise UsageError(f'--output: expected a name that ends in {", ".join((*_PICTURES, *ANIMATIONS))}, '
                         f'found {path!r}.')
    if len(_numbers(path)) > 1:
        raise UsageError(f'--output: expected one number in a name, found {" and ".join(_numbers(path))} in {path!r}.')
    try:
        if stat.S_ISDIR(os.lstat(numbered(path, 0)).st_mode):
            raise UsageError(f'--output: expected a file to write, found the folder {path}.')
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UsageError(f'--output: {path}: cannot be written ({error.strerror}).') from error
    is_kept = suffix == '.gif' or (suffix in _PICTURES and not _numbers(path))
    if is_kept and num_pictures > _MOST_IN_MEMORY:
        raise UsageError(f'--output: expected at most {_MOST_IN_MEMORY} pictures for {path}, found {num_pictures}; '
                         'take .mp4, a series as %05d.png, or --every.')


@contextlib.contextmanager
def open_output(path, fps, watermark=False):
    """Opens an output that `check_output` accepts.

    Args:
      path: see there; its folders are made.
      fps: pictures a second of a GIF (see `gif_places`) or a video.
      watermark: whether every picture gets a mark in its corner.

    Yields:
      function that takes the next picture, uint8 [H, W, 3] RGB, all of one size. The file gets its name when the block
      ends without an error; otherwise nothing stays of it, but the finished files of a series do.

    Raises:
      WriteError: it cannot be written.
    """
    path = pathlib.Path(path)
    if _numbers(path):
        numbers = itertools.count()
        yield lambda image: write_picture(numbered(path, next(numbers)), image, watermark)
        return
    with whole_file(path) as unfinished, (_video if path.suffix.lower() in _CODECS else _kept)(unfinished, fps) as add:
        yield (lambda image: add(watermarked(image))) if watermark else add


def numbered(path, number):
    """Returns the path of a picture of a series, as out-007.png of out-%03d.png; any other path as it is.

    Args:
      path: the output.
      number: of the picture; None leaves the number out, and - and _ before it.
    """
    path = pathlib.Path(path)
    if not _numbers(path):
        return path
    if number is None:
        return path.with_name((re.sub(f'[-_]*{_NUMBER.pattern}', '', path.stem) or 'series') + path.suffix)
    return path.with_name(_NUMBER.sub(lambda match: match[0] % number, path.name))


def _numbers(path):
    """Returns the number in the name of a series, as ['%03d'] of out-%03d.png, or []; only pictures are one."""
    path = pathlib.Path(path)
    return _NUMBER.findall(path.name) if path.suffix.lower() in _PICTURES else []


def _encoded(image, suffix):
    return commented(cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes())


def _write_gif(file, images, fps):
    """Writes a GIF that lasts as long as the clip, though each of its pictures stands for whole 10 ms, at least 20."""
    places = gif_places(len(images), fps)
    ends = np.floor(np.arange(len(places) + 1) * (100 * places.step / fps) + 0.5)
    durations_ms = [10 * max(2, int(ticks)) for ticks in np.diff(ends)]
    first, *others = [Image.fromarray(images[place]) for place in places]
    first.save(file, 'GIF', save_all=True, append_images=others, duration=durations_ms, loop=0,
               comment=COMMENT)


@contextlib.contextmanager
def _video(path, fps):
    writer = None

    def add(image):
        nonlocal writer
        rows, columns = (length + length % 2 for length in image.shape[:2])  # codecs want even numbers
        if writer is None:
            # The whole path, as FFmpeg takes what stands before a : for a protocol.
            writer = cv2.VideoWriter(os.path.join(os.getcwd(), path), cv2.CAP_FFMPEG,
                                     cv2.VideoWriter_fourcc(*_CODECS[path.suffix.lower()]), fps, (columns, rows))
            if not writer.isOpened():
                raise UsageError(f'--output: {path.parent}: expected a folder that a video can be written to, found '
                                 'none.')
        even = cv2.copyMakeBorder(image, 0, rows - image.shape[0], 0, columns - image.shape[1], cv2.BORDER_REPLICATE)
        writer.write(cv2.cvtColor(even, cv2.COLOR_RGB2BGR))

    try:
        yield add
    finally:
        if writer is not None:
            writer.release()


@contextlib.contextmanager
def _kept(path, fps):
    """Keeps the pictures and writes them at the end: a GIF, one picture, or a grid of several."""
    kept = []
    yield kept.append
    if path.suffix.lower() == '.gif':
        _write_gif(path, kept, fps)
        return
    if len(kept) > 1:
        columns = math.ceil(math.sqrt(len(kept)))
        blank = np.full_like(kept[0], 255)
        cells = [cv2.copyMakeBorder(image, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255))
                 for image in (*kept, *[blank] * (-len(kept) % columns))]
        kept = [np.concatenate([np.concatenate(cells[start:start + columns], axis=1)
                                for start in range(0, len(cells), columns)])]
    path.write_bytes(_encoded(kept[0], path.suffix.lower()))
