"""Pickles of nested dicts of arrays come back exactly; whatever else a pickle asks for is refused, not done."""

import collections
import os
import pickle
import struct

import numpy as np
import pytest

from data_pipeline.errors import DataError
from data_pipeline.poses import reference_poses

CORES = ('numpy.core', 'numpy._core')
ARRAY = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'poses.pkl'


def load(path, content, protocol=3):
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
    return reference_poses.load_pickle(path)


def as_of(core, data, protocol):
    """Returns a pickle as NumPy 1 ('numpy.core') or 2 ('numpy._core') writes it."""
    own = next(name for name in reversed(CORES) if f'{name}.'.encode() in data)
    if protocol < 4:
        return data.replace(f'{own}.'.encode(), f'{core}.'.encode())
    length = len(data)
    for module in ('.multiarray', '.numeric'):
        old, new = (struct.pack('B', len(name + module)) + (name + module).encode() for name in (own, core))
        data = data.replace(old, new)
    frame, = struct.unpack('<Q', data[3:11])
    return data[:3] + struct.pack('<Q', frame + len(data) - length) + data[11:]


@pytest.mark.parametrize('core', CORES)
@pytest.mark.parametrize('protocol', range(6))
def test_arrays_come_back_from_every_protocol_and_numpy(path, protocol, core):
    arrays = {'001/1/0': ARRAY, '001/2/0': np.asfortranarray(ARRAY.astype('>f8')), '001/2/1': ARRAY[:, ::2],
              '7': ARRAY.astype(np.int16)}
    second = {'0': arrays['001/2/0'], '1': arrays['001/2/1']}
    content = {'001': collections.OrderedDict({'1': {'0': ARRAY}, '2': second}), 7: arrays['7']}
    data = as_of(core, pickle.dumps(content, protocol), protocol)
    assert f'{core}.'.encode() in data and not any(f'{other}.'.encode() in data for other in set(CORES) - {core})
    found = load(path, data)
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_python_2_wrote_text_as_bytes(path):
    # What Python 2 calls str, in protocol 2: SHORT_BINSTRING, U.
    data = (b'\x80\x02}U\x010cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R'
            b'(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb'
            b'\x89U\x08\x00\x00\x80?\x00\x00\x00\xc0tbs.')
    np.testing.assert_array_equal(load(path, data)['0'], [1, -2])


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self._parts = function, arguments

    def __reduce__(self):
        return self._parts



def named_call(module, name, argument, protocol):
    """Returns a pickle that calls a function by any name with a text."""
    text = struct.pack('<I', len(argument)) + argument.encode()
    if protocol < 4:
        return f'\x80\x02c{module}\n{name}\nX'.encode() .replace(b'\xc2\x80', b'\x80') + text + b'\x85R.'
    names = b''.join(b'\x8c' + struct.pack('B', len(part)) + part.encode() for part in (module, name))
    return b'\x80\x04' + names + b'\x93X' + text + b'\x85R.'


@pytest.mark.parametrize('protocol', [2, 4])
@pytest.mark.parametrize(('module', 'name'), [
    ('os', 'system'), ('posix', 'system'), ('builtins', 'eval'), ('__builtin__', 'eval'), ('builtins', 'getattr'),
    ('subprocess', 'check_call'), ('numpy', 'load'), ('numpy', 'save'), ('numpy.core.multiarray', 'fromfile'),
    ('numpy.testing._private.utils', 'runstring'), ('numpy', 'ndarray.tofile'), ('numpy', 'core.multiarray.fromfile'),
    ('data_pipeline.poses.reference_poses', 'load_pickle'), ('data_pipeline.poses.reference_poses', 'pickle.loads'),
])
def test_calls_are_refused_and_not_made(path, module, name, protocol):
    mark = path.parent / 'marked'
    with pytest.raises(DataError, match=r'expected arrays in plain containers, found a call of .*: refused') as caught:
        load(path, named_call(module, name, f'touch {mark}', protocol))
    assert str(path) in str(caught.value) and not mark.exists()


def test_calls_within_are_refused(path):
    mark = path.parent / 'marked'
    evil = Call(os.system, f'touch {mark}')
    pickle.loads(pickle.dumps(evil))  # so it does work elsewhere
    mark.unlink()
    objects = np.array([evil, 1], object)
    for content in ({'a': {'b': evil}}, {'a': ARRAY, 'b': [evil]}, {'a': objects}, {'a': np.float64(1)},
                    {'a': collections.defaultdict(dict)}, {evil.__class__: 1}):
        with pytest.raises(DataError):
            load(path, content)
    assert not mark.exists()


REST = b'NNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00'  # of a dtype's state


def dtype_of(kind, state):
    return (b'\x80\x02}X\x01\x00\x00\x00acnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R('
            b'K\x01K\x02\x85cnumpy\ndtype\nX' + struct.pack('<I', len(kind)) + kind + b'K\x00K\x01\x87R(' + state
            + b'tb\x89C\x08\x00\x00\x80?\x00\x00\x00\xc0tbs.')


@pytest.mark.parametrize(('content', 'message'), [
    (b'', 'cannot be read'),
    (b'no pickle', 'cannot be read'),
    (pickle.dumps({'a': ARRAY})[:-20], 'cannot be read'),
    (b'\x80\x02Pevil\n.', 'cannot be read'),
    ([ARRAY], "'at the top': expected a dict or an array, found list"),
    ({'a': {'b': 'text'}}, "'a/b': expected a dict or an array, found str"),
    ({'a': [[1, 2, 3]]}, "'a': expected a dict or an array, found list"),
    ({('a',): ARRAY}, 'expected names as keys'),
    ({'a': np.array(['x'])}, "expected arrays of numbers, found 'U1'"),
    ({'a': np.array([None])}, "expected arrays of numbers, found 'O8'"),
    ({'a': np.zeros(2, [('x', 'f4')])}, "expected arrays of numbers, found 'V4'"),
    (dtype_of(b'f4', b'K\x03X\x01\x00\x00\x00<K\x07' + REST), 'plain type of numbers'),
    (dtype_of(b'f8', b'K\x03X\x01\x00\x00\x00<N' + REST), 'does not fit together'),
    (b'\x80\x02}X\x01\x00\x00\x00acnumpy\nndarray\n)Rs.', 'does not fit together'),
    (b'\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x04\x00\x00\x00zlib\x86R.', "in the encoding 'zlib'"),
])
def test_what_is_no_nest_of_arrays_is_named(path, content, message):
    with pytest.raises(DataError, match=message) as caught:
        load(path, content)
    assert str(path) in str(caught.value)


def test_numbers_do_not_stand_for_memory(path):
    # A length where the bytes should be would ask for so much memory.
    huge = b'\x8a\x06\x00\x00\x00\x00\x00\x40'
    data = dtype_of(b'f4', b'K\x03X\x01\x00\x00\x00<N' + REST)
    with pytest.raises(DataError, match='bytes of type int'):
        load(path, data.replace(b'C\x08\x00\x00\x80?\x00\x00\x00\xc0', huge))


def test_dicts_in_circles_end(path):
    circle, deep = {}, {}
    circle['a'] = circle
    shared = {'a': ARRAY}
    for _ in range(20):
        deep = {'a': deep}
    for content in (circle, deep, {'a': shared, 'b': shared}):
        with pytest.raises(DataError, match='nested 16 deep at most and used once'):
            load(path, content)


def test_a_file_that_is_not_there_is_named(path):
    with pytest.raises(DataError, match='poses.pkl: expected a pickle of dicts of arrays, found nothing readable'):
        reference_poses.load_pickle(path)
