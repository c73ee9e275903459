"""The project's 19 joints from the joints of a motion capture rig, as a camera in front of its rest pose sees them."""

import numpy as np

from data_pipeline.errors import DataError
from repose_tf.skeleton import JOINT_INDEX, NUM_JOINTS

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
# Rigs have no face. Places of its joints from the neck, in lengths of neck to pelvis, to the left, up and forwards:
# means of data/people.
_FACE = {'nose': (0, 0.13, 0.30), 'leye': (0.055, 0.19, 0.29), 'reye': (-0.055, 0.19, 0.29),
         'lear': (0.13, 0.19, 0.14), 'rear': (-0.13, 0.19, 0.14)}


def poses_of(motion, where):
    """Brings a clip to the project's joints.

    Args:
      motion: `motion_file.Motion`, Y or Z up, any unit.
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
    missing = [f'{joint} ({" or ".join(wanted[joint][:3])})' for joint, place in places.items() if place is None]
    if missing:
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
