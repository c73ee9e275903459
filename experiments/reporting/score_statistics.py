"""Means of scores with their confidence intervals, by a bootstrap over persons.

The pairs of one person share a face, clothes and a room, so they are no independent samples. Therefore persons are
drawn with replacement, each with all of its pairs; the interval holds the middle of the means of these draws
(percentile bootstrap). It says how far a mean would move with other persons of the same kind, and not how far with a
model trained anew.

With few persons the intervals are too narrow: on simulated normal scores, four pairs a person, the 95 % interval held
the truth in 85 % of the samples of 5 persons, 90 % of 10, 93 % of 20 and 94 % of 100.
"""

import dataclasses
import functools

import numpy as np

LEVEL = 0.95
NUM_RESAMPLES = 2000


@dataclasses.dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval.

    Attributes:
      mean: mean of the values that count; NaN where none does.
      low, high: ends of the interval; NaN where there is none, see `mean_interval`.
      count: how many values count.
    """
    mean: float
    low: float
    high: float
    count: int

    def excludes(self, value):
        """Returns whether the interval exists and does not hold the value."""
        return bool(value < self.low or value > self.high)


def mean_interval(values, groups, level=LEVEL, num_resamples=NUM_RESAMPLES, seed=0):
    """Mean of the values and its percentile bootstrap interval over groups.

    The draws follow from the number of groups and the seed alone, so calls with the same groups compare on the very
    same resamples.

    Args:
      values: [N] float, one per pair; NaN where a pair has no value: left out.
      groups: [N], whatever tells the persons of the pairs apart.
      level: how much of the resamples the interval holds, in (0, 1).
      num_resamples: how often as many persons are drawn as there are.
      seed: seed of the draws.

    Returns:
      The `Interval`. Fewer than two persons with values say nothing about other persons: low and high are NaN. So
      they are where values are infinite (PSNR of a picture that equals the truth), and the mean is infinite too.

    Raises:
      ValueError: if the shapes do not go together or an option is out of its range.
    """
    values, groups = np.asarray(values, np.float64), np.asarray(groups)
    if values.ndim != 1 or groups.shape != values.shape:
        raise ValueError(f'bootstrap: expected values [N] and groups [N], found {values.shape} and {groups.shape}.')
    if not 0.0 < level < 1.0 or num_resamples < 1:
        raise ValueError('bootstrap: expected level in (0, 1) and num_resamples from 1, '
                         f'found {level} and {num_resamples}.')
    defined = ~np.isnan(values)
    count = int(defined.sum())
    if count == 0:
        return Interval(np.nan, np.nan, np.nan, 0)
    with np.errstate(invalid='ignore'):  # infinities of both signs
        mean = values[defined].mean()
    numbers, num_groups = _numbered(groups)
    counts = np.bincount(numbers[defined], minlength=num_groups).astype(np.float32)
    if np.count_nonzero(counts) < 2 or not np.isfinite(mean):
        return Interval(float(mean), np.nan, np.nan, count)
    # Sums of deviations, which are small: float32 would lose digits of the sums of the values themselves.
    sums = np.bincount(numbers[defined], values[defined] - mean, minlength=num_groups).astype(np.float32)
    drawn_sums, drawn_counts = (_draws(num_groups, num_resamples, seed) @ np.stack([sums, counts], axis=1)).T
    filled = drawn_counts > 0  # a draw may hit nobody with a value
    means = mean + drawn_sums[filled].astype(np.float64) / drawn_counts[filled]
    low, high = np.quantile(means, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Interval(float(mean), float(low), float(high), count)


def difference_interval(values_a, values_b, groups):
    """Mean of the paired difference a - b, over the pairs where both are defined, and its interval.

    Args:
      values_a, values_b: [N] float, scores of two systems for the same pairs.
      groups: [N], as in `mean_interval`.

    Returns:
      The `Interval` of the difference. Two infinite values of one sign have no difference and do not count.

    Raises:
      ValueError: as `mean_interval`.
    """
    values_a, values_b = np.asarray(values_a, np.float64), np.asarray(values_b, np.float64)
    if values_a.shape != values_b.shape:
        raise ValueError(f'difference: expected scores of the same pairs, found {values_a.shape} and {values_b.shape}.')
    with np.errstate(invalid='ignore'):  # infinity - infinity
        return mean_interval(values_a - values_b, groups)


def _numbered(groups):
    """Returns the groups, [N], as numbers from 0 without gaps in their order, int [N], and how many there are."""
    if groups.dtype.kind == 'i' and groups.min() >= 0 and groups.max() < groups.size:  # without sorting
        is_there = np.bincount(groups) > 0
        return (np.cumsum(is_there) - 1)[groups], int(is_there.sum())
    names, numbers = np.unique(groups, return_inverse=True)
    return numbers, len(names)


@functools.lru_cache(maxsize=1)  # a report asks for hundreds of intervals of the same groups
def _draws(num_groups, num_resamples, seed):
    """Returns how often every group is in every resample, [num_resamples, num_groups] float32, read-only."""
    rng = np.random.default_rng(seed)
    draws = np.empty((num_resamples, num_groups), np.float32)
    for row in draws:
        row[:] = np.bincount(rng.integers(num_groups, size=num_groups), minlength=num_groups)
    draws.flags.writeable = False
    return draws


def equal_bins(values, num_bins):
    """Sorts values into bins that hold equally many, but for ties, which stay together.

    Args:
      values: [N] float.
      num_bins: how many bins at most.

    Returns:
      int [N]: the bin, ascending from 0 without gaps; -1 for NaN and infinities.
    """
    values = np.asarray(values, np.float64)
    finite = np.isfinite(values)
    bins = np.full(values.shape, -1)
    if finite.any():
        ordered = np.sort(values[finite])
        # Twice the middle rank, which ties share.
        ranks = sum(np.searchsorted(ordered, values[finite], side) for side in ('left', 'right'))
        bins[finite] = np.unique(ranks * num_bins // (2 * len(ordered)), return_inverse=True)[1]
    return bins
