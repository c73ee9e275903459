"""Frames of a clip: the reposed person in the photo or alone, beside source and target, with skeletons."""

import numpy as np

from data_pipeline.picture_file import resized
from experiments.pictures import drawing
from experiments.reposing.canvas import Canvas


class Frames:
    """Makes the pictures of a clip, all of one size."""

    def __init__(self, source, others=(), *, paste_back, max_side=None, side_by_side=False, skeleton=False,
                 is_plain=False, rows=None):
        """Prepares the source's side.

        Args:
          source: `SourcePerson`.
          others: further photos of the person, `SourcePerson`, whose squares are shown beside the first one.
          paste_back: whether results are put into the photo.
          max_side: see `Canvas`.
          side_by_side: whether sources and target are shown beside the result.
          skeleton: whether the poses are drawn.
          is_plain: leaves a picture at the model's size if nothing is added to it; else it is enlarged to be seen.
          rows: height of the pictures where the person is put into a `Stage`, px.
        """
        self._canvas = Canvas(source, max_side) if paste_back else None
        self._side_by_side, self._skeleton = side_by_side, skeleton
        self._is_plain = is_plain and not (side_by_side or skeleton or paste_back or rows)
        if rows:
            self._sources = [self._panel(one.image, one.pose_px, rows) for one in (source, *others)]
            return
        shown = self._canvas.photo if paste_back else drawing.enlarge(source.image)
        self._factor = len(shown) / len(source.image)
        if skeleton:
            shown = drawing.draw_skeleton(shown, self._shown_pose_px(source.pose_px))
        self._sources = [shown]
        self._sources += [self._panel(one.image, one.pose_px, len(shown)) for one in others]

    def show(self, image, alpha, pose_px, target=None, stage=None):
        """Makes a picture, uint8 [H, W, 3].

        Args:
          image: uint8 [S, S, 3], the result.
          alpha: the person's share [S, S], or None.
          pose_px: [19, 3], px of it.
          target: `TargetPicture` that the pose is from. None: the pose is drawn alone.
          stage: `Stage` that `image`, the person alone, is put into; None: what there is around the source.
        """
        if self._is_plain:
            return image
        if stage:
            result, shown_px = stage.paste(image, alpha), stage.pose(pose_px)
        else:
            result = self._canvas.paste(image, alpha, pose_px) if self._canvas else drawing.enlarge(image)
            shown_px = self._shown_pose_px(pose_px)
        if self._skeleton:
            result = drawing.draw_skeleton(result, shown_px)
        if not self._side_by_side:
            return result
        if target is None:
            panel = drawing.draw_skeleton(np.full_like(result, 96), shown_px)
        else:
            panel = self._panel(target.image, target.pose_px, len(result))
        return np.concatenate([*self._sources, panel, result], axis=1)

    def _panel(self, picture, pose_px, height):
        """Brings a picture in which a pose is to the height of the others."""
        factor = height / len(picture)
        panel = resized(picture, (max(1, round(picture.shape[1] * factor)), height))
        return drawing.draw_skeleton(panel, pose_px * factor) if self._skeleton else panel

    def _shown_pose_px(self, pose_px):
        return self._canvas.pose(pose_px) if self._canvas else pose_px * self._factor
