"""Scores of reposed images against the truth, over fixed pairs."""

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from data_pipeline import augment
from repose_tf import body_parts, metrics


def foreground(batch, grid):
    """Returns where the scores of the person look, [B, S, S, 1] float32.

    The mask that came with the data; without one, the projected body parts of the target pose.

    Args:
      batch: prepared batch of the input pipeline.
      grid: the `VolumeGrid` of the model.
    """
    projected = body_parts.image_mask(batch['target_pose'], grid)
    return tf.where(batch['has_target_mask'][:, tf.newaxis, tf.newaxis, tf.newaxis],
                    batch['target_mask'], projected)


def copy_source(batch):
    """The baseline that leaves the person as it is."""
    return batch['source_image']


def mean_scores(systems, batches, grid, num_batches=None):
    """Scores several systems on the same pairs.

    Args:
      systems: dict, name -> function of a prepared batch that returns images [B, S, S, 3] in [-1, 1].
      batches: iterable of batches of the input pipeline.
      grid: the `VolumeGrid` of the model.
      num_batches: how many there are, for a progress bar; None shows none.

    Returns:
      dict, name -> dict, metric -> mean over all pairs; a pair without foreground counts only where none is needed.
    """
    scores = {name: {} for name in systems}
    shown = tqdm(batches, total=num_batches, desc='scoring', unit='batch', disable=num_batches is None)
    for batch in shown:
        prepared = augment.prepare(batch)
        mask = foreground(prepared, grid)
        truth = (prepared['target_image'] + 1.0) / 2.0
        for name, system in systems.items():
            image = tf.clip_by_value((tf.cast(system(prepared), tf.float32) + 1.0) / 2.0, 0.0, 1.0)
            for metric, values in metrics.image_metrics(image, truth, mask).items():
                scores[name].setdefault(metric, []).append(values.numpy())
    return {name: {metric: float(np.nanmean(np.concatenate(values))) for metric, values in metrics_of.items()}
            for name, metrics_of in scores.items()}
