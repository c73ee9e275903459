"""Checking an estimator's findings: they become poses, or rejects with a reason."""

import dataclasses

import numpy as np

from data_pipeline.annotation.smoothing import smooth, steadied, stretches
from data_pipeline.annotation.weak_perspective import fit_scale, lift
from data_pipeline.poses.pose_file import Pose

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
      sigma: smoothing of a video, frames, see `smooth`; 0: none; None: as much as joints tremble, see `steadied`.

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
    if sigma != 0 and sure and sure[0][0].is_video:
        times, px, mm = [int(frame) for _, frame, _ in sure], np.array(px), np.array(mm)
        for part in stretches(px):
            for joints in (px, mm):
                given = times[part], joints[part]
                joints[part] = steadied(*given) if sigma is None else smooth(*given, sigma)
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
