"""Motion capture: following the hierarchy of a BVH file, and converting the joints of its rig to the project's 19."""

import dataclasses

import numpy as np

from data_pipeline.errors import DataError
from data_pipeline.poses import bvh_text, rig_names
from data_pipeline.poses.body_axes import body_axes, find_camera, stands
from repose_tf.skeleton import JOINT_INDEX, LIMB_BONES, NUM_JOINTS, joint_indices

# Rigs have no face. Offsets of its joints from the neck, in lengths of neck to pelvis, to the left, up and forwards:
# the means of data/people.
_FACE = {'nose': (0, 0.13, 0.30), 'leye': (0.055, 0.19, 0.29), 'reye': (-0.055, 0.19, 0.29),
         'lear': (0.13, 0.19, 0.14), 'rear': (-0.13, 0.19, 0.14)}


@dataclasses.dataclass(frozen=True)
class Motion:
    """The joints of a clip, in the axes and the unit of its file.

    Attributes:
      names: of J joints, parents before children; ends are called '<joint> end'.
      parents: their places, None for a root.
      rest: [J, 3], positions when nothing is turned.
      positions: [T, J, 3].
      rotations: [T, J, 3, 3], file from joint; unit matrices at rest.
      fps: frames a second, None where the file does not tell.
      notes: tuple of lines that the user is told.
    """

    names: list
    parents: list
    rest: np.ndarray
    positions: np.ndarray
    rotations: np.ndarray
    fps: float | None
    notes: tuple = ()


def read(path, every=1, fps=None):
    """Reads frames 0, every, 2 * every, ... of a BVH file; returns a `Motion`.

    Args:
      path: the file, see `bvh_text.read`.
      every: takes every so many frames.
      fps: frames a second of what is taken, whatever the file tells; None: as it tells.

    Raises:
      DataError: the file cannot be read, or is none.
    """
    text = bvh_text.read(path, is_timed=fps is None)
    positions, rotations = _follow(text.joints, text.numbers[::every])
    rest, _ = _follow([dataclasses.replace(joint, channels=[]) for joint in text.joints], np.zeros((1, 0)))
    if fps is None and np.isfinite(text.seconds):
        fps = 1 / (text.seconds * every)
    parents = [joint.parent for joint in text.joints]
    notes = [f'{path} holds {parents.count(None)} bodies: one is taken.'] * (parents.count(None) > 1)
    return Motion([joint.name for joint in text.joints], parents, rest[0], positions, rotations, fps,
                  (*text.notes, *notes))


def _follow(joints, numbers):
    """Follows the hierarchy; returns positions [T, J, 3] and rotations [T, J, 3, 3] for the channels [T, C]."""
    positions, rotations, column = [], [], 0
    for joint in joints:
        offset, turn = np.tile(joint.offset, (len(numbers), 1)), np.tile(np.eye(3), (len(numbers), 1, 1))
        moves = offset.copy()
        for channel in joint.channels:  # in the file's order, the first is the outermost
            kind, axis = bvh_text.CHANNELS[channel]
            if kind == 'position':
                moves[:, axis] = numbers[:, column]
            else:
                turn = turn @ _turn(axis, np.deg2rad(numbers[:, column]))
            column += 1
        # Places stand for the offset; where all are 0, the program meant what is added to it.
        offset = moves if joint.parent is None or np.any(moves) else offset
        if joint.parent is not None:
            offset = positions[joint.parent] + np.einsum('tij,tj->ti', rotations[joint.parent], offset)
            turn = rotations[joint.parent] @ turn
        positions.append(offset)
        rotations.append(turn)
    return np.stack(positions, axis=1), np.stack(rotations, axis=1)


def _turn(axis, angles):
    """Returns rotations [T, 3, 3] about an axis by the right-hand rule."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrices = np.tile(np.eye(3), (len(angles), 1, 1))
    matrices[:, first, first] = matrices[:, second, second] = np.cos(angles)
    matrices[:, second, first], matrices[:, first, second] = np.sin(angles), -np.sin(angles)
    return matrices


def poses_of(motion, where, joint_names=None):
    """Converts a clip to the project's joints.

    Args:
      motion: `Motion`, any axis up, any unit, any rest pose.
      where: names the file in messages.
      joint_names: dict as of `rig_names.read_joint_names`, or None: all names are known ones.

    Returns:
      float64 [T, 19, 3], x right, y down, z away from the camera, see `body_axes.find_camera`; the file's unit, the
      origin at the pelvis of the first frame. Unless the names tell otherwise, the pelvis is midway between the hips,
      a neck that the rig lacks midway between the shoulders, and the face follows the head.

    Raises:
      DataError: joints were not found, or lie in a line or in one place.
    """
    places = rig_names.find_places(motion.names, where, joint_names)
    joints, rest = _body(motion.positions, places), _body(motion.rest, places)
    camera = find_camera(joints, rest, where)
    for first, second in LIMB_BONES:
        bone = joints[:, JOINT_INDEX[first]] - joints[:, JOINT_INDEX[second]]
        if np.abs(bone).max() < 1e-6 * np.ptp(joints):
            raise DataError(f'{where}: expected a person, found {first} ({motion.names[places[first]]}) and {second} '
                            f'({motion.names[places[second]]}) in one place.')
    face = _face(motion, places, joints, rest)
    for name in set(face) - set(places):
        joints[:, JOINT_INDEX[name]] = face[name]
    return (joints - joints[0, JOINT_INDEX['pelv']]) @ camera.T


def _body(positions, places):
    """Returns positions [..., J, 3] as the project's joints [..., 19, 3]; those of the face are 0 unless given."""
    joints = np.zeros((*positions.shape[:-2], NUM_JOINTS, 3))
    for name in set(places) - {rig_names.HEAD}:
        joints[..., JOINT_INDEX[name], :] = positions[..., places[name], :]
    for name, sides in (('pelv', ('lhip', 'rhip')), ('neck', ('lsho', 'rsho'))):
        if name not in places:
            joints[..., JOINT_INDEX[name], :] = joints[..., joint_indices(*sides), :].mean(axis=-2)
    return joints


def _face(motion, places, joints, rest):
    """Returns dict, joint of the face -> [T, 3], in the file's axes.

    A head looks ahead where the rest pose stands; else it is taken to do so in the mean over all frames. In a file of
    places without angles the face follows the chest.
    """
    turns = motion.rotations[:, _head_place(motion, places)]
    axes = body_axes(rest) if stands(rest) else body_axes(joints)  # rows: left, up, forwards
    if np.allclose(motion.rotations, np.eye(3)):
        turns, axes = np.nan_to_num(body_axes(joints)).swapaxes(1, 2), np.eye(3)
    elif axes.ndim == 3:
        is_clear = np.isfinite(axes).all(axis=(1, 2))
        first, _, second = np.linalg.svd(np.einsum('tai,tij->aj', axes[is_clear], turns[is_clear]))
        axes = first @ np.diag([1, 1, np.linalg.det(first @ second)]) @ second
    neck = joints[:, JOINT_INDEX['neck']]
    length = np.median(np.linalg.norm(neck - joints[:, JOINT_INDEX['pelv']], axis=-1))
    return {name: neck + turns @ (length * np.array(shares) @ axes) for name, shares in _FACE.items()}


def _head_place(motion, places):
    """Returns the place of the joint that the face follows: the head, the neck, or where the arms meet the spine."""
    for name in (rig_names.HEAD, 'neck'):
        if name in places:
            return places[name]
    of_left, of_right = (_way_to_root(motion, places[name]) for name in ('lsho', 'rsho'))
    return next((place for place in of_left if place in of_right), 0)


def _way_to_root(motion, place):
    way = []
    while place is not None:
        way.append(place)
        place = motion.parents[place]
    return way
