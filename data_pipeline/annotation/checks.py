"""Checking an estimator's findings: they become poses, or rejects with a reason; smoothing the poses of videos."""

import dataclasses

import numpy as np

from data_pipeline.annotation.weak_perspective import fit_scale, lift
from data_pipeline.poses.pose_file import Pose
from repose_tf.skeleton import MIRROR_JOINTS

REASONS = {
    'unreadable': 'cannot be read',
    'too_small': 'too small',
    'not_square': 'not square, and --crop=none',
    'turned': 'stored turned, and --crop=none',
    'no_person': 'nobody found',
    'other_person': 'the person who is followed not found',
    'not_finite': 'joints that are no numbers',
    'low_score': 'the estimator is not sure enough',
    'no_scale': 'joints in px and in mm do not go together',
    'joints_outside': 'too many joints outside of the picture',
    'only_picture': 'the only picture of its person',
    'unusable_file': 'no photo or video, or a name twice',
}


@dataclasses.dataclass(frozen=True)
class AcceptanceLimits:
    """The limits that a picture and its pose must keep.

    Attributes:
      min_score: in [0, 1].
      max_joints_outside: how many of the 19 joints may lie outside of the picture.
      min_pictures: fewest accepted pictures of a person.
      is_square: whether pictures must be square.
    """

    min_score: float = 0.5
    max_joints_outside: int = 6
    min_pictures: int = 2
    is_square: bool = False


@dataclasses.dataclass(frozen=True)
class Reject:
    """A picture or file that is not used.

    Attributes:
      name: the file, below the folder of the pictures.
      frame: of a video, else ''.
      reason: one of REASONS.
      detail: what was expected and what was found.
    """

    name: str
    frame: str
    reason: str
    detail: str


@dataclasses.dataclass(frozen=True)
class Accepted:
    """A picture with a pose that may be used.

    Attributes:
      source: its `PictureSource`.
      frame: its name among the person's pictures.
      size: (columns, rows), px.
      pose: `Pose`, px of the whole picture.
    """

    source: object
    frame: str
    size: tuple
    pose: Pose


def check_person(found, limits, sigma=0.0):
    """Makes poses of one person's findings.

    Args:
      found: list of (`PictureSource`, frame, finding), see journal.py; the frames of a video in the order of time.
      limits: `AcceptanceLimits`.
      sigma: smoothing of a video, frames; see `smooth`.

    Returns:
      list of `Accepted`, list of `Reject`.
    """
    rejects, sure, accepted = [], [], []
    for source, frame, finding in found:
        if problem := _problem(finding, limits):
            rejects.append(_reject(source, frame, *problem))
        else:
            sure.append((source, frame, finding))
    px, mm = ([np.array(finding[name]) for _, _, finding in sure] for name in ('px', 'mm'))
    if sigma and sure and sure[0][0].is_video:
        times, px, mm = [int(frame) for _, frame, _ in sure], np.array(px), np.array(mm)
        for part in stretches(px):
            px[part], mm[part] = (smooth(times[part], joints[part], sigma) for joints in (px, mm))
    for (source, frame, finding), joints_px, joints_mm in zip(sure, px, mm):
        scale, _ = fit_scale(joints_px, joints_mm)
        outside = int(np.sum(np.any((joints_px < 0) | (joints_px > finding['size']), axis=1)))
        if not scale > 0:
            rejects.append(_reject(source, frame, 'no_scale', f'expected px_per_mm above 0, found {scale:.4g}'))
        elif outside > limits.max_joints_outside:
            rejects.append(_reject(source, frame, 'joints_outside', f'expected at most {limits.max_joints_outside} of '
                                   f'19 joints outside of the picture, found {outside}'))
        else:
            tags = {'file': source.name, 'score': finding['score'], 'people': finding['people']}
            accepted.append(Accepted(source, frame, tuple(finding['size']), lift(joints_px, joints_mm, scale, tags)))
    if 0 < len(accepted) < limits.min_pictures:
        rejects += [_reject(item.source, item.frame, 'only_picture', f'expected {limits.min_pictures} accepted '
                            f'pictures or more of a person, found {len(accepted)}; training needs two, reposing one '
                            '(--min_pictures=1)') for item in accepted]
        accepted = []
    return accepted, rejects


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


def _problem(finding, limits):
    """Returns (reason, detail) if a finding cannot be used, or None."""
    if 'reject' in finding:
        return finding['reject'], finding['detail']
    columns, rows = finding['size']
    if limits.is_square and columns != rows:
        return 'not_square', f'expected a square picture, found {columns} x {rows} px'
    if finding['score'] < limits.min_score:
        return 'low_score', f'expected a score of {limits.min_score:g} or more, found {finding["score"]:g}'
    return None


def _reject(source, frame, reason, detail):
    return Reject(source.name, frame if source.is_video else '', reason, detail)
