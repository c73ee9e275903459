"""Scores of generated pictures against the truth: image metrics, learned metrics and the pose AUC."""

import numpy as np
import tensorflow as tf

from experiments.evaluation.pair_sources import pairs_of
from repose_tf.metrics import image_metrics
from repose_tf.metrics.pose_auc import pose_auc
from repose_tf.picture_codec import pixels_from_image
from repose_tf.warp.body_parts import person_mask


class PairScorer:
    """All requested metrics of a pair.

    Attributes:
      identity: dict of texts: the estimators and weights that the metrics depend on.
    """

    def __init__(self, scored_columns, learned=None, poses=None, squares=None):
        """Prepares the metrics.

        Args:
          scored_columns: slice of the columns that count.
          learned: dict, name -> function of generated and true images, see `weights.open_learned_metrics`.
          poses: a `PairPoses`, or None for no pose metrics.
          squares: a `SquareMetrics`, or None.
        """
        self._columns, self._poses, self._squares = scored_columns, poses, squares
        self._learned = {name: tf.function(metric, autograph=False, reduce_retracing=True)
                         for name, metric in (learned or {}).items()}
        self.identity = {'metrics': '1',  # a higher number when a metric gives other values than before
                         **{name: metric.description for name, metric in (learned or {}).items()}}
        if poses is not None:
            self.identity['poses'] = poses.description
        if squares is not None:
            self.identity |= squares.identity

    def __call__(self, pixels, batch):
        """Scores the pictures of a batch.

        Args:
          pixels: [B, S, S, 3] uint8; or with the scored columns only.
          batch: its prepared batch.

        Returns:
          dict, metric -> [B] float64; NaN where it is not defined.
        """
        full = (batch['target_image'] + 1.0) / 2.0
        truth, mask = full[:, :, self._columns], person_mask(batch)[:, :, self._columns]
        cut = pixels[:, :, self._columns] if pixels.shape[2] == full.shape[2] else pixels
        generated = tf.cast(cut, tf.float32) / 255.0
        scores = dict(_image_metrics(generated, truth, mask))
        scores |= {name: metric(generated, truth) for name, metric in self._learned.items()}
        if self._squares is not None:
            true_pixels, true_mask = pixels_from_image(batch['target_image']).numpy(), batch['target_mask']
            pose = batch['target_pose'] - [self._columns.start, 0, 0] if 'target_pose' in batch else None
            scores |= self._squares(np.asarray(cut), true_pixels[:, :, self._columns], true_mask[:, :, self._columns],
                                    batch['has_target_mask'], pose)
        if self._poses is not None:
            scores |= self._poses.score(np.asarray(pixels), batch)
        return {name: np.asarray(values, np.float64) for name, values in scores.items()}


_image_metrics = tf.function(image_metrics.image_metrics, autograph=False, reduce_retracing=True)


class PairPoses:
    """Pose AUC of pairs: how near the pose that an estimator sees in a result is to that of the truth.

    Attributes:
      description: of the estimator.
    """

    def __init__(self, estimator, true_mm=None):
        """Wraps an estimator.

        Args:
          estimator: a `pose_scorer.PoseScorer`.
          true_mm: function of a list of (source id, target id) that returns the targets' true joints, [N, 19, 3] mm,
            NaN where they are not known; None if they never are.
        """
        self.description = estimator.description
        self._estimator, self._true_mm = estimator, true_mm
        self._seen = {}  # id of a true picture -> its pose, which many pairs and all systems share

    def score(self, pixels, batch):
        """Scores results [B, S, S, 3] uint8 of a prepared batch.

        Returns:
          dict of [B] float64: `pose_auc`, against the pose seen in the true picture, NaN if nobody is seen there;
          `pose_auc_true`, against the true joints, NaN if they are not known; `pose_found`, 1, or 0 if nobody is seen
          in the result. Both AUCs are 0 then.
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


def pose_remarks(scores):
    """Returns sentences on pictures in which nobody was found; `scores` is a dict, system -> dict, metric -> [N]."""
    scores = {name: values for name, values in scores.items() if 'pose_found' in values}
    said = [f'{name}: nobody was found in {count} results, whose pose AUC is 0.' for name, values in scores.items()
            if (count := int((values['pose_found'] == 0).sum()))]
    unseen = max((int((np.isnan(values['pose_auc']) & ~np.isnan(values['pose_found'])).sum())
                  for values in scores.values()), default=0)
    if unseen:
        said.append(f'Nobody was found in the true picture of {unseen} pairs, which have no pose_auc.')
    return said


def _auc(found, truth):
    """Returns the AUC of poses [B, 19, 3] mm; NaN where there is no true pose."""
    known = ~np.isnan(truth).any(axis=(1, 2))
    return np.where(known, pose_auc(found, np.nan_to_num(truth)), np.nan)
