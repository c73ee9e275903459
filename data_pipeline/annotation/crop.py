"""Cropping a square around a person, with the margin that the model is trained on.

In data/people every picture shows 2.36 m at the person's distance, and the middle of the joints' box is at 0.58 of the
height. With a square of that size a crouching person is smaller than a standing one, as for a camera that stands still.
"""

import dataclasses

import cv2
import numpy as np

from data_pipeline.picture_file import resized
from data_pipeline.poses.pose_file import Pose

SIDE_MM = 2360.0
CENTRE = (0.5, 0.58)  # of the joints' box in the square, as shares of its side
_MOST = 0.78  # share of the side that the joints' box may fill: 95 % of data/people fill less


@dataclasses.dataclass(frozen=True)
class Square:
    """A square in a picture.

    Attributes:
      left, top: its corner, whole px of the picture; may lie outside.
      side: whole px.
    """

    left: int
    top: int
    side: int

    def cut(self, image):
        """Cuts it out of [H, W] or [H, W, C]; outside, a picture repeats its edge and a mask is 0."""
        rows, columns = image.shape[:2]
        before = max(0, -self.top), max(0, -self.left)
        after = max(0, self.top + self.side - rows), max(0, self.left + self.side - columns)
        inner = image[max(0, self.top):self.top + self.side, max(0, self.left):self.left + self.side]
        border = cv2.BORDER_CONSTANT if image.ndim == 2 else cv2.BORDER_REPLICATE
        return cv2.copyMakeBorder(inner, before[0], after[0], before[1], after[1], border)

    def outside_share(self, image_size):
        """Returns the share of the square's area that lies outside of a picture of (columns, rows)."""
        inside = 1.0
        for start, length in zip((self.left, self.top), image_size, strict=True):
            inside *= max(0, min(start + self.side, length) - max(start, 0)) / self.side
        return 1 - inside


def square_around(joints_px, px_per_mm, image_size):
    """Places the `Square` around one pose of a person, or around several poses that share it.

    It is as large as in data/people; larger only if the joints need it, smaller if the picture is. It is moved into
    the picture as far as possible. Joints outside of the picture do not count.

    Args:
      joints_px: [N, 2], (x, y) px of the picture; at least one lies inside.
      px_per_mm: the person's scale.
      image_size: (columns, rows) of the picture, px.
    """
    limits = np.asarray(image_size)
    points = np.asarray(joints_px, np.float64)
    points = points[np.all((points >= 0) & (points <= limits), axis=1)]
    low, high = points.min(axis=0), points.max(axis=0)
    least = np.max(high - low) / _MOST
    side = int(np.ceil(max(least, min(SIDE_MM * px_per_mm, limits.min()), 2)))
    corner = np.round((low + high) / 2 - np.array(CENTRE) * side).astype(int)
    inside = np.clip(corner, 0, np.maximum(limits - side, 0))
    # A side longer than the picture sticks out at both ends, unless the people are at one end: it stays around them.
    corner = np.where(side <= limits, inside, np.clip(corner, limits - side, 0))
    return Square(int(corner[0]), int(corner[1]), side)


def crop_image(image, square, max_size):
    """Cuts out the square and shrinks it to `max_size` px if it is larger; returns uint8 [S, S, ...]."""
    cut = square.cut(image)
    if square.side <= max_size:
        return cut
    shrunk = resized(cut, max_size)
    # Averages make a mask grey along its rim.
    return np.where(shrunk > 127, 255, 0).astype(np.uint8) if image.ndim == 2 else shrunk


def crop_pose(pose, square, max_size):
    """Moves a `Pose` from px of the picture to px of what `crop_image` returns."""
    factor = min(1.0, max_size / square.side)
    px = (pose.px.astype(np.float64) - [square.left, square.top, 0]) * factor
    return Pose(px.astype(np.float32), pose.px_per_mm * factor, pose.mm, pose.tags)
