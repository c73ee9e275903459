"""The source person: the photo that is reposed and the pose in it, brought to the model's size."""

import dataclasses
import math
import os
import pathlib

import numpy as np

from data_pipeline.annotation.checks import AcceptanceLimits, check_person
from data_pipeline.annotation.crop import Square, square_around
from data_pipeline.annotation.finder import find_largest
from data_pipeline.annotation.sources import PHOTO_SUFFIXES, PictureSource
from data_pipeline.errors import DataError, PictureError, UsageError
from data_pipeline.finding import composed, find_file
from data_pipeline.picture_file import read_image, resized
from data_pipeline.poses import pose_file
from data_pipeline.records.folder import IMAGE_SUFFIXES
from repose_tf.coordinates import scale_pose


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a picture lies in the people layout.

    Attributes:
      root: folder that holds images/ and poses.json.
      key: `person/frame`, the picture's name in poses.json.
    """

    root: pathlib.Path
    key: str

    @property
    def poses_path(self):
        return self.root / 'poses.json'


@dataclasses.dataclass(frozen=True)
class SourcePerson:
    """A photo and the person in it.

    Attributes:
      photo: uint8 [H, W, 3], RGB.
      square: `Square` of the photo that the model sees.
      image: uint8 [S, S, 3], that square at the model's size.
      pose_px: float32 [19, 3], px of `image`.
      mask: uint8 [H, W], 255 on the person; None if neither an estimator nor the photo's folder has one.
      place: `Place` of the photo; None if it lies in no folder of the people layout.
      num_people: how many people the estimator saw in the photo; 1 if it was not asked.
      px_per_mm: the person's scale in the photo.
    """

    photo: np.ndarray
    square: Square
    image: np.ndarray
    pose_px: np.ndarray
    mask: np.ndarray | None = None
    place: Place | None = None
    num_people: int = 1
    px_per_mm: float = math.nan

    @property
    def is_cropped(self):
        return self.photo.shape[:2] != (self.square.side, self.square.side)

    def at_size(self, size):
        """Returns the same person for a model of another size, px; cut out of the photo anew."""
        factor = np.float32(size / len(self.image))
        return dataclasses.replace(self, image=resized(self.square.cut(self.photo), size),
                                   pose_px=scale_pose(self.pose_px, factor))

    @property
    def image_mask(self):
        """uint8 [S, S], the mask in `image`; None where there is none, or nothing of it in the square."""
        if self.mask is None:
            return None
        mask = resized(self.square.cut(self.mask), len(self.image))
        return mask if mask.any() else None


def load_source_persons(paths, pose_names, size, open_estimator):
    """Reads several photos of a person, each as `load_source_person` does; returns a list of `SourcePerson`.

    Args:
      paths: of the photos.
      pose_names: none, or one for each photo, maybe ''.
      size, open_estimator: as for `load_source_person`.
    """
    if pose_names and len(pose_names) != len(paths):
        raise UsageError(f'--source_pose: expected none, or one for each --source, {len(paths)}, found '
                         f'{len(pose_names)}; an empty one leaves a photo its own.')
    return [load_source_person(path, name, size, open_estimator)
            for path, name in zip(paths, pose_names or [''] * len(paths), strict=True)]


def load_source_person(path, pose_name, size, open_estimator):
    """Reads a photo and finds its pose; returns a `SourcePerson`.

    A square photo with a known pose is taken whole; all others are cropped as data_pipeline.annotate does. A photo in a
    folder of the people layout has its mask there, if any.

    Args:
      path: photo of any size.
      pose_name: `POSES.json#person/frame`, the pose in it; '' takes the one of its place, or else the estimator's.
      size: rows and columns that the model takes, px.
      open_estimator: function without arguments that returns a `person.Estimator`.

    Raises:
      UsageError, DataError: something is missing or is not what it should be.
    """
    photo, place = read_image(path), place_of(path)
    if not (pose_name or place):
        return find_person(path, photo, size, open_estimator())
    pose = find_pose('--source_pose', pose_name or f'#{place.key}', place)
    rows, columns = photo.shape[:2]
    if pose_file.is_far_outside(pose.px, max(rows, columns)):
        raise UsageError(f'--source_pose: expected a pose in the picture {path}, found joints far outside of it.')
    if rows == columns:
        square = Square(0, 0, rows)
    elif np.any(np.all((pose.px[:, :2] >= 0) & (pose.px[:, :2] <= (columns, rows)), axis=1)):
        square = square_around(pose.px[:, :2], pose.px_per_mm, (columns, rows))
    else:
        raise UsageError(f'--source_pose: expected a pose in the picture {path}, found no joint inside of it.')
    return SourcePerson(photo, square, *_cut_out(photo, pose, square, size), place and _mask_of(place, photo), place,
                        px_per_mm=pose.px_per_mm)


def _mask_of(place, photo):
    """Returns the mask of a photo in the people layout, uint8 [H, W], or None; DataError if it is of another size."""
    file = find_file(place.root / 'masks' / place.key, ('.png',))
    if file is None:
        return None
    mask = read_image(file)[..., 0]
    if mask.shape != photo.shape[:2]:
        raise DataError(f'{file}: expected a mask of {photo.shape[1]} x {photo.shape[0]} px, as the photo is, found '
                        f'{mask.shape[1]} x {mask.shape[0]} px.')
    return mask


def find_person(name, photo, size, estimator):
    """Finds the largest person of a photo and crops it to them; returns a `SourcePerson`.

    Args:
      name: what messages call the photo.
      photo: uint8 [H, W, 3], RGB.
      size: rows and columns that the model takes, px.
      estimator: `person.Estimator`.

    Raises:
      PictureError: no person is found, or none with a usable pose.
    """
    pose, mask, num_people = estimate(name, photo, estimator)
    square = square_around(pose.px[:, :2], pose.px_per_mm, photo.shape[1::-1])
    return SourcePerson(photo, square, *_cut_out(photo, pose, square, size), mask, num_people=num_people,
                        px_per_mm=pose.px_per_mm)


def estimate(name, image, estimator):
    """Finds the pose of the largest person in an image, as `find_person` does.

    Returns:
      `Pose` px of the image, mask uint8 [H, W] or None, and how many people were found.
    """
    finding, mask = find_largest(estimator, image)
    picture = PictureSource(pathlib.Path(name), str(name), '', '-', '')
    accepted, rejects = check_person([(picture, '-', finding)], AcceptanceLimits(min_pictures=1))
    if not accepted:
        raise PictureError(f'{name}: expected a picture of a person: {rejects[0].detail}.')
    return accepted[0].pose, mask, finding['people']


def note_on_people(name, num_people):
    """Returns what the user is told of a picture of several people, as a tuple of at most one line."""
    return (f'{name} shows {num_people} people: the largest was taken.',) if num_people > 1 else ()


def place_of(path):
    """Returns the `Place` of <root>/images/<person>/<frame>.png if <root>/poses.json exists, else None."""
    path = pathlib.Path(os.path.abspath(path))
    if len(path.parents) < 3 or path.parents[1].name != 'images':
        return None
    place = Place(path.parents[2], composed(f'{path.parent.name}/{path.stem}'))
    return place if place.poses_path.is_file() else None


def find_pose(flag, name, place):
    """Finds one `Pose` by `POSES.json#person/frame`.

    Args:
      flag: the flag that gave the name, for messages.
      name: the pose's; without a file, that of `place` is meant.
      place: `Place` or None.

    Raises:
      UsageError, DataError: there is no such pose.
    """
    path, key = split_name(flag, name, place)
    poses = pose_file.read_poses(path)
    if key not in poses:
        raise UsageError(f'{flag}: expected a pose of {path}, for example {min(poses, default="none")}, found {key!r}.')
    return poses[key]


def split_name(flag, name, place):
    """Splits `POSES.json#person/frame` into path and key, see `find_pose`."""
    mark = mark_of(name)
    if mark is None or mark + 1 == len(name) or (mark == 0 and place is None):
        raise UsageError(f'{flag}: expected POSES.json#person/frame, found {name!r}.')
    return pathlib.Path(name[:mark]) if mark else place.poses_path, composed(name[mark + 1:])


def mark_of(name):
    """Returns where the # of `POSES.json#person/frame` is, None for other names; any part of it may hold others."""
    if os.path.isfile(name):
        return None
    folder = os.path.dirname(name)
    marks = [place for place, letter in enumerate(name) if letter == '#']
    found = ([place for place in marks if place == 0 or os.path.isfile(name[:place])]
             or [place for place in marks if name[:place].lower().endswith('.json')
                 and not (place < len(folder) and os.path.isdir(folder))])
    return found[0] if found else None


def picture_side(path, key):
    """Returns the side in px of the square picture beside the pose file `path` that a pose is px of.

    None: the file has no folder of pictures beside it.

    Raises:
      DataError: the folder has no such picture, or one that is not square.
    """
    place = path.parent / 'images'
    if not place.is_dir():
        return None
    picture = find_file(place / key, PHOTO_SUFFIXES)
    if picture is None:
        raise DataError(f'{path}: "{key}": expected the picture that this pose is px of, {place / key} with one of '
                        f'{", ".join(IMAGE_SUFFIXES)}, found none.')
    rows, columns = read_image(picture).shape[:2]
    if rows != columns:
        raise DataError(f'{picture}: expected a square picture around the person, found {columns} x {rows} px.')
    return rows


def _cut_out(photo, pose, square, size):
    """Returns the square at `size`, uint8 [S, S, 3], and the pose [19, 3] float32 px in it."""
    pose_px = (pose.px - np.float32([square.left, square.top, 0])) * np.float32(size / square.side)
    return resized(square.cut(photo), size), pose_px.astype(np.float32)
