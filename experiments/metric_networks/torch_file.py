"""Tensors of a PyTorch file (.pth), read without PyTorch and without trusting the file.

Both formats that `torch.save` has written: since 1.6 a zip of one pickle and a file of bytes per storage, before that
a row of pickles with the storages behind. A pickle names functions to be called; here the names of tensors, storages
and OrderedDict stand for substitutes that take numbers, and every other name is refused.
"""

import collections
import math
import os
import pickle
import struct
import zipfile

import numpy as np

from data_pipeline.errors import DataError
from data_pipeline.restricted_pickle import Restricted, reading

_EXPECTED = 'a PyTorch file of named tensors'
_LEGACY_MAGIC = 0x1950a86a20f9469cfc6c
_LEGACY_PROTOCOL = 1001
_KINDS = {'FloatStorage': '<f4', 'DoubleStorage': '<f8', 'HalfStorage': '<f2', 'LongStorage': '<i8'}
_MAX_RANK = 8


def load(path):
    """Reads a file of named tensors, such as a state_dict.

    Args:
      path: the file.

    Returns:
      dict, name -> array as stored (float32, float64, float16 or int64), in the order of the file; arrays are views
      of the file's bytes and cannot be written.

    Raises:
      DataError: the file cannot be read, names anything but tensors in an OrderedDict, or does not fit together.
    """
    with reading(path, _EXPECTED), open(path, 'rb') as file:
        is_zip = file.read(4) == b'PK\x03\x04'
        file.seek(0)
        content = _zipped(file) if is_zip else _legacy(file)
        if not isinstance(content, dict) or not content:
            raise DataError(f'expected {_EXPECTED}, found {type(content).__name__}.')
        for name, tensor in content.items():
            if not isinstance(name, str) or not isinstance(tensor, _Tensor):
                raise DataError(f'expected {_EXPECTED}, found {type(tensor).__name__} as {str(name)[:80]!r}.')
        return {name: tensor.array(name) for name, tensor in content.items()}


def _zipped(file):
    with zipfile.ZipFile(file) as archive:
        entries = {entry.filename.partition('/')[2]: entry for entry in archive.infolist()}
        if 'data.pkl' not in entries:
            raise DataError(f'expected {_EXPECTED}, found a zip of something else.')
        # PyTorch does not compress: what is compressed could be a few bytes that unfold to more than the memory.
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
            raise DataError(f'expected {_EXPECTED}, found a compressed zip.')
        if 'byteorder' in entries and archive.read(entries['byteorder']) != b'little':
            raise DataError('expected numbers in little-endian order, found others.')
        with archive.open(entries['data.pkl']) as stream:
            content, storages = _unpickled(stream)
        left = _size(file)  # entries of a zip may overlap: together they could be more than the file
        for storage in storages.values():
            entry = entries[f'data/{storage.key}']
            left -= storage.num_bytes
            if entry.file_size != storage.num_bytes or left < 0:
                raise DataError(f'storage {storage.key!r}: expected {storage.num_bytes} bytes, found others.')
            storage.data = archive.read(entry)
    return content


def _legacy(file):
    for part, expected in (('magic number', _LEGACY_MAGIC), ('protocol', _LEGACY_PROTOCOL)):
        if _unpickled(file)[0] != expected:
            raise DataError(f'expected {_EXPECTED}, found another {part}.')
    system = _unpickled(file)[0]
    if not system['little_endian']:
        raise DataError('expected numbers in little-endian order, found others.')
    content, storages = _unpickled(file)
    for key in _unpickled(file)[0]:
        storage = storages.pop(key)
        count, = struct.unpack('<q', file.read(8))
        if count != storage.count or storage.num_bytes > _size(file) - file.tell():
            raise DataError(f'storage {key!r}: expected {storage.count} numbers, found the file cut off or others.')
        storage.data = file.read(storage.num_bytes)
    return content


def _size(file):
    return os.fstat(file.fileno()).st_size


def _unpickled(stream):
    """Returns the content of the next pickle of a stream and its storages by key, which are still empty."""
    unpickler = _Unpickler(stream, encoding='latin1')
    return unpickler.load(), unpickler.storages


class _Storage:
    """A row of numbers in the file, which a pickle names by a key."""

    def __init__(self, kind, key, count):
        if kind not in _KINDS.values() or not isinstance(key, str) or not _are_sizes([count]):
            raise DataError('expected storages with a type, a key and a size, found others.')
        self.kind, self.key, self.count, self.data = kind, key, count, None
        self.num_bytes = count * np.dtype(kind).itemsize


class _Tensor:
    """Where a tensor lies in its storage: offset, sizes and strides, in numbers."""

    def __init__(self, storage, offset, sizes, strides, *hooks):
        del hooks  # whether it wants gradients, and functions to call then
        self._parts = storage, offset, sizes, strides

    def array(self, name):
        """Returns the array; DataError where the tensor reaches beyond its storage."""
        storage, offset, sizes, strides = self._parts
        fits = (isinstance(storage, _Storage) and isinstance(sizes, tuple) and isinstance(strides, tuple)
                and len(sizes) == len(strides) <= _MAX_RANK and _are_sizes([offset, *sizes, *strides])
                and len(storage.data or b'') == storage.num_bytes and math.prod(sizes) <= storage.count
                and (0 in sizes or offset + sum((size - 1) * stride for size, stride in zip(sizes, strides))
                     < storage.count))
        if not fits:
            raise DataError(f'{name[:80]!r}: expected a tensor within its storage, found one that does not fit.')
        numbers = np.frombuffer(storage.data, storage.kind)
        offset = 0 if 0 in sizes else offset
        return np.lib.stride_tricks.as_strided(
            numbers[offset:], sizes, [stride * numbers.itemsize for stride in strides], writeable=False)


class _Parameter:
    """Stands for torch.nn.Parameter, as which old files hold their tensors: the tensor itself."""

    def __new__(cls, tensor, *flags):
        del flags
        return tensor


def _are_sizes(values):
    return all(type(value) is int and 0 <= value < 2 ** 40 for value in values)


# Python's own unpickler, not the faster one in C, where one number in a pickle, the index of a remembered object, asks
# for as much memory as it likes.
class _Unpickler(Restricted, pickle._Unpickler):
    admitted = {
        ('collections', 'OrderedDict'): collections.OrderedDict,
        ('torch._utils', '_rebuild_tensor'): _Tensor,
        ('torch._utils', '_rebuild_tensor_v2'): _Tensor,
        ('torch._utils', '_rebuild_parameter'): _Parameter,
        ('torch.nn.parameter', 'Parameter'): _Parameter,
        **{('torch', name): kind for name, kind in _KINDS.items()},
    }
    expected = 'tensors in an OrderedDict'

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.storages = {}

    def persistent_load(self, pid):
        """Returns the storage that a pickle names: ('storage', type, key, device, size[, view])."""
        if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != 'storage' or pid[5:] not in ((), (None,)):
            raise DataError('expected whole storages, found another reference to something outside of the pickle.')
        _, kind, key, _, count = pid[:5]
        return self.storages.setdefault(key, _Storage(kind, key, count))

    def _forget_state(self):
        # What a pickle sets on an object after it was made: versions of modules, which nobody asks for here.
        self.stack.pop()

    dispatch = {**pickle._Unpickler.dispatch, pickle.BUILD[0]: _forget_state}
