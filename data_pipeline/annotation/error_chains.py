"""Errors of a pose's joints that hang together: each one regressed on the error of the joint before it."""

import numpy as np

from repose_tf.skeleton import JOINT_INDEX

# Joint -> the joint before it, on the way from the pelvis; each comes behind the joint that it follows.
BEFORE = {'neck': 'pelv', 'nose': 'neck', 'leye': 'nose', 'reye': 'nose', 'lear': 'nose', 'rear': 'nose',
          'lsho': 'neck', 'rsho': 'neck', 'lelb': 'lsho', 'relb': 'rsho', 'lwri': 'lelb', 'rwri': 'relb',
          'lhip': 'pelv', 'rhip': 'pelv', 'lkne': 'lhip', 'rkne': 'rhip', 'lank': 'lkne', 'rank': 'rkne'}
TORSO_MM = 500.0  # from neck to pelvis
_FARTHEST = 3.0  # standard deviations of the bulk: beyond, sides were swapped or somebody else was found
_BULK = 1.4826  # a normal standard deviation in median absolute deviations


def errors_mm(pose_px, truth_px):
    """Returns how far off a pose is, in mm of a person of TORSO_MM; [19, 3] px each, -> [19, 3]."""
    torso = np.linalg.norm(truth_px[JOINT_INDEX['neck']] - truth_px[JOINT_INDEX['pelv']])
    return (np.asarray(pose_px, np.float64) - truth_px) * (TORSO_MM / torso)


def chains(errors):
    """Measures how errors follow one another.

    The median of each joint's error is left out, as it tells of another notion of where the joint lies.

    Args:
      errors: [N, 19, 3] mm, of `errors_mm`.

    Returns:
      dict, joint -> (carried, own) in the picture and (carried, own) in depth: the share of the error of the joint
      before that is its own error, too, and the standard deviation of the rest, mm. Of the pelvis (0, own) each.
    """
    errors = errors - np.median(errors, axis=0)
    bulk = _FARTHEST * _BULK * np.median(np.abs(errors), axis=0)
    errors = np.clip(errors, -bulk, bulk)
    found = {'pelv': tuple((0.0, float(part.std())) for part in _parts(errors, 'pelv'))}
    for joint, before in BEFORE.items():
        both = zip(_parts(errors, joint), _parts(errors, before), strict=True)
        found[joint] = tuple(_follows(*parts) for parts in both)
    return found


def table(errors):
    """Returns what `chains` finds as lines of Markdown."""
    rows = [f'| {joint} | {BEFORE.get(joint, "-")} | '
            + ' | '.join(f'{carried:.2f} | {own:.0f}' for carried, own in both) + ' |'
            for joint, both in chains(errors).items()]
    return ['| joint | follows | in the picture: carried | own, mm | in depth: carried | own, mm |',
            '|---|---|---|---|---|---|', *rows]


def _parts(errors, joint):
    return errors[:, JOINT_INDEX[joint], :2], errors[:, JOINT_INDEX[joint], 2]


def _follows(error, before):
    total = np.sum(before ** 2)
    carried = np.sum(error * before) / total if total else 0.0
    return float(carried), float((error - carried * before).std())
