"""Brings the poses of a clip to the source person: their bones, their ground, and a way on which feet do not slide.

Bones keep the driver's directions and get the source's lengths, so no joint can be where the driver's is. What is kept
of the driver's way is told in lengths of a leg: a foot that rests in the driver's picture rests in ours, the pelvis
leads where no foot rests, and jumps are as high.
"""

import cv2
import numpy as np

from data_pipeline.annotation.smoothing import smooth
from repose_tf.pose_edits import rotated, turned, with_proportions
from repose_tf.skeleton import JOINT_INDEX, joint_indices

_RESTING = 0.02  # leg lengths a second: a foot so slow rests
_FREE = 0.5  # leg lengths a second: where no foot is slower, the pelvis leads
_FIRMNESS = 4  # of the grip of the slower foot: with less the other one pulls at it, with more the pelvis jerks
_JUMP_S = 1.0  # who leaves the ground and comes back within it has jumped; else the ground has moved
_LEG_FRAMES = 12.0  # over which the driver's size is smoothed
_LEGS = (joint_indices('lhip', 'rhip'), joint_indices('lkne', 'rkne'), joint_indices('lank', 'rank'))
_ANKLES, _PELVIS = _LEGS[-1], JOINT_INDEX['pelv']
_HEAD = joint_indices('nose', 'leye', 'reye', 'lear', 'rear')


def fitted(targets, source_pose_px, size, *, keep_proportions=None, travel=None, turn=0.0):
    """Brings poses into the picture of the source person.

    Args:
      targets: `Targets`.
      source_pose_px: [19, 3] px of the picture to be made.
      size: rows and columns of that picture, px.
      keep_proportions: True keeps the person's bone lengths and puts them on the source's ground. False moves poses
        that are not framed by the pelvis and scales them as a whole. None: True, but False for framed poses.
      travel: of clips of kept proportions: True lets the person go where the driver goes, False keeps their pelvis
        above one spot. None: True if nobody leaves the picture by it, else False, with a note.
      turn: turns the driver about the vertical, radians, see `pose_edits.turned`.

    Returns:
      float32 [N, 19, 3] px, and a tuple of lines that the user is told.
    """
    poses_px = np.asarray(targets.poses_px)
    if not (keep_proportions or (keep_proportions is None and not targets.is_framed)):
        if not targets.is_framed:
            poses_px = np.stack([_moved(pose_px, source_pose_px) for pose_px in poses_px])
        return np.stack([turned(pose_px, turn) for pose_px in poses_px]).astype(np.float32), ()
    driver_px = rotated(poses_px, slice(None), poses_px[0, _PELVIS], (0, -1, 0), turn)
    made_px = np.stack([with_proportions(pose_px, source_pose_px) for pose_px in driver_px])
    if len(made_px) == 1 or not targets.fps:
        return made_px, ()
    ways_px, rises_px = _travelled(driver_px, made_px, targets.fps)
    made_px[..., 1] -= _as_room_allows(rises_px, made_px[:, _HEAD, 1].min(axis=1))[:, np.newaxis]
    gone_px = made_px[..., 0] + ways_px[:, np.newaxis]
    low, high = gone_px.min(), gone_px.max()
    stays = high - low <= size
    if travel or (travel is None and stays):
        made_px[..., 0] = gone_px + (max(0, -low) - max(0, high - size) if stays else 0)
        return made_px, ()
    note = 'The target walks out of the picture: the person stays above one spot, --travel lets them go.'
    return made_px, (note,) * (travel is None)


def foot_path(driver_px, made_px, legs_px, fps, start_px):
    """Finds where the pelvis goes so that a foot that rests in the driver's clip rests in ours.

    In every step the slower a foot of the driver's is, the more it counts. What this adds to the driver's own way is
    taken back as far as their feet move, by 63 % for every length of a leg, so that it does not grow without end.

    Args:
      driver_px: [N, 19, 2 or more], the driver, of our person's size.
      made_px: the same, the person, wherever the pelvis is.
      legs_px: [N], the length of a leg, in the same px.
      fps: frames a second.
      start_px: x of the pelvis in the first frame.

    Returns:
      float64 [N], x of the pelvis.
    """
    feet, pelvis = driver_px[:, _ANKLES, :2], driver_px[:, _PELVIS, 0]
    steps = np.linalg.norm(np.diff(feet, axis=0), axis=2) / legs_px[1:, np.newaxis]  # [N - 1, 2]
    weights = ((steps * fps) ** 2 + _RESTING ** 2) ** -_FIRMNESS
    ours = np.diff(made_px[:, _ANKLES, 0] - made_px[:, [_PELVIS], 0], axis=0)
    gaps = np.diff(feet[..., 0] - pelvis[:, np.newaxis], axis=0) - ours
    wanted = np.sum(weights * gaps, axis=1) / (weights.sum(axis=1) + _FREE ** (-2 * _FIRMNESS))
    ahead, path = 0.0, [start_px]
    for own, more, step in zip(np.diff(pelvis), wanted, steps.min(axis=1), strict=True):
        kept = ahead * np.exp(-step)
        path.append(path[-1] + own + more + kept - ahead)
        ahead = kept + more
    return np.array(path)


def leg_lengths(poses_px):
    """Returns the mean length of a leg of poses [N, 19, 3], float64 [N], in their unit."""
    hips, knees, ankles = (np.asarray(poses_px, np.float64)[:, places] for places in _LEGS)
    return (np.linalg.norm(hips - knees, axis=2) + np.linalg.norm(knees - ankles, axis=2)).mean(axis=1)


def _travelled(driver_px, made_px, fps):
    """Returns how far the person goes to the right from where they begin, and how high above their ground they are,
    each float64 [N] px of `made_px`."""
    legs = smooth(np.arange(len(driver_px)), leg_lengths(driver_px), _LEG_FRAMES)
    own_legs = leg_lengths(made_px)
    scales = own_legs / np.maximum(legs, 1e-6)
    pelvis = driver_px[:, _PELVIS, :2]
    steps = np.diff(pelvis, axis=0) * ((scales[1:] + scales[:-1]) / 2)[:, np.newaxis]
    steps[np.linalg.norm(steps, axis=1) > own_legs[1:]] = 0  # a cut, or somebody else
    way = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
    scaled_px = (driver_px[..., :2] - pelvis[:, np.newaxis]) * scales[:, np.newaxis, np.newaxis] + way[:, np.newaxis]
    low = scaled_px[..., 1].max(axis=1)
    reach = max(1, round(_JUMP_S * fps))
    padded = np.pad(np.float32(low), reach, mode='edge')[:, np.newaxis]
    ground = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((reach, 1), np.uint8))[reach:-reach, 0]
    return foot_path(scaled_px, made_px, own_legs, fps, 0.0), np.maximum(ground - low, 0)


def _as_room_allows(rises_px, tops_px):
    """Returns rises [N], made smaller by one factor where heads, whose tops are given, would leave the picture."""
    is_up = rises_px > 1e-3
    room = np.min(np.maximum(tops_px[is_up], 0) / rises_px[is_up], initial=1.0)
    return rises_px * room


def _moved(pose_px, source_pose_px):
    """Moves the pelvis to the source's and scales the spread of the joints to its size."""
    centred, own = pose_px - pose_px[_PELVIS], source_pose_px - source_pose_px[_PELVIS]
    factor = np.sqrt(np.sum(own ** 2) / max(np.sum(centred ** 2), 1e-12))
    return centred * factor + source_pose_px[_PELVIS]
