"""The largest person of a photo as the model takes one: a square around them and their pose, cut as
`data_pipeline.annotate` does."""

import pathlib

import cv2
import numpy as np

from data_pipeline.annotation.checks import AcceptanceLimits, check_person
from data_pipeline.annotation.crop import square_around
from data_pipeline.annotation.finder import find_largest
from data_pipeline.annotation.sources import PictureSource
from data_pipeline.errors import PictureError

_LARGEST_PX = 1536  # of a side: a square may reach beyond the photo, and the model takes 256 px at the most


def estimate(path, image, estimator):
    """Finds the pose of the largest person.

    Args:
      path: what the picture is called in messages.
      image: uint8 [H, W, 3], RGB.
      estimator: `person.Estimator`.

    Returns:
      `Pose` px of the image, mask uint8 [H, W] or None, and how many people were found.

    Raises:
      PictureError: nobody is found, or nobody of whom the pose can be told.
    """
    finding, mask = find_largest(estimator, image)
    source = PictureSource(pathlib.Path(path), str(path), '', '-', '')
    accepted, rejects = check_person([(source, '-', finding)], AcceptanceLimits(min_pictures=1))
    if not accepted:
        raise PictureError(f'{path}: expected a picture of a person: {rejects[0].detail}.')
    return accepted[0].pose, mask, finding['people']


def find_person(image, estimator, size):
    """Finds the largest person of a photo and cuts them out.

    Args:
      image: uint8 [H, W, 3], RGB; larger than 1536 px it is shrunk first.
      estimator: `person.Estimator`.
      size: rows and columns of the result, px.

    Returns:
      uint8 [S, S, 3], the pose [19, 3] float32 px in it, and how many people were found.

    Raises:
      PictureError: as `estimate`.
    """
    image = _shrunk(image)
    pose, _, num_people = estimate('your photo', image, estimator)
    square = square_around(pose.px[:, :2], pose.px_per_mm, image.shape[1::-1])
    return *cut_out(image, pose, square, size), num_people


def cut_out(image, pose, square, size):
    """Cuts a square out of an image; returns it at `size`, uint8 [S, S, 3], and the pose [19, 3] float32 px in it."""
    pose_px = (pose.px - np.float32([square.left, square.top, 0])) * np.float32(size / square.side)
    return resized(square.cut(image), size), pose_px.astype(np.float32)


def resized(image, size):
    """Returns a square uint8 image [H, H, 3] at [size, size, 3]; averages where it shrinks."""
    shrinks = size < len(image)
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _shrunk(image):
    factor = _LARGEST_PX / max(image.shape[:2])
    if factor >= 1:
        return image
    rows, columns = (max(1, round(factor * length)) for length in image.shape[:2])
    return cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
