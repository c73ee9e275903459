"""Frames of a clip: the reposed person in the photo or alone, beside source and target, with skeletons."""

import cv2
import numpy as np

from data_pipeline.errors import UsageError
from data_pipeline.picture_file import resized
from experiments.pictures import drawing
from repose_tf.skeleton import BONES, JOINT_INDEX, joint_indices

_REACH = 0.02  # of the square's side: what is taken beyond the person, and as much again to fade
_RIM = 0.04  # of the square's side: fades towards the square's border
_TRUNK = joint_indices('lsho', 'rsho', 'rhip', 'lhip')
_HEAD = joint_indices('nose', 'leye', 'reye', 'lear', 'rear')


class Frames:
    """Makes the pictures of a clip, all of one size."""

    def __init__(self, source, *, paste_back, max_side=None, side_by_side=False, skeleton=False, is_plain=False):
        """Prepares the source's side.

        Args:
          source: `SourcePerson`.
          paste_back: whether results are put into the photo.
          max_side: see `Canvas`.
          side_by_side: whether source and target are shown beside the result.
          skeleton: whether the poses are drawn.
          is_plain: leaves a picture at the model's size if nothing is added to it; else it is enlarged to be seen.
        """
        self._canvas = Canvas(source, max_side) if paste_back else None
        self._side_by_side, self._skeleton = side_by_side, skeleton
        self._is_plain = is_plain and not (side_by_side or skeleton or paste_back)
        shown = self._canvas.photo if paste_back else drawing.enlarge(source.image)
        self._factor = len(shown) / len(source.image)
        self._source = self._drawn(shown, source.pose_px)

    def show(self, image, alpha, pose_px, target=None):
        """Makes a picture, uint8 [H, W, 3].

        Args:
          image: uint8 [S, S, 3], the result.
          alpha: the person's share [S, S], or None.
          pose_px: [19, 3], px of it.
          target: the picture that the pose is from, uint8 [H, W, 3], and the pose [19, 3] px of it. None: the pose is
            drawn alone.
        """
        if self._is_plain:
            return image
        result = self._canvas.paste(image, alpha, pose_px) if self._canvas else drawing.enlarge(image)
        result = self._drawn(result, pose_px)
        if not self._side_by_side:
            return result
        if target is None:
            panel = drawing.draw_skeleton(np.full_like(result, 96), self._shown_pose_px(pose_px))
        else:
            panel = self._panel(*target, len(result))
        return np.concatenate([self._source, panel, result], axis=1)

    def _panel(self, picture, pose_px, height):
        """Brings the picture that a pose is from to the height of the others."""
        factor = height / len(picture)
        panel = resized(picture, (max(1, round(picture.shape[1] * factor)), height))
        return drawing.draw_skeleton(panel, pose_px * factor) if self._skeleton else panel

    def _shown_pose_px(self, pose_px):
        return self._canvas.pose(pose_px) if self._canvas else pose_px * self._factor

    def _drawn(self, image, pose_px):
        return drawing.draw_skeleton(image, self._shown_pose_px(pose_px)) if self._skeleton else image


class Canvas:
    """A photo into which the model's pictures of its square are pasted, with soft edges.

    The model's pixels are taken where the person now is and where they were, since only the model knows what they
    covered. All else stays the photo, at its own resolution.

    Attributes:
      photo: uint8 [H, W, 3], as it is shown.
    """

    def __init__(self, source, max_side=None):
        """Prepares a photo.

        Args:
          source: `SourcePerson`.
          max_side: px; a larger photo is shrunk to it. None: it keeps its size.

        Raises:
          UsageError: the person would be too small to be seen.
        """
        lengths = source.photo.shape[1::-1]
        factor = min(1.0, (max_side or np.inf) / max(lengths))
        self._side = source.square.side * factor
        if self._side < 16:
            raise UsageError(f'--max_side: expected a photo in which the person is seen, found a square of '
                             f'{self._side:.0f} px around them.')
        size = [max(1, round(length * factor)) for length in lengths]
        self.photo = resized(source.photo, size)
        self._scale = self._side / len(source.image)  # px of the photo per px of the model
        self._corner = np.array([source.square.left, source.square.top]) * factor
        self._was = self._body(source.pose_px)
        if source.mask is not None:
            self._was = np.maximum(self._was, np.float32(resized(source.mask, size) > 127))
        self._rim = self._inside()

    def pose(self, pose_px):
        """Brings a pose [19, 3] from px of the model's picture to px of the photo."""
        return pose_px * self._scale + np.append(self._corner, 0)

    def paste(self, image, alpha, pose_px):
        """Pastes a picture of the model into the photo; returns uint8 [H, W, 3].

        Args:
          image: uint8 [S, S, 3].
          alpha: float [S, S] in [0, 1], the person's share; None takes the shape of the pose.
          pose_px: [19, 3], the person in `image`.
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
        """Returns the rough shape of a body, float32 [H, W] of 0 and 1."""
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
