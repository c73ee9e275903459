"""Changes of a pose by the page's sliders and by joints that are dragged on the picture."""

import dataclasses

import numpy as np

from experiments.demo_page.checks import number
from experiments.demo_page.uploads import RequestError
from repose_tf.pose_edits import SWINGS, arm_raised, bent, dragged, tilted, turned
from repose_tf.skeleton import BONES, JOINT_INDEX, JOINT_NAMES

EDIT_BOUNDS_DEG = {'turn_deg': (-180, 180), 'bend_deg': (-30, 60), 'left_arm_deg': (-60, 160),
                   'right_arm_deg': (-60, 160)}
MOST_TILT_DEG = 85  # of a bone against the picture: straight towards us it would lose its direction
_FARTHEST_PX = 1e5  # where a pointer may be
_KINDS = {'neck': 'neck', 'nose': 'nose', 'pelv': 'pelvis', 'sho': 'shoulder', 'elb': 'elbow', 'wri': 'wrist',
          'hip': 'hip', 'kne': 'knee', 'ank': 'ankle', 'eye': 'eye', 'ear': 'ear'}
JOINT_WORDS = {name: _KINDS[name] if name in _KINDS else f'{"left" if name[0] == "l" else "right"} {_KINDS[name[1:]]}'
               for name in JOINT_NAMES}


@dataclasses.dataclass(frozen=True)
class Edits:
    """How the sliders change a pose, degrees; see pose_edits.py and EDIT_BOUNDS_DEG."""

    turn_deg: float = 0
    bend_deg: float = 0
    left_arm_deg: float = 0
    right_arm_deg: float = 0


def radians(edits, since=None):
    """Returns the angles of `Edits`, or of none, in the order of EDIT_BOUNDS_DEG; refuses what is out of bounds.

    Args:
      edits: `Edits` or None.
      since: the `Edits` that the pose has already, or None.
    """
    return [np.deg2rad(number(name, getattr(edits or Edits(), name), *bounds) - getattr(since or Edits(), name))
            for name, bounds in EDIT_BOUNDS_DEG.items()]


def edited(pose_px, angles):
    """Changes a pose [19, 3] by angles as `radians` gives them."""
    turn, bend, left_arm, right_arm = angles
    for side, angle in (('l', left_arm), ('r', right_arm)):
        pose_px = arm_raised(pose_px, side, angle) if angle else pose_px
    pose_px = bent(pose_px, bend) if bend else pose_px
    return turned(pose_px, turn) if turn else np.asarray(pose_px, np.float32)


def with_joint_moved(pose_px, size, move):
    """Moves one joint as the page asks for it.

    Args:
      pose_px: float32 [19, 3].
      size: rows and columns of its picture, px.
      move: dict from the browser: `joint`, its name, and either `x` and `y`, px, where it was dragged to, or
        `tilt_deg`, the angle of its bone and the picture, positive away from us.

    Returns:
      float32 [19, 3], and what the visitor is told, or ''.

    Raises:
      RequestError: there is no such joint or place, or nobody would be left in the picture.
    """
    joint = move.get('joint') if isinstance(move, dict) else None
    if not isinstance(joint, str) or joint not in JOINT_INDEX:
        raise RequestError(f'Expected a joint ({", ".join(JOINT_NAMES)}), found {str(joint)[:40]!r}.')
    if 'tilt_deg' in move:
        if joint not in SWINGS:
            raise RequestError(f'The {JOINT_WORDS[joint]} has no depth: all others are measured from it.')
        result = tilted(pose_px, joint, np.deg2rad(number('tilt_deg', move['tilt_deg'], -MOST_TILT_DEG, MOST_TILT_DEG)))
    else:
        result = dragged(pose_px, joint, [number(axis, move.get(axis), -_FARTHEST_PX, _FARTHEST_PX) for axis in 'xy'])
    outside = ((result[:, :2] < 0) | (result[:, :2] > size)).any(axis=1)
    if outside.all():
        raise RequestError(f'The {JOINT_WORDS[joint]} was dragged so far that nobody is left in the picture; the pose '
                           'stays as it was.')
    names = [JOINT_WORDS[name] for name, is_outside in zip(JOINT_NAMES, outside, strict=True) if is_outside]
    return result, f'Outside of the picture, and not seen: {", ".join(names)}.' if names else ''


def description():
    """Returns what the page's script must know of joints, for JSON: the rules have their home in `pose_edits`."""
    return {'names': JOINT_NAMES, 'words': [JOINT_WORDS[name] for name in JOINT_NAMES],
            'bones': [[JOINT_INDEX[name] for name in bone] for bone in BONES],
            'swings': {JOINT_INDEX[name]: {'pivot': JOINT_INDEX[pivot], 'moved': [JOINT_INDEX[one] for one in moved]}
                       for name, (pivot, moved) in SWINGS.items()},
            'mostTilt': MOST_TILT_DEG}
