"""The poses of a data set in its own layout: the paper authors' poses.pkl, a poses.json, or both.

The pickle is read without trusting it. Every name but the few that NumPy's arrays need is refused, and these stand for
substitutes that take numbers and bytes and call nothing, not even NumPy's own constructors, whose hidden state a
pickle could forge.
"""

import collections
import pickle

import numpy as np

from data_pipeline.errors import DataError
from data_pipeline.poses import pose_file
from data_pipeline.restricted_pickle import Restricted, reading
from repose_tf.skeleton import JOINT_INDEX, NUM_JOINTS

ORIGIN = 'reference'
IMAGE_SIZE = 256  # px, of the pictures that poses.pkl is of
_MAX_PELVIS_Z = IMAGE_SIZE / 8  # px; z of the whole body lies about 0
_MAX_DEPTH = 16
_KINDS = ('f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8')


def read(root, parse_key):
    """Reads the poses in a folder: those of poses.pkl, and of poses.json those that poses.pkl lacks.

    Args:
      root: folder with poses.pkl, in it or in images/ below, or poses.json, or both.
      parse_key: function of a pose's key, returns (person, frame) or None.

    Returns:
      dict, `person/frame` -> `pose_file.Pose`; dict, `person/frame` -> why its pose cannot be used; list of
      the files.

    Raises:
      DataError: no file, one that cannot be read, a key that names no picture, or two poses of one picture.
    """
    pickles = [path for path in (root / 'poses.pkl', root / 'images' / 'poses.pkl') if path.is_file()]
    files = pickles[:1] + [path for path in (root / 'poses.json',) if path.is_file()]
    if not files:
        raise DataError(f'{root}: expected poses.pkl (of the reference layout) or poses.json, found neither.')
    poses, unusable = {}, {}
    for path in files:
        found, names = _read_pickle(path) if path.suffix == '.pkl' else pose_file.read_poses(path), {}
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
    """Returns dict, path of keys -> `Pose`, or a text that says why the pose cannot be used."""
    found = {}
    for name, joints in load_pickle(path).items():
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


def load_pickle(path):
    """Loads a pickle of nested dicts of numeric arrays, of NumPy 1 or 2, Python 2 or 3, in protocols 0 to 5.

    Returns:
      dict, path of keys joined by '/' -> array, in the order of the file.

    Raises:
      DataError: the file cannot be read, names anything but arrays and plain containers, or is no nest of dicts.
    """
    with reading(path, 'a pickle of dicts of arrays'), open(path, 'rb') as file:
        content = _Unpickler(file, encoding='latin1').load()
    return _flatten(path, content)


def _flatten(path, content):
    leaves, seen, open_dicts = {}, set(), [('', content, 0)]
    while open_dicts:
        prefix, node, depth = open_dicts.pop()
        where = f'{path}: {prefix.rstrip("/") or "at the top"!r}'
        if not isinstance(node, dict):
            raise DataError(f'{where}: expected a dict or an array, found {type(node).__name__}.')
        if depth > _MAX_DEPTH or id(node) in seen:
            raise DataError(f'{where}: expected dicts that are nested {_MAX_DEPTH} deep at most and used once.')
        seen.add(id(node))
        for key, value in node.items():
            if not isinstance(key, str | int):
                raise DataError(f'{where}: expected names as keys, found {key!r}.')
            if isinstance(value, _Array):
                leaves[f'{prefix}{key}'] = value.array(f'{where}: {key!r}')
            else:
                open_dicts.append((f'{prefix}{key}/', value, depth + 1))
    return leaves


class _DType:
    """Stands for numpy.dtype: one of the plain kinds of numbers."""

    def __init__(self, kind, *flags):
        del flags  # whether to align and to copy
        if kind not in _KINDS:
            raise DataError(f'expected arrays of numbers, found {kind!r}.')
        self._kind, self._order = kind, '='

    def __setstate__(self, state):
        version, order, *rest = state
        if version not in (3, 4) or order not in ('<', '>', '|', '=') or any(rest[:3]):
            raise DataError(f'expected a plain type of numbers, found {state!r}.')
        self._order = order

    def real(self):
        return np.dtype(f'{self._order}{self._kind}')


class _Array:
    """Stands for numpy.ndarray: bytes with a type and a shape, checked by `array`."""

    def __init__(self):
        self._parts = None

    def __setstate__(self, state):
        _, shape, dtype, is_fortran, data = state
        self._parts = data, dtype, shape, 'F' if is_fortran else 'C'

    def array(self, where):
        """Returns the array; raises DataError if the parts do not fit together."""
        try:
            data, dtype, shape, order = self._parts
            if isinstance(data, str):  # from Python 2
                data = data.encode('latin1')
            if not isinstance(data, bytes | bytearray):
                raise TypeError(f'bytes of type {type(data).__name__}')
            return np.frombuffer(data, dtype.real()).reshape(shape, order=order).copy()
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DataError(f'{where}: expected an array, found one that does not fit together ({error}).') from error


def _reconstruct(subtype, shape, typecode):
    del shape, typecode  # of an empty array: the state brings the real ones
    if subtype is not _Array:
        raise DataError('expected plain arrays, found another class of them.')
    return _Array()


def _from_buffer(data, dtype, shape, order):
    array = _Array()
    array.__setstate__((1, shape, dtype, order == 'F', data))
    return array


def _encode(text, encoding):
    """Stands for _codecs.encode, by which protocol 2 writes bytes; other codecs could do more than that."""
    if encoding != 'latin1':
        raise DataError(f'expected bytes, found text in the encoding {encoding!r}.')
    return text.encode('latin1')


_ADMITTED = {
    ('numpy', 'ndarray'): _Array,
    ('numpy', 'dtype'): _DType,
    ('_codecs', 'encode'): _encode,
    ('collections', 'OrderedDict'): collections.OrderedDict,
    **{(f'numpy.{core}.multiarray', '_reconstruct'): _reconstruct for core in ('core', '_core')},
    **{(f'numpy.{core}.numeric', '_frombuffer'): _from_buffer for core in ('core', '_core')},
}


class _Unpickler(Restricted, pickle.Unpickler):
    admitted = _ADMITTED
    expected = 'arrays in plain containers'
