"""Writes files as torch.save does, both formats, without PyTorch; some on purpose not as it does."""

import collections
import io
import pickle
import struct
import zipfile

import numpy as np

STORAGES = {'f4': 'FloatStorage', 'f8': 'DoubleStorage', 'f2': 'HalfStorage', 'i8': 'LongStorage', 'u1': 'ByteStorage'}


class Named:
    """Pickles as a name of a module that need not be there."""

    def __init__(self, module, name):
        self.text = f'c{module}\n{name}\n'.encode()


class Storage:
    """A storage of an array's numbers; `count` and `kind` can be told wrongly."""

    def __init__(self, array, count=None, kind=None):
        self.array, self.key = np.ravel(array), str(id(self))
        self.count = self.array.size if count is None else count
        self.kind = kind or Named('torch', STORAGES[self.array.dtype.str[1:]])


class Call:
    """Pickles as a call of what is named."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class WithState:
    """Pickles as a thing on which a state is set."""

    def __init__(self, thing, state):
        self.thing, self.state = thing, state


REBUILD = Named('torch._utils', '_rebuild_tensor_v2')


def tensor(array, storage=None, offset=0, sizes=None, strides=None):
    """Returns what pickles as a tensor; all but the array is told wrongly where given."""
    array = np.asarray(array)
    strides = tuple(stride // array.itemsize for stride in array.strides) if strides is None else strides
    return Call(REBUILD, storage or Storage(array), offset, array.shape if sizes is None else sizes, strides, False,
                collections.OrderedDict())


def parameter(array):
    """Returns what pickles as the torch.nn.Parameter of PyTorch 0.3."""
    return WithState(Call(Named('torch.nn.parameter', 'Parameter'), tensor(array)),
                     (True, False, collections.OrderedDict()))


class _Pickler(pickle._Pickler):
    """Python's own pickler, which can be told to write names that cannot be imported."""

    def __init__(self, file):
        super().__init__(file, 2)
        self.storages = {}

    def save(self, thing, *rest, **options):
        if isinstance(thing, Named):
            self.write(thing.text)
        elif isinstance(thing, Call):
            self.save(thing.function)
            self.save(thing.arguments)
            self.write(pickle.REDUCE)
        elif isinstance(thing, WithState):
            self.save(thing.thing)
            self.save(thing.state)
            self.write(pickle.BUILD)
        else:
            super().save(thing, *rest, **options)

    def persistent_id(self, thing):
        if not isinstance(thing, Storage):
            return None
        self.storages[thing.key] = thing
        return ('storage', thing.kind, thing.key, 'cpu', thing.count)


def pickled(content):
    """Returns (bytes, storages by key); bytes stay as they are."""
    if isinstance(content, bytes):
        return content, {}
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(content)
    return file.getvalue(), pickler.storages


def state_dict(tensors):
    """Returns an OrderedDict with the versions that PyTorch keeps as an attribute."""
    return WithState(Call(Named('collections', 'OrderedDict'), [[name, thing] for name, thing in tensors.items()]),
                     {'_metadata': {'version': 1}})


def write_zip(path, content, compression=zipfile.ZIP_STORED, **others):
    """Writes the format since PyTorch 1.6; `others` are further entries."""
    data, storages = pickled(content)
    with zipfile.ZipFile(path, 'w', compression) as archive:
        archive.writestr('archive/data.pkl', data)
        for name, text in others.items():
            archive.writestr(f'archive/{name}', text)
        for key, storage in storages.items():
            archive.writestr(f'archive/data/{key}', storage.array.tobytes())
    return path


def write_legacy(path, content, magic=0x1950a86a20f9469cfc6c, little_endian=True):
    """Writes the format before PyTorch 1.6."""
    data, storages = pickled(content)
    parts = [pickle.dumps(magic, 2), pickle.dumps(1001, 2), pickle.dumps({'little_endian': little_endian}, 2), data,
             pickle.dumps(sorted(storages), 2)]
    for _, storage in sorted(storages.items()):
        parts += [struct.pack('<q', storage.array.size), storage.array.tobytes()]
    path.write_bytes(b''.join(parts))
    return path
