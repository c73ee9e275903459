"""The interface of pose estimators, and the estimate of a person that they return."""

import dataclasses
import typing

import numpy as np


@dataclasses.dataclass(frozen=True)
class PersonEstimate:
    """One person as an estimator sees them, in the project's 19 joints.

    Attributes:
      joints_px: float [19, 2], (x, y) px of the picture, the centre of whose first pixel is 0.5.
      joints_mm: float [19, 3], mm, camera axes: x right, y down, z away from the camera; any origin.
      score: how sure the estimator is that this is a person, in [0, 1].
      mask: uint8 [H, W], 255 on the person and 0 elsewhere, or None if the estimator makes none.
    """

    joints_px: np.ndarray
    joints_mm: np.ndarray
    score: float
    mask: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Place:
    """Where somebody is in a picture.

    Attributes:
      centre_px: float [2], (x, y) px, about the middle of the body.
      size_px: about the height of the body, px.
    """

    centre_px: np.ndarray
    size_px: float


def largest(places):
    """Chooses the largest person; see `Estimator.find_person`."""
    return 0 if places else None


class Estimator(typing.Protocol):
    """The interface of all estimators.

    Attributes:
      origin: text for poses.json: the model, its files and what is derived. Poses of one origin are comparable.
    """

    origin: str

    def find_person(self, image, choose=largest):
        """Finds one person.

        Args:
          image: uint8 [H, W, 3], RGB.
          choose: function of the list of the `Place`s of all people found, the largest first; returns the index of the
            one that is wanted, or None. It is called once, with an empty list if there is nobody.

        Returns:
          (`PersonEstimate`, or None if there is nobody or nobody is wanted; number of people found).
        """
