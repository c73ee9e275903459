"""A packed model is the generator to half precision, and nothing else is taken for one."""

import numpy as np
import pytest

from data_pipeline.errors import UsageError
from experiments.models import exporting
from repose_tf import packed_model
from repose_tf.errors import ModelError
from repose_tf.variables import tf_variables
from tests.support.programs import run_program
from tests.support.tiny import inputs, tiny_generator, tiny_run


@pytest.fixture(scope='module')
def generator():
    return tiny_generator()


@pytest.fixture
def packed(tmp_path, generator):
    exporting.pack(generator, tmp_path / 'packed')
    return tmp_path / 'packed'


def test_it_comes_back_to_half_precision(packed, generator):
    assert packed_model.is_packed(packed) and not packed_model.is_packed(packed.parent)
    assert sorted(path.name for path in packed.parent.iterdir()) == ['packed']
    loaded = packed_model.load_generator(packed)
    assert loaded.architecture == generator.architecture
    for variable, original in zip(tf_variables(loaded), tf_variables(generator), strict=True):
        np.testing.assert_array_equal(variable.numpy(), original.numpy().astype(np.float16).astype(np.float32))
    given = inputs(generator.architecture)
    np.testing.assert_allclose(loaded(*given)['image'], generator(*given)['image'], atol=0.01)


def test_what_float16_cannot_hold_is_refused(tmp_path):
    large = tiny_generator()
    tf_variables(large)[3].assign(tf_variables(large)[3] * 0 + 1e5)
    with pytest.raises(UsageError, match='variable 003.*65504.*100000'):
        exporting.pack(large, tmp_path / 'packed')
    assert list(tmp_path.iterdir()) == []


def _weights(packed, change):
    arrays = dict(np.load(packed / 'weights.npz'))
    change(arrays)
    np.savez(packed / 'weights.npz', **arrays)


@pytest.mark.parametrize('change, message', [
    (lambda packed: (packed / 'weights.npz').write_bytes(b'PK\x03\x04 nothing'), 'damaged'),
    (lambda packed: (packed / 'weights.npz').unlink(), 'no weights.npz'),
    (lambda packed: (packed / 'architecture.json').unlink(), 'no architecture.json'),
    (lambda packed: _weights(packed, lambda arrays: arrays.pop('001')), 'expected the .* variables'),
    (lambda packed: _weights(packed, lambda arrays: arrays.update({'001': np.zeros([7])})),
     r'variable 001 .*found \[7\]'),
    (lambda packed: _weights(packed, lambda arrays: arrays['001'].fill(np.nan)), 'finite'),
])
def test_what_is_no_packed_model_is_named(packed, change, message):
    change(packed)
    with pytest.raises(ModelError, match=message):
        packed_model.load_generator(packed)


@pytest.mark.long
def test_the_program_says_what_half_precision_changes(tmp_path, generator):
    run = tiny_run(tmp_path, generator).path
    process = run_program('pack', f'--run_dir={run}', f'--output={tmp_path / "packed"}')
    assert process.returncode == 0 and 'differ by at most' in process.stdout, process.stderr
    with pytest.raises(UsageError, match='does not exist'):
        exporting.pack(generator, run)
