"""The largest person of a photo as the model takes one: a square around them and their pose, cut as
`data_pipeline.annotate` does."""

import cv2
import numpy as np

from data_pipeline.errors import PictureError
from data_pipeline.person_crop import crop_image, crop_pose, square_around
from data_pipeline.person_finder import MIN_PICTURE_PX
from data_pipeline.pose_checks import Limits
from data_pipeline.weak_perspective import fit_scale, lift
from repose_tf.coordinates import scale_pose

_LARGEST_PX = 1536  # of a side: a square may reach beyond the photo, and the model takes 256 px at the most


def find_person(image, estimator, size, limits=None):
    """Finds the largest person of a photo.

    Args:
      image: uint8 [H, W, 3], RGB; larger than 1536 px it is shrunk first.
      estimator: `person.Estimator`.
      size: rows and columns of the result, px.
      limits: `pose_checks.Limits`; None: the usual ones.

    Returns:
      uint8 [S, S, 3], the pose [19, 3] float32 px in it, and how many people were found.

    Raises:
      PictureError: nobody is found, or nobody of whom the pose can be told.
    """
    limits = limits or Limits()
    image = _shrunk(image)
    rows, columns = image.shape[:2]
    if min(rows, columns) < MIN_PICTURE_PX:
        raise PictureError(f'Expected a photo of {MIN_PICTURE_PX} px or more a side, found {columns} x {rows} px.')
    person, num_people = estimator.largest_person(image)
    if person is None:
        raise PictureError('Expected a photo of a person, found nobody in it.')
    px_per_mm = _checked_scale(person, (columns, rows), limits)
    pose = lift(person.joints_px, person.joints_mm, px_per_mm)
    square = square_around(pose.px[:, :2], px_per_mm, (columns, rows))
    cut = crop_image(image, square, size)
    pose_px = crop_pose(pose, square, size).px
    if len(cut) < size:
        pose_px = scale_pose(pose_px, size / len(cut))
        cut = cv2.resize(cut, (size, size), interpolation=cv2.INTER_LINEAR)
    return cut, pose_px.astype(np.float32), num_people


def _shrunk(image):
    factor = _LARGEST_PX / max(image.shape[:2])
    if factor >= 1:
        return image
    rows, columns = (max(1, round(factor * length)) for length in image.shape[:2])
    return cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)


def _checked_scale(person, image_size, limits):
    """Returns px_per_mm of a `person.Person`; refuses what `annotate` refuses."""
    if not (np.isfinite(person.joints_px).all() and np.isfinite(person.joints_mm).all()):
        raise PictureError('Expected a person with a pose, found one whose joints cannot be told.')
    if person.score < limits.min_score:
        raise PictureError('Expected a photo of a person, found nothing that surely is one '
                           f'(score {person.score:.2f}, {limits.min_score:g} is needed).')
    outside = int(np.sum(np.any((person.joints_px < 0) | (person.joints_px > image_size), axis=1)))
    if outside > limits.max_joints_outside:
        raise PictureError(f'Expected a person who is in the photo from head to foot, found {outside} of 19 joints '
                           f'outside of it ({limits.max_joints_outside} may be).')
    px_per_mm, _ = fit_scale(person.joints_px, person.joints_mm)
    if not px_per_mm > 0:
        raise PictureError('Expected a person with a pose, found joints that do not go together.')
    return px_per_mm
