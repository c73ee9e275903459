"""The people and poses that the page offers, from a folder in the people layout."""

import dataclasses
import math

import numpy as np

from data_pipeline.errors import DataError
from data_pipeline.people.people_folder import open_folder
from data_pipeline.picture_file import read_image, resized
from repose_tf.coordinates import scale_pose

_MAX_PERSONS, _MAX_POSES = 10, 10
_NAMES = {'apose_front': 'standing', 'turn': 'turned', 'turn_back': 'from behind', 'turn_side': 'from the side',
          'walk_angles': 'a step', 'squat': 'squatting', 'mixed': 'bending', 'arms_raised': 'arms up',
          'arms_front': 'arms in front', 'arms_behind': 'arms behind'}


@dataclasses.dataclass(frozen=True)
class PagePerson:
    """A person of the page, offered or uploaded, in a picture of the model's size; or a pose alone.

    Attributes:
      name: what the page calls them.
      image: uint8 [S, S, 3], RGB; None of a pose alone.
      pose_px: float32 [19, 3] px in it; of a pose alone, px of no picture: only its shape counts.
      note: what the page tells of how they were found, or ''.
      mask: uint8 [S, S], the person in the picture, or None.
      others: tuple of `PagePerson`, the same person in further photos.
      photo_px: side of the square of the photo, as its file is, that `image` shows.
      px_per_mm: the person's scale in that photo.
    """

    name: str
    image: np.ndarray
    pose_px: np.ndarray
    note: str = ''
    mask: np.ndarray | None = None
    others: tuple = ()
    photo_px: float = math.nan
    px_per_mm: float = math.nan


@dataclasses.dataclass(frozen=True)
class Samples:
    """What the page offers.

    Attributes:
      persons: tuple of `PagePerson`, of the test split if the folder has one.
      poses: tuple of `PagePerson` whose poses are taken.
    """

    persons: tuple
    poses: tuple


def load_samples(root, size):
    """Reads the `Samples` of a folder in the people layout, at the model's size, px.

    These are the first frames of up to ten persons of the test split (of the train split if there is no other), and
    up to ten poses of the first person.

    Raises:
      DataError: the folder is not in order.
    """
    folder = open_folder(root, allow_missing_poses=True)
    names = (folder.splits.get('test') or folder.splits['train'])[:_MAX_PERSONS]
    poses = folder.persons[names[0]][:_MAX_POSES]
    return Samples(tuple(_person(name, folder.persons[name][0], size) for name in names),
                   tuple(_person(_pose_name(frame), frame, size) for frame in poses))


def _person(name, frame, size):
    image = read_image(frame.image_path)
    if image.shape[0] != image.shape[1]:
        raise DataError(f'{frame.image_path}: expected a square picture, found {image.shape[1]} x {image.shape[0]} px.')
    pose_px = scale_pose(frame.pose.px, size / len(image)).astype(np.float32)
    mask = resized(read_image(frame.mask_path)[..., 0], size) if frame.mask_path else None
    return PagePerson(name, resized(image, size), pose_px, mask=mask if mask is not None and mask.any() else None,
                      photo_px=len(image), px_per_mm=frame.pose.px_per_mm)


def _pose_name(frame):
    kind, _, more = str(frame.pose.tags.get('pose', frame.id.partition('/')[2])).partition(':')
    return _NAMES.get(kind, kind) + (f' ({more})' if more else '')
