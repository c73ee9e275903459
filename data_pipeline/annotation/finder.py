"""The first half of annotating: the estimator looks at every picture once, and the journal keeps what it said."""

import os

import cv2
import numpy as np

from data_pipeline.annotation.journal import UNREADABLE
from data_pipeline.annotation.sources import read_frames, read_photo
from data_pipeline.errors import DataError, PictureError

MIN_PICTURE_PX = 32


def look_through(sources, estimator, journal, mask_dir, every=1, is_upright=True, progress=lambda name: None):
    """Looks at every photo and frame that the journal does not know yet.

    Args:
      sources: list of `Source`.
      estimator: `person.Estimator`.
      journal: `AnnotationJournal`; gets a finding for every photo and frame.
      mask_dir: pathlib.Path of the folder that gets the masks, of the size of their pictures.
      every: takes every so many frames of a video.
      is_upright: turn photos as their EXIF data say.
      progress: called with the name of each photo and video when it is done, and of each frame.
    """
    def look(source, frame, image):
        journal.add(source, frame, _finding(estimator, image, mask_path(mask_dir, source, frame)))

    for source in sources:
        if source.is_video:
            if journal.end(source) is None:
                journal.add_end(source, _look_through_video(source, journal, look, every, progress))
        elif not journal.knows(source, source.frame):
            try:
                look(source, source.frame, read_photo(source, is_upright))
            except PictureError as error:
                journal.add(source, source.frame, {'reject': UNREADABLE, 'detail': str(error)})
        progress(source.name)


def _look_through_video(source, journal, look, every, progress):
    """Looks at the frames that the journal does not know; returns what is wrong with the video, or ''."""
    try:
        for frame, image in read_frames(source, every, lambda frame: not journal.knows(source, frame)):
            look(source, frame, image)
            progress(f'{source.name} {frame}')
    except PictureError as error:
        return str(error)
    return ''


def mask_path(mask_dir, source, frame):
    """Returns where the mask of a picture is kept until it is cropped."""
    return mask_dir / source.person / f'{frame}.png'


def _finding(estimator, image, path):
    """Returns what the journal keeps of a picture; writes the mask."""
    finding, mask = find_largest(estimator, image)
    if mask is not None:
        write_picture(path, mask)
    return finding


def find_largest(estimator, image):
    """Looks at a picture, uint8 [H, W, 3] RGB; returns the journal's finding, and the mask, uint8 [H, W], or None."""
    rows, columns = image.shape[:2]
    finding = {'size': [columns, rows]}
    if min(rows, columns) < MIN_PICTURE_PX:
        return {**finding, 'reject': 'too_small', 'detail': f'expected {MIN_PICTURE_PX} px or more a side, '
                                                            f'found {columns} x {rows}'}, None
    person, num_people = estimator.largest_person(image)
    if person is None:
        return {**finding, 'reject': 'no_person', 'detail': 'nobody was found'}, None
    if not (np.isfinite(person.joints_px).all() and np.isfinite(person.joints_mm).all()):
        return {**finding, 'reject': 'not_finite', 'detail': 'the estimator gave numbers that are none'}, None
    return {**finding, 'people': num_people, 'score': round(float(person.score), 4),
            'px': np.round(np.asarray(person.joints_px, float), 3).tolist(),
            'mm': np.round(np.asarray(person.joints_mm, float), 2).tolist()}, person.mask


def write_picture(path, image):
    """Writes grey [H, W] or RGB [H, W, 3] uint8 as PNG, whole or not at all; DataError where that fails."""
    _, data = cv2.imencode('.png', image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    # Of this process alone: of a run that was killed, a worker may still write the same picture.
    unfinished = path.with_name(f'{path.name}.{os.getpid()}.unfinished')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(data)
        os.replace(unfinished, path)
    except OSError as error:
        raise DataError(f'{path}: cannot be written ({error.strerror}).') from error
