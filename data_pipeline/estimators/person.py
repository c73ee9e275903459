"""What every pose estimator tells of a picture, whatever it is made of."""

import dataclasses
import typing

import numpy as np


@dataclasses.dataclass(frozen=True)
class PersonEstimate:
    """One person as an estimator sees them, in the project's 19 joints.

    Attributes:
      joints_px: float [19, 2], (x, y) px of the picture, the centre of whose first pixel is 0.5.
      joints_mm: float [19, 3], mm, camera axes: x right, y down, z away from the camera; any origin.
      score: how sure the estimator is that it is one, in [0, 1].
      mask: uint8 [H, W], 255 on the person and 0 elsewhere, or None where the estimator has none.
    """

    joints_px: np.ndarray
    joints_mm: np.ndarray
    score: float
    mask: np.ndarray | None = None


class Estimator(typing.Protocol):
    """The interface of all estimators.

    Attributes:
      origin: which model, of which file, and what is derived: as poses.json tells it. Poses of the same origin
        go together.
    """

    origin: str

    def largest_person(self, image):
        """Finds the largest person.

        Args:
          image: uint8 [H, W, 3], RGB.

        Returns:
          (`PersonEstimate` or None where there is none, number of people found).
        """
