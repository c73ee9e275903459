"""Motion capture in the BVH format: reading a file, and converting the joints of its rig to the project's 19."""

import dataclasses

import numpy as np

from data_pipeline.errors import DataError
from repose_tf.skeleton import JOINT_INDEX, NUM_JOINTS

_AXES = {'X': 0, 'Y': 1, 'Z': 2}
_MOVES, _TURNS = ({f'{axis}{kind}': index for axis, index in _AXES.items()} for kind in ('position', 'rotation'))
# Names in use (CMU, Mixamo, MotionBuilder; Poser and Daz; plain), without prefixes as mixamorig:, in small letters.
_SIDED = {
    # A rig's 'LeftShoulder' is the collar bone where it has a 'LeftArm', too.
    'sho': ('{side}arm', '{side}uparm', '{side}upperarm', '{s}shldr', '{s}shoulder', '{side}shoulder'),
    'elb': ('{side}forearm', '{side}lowarm', '{side}elbow', '{s}forearm', '{s}elbow'),
    'wri': ('{side}hand', '{side}wrist', '{s}hand', '{s}wrist'),
    'hip': ('{side}upleg', '{side}thigh', '{side}hip', '{s}thigh', '{s}hip'),
    'kne': ('{side}leg', '{side}lowleg', '{side}knee', '{side}shin', '{s}shin', '{s}knee'),
    'ank': ('{side}foot', '{side}ankle', '{s}foot', '{s}ankle'),
}
_MIDDLE = {'neck': ('neck', 'neck1'), 'head': ('head',)}
# Rigs have no face. Offsets of its joints from the neck, in lengths of neck to pelvis, to the left, up and forwards:
# the means of data/people.
_FACE = {'nose': (0, 0.13, 0.30), 'leye': (0.055, 0.19, 0.29), 'reye': (-0.055, 0.19, 0.29),
         'lear': (0.13, 0.19, 0.14), 'rear': (-0.13, 0.19, 0.14)}


@dataclasses.dataclass(frozen=True)
class Motion:
    """The joints of a clip, in the axes and the unit of its file.

    Attributes:
      names: of J joints, parents before children; ends are called '<joint> end'.
      rest: [J, 3], positions when nothing is turned.
      positions: [T, J, 3].
      rotations: [T, J, 3, 3], file from joint; unit matrices at rest.
      fps: frames a second.
    """

    names: list
    rest: np.ndarray
    positions: np.ndarray
    rotations: np.ndarray
    fps: float


def read(path, every=1):
    """Reads frames 0, every, 2 * every, ... of a BVH file; returns a `Motion`.

    Raises:
      DataError: the file cannot be read, or is not what its head announces.
    """
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            words = file.read().split()
    except OSError as error:
        raise DataError(f'{path}: expected a BVH file, found nothing readable ({error.strerror}).') from error
    try:
        joints, start = _read_hierarchy(words)
        seconds, channels = _read_frames(words, start, sum(len(joint['channels']) for joint in joints))
    except IndexError as error:
        raise DataError(f'{path}: expected a BVH file, found one that ends too early.') from error
    except (ValueError, KeyError) as error:
        raise DataError(f'{path}: expected a BVH file, found something else ({error}).') from error
    return _pose_joints(joints, channels[::every], 1 / (seconds * every))


def _read_hierarchy(words):
    """Returns the joints, dicts of name, parent, offset and channels, and the place after MOTION."""
    if words[0] != 'HIERARCHY':
        raise ValueError(f'it begins with {words[0]!r} instead of HIERARCHY')
    joints, parents, place = [], [None], 1
    while words[place] != 'MOTION':
        word = words[place]
        if word in ('ROOT', 'JOINT', 'End'):
            name = f'{joints[parents[-1]]["name"]} end' if word == 'End' else words[place + 1]
            joints.append({'name': name, 'parent': parents[-1], 'offset': np.zeros(3), 'channels': []})
            place += 2
        elif word == '{':
            parents.append(len(joints) - 1)
            place += 1
        elif word == '}':
            parents.pop()
            place += 1
        elif word == 'OFFSET':
            joints[-1]['offset'] = np.array([float(number) for number in words[place + 1:place + 4]])
            place += 4
        elif word == 'CHANNELS':
            count = int(words[place + 1])
            joints[-1]['channels'] = words[place + 2:place + 2 + count]
            if unknown := [channel for channel in joints[-1]['channels'] if channel not in {**_MOVES, **_TURNS}]:
                raise ValueError(f'channel {unknown[0]!r}')
            place += 2 + count
        else:
            raise ValueError(f'{word!r} in the hierarchy')
    return joints, place + 1


def _read_frames(words, place, num_channels):
    """Returns the seconds of a frame and the numbers [T, channels]."""
    if words[place] != 'Frames:' or words[place + 2:place + 4] != ['Frame', 'Time:']:
        raise ValueError('no "Frames:" and "Frame Time:" after MOTION')
    count, seconds = int(words[place + 1]), float(words[place + 4])
    numbers = np.array(words[place + 5:], np.float64)
    if count < 1 or not seconds > 0 or numbers.size != count * num_channels or not np.isfinite(numbers).all():
        raise ValueError(f'{numbers.size} numbers for {count} frames of {num_channels} channels and {seconds:g} s')
    return seconds, numbers.reshape(count, num_channels)


def _pose_joints(joints, channels, fps):
    """Computes positions and rotations along the hierarchy; returns the `Motion`."""
    count = len(channels)
    positions, rotations, rest, column = [], [], [], 0
    for joint in joints:
        offset, turn = np.tile(joint['offset'], (count, 1)), np.tile(np.eye(3), (count, 1, 1))
        for channel in joint['channels']:  # in the file's order, the first is the outermost
            values = channels[:, column]
            column += 1
            if channel in _MOVES:
                offset[:, _MOVES[channel]] = values
            else:
                turn = turn @ _turn(_TURNS[channel], np.deg2rad(values))
        parent = joint['parent']
        if parent is not None:
            offset = positions[parent] + np.einsum('tij,tj->ti', rotations[parent], offset)
            turn = rotations[parent] @ turn
        rest.append(joint['offset'] + (0 if parent is None else rest[parent]))
        positions.append(offset)
        rotations.append(turn)
    return Motion([joint['name'] for joint in joints], np.stack(rest), np.stack(positions, axis=1),
                  np.stack(rotations, axis=1), fps)


def _turn(axis, angles):
    """Returns rotations [T, 3, 3] about an axis by the right-hand rule."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrices = np.tile(np.eye(3), (len(angles), 1, 1))
    matrices[:, first, first] = matrices[:, second, second] = np.cos(angles)
    matrices[:, second, first], matrices[:, first, second] = np.sin(angles), -np.sin(angles)
    return matrices


def poses_of(motion, where):
    """Converts a clip to the project's joints.

    Args:
      motion: `Motion`, Y or Z up, any unit.
      where: names the file in messages.

    Returns:
      float64 [T, 19, 3], x right, y down, z away from the camera, which looks at the face of the rest pose; the file's
      unit, the origin at the pelvis. The pelvis is midway between the hips; the face follows the head.

    Raises:
      DataError: names the joints that were not found.
    """
    places = _places(motion.names, where)
    rest = {name: motion.rest[place] for name, place in places.items()}
    left, up, forwards = _axes(rest)
    camera = np.stack([left, -up, -forwards])  # rows: a person who faces the camera has the left on its right
    joints = np.zeros((len(motion.positions), NUM_JOINTS, 3))
    for name in set(places) - {'head'}:
        joints[:, JOINT_INDEX[name]] = motion.positions[:, places[name]]
    hips = joints[:, [JOINT_INDEX['lhip'], JOINT_INDEX['rhip']]]
    joints[:, JOINT_INDEX['pelv']] = hips.mean(axis=1)
    length = np.linalg.norm(rest['neck'] - (rest['lhip'] + rest['rhip']) / 2)
    for name, shares in _FACE.items():
        offset = length * (np.array(shares) @ np.stack([left, up, forwards]))
        joints[:, JOINT_INDEX[name]] = joints[:, JOINT_INDEX['neck']] + motion.rotations[:, places['head']] @ offset
    return (joints - joints[:, [JOINT_INDEX['pelv']]]) @ camera.T


def _places(names, where):
    """Returns dict, joint or 'head' -> place among the rig's joints."""
    found = {}
    for place, name in enumerate(names):
        word = name.split(':')[-1].lower().replace('_', '').replace('mixamorig', '')
        found.setdefault(word, place)
    wanted = dict(_MIDDLE)
    for joint, spellings in _SIDED.items():
        for side in ('left', 'right'):
            wanted[side[0] + joint] = tuple(text.format(side=side, s=side[0]) for text in spellings)
    places = {joint: next((found[word] for word in spellings if word in found), None)
              for joint, spellings in wanted.items()}
    if missing := [f'{joint} ({" or ".join(wanted[joint][:3])})' for joint, place in places.items() if place is None]:
        raise DataError(f'{where}: expected joints for {", ".join(missing)}, found the joints '
                        f'{", ".join(name for name in names if not name.endswith(" end"))}.')
    return places


def _axes(rest):
    """Returns the unit vectors to the left, up and forwards of a rig that stands upright at rest."""
    up = rest['neck'] - (rest['lank'] + rest['rank']) / 2
    up = np.eye(3)[np.argmax(np.abs(up))] * np.sign(up[np.argmax(np.abs(up))])
    left = rest['lhip'] - rest['rhip']
    left = left - up * (left @ up)
    left /= max(np.linalg.norm(left), 1e-9)
    return left, up, np.cross(left, up)
