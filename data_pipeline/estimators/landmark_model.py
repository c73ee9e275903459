"""MediaPipe's landmark network on TensorFlow Lite: 33 points of one person, in px and in metres, and a mask.

The network sees the person upright in a square of 256 x 256 px: the square about the hips that holds the body, turned
so that the head is up. Its answers are turned back here.
"""

import dataclasses

import cv2
import numpy as np

from data_pipeline.estimators.person_detector import linear_map
from data_pipeline.picture_file import resized

SIZE = 256
NUM_LANDMARKS = 33
MARGIN = 1.25  # side of the square over the diameter of the body's circle, as the network was trained
_HEATMAP_REACH = 3  # cells around a landmark that its heatmap may move it within
_HEATMAP_MIN = 0.5


@dataclasses.dataclass(frozen=True)
class Landmarks:
    """The landmarks of one person.

    Attributes:
      px: float [33, 2], (x, y) px of the picture.
      metres: float [33, 3], camera axes, the origin between the hips.
      score: probability of a person, in [0, 1].
      mask: uint8 [H, W], 255 on the person, 0 elsewhere.
    """

    px: np.ndarray
    metres: np.ndarray
    score: float
    mask: np.ndarray


def square_around(detection):
    """Returns the turn of a `Detection` in radians and the map [2, 3] from px of the square to px of the picture."""
    x, y = detection.rim_px - detection.hips_px
    angle = np.arctan2(x, -y)  # 0 where the head is up
    scale = 2 * detection.radius_px * MARGIN / SIZE
    turn = scale * _rotation(angle)
    shift = detection.hips_px - turn @ np.full(2, SIZE / 2)
    return angle, np.concatenate([turn, shift[:, np.newaxis]], axis=1)


def cut_out(image, image_from_square):
    """Samples the square [256, 256, 3] out of a picture [H, W, 3]; edges are repeated beyond it."""
    scale = float(np.hypot(*image_from_square[:, 0]))
    if scale > 2:  # sampling alone would skip pixels
        size = [max(1, round(side / scale)) for side in image.shape[1::-1]]
        image_from_square = image_from_square * (np.array(size) / image.shape[1::-1])[:, np.newaxis]
        image = resized(image, size)
    return cv2.warpAffine(image, _between_centres(image_from_square), (SIZE, SIZE),
                          flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)


def read_landmarks(answers, angle, image_from_square, image_shape):
    """Turns the network's answers into the `Landmarks` of the picture.

    Args:
      answers: dict: `points` [39, 5] (x, y, z px of the square, and two logits), `score` float, `heatmaps`
        [64, 64, 39] logits, `metres` [39, 3], `mask` [256, 256] logits; six of the 39 are no body points.
      angle: the square's turn, radians.
      image_from_square: [2, 3].
      image_shape: (H, W, ...).
    """
    points = _refine(answers['points'][:NUM_LANDMARKS, :2].astype(np.float64), answers['heatmaps'])
    metres = answers['metres'][:NUM_LANDMARKS].astype(np.float64)
    metres = np.concatenate([metres[:, :2] @ _rotation(angle).T, metres[:, 2:]], axis=1)
    # Logits below 0 are background, and so is what the network did not see.
    mask = cv2.warpAffine(answers['mask'].astype(np.float32), _between_centres(image_from_square),
                          image_shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=-1.0)
    return Landmarks(linear_map(image_from_square, points), metres, float(answers['score']),
                     np.where(mask > 0, 255, 0).astype(np.uint8))


def _refine(points, heatmaps):
    """Moves points [N, 2] px of the square to the centres of gravity of their heatmaps nearby, if these are sure."""
    cells = heatmaps.shape[0]
    refined = points.copy()
    for index, point in enumerate(points):
        column, row = np.floor(point * cells / SIZE).astype(int)
        if not (0 <= column < cells and 0 <= row < cells):
            continue
        top, left = max(0, row - _HEATMAP_REACH), max(0, column - _HEATMAP_REACH)
        logits = heatmaps[top:row + _HEATMAP_REACH + 1, left:column + _HEATMAP_REACH + 1, index].astype(np.float64)
        weights = 1 / (1 + np.exp(-logits))
        if weights.max() >= _HEATMAP_MIN:
            rows, columns = np.indices(weights.shape)
            centre = np.array([np.sum(weights * (left + columns)), np.sum(weights * (top + rows))]) / weights.sum()
            refined[index] = centre * SIZE / cells
    return refined


def _rotation(angle):
    """Returns the rotation [2, 2] by an angle from x to y."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _between_centres(matrix):
    """Converts a map of continuous px (first centre 0.5) to one of indices (first centre 0), as OpenCV wants it."""
    half = np.full(2, 0.5)
    return np.concatenate([matrix[:, :2], (linear_map(matrix, half) - half)[:, np.newaxis]], axis=1)
