"""LPIPS on the person's square: what counts is the person, not how much of the picture is background.

The square is the smallest one around the mask of the person in the true picture, with a margin of a tenth of its side
on each side, at least 32 px; it is moved to lie inside of the picture. Of a picture that is no square, what lies beyond
it is grey in both. It is brought to the picture's height, so that its values are those of pictures of that size.
"""

import numpy as np
import tensorflow as tf

from data_pipeline.picture_file import resized

_MARGIN = 0.1  # of the side of the square around the mask, on each side
_MIN_SIDE_PX = 32
_GREY = 128


def square_around(mask):
    """Returns (first row, first column, side) in px of a person's square, which may reach beyond the picture.

    Args:
      mask: [H, W] bool, not empty.
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    spans = [(where[0], where[-1] + 1) for where in (rows, columns)]
    longest = max(stop - start for start, stop in spans)
    side = min(max(round((1 + 2 * _MARGIN) * longest), _MIN_SIDE_PX), max(mask.shape))
    return *(_first(span, side, length) for span, length in zip(spans, mask.shape)), side


def _first(span, side, length):
    """Returns where a side begins that has a span in its middle, moved into the picture, or around all of it."""
    if side > length:
        return (length - side) // 2
    return min(max((sum(span) - side) // 2, 0), length - side)


def cut(image, row, column, side):
    """Returns a square of a picture [H, W, 3] uint8, brought to the picture's height: [H, H, 3]."""
    height, width = image.shape[:2]
    beyond = [(max(0, -first), max(0, first + side - length)) for first, length in ((row, height), (column, width))]
    padded = np.pad(image, [*beyond, (0, 0)], constant_values=_GREY)
    row, column = max(row, 0), max(column, 0)
    return resized(padded[row:row + side, column:column + side], height)


class PersonLpips:
    """A metric of pairs of images, on the square of the person.

    Attributes:
      description: of its weights.
    """

    def __init__(self, metric):
        """Takes a function of generated and true images with a `description`, see `weights.open_learned_metrics`."""
        self.description = f"on the person's square: {metric.description}"
        self._metric = tf.function(metric, autograph=False, reduce_retracing=True)

    def __call__(self, generated, truth, mask, has_mask):
        """Compares pictures.

        Args:
          generated, truth: [B, H, W, 3] uint8.
          mask: [B, H, W, 1] in [0, 1], of the person in the true picture.
          has_mask: [B] bool, whether the data have it.

        Returns:
          [B] float64, NaN where the data have no mask or nobody is in the picture.
        """
        masks = np.asarray(mask)[..., 0] >= 0.5
        rows = np.flatnonzero(np.asarray(has_mask) & masks.any(axis=(1, 2)))
        scores = np.full(len(masks), np.nan)
        if len(rows):
            squares = {row: square_around(masks[row]) for row in rows}
            cuts = (np.stack([cut(images[row], *squares[row]) for row in rows]) for images in (generated, truth))
            scores[rows] = self._metric(*(tf.cast(images, tf.float32) / 255.0 for images in cuts))
        return scores
