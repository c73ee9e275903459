"""The joints of a rig by their names: which of them are the project's, whatever program wrote them."""

import collections
import json
import re

from data_pipeline.errors import DataError
from data_pipeline.text_file import read_text
from repose_tf.skeleton import JOINT_NAMES

HEAD = 'head'  # the face follows it
# Names in use, in small letters and without signs, the best first: CMU, Mixamo, MotionBuilder, LaFAN1, Xsens, Rokoko,
# Perception Neuron; SMPL, Kinect; Poser, Daz; Unreal, 3ds Max, Rigify; MakeHuman, VRM, Bandai Namco; OptiTrack; ASF.
_SIDED = {
    'kne': ('knee', 'lowerleg', 'lowleg', 'loleg', 'shin', 'calf', 'tibia', 'leg'),
    'ank': ('ankle', 'foot'),  # SMPL's foot is the ball of the foot
    # In some rigs the thigh is the leg, and the shin the knee.
    'hip': ('upleg', 'upperleg', 'thighbend', 'thigh', 'femur', 'hip', 'leg'),
    'elb': ('elbow', 'forearmbend', 'forearm', 'lowerarm', 'lowarm', 'loarm', 'farm', 'radius'),
    'wri': ('wrist', 'hand'),
    # A rig's shoulder is the collar bone where it has an arm, too.
    'sho': ('upperarm', 'uparm', 'uarm', 'shldrbend', 'shldr', 'humerus', 'arm', 'shoulder'),
}
_MIDDLE = {'neck': ('neck', 'necktwist', 'lowerneck', 'necklower', 'spine004'), HEAD: ('head', 'spine006')}  # Rigify's
_JOINTS = (*(side + joint for joint in _SIDED for side in 'lr'), *_MIDDLE)
_COUNTER = re.compile(r'[_.]\d+$')  # converters number all joints: LeftArm_09, LeftForeArm_010
_NUMBERS = ('', '1', '01', '0', '00', '001')  # MakeHuman's upperarm01.L, Unreal's neck_01


def read_joint_names(path):
    """Reads a file of --joint_names; returns dict, one of the project's joints or HEAD -> a name in the motion file.

    Raises:
      DataError: it is no such JSON file.
    """
    text = read_text(path, 'a JSON file of joint names')
    try:
        names = json.loads(text)
    except ValueError as error:
        raise DataError(f'{path}: expected a JSON file of joint names, found something else ({error}).') from error
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise DataError(f'{path}: expected {{"lank": "name in the motion file", ...}}, found {str(names)[:60]}.')
    if unknown := [joint for joint in names if joint not in (*JOINT_NAMES, HEAD)]:
        raise DataError(f'{path}: expected joints of {", ".join((*JOINT_NAMES, HEAD))}, found {", ".join(unknown)}.')
    return names


def find_places(names, where, given=None):
    """Finds the project's joints among those of a rig.

    A rig's own word before or after its names ('mixamorig:', 'Bip01 ', '_JNT') does not matter: of all such words that
    one is taken with which most joints are found.

    Args:
      names: list, the rig's joints, ends as '<joint> end'.
      where: names the file in messages.
      given: dict as of `read_joint_names`: what is not to be guessed.

    Returns:
      dict, joint -> place in `names`: shoulders, elbows, wrists, hips, knees and ankles; neck and HEAD if the rig has
      them; whatever else is given.

    Raises:
      DataError: names the joints that were not found.
    """
    places = _given_places(names, where, given or {})
    by_affixes = collections.defaultdict(lambda: collections.defaultdict(list))  # -> joint -> (is_cut, rank, place)
    for place, name in enumerate(names):
        for is_cut, text in enumerate(dict.fromkeys((name, _COUNTER.sub('', name)))):
            word = '' if name.endswith(' end') else re.sub(r'[\W_]', '', text).lower()
            for spelling, meanings in _MEANINGS.items():
                for match in re.finditer(spelling, word) if spelling in word else ():
                    for joint, rank in meanings:
                        by_affixes[word[:match.start()], word[match.end():]][joint].append((is_cut, rank, place))
    by_length = sorted(by_affixes, key=lambda affixes: len(''.join(affixes)))
    places = max((_chosen(by_affixes[affixes], places) for affixes in by_length), key=len, default=places)
    if missing := [f'{joint} ({" or ".join(_wanted(joint)[:3])})' for joint in _JOINTS
                   if joint not in (*places, 'neck', HEAD)]:
        raise DataError(f'{where}: expected joints for {", ".join(missing)}, found the joints '
                        f'{", ".join(name for name in names if not name.endswith(" end"))}; --joint_names=FILE tells '
                        'which is which.')
    return places


def _given_places(names, where, given):
    for joint, name in given.items():
        if name not in names:
            raise DataError(f'--joint_names: expected joints of {where} ({", ".join(names)}), found {name!r} for '
                            f'{joint}.')
    counts = collections.Counter(name for joint, name in given.items() if joint != HEAD)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise DataError(f'--joint_names: expected another name for every joint, found {twice[0]!r} twice.')
    return {joint: names.index(name) for joint, name in given.items()}


def _chosen(found, places):
    """Returns `places` and the best of what was found for the other joints; none is two joints."""
    chosen = dict(places)
    for joint in _JOINTS:
        free = [item for item in found[joint] if item[-1] not in chosen.values()] if joint not in chosen else ()
        if free:
            chosen[joint] = min(free)[-1]
    return chosen


def _wanted(joint):
    """Returns the spellings of a joint, the best first."""
    if joint in _MIDDLE:
        sides, bases = ('', 'c', 'm'), _MIDDLE[joint]
    else:
        sides, bases = {'l': ('left', 'l'), 'r': ('right', 'r')}[joint[0]], _SIDED[joint[1:]]
    return [text for base in bases for number in _NUMBERS for side in sides
            for text in (f'{side}{base}{number}', f'{base}{number}{side}')]


def _meanings():
    """Returns dict, spelling -> list of (joint, rank), 0 for the best spelling of a joint."""
    meanings = collections.defaultdict(list)
    for joint in _JOINTS:
        for rank, spelling in enumerate(_wanted(joint)):
            meanings[spelling].append((joint, rank))
    return meanings


_MEANINGS = _meanings()
