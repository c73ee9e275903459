"""What a user hands to `experiments.repose`: a picture and poses, found, checked and brought to size."""

import dataclasses
import pathlib

import cv2
import numpy as np

from data_pipeline import pose_file
from data_pipeline.picture_file import read_image
from experiments.program import UsageError
from repose_tf.coordinates import scale_pose

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


def place_of(path):
    """Returns the `Place` of <root>/images/<person>/<frame>.png if <root>/poses.json exists, else None."""
    path = pathlib.Path(path).absolute()
    if len(path.parents) < 3 or path.parents[1].name != 'images':
        return None
    place = Place(path.parents[2], f'{path.parent.name}/{path.stem}')
    return place if place.poses_path.is_file() else None


def load_inputs(source, source_pose, target_pose, size):
    """Reads the model's inputs.

    Args:
      source: path of a square picture of any size.
      source_pose: `POSES.json#person/frame`, the pose in that picture; '' takes the one of its place.
      target_pose: the wanted pose, likewise; `#person/frame` means the poses.json of the picture's place.
        Its px are those of its own picture where that lies beside the file, else those of `source`.
      size: rows and columns that the model takes, px.

    Returns:
      the inputs of the serving signature for a batch of one: `source_image` uint8 [1, S, S, 3],
      `source_pose` and `target_pose` float32 [1, 19, 3] px.

    Raises:
      UsageError, DataError: something is missing or is not what it should be.
    """
    place = place_of(source)
    image = _square(source, read_image(source))
    if not source_pose and place is None:
        raise UsageError(f'--source_pose: expected POSES.json#person/frame, found nothing, and {source} does '
                         'not lie in <folder>/images/<person>/ with a <folder>/poses.json that would tell.')
    source_px, _ = _pose('--source_pose', source_pose or f'#{place.key}', place)
    target_px, target_size = _pose('--target_pose', target_pose, place)
    source_px = scale_pose(source_px, size / len(image))
    target_px = scale_pose(target_px, size / (target_size or len(image)))
    return {'source_image': resized(image, size)[np.newaxis],
            'source_pose': source_px[np.newaxis].astype(np.float32),
            'target_pose': target_px[np.newaxis].astype(np.float32)}


def resized(image, size):
    """Returns a square uint8 image [H, H, 3] at [size, size, 3]; averages where it shrinks."""
    shrinks = size < len(image)
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _square(path, image):
    """Refuses a picture that is not square."""
    rows, columns = image.shape[:2]
    if rows != columns:
        raise UsageError(f'{path}: expected a square picture around the person, found {columns} x {rows} px.')
    return image


def _pose(flag, argument, place):
    """Finds a pose: its joints [19, 3] px and the size of its own picture in px, or None."""
    file, mark, key = argument.rpartition('#')
    if not mark or not key or (not file and place is None):
        raise UsageError(f'{flag}: expected POSES.json#person/frame, found {argument!r}.')
    path = pathlib.Path(file) if file else place.poses_path
    poses = pose_file.read(path)
    if key not in poses:
        raise UsageError(f'{flag}: expected a pose of {path}, for example {min(poses, default="none")}, '
                         f'found {key!r}.')
    pictures = [picture for suffix in _SUFFIXES
                if (picture := path.parent / 'images' / f'{key}{suffix}').is_file()]
    size = len(_square(pictures[0], read_image(pictures[0]))) if pictures else None
    return poses[key], size
