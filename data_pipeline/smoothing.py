"""Smoothing joints over the frames of a video, looking both ways, so that nothing lags behind."""

import numpy as np


def stretches(joints_px):
    """Cuts a video where the person seems to be another one: where the joints jump by more than half the body.

    Args:
      joints_px: [T, N, 2], px.

    Returns:
      list of slices of the frames, in order, which together are all.
    """
    joints_px = np.asarray(joints_px, np.float64)
    jumps = np.hypot(*np.diff(joints_px.mean(axis=1), axis=0).T)
    reach = np.ptp(joints_px, axis=1).max(axis=1)
    cuts = 1 + np.flatnonzero(jumps > reach[1:] / 2)
    return [slice(start, end) for start, end in zip([0, *cuts], [*cuts, len(joints_px)])]


def smooth(times, joints, sigma):
    """Fits at every frame a straight line through the frames around, weighted by a Gaussian, and takes its value.

    Even movement stays as it is, at the ends of the video too; gaps count by their length.

    Args:
      times: [T], frame numbers, growing.
      joints: [T, ...], one value a frame for every coordinate.
      sigma: width of the Gaussian, frames; 0 changes nothing.

    Returns:
      float64 [T, ...].
    """
    values = np.asarray(joints, np.float64)
    if sigma == 0 or len(values) < 3:
        return values
    times = np.asarray(times, np.float64)
    smoothed = np.empty_like(values)
    for index, time in enumerate(times):
        near = np.abs(times - time) <= 4 * sigma
        offsets = times[near] - time
        weights = np.exp(-0.5 * (offsets / sigma) ** 2)
        weights /= weights.sum()
        mean = weights @ offsets
        spread = weights @ (offsets - mean) ** 2
        # The line's value at offset 0, as a weighted sum of the frames; of one frame alone that frame.
        slope = (offsets - mean) / spread if spread > 0 else 0.0
        smoothed[index] = np.tensordot(weights * (1 - slope * mean), values[near], axes=1)
    return smoothed
