"""Reads pickles of nested dicts of numeric arrays without trusting them.

Every name but the few that NumPy's arrays need is refused, and these stand for substitutes that take numbers and bytes
and call nothing, not even NumPy's own constructors, whose hidden state a pickle could forge.
"""

import collections
import pickle

import numpy as np

from data_pipeline.errors import DataError
from data_pipeline.restricted_pickle import Restricted, reading

_MAX_DEPTH = 16
_KINDS = ('f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8')


def load(path):
    """Loads a pickle of nested dicts.

    Arrays as of NumPy 1 and 2, and of Python 2, in protocols 0 to 5.

    Args:
      path: the file.

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
    """Stands for numpy.ndarray: bytes with a type and a shape, checked when it is asked for."""

    def __init__(self):
        self._parts = None

    def __setstate__(self, state):
        _, shape, dtype, is_fortran, data = state
        self._parts = data, dtype, shape, 'F' if is_fortran else 'C'

    def array(self, where):
        """Returns the array; DataError where the parts do not fit together."""
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
