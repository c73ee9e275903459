"""Pose AUC of pairs: how near the pose that an estimator sees in a result is to that of the truth."""

import numpy as np

from experiments.evaluation.pair_sources import pairs_of
from repose_tf.metrics.pose_auc import pose_auc
from repose_tf.picture_codec import pixels_from_image


class PairPoses:
    """Scores poses by an estimator.

    Attributes:
      description: of the estimator.
    """

    def __init__(self, estimator, true_mm=None):
        """Wraps an estimator.

        Args:
          estimator: see `pose_scoring`.
          true_mm: function of a list of (source id, target id) that returns the targets' true joints, [N, 19, 3] mm,
            NaN where they are not known; None where they never are.
        """
        self.description = estimator.description
        self._estimator, self._true_mm = estimator, true_mm
        self._seen = {}  # id of a true picture -> its pose: many pairs share it, and all systems do

    def score(self, pixels, batch):
        """Scores results.

        Args:
          pixels: [B, S, S, 3] uint8.
          batch: their prepared batch.

        Returns:
          dict of [B] float64: `pose_auc`, against what the estimator sees in the true picture, NaN where it sees
          nobody; `pose_auc_true`, against the true joints, NaN where they are not known. A result in which it sees
          nobody has 0, and 0 as `pose_found`, else 1.
        """
        pairs = pairs_of(batch)
        found = self._estimator.poses_mm(pixels)
        scores = {'pose_found': ~np.isnan(found).any(axis=(1, 2)),
                  'pose_auc': _auc(found, self._truths(pairs, batch))}
        if self._true_mm is not None:
            scores['pose_auc_true'] = _auc(found, self._true_mm(pairs))
        return scores

    def _truths(self, pairs, batch):
        """Returns the poses seen in the true pictures, [B, 19, 3] mm."""
        new = [row for row, (_, target) in enumerate(pairs) if target not in self._seen]
        if new:
            images = pixels_from_image(batch['target_image']).numpy()[new]
            for row, pose in zip(new, self._estimator.poses_mm(images), strict=True):
                self._seen[pairs[row][1]] = pose
        return np.stack([self._seen[target] for _, target in pairs])


def remarks(scores):
    """Returns sentences on pictures in which the estimator found nobody.

    Args:
      scores: dict, system -> dict, metric -> [N], as of `PairPoses.score`.
    """
    said = []
    for name, values in scores.items():
        if 'pose_found' in values and (count := int((values['pose_found'] == 0).sum())):
            said.append(f'{name}: nobody was found in {count} results, whose pose AUC is 0.')
    unseen = max((int((np.isnan(values['pose_auc']) & ~np.isnan(values['pose_found'])).sum())
                  for values in scores.values() if 'pose_found' in values), default=0)
    if unseen:
        said.append(f'Nobody was found in the true picture of {unseen} pairs, which have no pose_auc.')
    return said


def _auc(found, truth):
    """Returns the AUC of poses [B, 19, 3] mm; NaN where there is no true pose."""
    known = ~np.isnan(truth).any(axis=(1, 2))
    return np.where(known, pose_auc(found, np.nan_to_num(truth)), np.nan)
