"""The person whom a user hands to `experiments.repose`: a photo and the pose in it, brought to the model's size."""

import dataclasses
import pathlib

import numpy as np

from data_pipeline.annotation.crop import Square, square_around
from data_pipeline.errors import UsageError
from data_pipeline.picture_file import read_image
from data_pipeline.poses import pose_file
from experiments.reposing.source_person import cut_out, estimate

_SUFFIXES = ('.jpg', '.jpeg', '.png')


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
class Person:
    """A photo and the person in it.

    Attributes:
      photo: uint8 [H, W, 3], RGB.
      square: `Square` of the photo that the model sees.
      image: uint8 [S, S, 3], that square at the model's size.
      pose_px: float32 [19, 3], px of `image`.
      mask: uint8 [H, W], 255 on the person, or None where nobody told.
    """

    photo: np.ndarray
    square: Square
    image: np.ndarray
    pose_px: np.ndarray
    mask: np.ndarray | None = None

    @property
    def is_cropped(self):
        return self.photo.shape[:2] != (self.square.side, self.square.side)


def place_of(path):
    """Returns the `Place` of <root>/images/<person>/<frame>.png if <root>/poses.json exists, else None."""
    path = pathlib.Path(path).absolute()
    if len(path.parents) < 3 or path.parents[1].name != 'images':
        return None
    place = Place(path.parents[2], f'{path.parent.name}/{path.stem}')
    return place if place.poses_path.is_file() else None


def load_person(path, pose, size, open_estimator):
    """Reads a photo and finds its pose.

    A square photo whose pose is given is taken as it is; others are cut as data_pipeline.annotate does.

    Args:
      path: photo of any size.
      pose: `POSES.json#person/frame`, the pose in it; '' takes the one of its place, or else the estimator's.
      size: rows and columns that the model takes, px.
      open_estimator: function without arguments that returns a `person.Estimator`.

    Returns:
      `Person`, and how many people the estimator saw (1 where it was not asked).

    Raises:
      UsageError, DataError: something is missing or is not what it should be.
    """
    photo, place, mask, num_people = read_image(path), place_of(path), None, 1
    rows, columns = photo.shape[:2]
    if pose or place:
        found, _ = find_pose('--source_pose', pose or f'#{place.key}', place)
        square = Square(0, 0, rows)
        if pose_file.is_far_outside(found.px, max(rows, columns)):
            raise UsageError(f'--source_pose: expected a pose in the picture {path}, found joints far outside of it.')
    else:
        found, mask, num_people = estimate(path, photo, open_estimator())
        square = None
    if square is None or rows != columns:
        inside = np.all((found.px[:, :2] >= 0) & (found.px[:, :2] <= (columns, rows)), axis=1)
        if not inside.any():
            raise UsageError(f'--source_pose: expected a pose in the picture {path}, found no joint inside of it.')
        square = square_around(found.px[:, :2], found.px_per_mm, (columns, rows))
    return Person(photo, square, *cut_out(photo, found, square, size), mask), num_people


def find_pose(flag, argument, place):
    """Finds one pose by `POSES.json#person/frame`; returns a `Pose` and the size of its own picture in px, or None."""
    path, key = split(flag, argument, place)
    poses = pose_file.read_poses(path)
    if key not in poses:
        raise UsageError(f'{flag}: expected a pose of {path}, for example {min(poses, default="none")}, '
                         f'found {key!r}.')
    return poses[key], picture_size(path, key)


def split(flag, argument, place):
    """Splits `POSES.json#person/frame`; without a file that of the place is meant. Returns path and key."""
    file, mark, key = argument.rpartition('#')
    if not mark or not key or (not file and place is None):
        raise UsageError(f'{flag}: expected POSES.json#person/frame, found {argument!r}.')
    return pathlib.Path(file) if file else place.poses_path, key


def picture_size(path, key):
    """Returns the side of the square picture of a pose in px, or None where none lies beside the pose file."""
    for suffix in _SUFFIXES:
        picture = path.parent / 'images' / f'{key}{suffix}'
        if picture.is_file():
            rows, columns = read_image(picture).shape[:2]
            if rows != columns:
                raise UsageError(f'{picture}: expected a square picture around the person, found {columns} x {rows} '
                                 'px.')
            return rows
    return None
