"""PyTorch's files come back exactly; whatever else a file asks for is refused, not done."""

import collections
import pickle
import zipfile

import numpy as np
import pytest

from data_pipeline.errors import DataError
from experiments.metric_networks import torch_file
from tests.support.torch_files import (
    REBUILD,
    Call,
    Named,
    Storage,
    WithState,
    parameter,
    pickled,
    state_dict,
    tensor,
    write_legacy,
    write_zip,
)

WRITERS = pytest.mark.parametrize('write', [write_zip, write_legacy])
ARRAY = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
KINDS = {kind: ARRAY.astype(kind) for kind in ('f4', 'f8', 'f2', 'i8')}


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'weights.pth'


@WRITERS
def test_tensors_come_back(path, write):
    shared = Storage(ARRAY)
    tensors = {**{f'b.{kind}': tensor(array) for kind, array in KINDS.items()}, 'a': parameter(ARRAY[0]),
               'transposed': tensor(ARRAY, shared, sizes=(4, 3), strides=(1, 4), offset=12),
               'row': tensor(ARRAY, shared, sizes=(4,), strides=(1,), offset=4),
               'scalar': tensor(np.int64(7)), 'empty': tensor(np.zeros((0, 3), np.float32))}
    found = torch_file.load(write(path, state_dict(tensors)))
    expected = {**{f'b.{kind}': array for kind, array in KINDS.items()}, 'a': ARRAY[0], 'transposed': ARRAY[1].T,
                'row': ARRAY[0, 1], 'scalar': np.int64(7), 'empty': np.zeros((0, 3), np.float32)}
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        np.testing.assert_array_equal(found[name], array, name)


@pytest.mark.parametrize('is_zip', [True, False])
def test_what_pytorch_writes_comes_back(path, is_zip):
    torch = pytest.importorskip('torch')
    values = collections.OrderedDict(
        a=torch.tensor(ARRAY), b=torch.tensor(ARRAY).permute(2, 0, 1)[1:], c=torch.tensor(3), d=torch.zeros(0),
        e=torch.nn.Parameter(torch.tensor(ARRAY).half()), f=torch.tensor(ARRAY).double())
    torch.save(values, path, _use_new_zipfile_serialization=is_zip)
    found = torch_file.load(path)
    assert list(found) == list(values)
    for name, value in values.items():
        np.testing.assert_array_equal(found[name], value.detach().numpy(), name)


def test_a_module_is_refused(path):
    torch = pytest.importorskip('torch')
    torch.save(torch.nn.Linear(2, 2), path)
    with pytest.raises(DataError, match=r'a call of torch\.nn\.modules\.linear\.Linear: refused'):
        torch_file.load(path)


@WRITERS
@pytest.mark.parametrize(('module', 'name'), [
    ('os', 'system'), ('posix', 'system'), ('builtins', 'getattr'), ('builtins', 'eval'), ('__builtin__', 'eval'),
    ('torch', 'load'), ('torch.serialization', 'load'), ('torch._utils', '_rebuild_tensor_v2.__globals__'),
    ('torch', 'ByteStorage'), ('experiments.metric_networks.torch_file', 'load'), ('numpy', 'load'),
    ('pickle', 'loads'),
])
def test_calls_are_refused_and_not_made(path, write, module, name):
    mark = path.parent / 'marked'
    call = Call(Named(module, name), f'touch {mark}')
    for content in (call, state_dict({'a': call}), {'a': tensor(ARRAY), 'b': [call]}):
        with pytest.raises(DataError, match=f'found a call of {module}.{name}: refused') as caught:
            torch_file.load(write(path, content))
        assert str(path) in str(caught.value) and not mark.exists()


@WRITERS
@pytest.mark.parametrize(('content', 'message'), [
    (b'', 'cannot be read'),
    (b'no pickle', 'cannot be read'),
    (b'\x80\x02Pevil\n.', 'reference to something outside'),
    (pickled({'a': tensor(ARRAY)})[0][:-9], 'cannot be read'),
    ([tensor(ARRAY)], 'found list'),
    ({}, 'found dict'),
    ({'model': {'a': tensor(ARRAY)}}, "found dict as 'model'"),
    ({'a': 'text'}, "found str as 'a'"),
    ({1: tensor(ARRAY)}, "found _Tensor as '1'"),
    ({'a': tensor(ARRAY, Storage(ARRAY, kind='<f4 '))}, 'storages with a type'),
    ({'a': tensor(ARRAY, Storage(ARRAY, count=-1))}, 'storages with a type, a key and a size'),
    ({'a': tensor(ARRAY, Storage(ARRAY, count=True))}, 'storages with a type, a key and a size'),
    ({'a': tensor(ARRAY, Storage(ARRAY, count=25))}, 'storage .*expected'),
    ({'a': tensor(ARRAY, Storage(ARRAY, count=2 ** 39))}, 'storage .*expected'),
    ({'a': tensor(ARRAY, offset=1)}, "'a': expected a tensor within its storage"),
    ({'a': tensor(ARRAY, offset=-1)}, "'a': expected a tensor within its storage"),
    ({'a': tensor(ARRAY, sizes=(2, 3, 5))}, 'within its storage'),
    ({'a': tensor(ARRAY, sizes=(2 ** 30, 2 ** 30), strides=(0, 0))}, 'within its storage'),
    ({'a': tensor(ARRAY, sizes=(2, -3, 4))}, 'within its storage'),
    ({'a': tensor(ARRAY, strides=(12, 4, -1))}, 'within its storage'),
    ({'a': tensor(ARRAY, sizes=(1,) * 70, strides=(1,) * 70)}, 'within its storage'),
    ({'a': tensor(ARRAY, sizes=(24.0,), strides=(1,))}, 'within its storage'),
    ({'a': tensor(ARRAY, storage='abcd')}, 'within its storage'),
])
def test_what_does_not_fit_is_named(path, write, content, message):
    with pytest.raises(DataError, match=message) as caught:
        torch_file.load(write(path, content))
    assert str(path) in str(caught.value)


@WRITERS
def test_a_file_that_is_cut_off_is_named(path, write):
    data = write(path, state_dict({'a': tensor(ARRAY)})).read_bytes()
    for length in (3, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(DataError, match='weights.pth: '):
            torch_file.load(path)


@WRITERS
def test_a_number_in_a_pickle_does_not_stand_for_memory(path, write):
    # The index under which an object is remembered: an unpickler that keeps a list asks for 34 GB.
    data = pickle.dumps({}, 2)[:-1] + b'r\xff\xff\xff\x7f.'
    with pytest.raises(DataError, match='found dict'):
        torch_file.load(write(path, data))


@WRITERS
def test_a_pickle_sets_nothing_on_what_it_names(path, write):
    # (None, {...}) sets attributes even on classes, which would outlive this file.
    spoiling = WithState(REBUILD, (None, {'array': 1}))
    with pytest.raises(DataError, match='found list'):
        torch_file.load(write(path, [spoiling]))
    np.testing.assert_array_equal(torch_file.load(write(path, state_dict({'a': tensor(ARRAY)})))['a'], ARRAY)


def test_zips_of_another_kind_are_named(path):
    content = state_dict({'a': tensor(np.zeros(1000, np.float32))})
    for compression, others, message in (
            (zipfile.ZIP_DEFLATED, {}, 'found a compressed zip'), (zipfile.ZIP_STORED, {'byteorder': 'big'}, 'little')):
        with pytest.raises(DataError, match=message):
            torch_file.load(write_zip(path, content, compression, **others))
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('archive/weights.bin', b'')
    with pytest.raises(DataError, match='zip of something else'):
        torch_file.load(path)


@pytest.mark.parametrize(('options', 'message'), [
    ({'magic': 7}, 'another magic number'), ({'little_endian': False}, 'little-endian')])
def test_old_files_of_another_kind_are_named(path, options, message):
    with pytest.raises(DataError, match=message):
        torch_file.load(write_legacy(path, {'a': tensor(ARRAY)}, **options))


def test_a_file_that_is_not_there_is_named(path):
    with pytest.raises(DataError, match='weights.pth: expected a PyTorch file .*, found nothing readable'):
        torch_file.load(path)
