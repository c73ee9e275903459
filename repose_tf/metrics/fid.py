"""FID: the distance of two sets of images, as Gaussians of their Inception features (Heusel et al., 2017).

All in float64 on the host. Features are held for one batch at a time, and matrices of 2048 x 2048 instead.
"""

import numpy as np

from repose_tf.errors import UserError


class TooFewSamplesError(UserError, ValueError):
    """A covariance was asked for of fewer than two samples."""


class FeatureStatistics:
    """Count, mean and covariance of features, gathered batch by batch; several gathered apart can be merged.

    Attributes:
      count: how many samples were added.
      mean: [C] float64.
    """

    def __init__(self, num_features):
        """Starts without samples of `num_features` values each."""
        self.count = 0
        self.mean = np.zeros(num_features)
        self._scatter = np.zeros((num_features, num_features))  # sum of the products of deviations from the mean

    def add(self, features):
        """Adds a batch of features [B, C]."""
        features = np.asarray(features, np.float64)
        batch = FeatureStatistics(len(self.mean))
        batch.count = len(features)
        if batch.count:
            batch.mean = features.mean(axis=0)
            batch._scatter = (features - batch.mean).T @ (features - batch.mean)
        self.merge(batch)

    def merge(self, other):
        """Adds all samples of another `FeatureStatistics`, which stays as it is."""
        if not other.count:
            return
        count = self.count + other.count
        shift = other.mean - self.mean
        # Deviations, not sums of squares, whose difference would lose digits.
        self._scatter += other._scatter + np.outer(shift, shift) * (self.count * other.count / count)
        self.mean = self.mean + shift * (other.count / count)
        self.count = count

    def covariance(self):
        """Returns the sample's covariance, [C, C] float64, divided by count - 1.

        Raises:
          TooFewSamplesError: there are fewer than two samples.
        """
        if self.count < 2:
            raise TooFewSamplesError(f'FID: expected at least 2 images in each set, found {self.count}.')
        return self._scatter / (self.count - 1)


def frechet_distance(mean_a, covariance_a, mean_b, covariance_b):
    """Squared Fréchet distance of two Gaussians: |mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2)).

    The trace of (A B)^(1/2) is that of (A^(1/2) B A^(1/2))^(1/2), which is symmetric: no root of a matrix that is not,
    which fails where a covariance is singular, as it is with fewer samples than features.

    Args:
      mean_a, mean_b: [C] float64.
      covariance_a, covariance_b: [C, C] float64, symmetric, not negative.

    Returns:
      float, at least 0 up to rounding.
    """
    values, vectors = np.linalg.eigh(covariance_a)
    root_a = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    middle = np.linalg.eigvalsh(root_a @ covariance_b @ root_a)
    trace = np.trace(covariance_a) + np.trace(covariance_b) - 2.0 * np.sqrt(np.maximum(middle, 0.0)).sum()
    return float(np.sum(np.square(mean_a - mean_b)) + trace)


def fid(generated, truth):
    """Returns the FID of two `FeatureStatistics`; the fewer samples, the higher it is, so tell their counts with it.

    Raises:
      TooFewSamplesError: one of them has fewer than two samples.
    """
    return frechet_distance(generated.mean, generated.covariance(), truth.mean, truth.covariance())
