"""Puts what the model makes back into the photo that it comes from, with soft edges.

The model's pixels are taken where the person now is and where they were, since what they uncover only the model can
tell; all else stays the photo, at its own resolution.
"""

import cv2
import numpy as np

from data_pipeline.errors import UsageError
from repose_tf.skeleton import BONES, JOINT_INDEX, joint_indices

_REACH = 0.02  # of the square's side: what is taken beyond the person, and as much again to fade
_RIM = 0.04  # of the square's side: fades towards the square's border
_TRUNK = joint_indices('lsho', 'rsho', 'rhip', 'lhip')
_HEAD = joint_indices('nose', 'leye', 'reye', 'lear', 'rear')


class Canvas:
    """A photo into which pictures of its square are put.

    Attributes:
      photo: uint8 [H, W, 3], as it is shown.
    """

    def __init__(self, person, max_side=None):
        """Prepares a photo.

        Args:
          person: `repose_inputs.Person`.
          max_side: px; a larger photo is shrunk to it. None: it stays.
        """
        rows, columns = person.photo.shape[:2]
        factor = min(1.0, (max_side or np.inf) / max(rows, columns))
        if person.square.side * factor < 16:
            raise UsageError(f'--max_side: expected a photo in which the person is seen, found a square of '
                             f'{person.square.side * factor:.0f} px around them.')
        shape = [max(1, round(length * factor)) for length in (columns, rows)]
        self.photo = cv2.resize(person.photo, shape, interpolation=cv2.INTER_AREA) if factor < 1 else person.photo
        self._scale = person.square.side * factor / len(person.image)  # px of the photo per px of the model
        self._corner = np.array([person.square.left, person.square.top]) * factor
        self._side = person.square.side * factor
        mask = None if person.mask is None else cv2.resize(person.mask, shape, interpolation=cv2.INTER_AREA)
        self._was = self._body(person.pose_px)
        if mask is not None:
            self._was = np.maximum(self._was, np.where(mask > 127, 1, 0).astype(np.float32))
        self._rim = self._inside()

    def pose(self, pose_px):
        """Brings a pose [19, 3] from px of the model's picture to px of the photo."""
        return pose_px * self._scale + np.append(self._corner, 0)

    def paste(self, image, alpha, pose_px):
        """Puts a picture of the model in.

        Args:
          image: uint8 [S, S, 3].
          alpha: float [S, S], the person's share; None takes the shape of the pose.
          pose_px: [19, 3], the person in `image`.

        Returns:
          uint8 [H, W, 3].
        """
        now = self._body(pose_px) if alpha is None else self._over(np.float32(np.clip(2 * alpha, 0, 1)))
        weight = self._rim * self._soft(np.maximum(self._was, now))
        whole = np.float32(self._over(image, cv2.INTER_CUBIC))
        return np.uint8(np.round(self.photo + weight[..., np.newaxis] * (whole - self.photo)))

    def _over(self, image, interpolation=cv2.INTER_LINEAR):
        """Brings [S, S] or [S, S, C] over the photo."""
        shift = self._corner + (self._scale - 1) / 2  # OpenCV counts from the first pixel's centre
        matrix = np.array([[self._scale, 0, shift[0]], [0, self._scale, shift[1]]])
        border = cv2.BORDER_REPLICATE if image.ndim == 3 else cv2.BORDER_CONSTANT
        return cv2.warpAffine(image, matrix, self.photo.shape[1::-1], flags=interpolation, borderMode=border)

    def _soft(self, mask):
        """Widens a mask and lets it fade."""
        reach = max(1, round(self._side * _REACH))
        wide = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2))
        return cv2.GaussianBlur(wide, (0, 0), reach / 2)

    def _body(self, pose_px):
        """Returns the rough shape of a body, 0 or 1 [H, W]."""
        points = self.pose(np.asarray(pose_px, np.float64))[:, :2].clip(-1e4, 1e4)
        mask = np.zeros(self.photo.shape[:2], np.uint8)
        trunk = points[_TRUNK]
        size = max(np.linalg.norm(trunk[0] - trunk[2]), np.linalg.norm(trunk[1] - trunk[3]), 1)
        for first, second in BONES:
            ends = np.int32(np.round(points[[JOINT_INDEX[first], JOINT_INDEX[second]]]))
            cv2.line(mask, tuple(map(int, ends[0])), tuple(map(int, ends[1])), 1, max(1, round(0.25 * size)))
        cv2.fillConvexPoly(mask, cv2.convexHull(np.int32(np.round(trunk))), 1)
        cv2.circle(mask, tuple(int(value) for value in points[_HEAD].mean(axis=0)), max(1, round(0.28 * size)), 1, -1)
        return mask.astype(np.float32)

    def _inside(self):
        """Returns 1 in the square, falling to 0 at those of its borders that lie inside of the photo, [H, W]."""
        fades = []
        for corner, length in zip(self._corner, self.photo.shape[1::-1], strict=True):
            at = np.arange(length) + 0.5
            ends = [(at - corner) if corner > 0.5 else np.full(length, np.inf),
                    (corner + self._side - at) if corner + self._side < length - 0.5 else np.full(length, np.inf)]
            fades.append(np.clip(np.minimum(*ends) / (self._side * _RIM), 0, 1))
        return np.float32(fades[1][:, np.newaxis] * fades[0])
