"""MediaPipe's person detector on TensorFlow Lite: places, sizes and directions of people.

The network sees the picture fitted into 224 x 224 and answers for each of 2,254 fixed cells with a box and four points
relative to the cell's centre. Two of the points are used: the middle of the hips, and a point on the circle about it
that holds the whole body, in the direction of the head.
"""

import dataclasses

import numpy as np

from data_pipeline.picture_file import resized

SIZE = 224
_GRIDS = ((28, 2), (14, 2), (7, 6))  # cells a side, answers a cell
_MIN_SCORE = 0.5
_MAX_LOGIT = 100.0
_SAME_PERSON_IOU = 0.3


@dataclasses.dataclass(frozen=True)
class Detection:
    """A detected person.

    Attributes:
      hips_px: float [2], (x, y) px of the picture.
      rim_px: float [2], a point at the head's side, as far from the hips as the body reaches.
      score: in [0, 1].
    """

    hips_px: np.ndarray
    rim_px: np.ndarray
    score: float

    @property
    def radius_px(self):
        """How far the body reaches from the hips, px."""
        return float(np.hypot(*(self.rim_px - self.hips_px)))

    def moved(self, offset_px):
        """Returns the detection in px of the picture that this one was cut out of, at (x, y)."""
        return dataclasses.replace(self, hips_px=self.hips_px + offset_px, rim_px=self.rim_px + offset_px)


def fit_into_square(image):
    """Fits a picture, uint8 [H, W, 3], into a square, black beside it.

    Returns:
      uint8 [224, 224, 3], and the affine map [2, 3] from px of the square to px of the picture.
    """
    rows, columns = image.shape[:2]
    factor = SIZE / max(rows, columns)
    inner = (max(1, round(columns * factor)), max(1, round(rows * factor)))
    left, top = (SIZE - inner[0]) // 2, (SIZE - inner[1]) // 2
    square = np.zeros((SIZE, SIZE, 3), np.uint8)
    square[top:top + inner[1], left:left + inner[0]] = resized(image, inner)
    scale_x, scale_y = columns / inner[0], rows / inner[1]
    return square, np.array([[scale_x, 0, -left * scale_x], [0, scale_y, -top * scale_y]])


def read_detections(boxes, logits, image_from_square):
    """Turns the network's answers into people.

    Args:
      boxes: float [2254, 12]: box centre, box size and four points, px relative to the cell's centre.
      logits: float [2254].
      image_from_square: [2, 3], see `fit_into_square`.

    Returns:
      list of `Detection`, the largest first.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -_MAX_LOGIT, _MAX_LOGIT)))
    found = scores >= _MIN_SCORE
    points = boxes[found].astype(np.float64).reshape(-1, 6, 2)
    points[:, [0, 2, 3, 4, 5]] += _cell_centres()[found][:, np.newaxis]
    people = [Detection(*(linear_map(image_from_square, merged[[2, 3]])), score)
              for merged, score in _merge(points, scores[found])]
    return sorted(people, key=lambda person: -person.radius_px)


def linear_map(matrix, points):
    """Maps points [..., 2] by an affine matrix [2, 3]."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def _cell_centres():
    """Returns the centres of the cells in the order of the answers: [2254, 2], px of the square."""
    grids = []
    for cells, answers in _GRIDS:
        rows, columns = np.mgrid[:cells, :cells]
        centres = (np.stack([columns, rows], axis=-1).reshape(-1, 2) + 0.5) * SIZE / cells
        grids.append(centres.repeat(answers, axis=0))
    return np.concatenate(grids)


def _merge(points, scores):
    """Yields one (points [6, 2], score) a person: the mean, by score, of the answers whose boxes overlap."""
    order = np.argsort(-scores, kind='stable')
    while len(order):
        overlap = _iou(points[order[0]], points[order])
        overlap[0] = 1.0  # of a box without area too, or this would not end
        same = order[overlap > _SAME_PERSON_IOU]
        yield np.average(points[same], axis=0, weights=scores[same]), float(scores[order[0]])
        order = order[overlap <= _SAME_PERSON_IOU]


def _iou(one, others):
    """Returns the intersection over union of box [2+, 2] (centre, size) with boxes [N, 2+, 2]."""
    low = np.maximum(one[0] - one[1] / 2, others[:, 0] - others[:, 1] / 2)
    high = np.minimum(one[0] + one[1] / 2, others[:, 0] + others[:, 1] / 2)
    common = np.prod(np.clip(high - low, 0, None), axis=1)
    union = np.prod(one[1]) + np.prod(others[:, 1], axis=1) - common
    return np.where(union > 0, common / np.where(union > 0, union, 1), 0.0)
