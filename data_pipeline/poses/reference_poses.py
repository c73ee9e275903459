"""The poses of a data set in its own layout: the authors' poses.pkl, a poses.json, or both."""

import numpy as np

from data_pipeline.errors import DataError
from data_pipeline.poses import pose_file, reference_pickle
from repose_tf.skeleton import JOINT_INDEX, NUM_JOINTS

ORIGIN = 'reference'
IMAGE_SIZE = 256  # px, of the pictures that poses.pkl is of
_MAX_PELVIS_Z = IMAGE_SIZE / 8  # px; z of the whole body lies about 0


def read(root, parse_key):
    """Reads the poses in a folder; those of poses.pkl first, those of poses.json for what it lacks.

    Args:
      root: folder with poses.pkl, in it or in images/ below, or poses.json, or both.
      parse_key: function of a pose's key, returns (person, frame) or None.

    Returns:
      dict, `person/frame` -> `pose_file.Pose`; dict, `person/frame` -> why its pose cannot be used; list of
      the files.

    Raises:
      DataError: no file, one that cannot be read, a name that is none, or two poses of a picture.
    """
    pickles = [path for path in (root / 'poses.pkl', root / 'images' / 'poses.pkl') if path.is_file()]
    files = pickles[:1] + [path for path in (root / 'poses.json',) if path.is_file()]
    if not files:
        raise DataError(f'{root}: expected poses.pkl (of the reference layout) or poses.json, found neither.')
    poses, unusable = {}, {}
    for path in files:
        if path.suffix == '.pkl':
            found = _read_pickle(path)
        else:
            found = pose_file.read_poses(path)
        names = {}
        for name, pose in found.items():
            key = _id(path, name, parse_key)
            if names.setdefault(key, name) != name:
                raise DataError(f'{path}: expected one pose of a picture, found {names[key]!r} and {name!r}.')
            if isinstance(pose, str):
                unusable[key] = pose
            else:
                poses.setdefault(key, pose)
    return poses, {key: reason for key, reason in unusable.items() if key not in poses}, files


def _read_pickle(path):
    """Returns dict, path of keys -> `Pose`, or a text that says why it cannot be used."""
    found = {}
    for name, joints in reference_pickle.load(path).items():
        if joints.shape != (NUM_JOINTS, 3):
            raise DataError(f'{path}: {name!r}: expected an array of shape [{NUM_JOINTS}, 3], '
                            f'found {list(joints.shape)}.')
        px = joints.astype(np.float32)
        found[name] = _fault(px) or pose_file.Pose(px, float('nan'), origin=ORIGIN, image_size=IMAGE_SIZE)
    return found


def _fault(px):
    """Returns what is wrong with joints of a picture of 256 px, or None."""
    if not np.isfinite(px).all():
        return 'joints that are no numbers'
    if pose_file.is_far_outside(px, IMAGE_SIZE):
        return 'joints far outside of the picture'
    if abs(px[JOINT_INDEX['pelv'], 2]) > _MAX_PELVIS_Z:
        return 'depths that are not centred on 0'
    return None


def _id(path, name, parse_key):
    parsed = parse_key(name)
    if parsed is None:
        raise DataError(f'{path}: expected the name of a picture of this data set, found {name!r}.')
    return '/'.join(parsed)
