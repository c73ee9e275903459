"""Smoothing the poses of a film over time, without a lag: a fixed width, or as much as the joints tremble."""

import numpy as np

from repose_tf.skeleton import MIRROR_JOINTS

_WIDTHS = (1.0, 1.4, 2.0, 2.8, 4.0, 5.6)  # frames, of the Gaussians among which `steadied` chooses
_SURE = 1.75  # standard deviations of each: two of them that differ by no more bear each other out
_MOST_JITTER = 0.02  # of the body's height: what moves more between frames is movement, and no jitter
_FAR, _FAR_SHARE = 5, 0.05  # standard deviations, and share of the body's height: a frame so far off is odd
_OF_NORMAL = 0.6745  # median of the size of normal noise, in standard deviations


def stretches(joints_px):
    """Cuts a video where neighbouring frames must not be averaged.

    That is where the joints jump by more than half the body, which is probably another person, and where left and
    right change places: the mean of a front view and one mistaken for a back view is neither.

    Args:
      joints_px: [T, 19, 2], px.

    Returns:
      list of slices, in order, that cover all frames.
    """
    joints_px = np.asarray(joints_px, np.float64)
    before, after = joints_px[:-1], joints_px[1:]
    jumps = np.hypot(*(after - before).mean(axis=1).T)
    reach = np.ptp(after, axis=1).max(axis=1)
    apart = np.linalg.norm(after - before, axis=2).mean(axis=1)
    apart_mirrored = np.linalg.norm(after[:, list(MIRROR_JOINTS)] - before, axis=2).mean(axis=1)
    cuts = 1 + np.flatnonzero((jumps > reach / 2) | (apart_mirrored < apart))
    return [slice(start, end) for start, end in zip([0, *cuts], [*cuts, len(joints_px)])]


def smooth(times, joints, sigma):
    """Smooths values over time: at every frame a straight line is fitted to the frames around, weighted by a Gaussian.

    It looks both ways, so that nothing lags behind. Even movement stays as it is, at the ends of the video too; gaps
    count by their length.

    Args:
      times: [T], frame numbers, growing.
      joints: [T, ...], one value a frame for every coordinate.
      sigma: width of the Gaussian, frames; 0 changes nothing.

    Returns:
      float64 [T, ...].
    """
    values = np.asarray(joints, np.float64)
    return values if sigma == 0 or len(values) < 3 else _fits(times, values, sigma, 1)[0]


def steadied(times, joints):
    """Smooths values as much as each of them trembles at each time: what rests gets still, what moves fast stays so.

    The noise of a value is told by its third differences, which even movement hardly has. Single frames far from their
    neighbours are left out. Then parabolas are fitted over growing widths, as `smooth` fits lines, and the last one is
    taken whose result the narrower ones bear out, each within its own noise (the intersection of confidence intervals
    of Goldenshluger and Nemirovski). Values without noise stay as they are.

    Args:
      times: [T], frame numbers, growing.
      joints: [T, 19, C], px or mm.

    Returns:
      float64 [T, 19, C].
    """
    values = np.asarray(joints, np.float64)
    if len(values) < 4:
        return values
    reach = np.median(np.ptp(values, axis=1).max(axis=1))
    noise = _jitter(np.asarray(times), values)
    values = _without_outliers(values, np.maximum(_FAR * noise, _FAR_SHARE * reach))
    noise = np.minimum(noise, _MOST_JITTER * reach)
    candidates, levels = [values], np.zeros(values.shape)
    low, high, is_open = values - _SURE * noise, values + _SURE * noise, np.ones(values.shape, bool)
    for level, sigma in enumerate(_WIDTHS, 1):
        smoothed, gains = _fits(times, values, sigma, 2)
        margin = _SURE * noise * gains.reshape(-1, 1, 1)
        low, high = np.maximum(low, smoothed - margin), np.minimum(high, smoothed + margin)
        is_open &= low <= high
        levels[is_open] = level
        candidates.append(smoothed)
    padded = np.concatenate([levels[:1], levels, levels[-1:]])
    # Widths that jump from frame to frame would be jitter again; and at one frame a wide one may be right by chance.
    levels = np.minimum(levels, (padded[:-2] + levels + padded[2:]) / 3)
    return sum(np.maximum(1 - np.abs(levels - level), 0) * candidate for level, candidate in enumerate(candidates))


def _without_outliers(values, limits):
    """Puts values [T, 19, C] that lie alone and further than the limits [19, C] from what the two frames before and
    the two after lead to between those beside them."""
    if len(values) < 5:
        return values
    between = (4 * (values[1:-3] + values[3:-1]) - values[:-4] - values[4:]) / 6
    apart = np.abs(values[2:-2] - between)
    beside = np.pad(apart, ((1, 1), (0, 0), (0, 0)))
    is_odd = (apart > limits) & (apart >= beside[:-2]) & (apart >= beside[2:])
    result = values.copy()
    result[2:-2] = np.where(is_odd, (values[1:-3] + values[3:-1]) / 2, values[2:-2])
    return result


def _jitter(times, values):
    """Returns the standard deviation of the noise of values [T, 19, C], float64 [19, C]; T is at least 4."""
    differences = values[3:] - 3 * values[2:-1] + 3 * values[1:-2] - values[:-3]
    spans = times[3:] - times[:-3]
    return np.median(np.abs(differences[spans == spans.min()]), axis=0) / (_OF_NORMAL * np.sqrt(20))


def _fits(times, values, sigma, degree):
    """Fits polynomials to values [T, ...]; returns theirs, float64, and [T], by what factor noise is made smaller."""
    times, smoothed, gains = np.asarray(times, np.float64), np.empty_like(values), np.empty(len(values))
    for index, time in enumerate(times):
        near = np.abs(times - time) <= 4 * sigma
        offsets = times[near] - time
        powers = offsets[:, np.newaxis] ** np.arange(min(degree + 1, len(offsets)))
        weighted = np.exp(-0.5 * (offsets / sigma) ** 2) * powers.T
        # The polynomial's value at offset 0, as a weighted sum of the frames; of one frame alone that frame.
        weights = np.linalg.solve(weighted @ powers, weighted)[0]
        smoothed[index], gains[index] = np.tensordot(weights, values[near], axes=1), np.linalg.norm(weights)
    return smoothed, gains
