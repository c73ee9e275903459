"""Scores of reposed images against the truth."""

import numpy as np
import tensorflow as tf

from repose_tf.metrics import image_metrics
from repose_tf.warp.body_parts import person_mask


class PairScorer:
    """All metrics of a pair that are asked for.

    Attributes:
      identity: dict of texts, what the metrics are computed by.
    """

    def __init__(self, scored_columns, learned=None, poses=None):
        """Prepares the metrics.

        Args:
          scored_columns: slice of the columns that count.
          learned: dict, name -> function of generated and true images, see `learned_metrics`.
          poses: a `PairPoses`, or None for no pose metrics.
        """
        self._columns, self._poses = scored_columns, poses
        self._learned = {name: tf.function(metric, autograph=False, reduce_retracing=True)
                         for name, metric in (learned or {}).items()}
        self.identity = {'metrics': '1'}  # a higher number when a metric gives other values than before
        self.identity.update({name: metric.description for name, metric in (learned or {}).items()})
        if poses is not None:
            self.identity['poses'] = poses.description

    def __call__(self, pixels, batch):
        """Scores the pictures of a batch.

        Args:
          pixels: [B, S, S, 3] uint8; or with the scored columns only.
          batch: its prepared batch.

        Returns:
          dict, metric -> [B] float64; NaN where it is not defined.
        """
        truth = (batch['target_image'] + 1.0) / 2.0
        mask = person_mask(batch)
        full_width = truth.shape[2]
        truth, mask = truth[:, :, self._columns], mask[:, :, self._columns]
        cut = pixels[:, :, self._columns] if pixels.shape[2] == full_width else pixels
        generated = tf.cast(cut, tf.float32) / 255.0
        scores = dict(_image_metrics(generated, truth, mask))
        for name, metric in self._learned.items():
            scores[name] = metric(generated, truth)
        if self._poses is not None:
            scores.update(self._poses.score(np.asarray(pixels), batch))
        return {name: np.asarray(values, np.float64) for name, values in scores.items()}


_image_metrics = tf.function(image_metrics.image_metrics, autograph=False, reduce_retracing=True)
