"""The file poses.json, version 1: reading, checking and writing the 3D poses of a folder of pictures.

    {"version": 1, "joints": [19 names], "origin": "who or what measured them", "poses": {"<person>/<frame>": {
        "px": [19][3]      x right, y down, px of the picture as stored (its first pixel's centre is 0.5);
                           z away from the camera at the same scale, 0 at the pelvis
        "px_per_mm": s     the person's scale at the pelvis
        "mm": [19][3]      optional: relative to the pelvis, camera axes
        "origin": "..."    optional: of this pose alone
        ...                further keys are kept as tags
    }}}
"""

import dataclasses
import json

import numpy as np

from data_pipeline.errors import DataError
from data_pipeline.files import write_text
from data_pipeline.finding import composed, natural_key
from data_pipeline.poses import foreign_poses
from data_pipeline.text_file import read_text
from repose_tf.skeleton import JOINT_INDEX, JOINT_NAMES, NUM_JOINTS

VERSION = 1
UNKNOWN_ORIGIN = 'given'  # of poses whose file names no origin
_PELVIS = JOINT_INDEX['pelv']
_PELVIS_TOLERANCE_PX = 1.0
# No joint of a person is this far from the pelvis; if one is, z is probably in mm while x and y are in px.
_FARTHEST_MM = 2000.0
# The border may cut a body off, and estimators guess what is outside, but at least a third of it must be inside.
_MAX_OUTSIDE = 1.0  # image sizes


@dataclasses.dataclass(frozen=True)
class Pose:
    """One person in one picture.

    Attributes:
      px: float32 [19, 3], joints (x, y, z), px of the picture as stored, or of one of `image_size`.
      px_per_mm: the person's scale at the pelvis; NaN if it is unknown.
      mm: float32 [19, 3] or None, joints relative to the pelvis, mm.
      tags: dict of the further keys in the file.
      origin: who or what measured it.
      image_size: rows and columns of the picture that px refer to; None: of the picture as stored.
    """

    px: np.ndarray
    px_per_mm: float
    mm: np.ndarray | None = None
    tags: dict = dataclasses.field(default_factory=dict)
    origin: str = UNKNOWN_ORIGIN
    image_size: int | None = None


def read(path):
    """Reads the joints of every pose: dict, `person/frame` -> float32 [19, 3] px; raises as `read_poses`."""
    return {key: pose.px for key, pose in read_poses(path).items()}


def read_poses(path):
    """Reads and checks a pose file: dict, `person/frame` -> `Pose`.

    Raises:
      DataError: the file cannot be read or is not in the format; the message names the file and the key.
    """
    content = _parse_json(path, 'a pose file')
    if found := foreign_poses.format_of(content):
        raise DataError(f'{path}: expected 3D poses in the format of poses.json, found what looks like {found}. '
                        'data_pipeline.annotate makes a poses.json of pictures; experiments.repose takes a photo or a '
                        'video as --target.')
    _check_is_object(path, content)
    if content.get('version') != VERSION:
        raise DataError(f'{path}: "version": expected {VERSION}, found {content.get("version")!r}.')
    _check_joints(path, content.get('joints'))
    entries = content.get('poses')
    if not isinstance(entries, dict):
        raise DataError(f'{path}: "poses": expected an object of "person/frame" entries, '
                        f'found {type(entries).__name__}.')
    origin = content.get('origin') or UNKNOWN_ORIGIN
    return {key: _parse_pose(f'{path}: "{key}"', key, entry, origin) for key, entry in entries.items()}


def write(path, poses, origin):
    """Writes a pose file, whole or not at all; see `as_text`. Raises WriteError too: the file cannot be written."""
    write_text(path, as_text(poses, origin, path))


def as_text(poses, origin, path='poses.json'):
    """Returns the text of a pose file, one pose a line; px to 1/100, mm to 1/10.

    Args:
      poses: dict, `person/frame` -> `Pose`.
      origin: who or what measured them.
      path: the file, for messages.

    Raises:
      DataError: a pose that `read_poses` would refuse.
    """
    lines = []
    for key in sorted(poses, key=natural_key):
        entry = _entry(poses[key])
        _parse_pose(f'{path}: "{key}"', key, entry, origin)
        lines.append(f'{json.dumps(key)}: {json.dumps(entry, separators=(",", ":"))}')
    head = json.dumps({'version': VERSION, 'joints': JOINT_NAMES, 'origin': origin})
    return head[:-1] + ', "poses": {\n' + ',\n'.join(lines) + '\n}}\n'


def true_mm(pose):
    """Returns the joints of a `Pose` relative to the pelvis, float32 [19, 3] mm, camera axes.

    These are the file's mm or, where it has none, px over the person's scale (weak perspective).
    """
    mm = pose.px / np.float32(pose.px_per_mm) if pose.mm is None else pose.mm
    return mm - mm[_PELVIS]


def is_far_outside(px, image_size):
    """Says whether joints [19, 3] px reach farther beyond a picture than a body that is seen in it can."""
    reach = _MAX_OUTSIDE * image_size
    beyond = np.maximum(-px[:, :2], px[:, :2] - image_size)
    return bool((beyond > reach).any() or (np.abs(px[:, 2]) > 2 * reach).any())


def read_json(path, what):
    """Returns the object in a JSON file; raises DataError for no file, no JSON, no object, or a repeated key."""
    content = _parse_json(path, what)
    _check_is_object(path, content)
    return content


def _parse_json(path, what):
    text = read_text(path, what)
    try:
        return json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise DataError(f'{path}: expected {what} in JSON, found something else ({error}).') from error


def _check_is_object(path, content):
    if not isinstance(content, dict):
        raise DataError(f'{path}: expected a JSON object, found {type(content).__name__}.')


def _without_repeats(pairs):
    """Returns a JSON object as a dict, keys composed; refuses one that comes twice, of which json keeps the last."""
    keys = [composed(key) for key, _ in pairs]
    content = dict(zip(keys, (value for _, value in pairs), strict=True))
    if len(content) < len(pairs):
        raise ValueError(f'{next(key for key in keys if keys.count(key) > 1)!r} twice')
    return content


def _check_joints(path, joints):
    """Raises DataError for other joints and for another order, which could silently exchange left and right."""
    if not isinstance(joints, list) or len(joints) != NUM_JOINTS:
        found = len(joints) if isinstance(joints, list) else joints
        raise DataError(f'{path}: "joints": expected the {NUM_JOINTS} names {" ".join(JOINT_NAMES)}, found {found}.')
    for index, (found, expected) in enumerate(zip(joints, JOINT_NAMES, strict=True)):
        if found != expected:
            raise DataError(f'{path}: "joints": expected {expected!r} at place {index}, found {found!r}.')


def _parse_pose(where, key, entry, origin):
    """Checks one entry of "poses"; returns the `Pose`, whose origin is this unless the entry names one."""
    person, _, frame = key.partition('/')
    if not person or not frame or '/' in frame:
        raise DataError(f'{where}: expected a key "person/frame", found {key!r}.')
    if not isinstance(entry, dict) or 'px' not in entry:
        raise DataError(f'{where}: expected an object with "px" and "px_per_mm", found no "px".')
    px = _joint_array(f'{where}: "px"', entry['px'])
    scale = entry.get('px_per_mm')
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale < float('inf'):
        raise DataError(f'{where}: "px_per_mm": expected a number above 0, found {scale!r}.')
    mm = None if entry.get('mm') is None else _joint_array(f'{where}: "mm"', entry['mm'])
    _check_depth(where, px[:, 2], scale)
    tags = {name: value for name, value in entry.items() if name not in ('px', 'px_per_mm', 'mm')}
    origin = tags.get('origin', origin)
    if not isinstance(origin, str):
        raise DataError(f'{where}: "origin": expected a text, found {origin!r}.')
    return Pose(px, float(scale), mm, tags, origin)


def _joint_array(where, rows):
    """Returns [19][3] numbers as a float32 array."""
    try:
        joints = np.array(rows, np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f'{where}: expected {NUM_JOINTS} joints of 3 numbers, found {error}.') from error
    if joints.shape != (NUM_JOINTS, 3):
        raise DataError(f'{where}: expected {NUM_JOINTS} joints of 3 numbers, found shape {list(joints.shape)}.')
    if not np.isfinite(joints).all():
        joint, axis = np.argwhere(~np.isfinite(joints))[0]
        raise DataError(f'{where}: expected finite numbers, found {joints[joint, axis]} as '
                        f'{"xyz"[axis]} of {JOINT_NAMES[joint]}.')
    return joints


def _check_depth(where, z_px, px_per_mm):
    """Raises DataError for a z that is not in px relative to the pelvis."""
    if abs(z_px[_PELVIS]) > _PELVIS_TOLERANCE_PX:
        raise DataError(f'{where}: "px": expected z relative to the pelvis, whose z is 0, '
                        f'found {z_px[_PELVIS]:g} there.')
    farthest = int(np.argmax(np.abs(z_px)))
    distance_mm = abs(z_px[farthest]) / px_per_mm
    if distance_mm > _FARTHEST_MM:
        raise DataError(f'{where}: "px": expected z in px (px_per_mm times mm), found {z_px[farthest]:g} at '
                        f'{JOINT_NAMES[farthest]}, which would be {distance_mm:.0f} mm away from the pelvis.')


def _entry(pose):
    """Returns a pose as JSON holds it."""
    def rows(joints, decimals):
        return np.round(np.asarray(joints, np.float64), decimals).tolist()

    entry = {'px': rows(pose.px, 2), 'px_per_mm': round(float(pose.px_per_mm), 6)}
    if pose.mm is not None:
        entry['mm'] = rows(pose.mm, 1)
    return {**entry, **pose.tags}
