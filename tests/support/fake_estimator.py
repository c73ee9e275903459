"""An estimator of tests: a person is a bright rectangle, whose joints lie at fixed shares of its sides."""

import cv2
import numpy as np

from data_pipeline.estimators.person import PersonEstimate, Place, largest
from repose_tf.skeleton import JOINT_NAMES

# A body seen from the front, as shares of its box: x, y, and depth in shares of the height.
_SIDED = {'sho': (0.25, 0.18, 0.0), 'elb': (0.1, 0.32, 0.02), 'wri': (0.0, 0.45, -0.05), 'hip': (0.35, 0.5, 0.0),
          'kne': (0.33, 0.75, -0.03), 'ank': (0.3, 1.0, 0.05), 'eye': (0.45, 0.03, -0.05), 'ear': (0.4, 0.04, 0.0)}
_MIDDLE = {'neck': (0.5, 0.17, 0.0), 'nose': (0.5, 0.0, -0.06), 'pelv': (0.5, 0.5, 0.0)}
HEIGHT_MM = 1600.0


def body():
    """Returns the joints [19, 3] as shares; the person's left is on the picture's right."""
    def place(name):
        if name in _MIDDLE:
            return _MIDDLE[name]
        x, y, z = _SIDED[name[1:]]
        return (1 - x if name[0] == 'l' else x), y, z
    return np.array([place(name) for name in JOINT_NAMES])


def picture(columns, rows, *boxes):
    """Draws people, boxes (left, top, width, height), on a dark ground that differs everywhere."""
    image = np.random.default_rng(columns).integers(0, 60, (rows, columns, 3), np.uint8)
    for left, top, width, height in boxes:
        image[top:top + height, left:left + width] = (200, 180, 160)
    return image


class FakeEstimator:
    """Finds rectangles.

    Attributes:
      origin: see `person.Estimator`.
      num_calls: how many pictures it looked at.
      score, has_mask: of the people that it finds.
    """

    def __init__(self, origin='bright rectangles', score=0.9, has_mask=True):
        self.origin, self.score, self.has_mask, self.num_calls = origin, score, has_mask, 0

    def find_person(self, image, choose=largest):
        self.num_calls += 1
        bright = np.uint8(image.mean(axis=2) > 110)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(bright)
        boxes = [label for label in range(1, len(stats)) if stats[label, cv2.CC_STAT_AREA] > 30]
        boxes.sort(key=lambda label: -stats[label, cv2.CC_STAT_AREA])
        chosen = choose([Place(stats[label, :2] + stats[label, 2:4] / 2, float(stats[label, 3])) for label in boxes])
        if chosen is None:
            return None, len(boxes)
        left, top, width, height = stats[boxes[chosen], :4]
        points = body()
        px = points[:, :2] * [width, height] + [left, top]
        mm = points * [width / height, 1, 1] * HEIGHT_MM
        mask = np.uint8(labels == boxes[chosen]) * 255 if self.has_mask else None
        return PersonEstimate(px, mm, self.score, mask), len(boxes)


class KilledError(Exception):
    """Stands for a signal."""


class KilledAfter(FakeEstimator):
    """Ends the run in the middle of it, in a video or among photos."""

    def __init__(self, num_calls):
        super().__init__()
        self.left = num_calls

    def find_person(self, image, choose=largest):
        self.left -= 1
        if self.left < 0:
            raise KilledError
        return super().find_person(image, choose)
