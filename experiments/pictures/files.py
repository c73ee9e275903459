"""Writing pictures one after the other: a picture, a series, a grid, a GIF or a video; whole or not at all."""

import contextlib
import math
import os
import pathlib
import re

import cv2
import numpy as np

from data_pipeline.errors import UsageError
from experiments.pictures import drawing

# What OpenCV's own FFmpeg can always encode.
_CODECS = {'.mp4': 'mp4v', '.webm': 'VP80'}
_PICTURES = ('.png', '.jpg')
ANIMATIONS = (*_CODECS, '.gif')
_MOST_IN_MEMORY = 400  # pictures of a grid or a GIF
_NUMBER = re.compile(r'%0?\d*d')


def check_output(path, num_pictures):
    """Refuses an output that cannot be written, before anything is computed.

    Args:
      path: ends in .png or .jpg, with %03d in its name for a series of files; .gif, .mp4 or .webm.
      num_pictures: how many there will be.
    """
    suffix = pathlib.Path(path).suffix.lower()
    if suffix not in (*_PICTURES, *ANIMATIONS):
        raise UsageError(f'--output: expected a name that ends in {", ".join((*_PICTURES, *ANIMATIONS))}, '
                         f'found {path!r}.')
    is_kept = suffix == '.gif' or (suffix in _PICTURES and not is_series(path))
    if is_kept and num_pictures > _MOST_IN_MEMORY:
        raise UsageError(f'--output: expected at most {_MOST_IN_MEMORY} pictures for {path}, found {num_pictures}; '
                         'take .mp4, a series as %05d.png, or --every.')


def is_series(path):
    """Says whether a path names a file for every picture, as out-%03d.png does."""
    return bool(_NUMBER.search(pathlib.Path(path).name))


@contextlib.contextmanager
def open_output(path, fps):
    """Opens an output that `check_output` let pass.

    Args:
      path: see there; its folders are made.
      fps: pictures a second of a GIF or a video.

    Yields:
      function that takes the next picture, uint8 [H, W, 3] RGB, all of one size. What was written appears under its
      name when the block ends well; if not, nothing of it stays, but for a series' files so far.
    """
    path = pathlib.Path(path)
    if is_series(path):
        numbers = iter(range(10 ** 9))
        yield lambda image: drawing.write_picture(str(path.with_name(path.name % next(numbers))), image)
        return
    unfinished = path.with_name(f'.{path.stem}.{os.getpid()}.unfinished{path.suffix}')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (_video if path.suffix.lower() in _CODECS else _kept)(unfinished, fps) as add:
            yield add
        os.replace(unfinished, path)
    except OSError as error:
        raise UsageError(f'--output={path}: cannot be written ({error.strerror or error}).') from error
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def _video(path, fps):
    writer = None

    def add(image):
        nonlocal writer
        rows, columns = (length + length % 2 for length in image.shape[:2])  # codecs want even numbers
        if writer is None:
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*_CODECS[path.suffix.lower()]), fps,
                                     (columns, rows))
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
        from PIL import Image
        first, *others = [Image.fromarray(image) for image in kept]
        first.save(path, save_all=True, append_images=others, duration=round(1000 / fps), loop=0)
        return
    if len(kept) > 1:
        columns = math.ceil(math.sqrt(len(kept)))
        blank = np.full_like(kept[0], 255)
        kept += [blank] * (-len(kept) % columns)
        kept = [grid_of([kept[start:start + columns] for start in range(0, len(kept), columns)])]
    drawing.write_picture(path, kept[0])


def grid_of(rows):
    """Lays out rows of pictures of one size, uint8 [H, W, 3], with a gap."""
    def gapped(image):
        return cv2.copyMakeBorder(image, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    return np.concatenate([np.concatenate([gapped(image) for image in row], axis=1) for row in rows], axis=0)
