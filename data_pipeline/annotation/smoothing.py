"""Smoothing joints over the frames of a video, looking both ways, so that nothing lags behind."""

import numpy as np

from repose_tf.skeleton import MIRROR_JOINTS


def stretches(joints_px):
    """Cuts a video where its neighbouring frames must not be mixed.

    That is where the joints jump by more than half the body, so that it seems to be another person, and where left
    and right change places: a mean of a person seen from the front and the same one taken for the back is neither.

    Args:
      joints_px: [T, 19, 2], px.

    Returns:
      list of slices of the frames, in order, which together are all.
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
