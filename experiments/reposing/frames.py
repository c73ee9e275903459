"""What is shown of one reposed picture: the result, in its photo or alone, beside source and target, with skeletons."""

import cv2
import numpy as np

from experiments.pictures import drawing
from experiments.reposing.paste_back import Canvas


class Frames:
    """Makes the pictures that are written, all of one size."""

    def __init__(self, person, paste_back, max_side, side_by_side, skeleton, is_plain):
        """Prepares the source's side.

        Args:
          person: `repose_inputs.Person`.
          paste_back: whether results are put into the photo.
          max_side: see `Canvas`.
          side_by_side, skeleton: whether source and target, and whether poses are shown.
          is_plain: leave what nothing is drawn upon at the model's size; else it is enlarged to be seen.
        """
        self._canvas = Canvas(person, max_side) if paste_back else None
        self._side_by_side, self._skeleton = side_by_side, skeleton
        self._is_plain = is_plain and not (side_by_side or skeleton or paste_back)
        source = self._canvas.photo if paste_back else drawing.enlarge(person.image)
        self._factor = len(source) / len(person.image)
        self._source = self._drawn(source, person.pose_px)

    def show(self, image, alpha, pose_px, target):
        """Makes a picture.

        Args:
          image: uint8 [S, S, 3], the result.
          alpha: the person's share [S, S], or None.
          pose_px: [19, 3], px of it.
          target: the picture that the pose is from, uint8 [H, W, 3], and the pose [19, 3] px of it; None: the pose is
            drawn.

        Returns:
          uint8 [H, W, 3].
        """
        if self._is_plain:
            return image
        result = self._canvas.paste(image, alpha, pose_px) if self._canvas else drawing.enlarge(image)
        result = self._drawn(result, pose_px)
        if not self._side_by_side:
            return result
        if target is None:
            panel = drawing.draw_skeleton(np.full_like(result, 96), self._shown_pose(pose_px))
        else:
            panel = self._panel(*target, len(result))
        return np.concatenate([self._source, panel, result], axis=1)

    def _panel(self, picture, pose_px, height):
        """Brings the picture that a pose is from to the height of the others."""
        factor = height / len(picture)
        panel = cv2.resize(picture, (max(1, round(picture.shape[1] * factor)), height),
                           interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
        return drawing.draw_skeleton(panel, pose_px * factor) if self._skeleton else panel

    def _shown_pose(self, pose_px):
        return self._canvas.pose(pose_px) if self._canvas else pose_px * self._factor

    def _drawn(self, image, pose_px):
        return drawing.draw_skeleton(image, self._shown_pose(pose_px)) if self._skeleton else image
