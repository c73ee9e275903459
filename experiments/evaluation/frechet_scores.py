"""FID of systems: their results against all true training pictures, from features that are kept in files."""

import os

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from data_pipeline.files import sha256, whole_file
from repose_tf.metrics import fid
from repose_tf.metrics.inception import NUM_FEATURES

_BATCH_SIZE = 16
_ROWS_AT_ONCE = 4096


class FrechetScores:
    """Features of results, a row for each pair in the order of scoring.

    Attributes:
      identity: dict, 'fid' -> description of the network.
    """

    def __init__(self, inception, scored_columns):
        """Wraps the network of `weights.open_inception`; `scored_columns` is a slice."""
        self.identity = {'fid': inception.description}
        self._inception, self._columns = inception, scored_columns

    def append(self, score_path, num_rows, pixels):
        """Adds the features of results [B, H, W, 3] uint8 to those of the first `num_rows` pairs of a score file."""
        features = self._features(pixels)
        with open(_path(score_path), 'ab') as file:
            file.truncate(num_rows * features[0].nbytes)  # drops rows of a killed process, which have no scores
            file.write(features.tobytes())

    def of(self, score_path, truth):
        """Returns the FID of a score file's results against `FeatureStatistics`, and how many results there are."""
        generated = _gathered(_path(score_path))
        return fid.fid(generated, truth), generated.count

    def truth(self, data, image_size, folder):
        """Returns the `FeatureStatistics` of all training pictures, from a file where they were computed before."""
        key = sha256(str(part).encode() for part in (data.name, image_size, self._columns, self.identity))[:12]
        path = os.path.join(folder, f'inception-{key}.f32')
        if not os.path.exists(path):
            ids = [frame_id for frames in data.frame_ids('train').values() for frame_id in frames]
            batches = data.batches_of('train', [(frame_id, frame_id) for frame_id in ids], image_size, _BATCH_SIZE)
            with whole_file(path) as unfinished, open(unfinished, 'wb') as file:
                for batch in tqdm(batches, desc='training pictures', unit='batch'):
                    file.write(self._features(batch['target_image'].numpy()).tobytes())
        return _gathered(path)

    def _features(self, pixels):
        pixels = pixels[:, :, self._columns] if pixels.shape[2] == pixels.shape[1] else pixels
        return np.asarray(self._inception(tf.cast(pixels, tf.float32) / 255.0), np.float32)


def _gathered(path):
    """Returns the `FeatureStatistics` of a file of features, read part by part."""
    rows = np.memmap(path, np.float32, 'r').reshape(-1, NUM_FEATURES)
    statistics = fid.FeatureStatistics(NUM_FEATURES)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        statistics.add(rows[start:start + _ROWS_AT_ONCE])
    return statistics


def _path(score_path):
    return f'{os.path.splitext(score_path)[0]}.features'
