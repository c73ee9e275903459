"""LPIPS on a square of the picture: what counts is the person or the head, not how much of the picture is background.

The person's square is the smallest one around the mask of the person in the true picture, with a margin of a tenth of
its side on each side. The head's is the smallest one around neck, nose, eyes and ears of the target pose, with a margin
of half of its side, in which hair and chin are. Either has at least 32 px and is moved to lie inside of the picture. Of
a picture that is no square, what lies beyond it is grey in both. A square is brought to the picture's height, so that
its values are those of pictures of that size.
"""

import numpy as np
import tensorflow as tf

from data_pipeline.picture_file import resized
from repose_tf.skeleton import joint_indices

_PERSON_MARGIN, _HEAD_MARGIN = 0.1, 0.5  # of the side of the square around the mask or the joints, on each side
_HEAD = joint_indices('neck', 'nose', 'leye', 'lear', 'reye', 'rear')
_MIN_SIDE_PX = 32
_GREY = 128


def person_square(mask):
    """Returns (first row, first column, side) in px of a person's square, which may reach beyond the picture.

    Args:
      mask: [H, W] bool, not empty.
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return _square([(where[0], where[-1] + 1) for where in (rows, columns)], mask.shape, _PERSON_MARGIN)


def head_square(pose_px, shape):
    """Returns such a square of a person's head, or None where no joint of it is in the picture.

    Args:
      pose_px: [19, 3] px of the picture.
      shape: rows and columns of the picture.
    """
    joints = np.asarray(pose_px, np.float64)[_HEAD, 1::-1]  # rows, columns
    if not ((joints >= 0) & (joints < shape)).all(axis=1).any():
        return None
    return _square(list(zip(joints.min(axis=0), joints.max(axis=0), strict=True)), shape, _HEAD_MARGIN)


def _square(spans, shape, margin):
    """Returns the square around spans of rows and columns, px, in a picture of a shape."""
    longest = max(stop - start for start, stop in spans)
    side = min(max(round((1 + 2 * margin) * longest), _MIN_SIDE_PX), max(shape))
    return *(_first(span, side, length) for span, length in zip(spans, shape, strict=True)), side


def _first(span, side, length):
    """Returns where a side begins that has a span in its middle, moved into the picture, or around all of it."""
    if side > length:
        return (length - side) // 2
    return int(min(max((sum(span) - side) // 2, 0), length - side))


def cut(image, row, column, side):
    """Returns a square of a picture [H, W, 3] uint8, brought to the picture's height: [H, H, 3]."""
    height, width = image.shape[:2]
    beyond = [(max(0, -first), max(0, first + side - length)) for first, length in ((row, height), (column, width))]
    padded = np.pad(image, [*beyond, (0, 0)], constant_values=_GREY)
    row, column = max(row, 0), max(column, 0)
    return resized(padded[row:row + side, column:column + side], height)


class SquareMetrics:
    """A metric of pairs of images, on the square of the person and on that of the head.

    Attributes:
      identity: dict, name of the score -> description of the weights.
    """

    def __init__(self, metric):
        """Takes a function of generated and true images with a `description`, see `weights.open_learned_metrics`."""
        self.identity = {'lpips_person': f"on the person's square: {metric.description}",
                         'lpips_head': f"on the head's square: {metric.description}"}
        self._metric = tf.function(metric, autograph=False, reduce_retracing=True)

    def __call__(self, generated, truth, mask, has_mask, pose_px=None):
        """Compares pictures.

        Args:
          generated, truth: [B, H, W, 3] uint8.
          mask: [B, H, W, 1] in [0, 1], of the person in the true picture.
          has_mask: [B] bool, whether the data have it.
          pose_px: [B, 19, 3] px of these pictures, the pose in the true picture; None where it is not known.

        Returns:
          dict of [B] float64: `lpips_person`, NaN where the data have no mask or nobody is in the picture, and with a
          pose `lpips_head`, NaN where the head is not in the picture.
        """
        masks = np.asarray(mask)[..., 0] >= 0.5
        is_there = np.asarray(has_mask) & masks.any(axis=(1, 2))
        squares = {'lpips_person': [person_square(mask) if there else None
                                    for mask, there in zip(masks, is_there, strict=True)]}
        if pose_px is not None:
            squares['lpips_head'] = [head_square(pose, masks.shape[1:]) for pose in np.asarray(pose_px)]
        return {name: self._scores(generated, truth, places) for name, places in squares.items()}

    def _scores(self, generated, truth, squares):
        rows = [row for row, square in enumerate(squares) if square is not None]
        scores = np.full(len(squares), np.nan)
        if rows:
            cuts = (np.stack([cut(images[row], *squares[row]) for row in rows]) for images in (generated, truth))
            scores[rows] = self._metric(*(tf.cast(images, tf.float32) / 255.0 for images in cuts))
        return scores
