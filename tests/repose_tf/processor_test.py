"""The choice of TensorFlow's kernels."""

import os
import sys

import pytest

from repose_tf import processor


def chosen(monkeypatch, known, environment=None, is_loaded=False):
    """What TF_ENABLE_ONEDNN_OPTS is after the choice on a processor with these instruction sets."""
    monkeypatch.setattr(processor, 'instruction_sets', lambda: known)
    monkeypatch.delenv('TF_ENABLE_ONEDNN_OPTS', raising=False)
    monkeypatch.delitem(sys.modules, 'tensorflow', raising=False)
    if environment is not None:
        monkeypatch.setenv('TF_ENABLE_ONEDNN_OPTS', environment)
    if is_loaded:
        monkeypatch.setitem(sys.modules, 'tensorflow', sys)
    processor.choose_kernels()
    return os.environ.get('TF_ENABLE_ONEDNN_OPTS')


def test_onednn_unless_the_environment_or_the_processor_says_otherwise(monkeypatch):
    assert chosen(monkeypatch, {'avx2'}) == '1'
    assert chosen(monkeypatch, {'avx2'}, environment='0') == '0'
    assert chosen(monkeypatch, set()) is None


def test_tensorflow_loaded_before_is_told_where_it_costs_time(monkeypatch, recwarn):
    assert chosen(monkeypatch, {'avx2', 'avx512_vnni'}, is_loaded=True) is None
    assert not recwarn
    with pytest.warns(RuntimeWarning, match='import repose_tf first'):
        chosen(monkeypatch, {'avx2'}, is_loaded=True)


def test_these_tests_run_with_the_kernels_that_programs_use():
    assert not processor.instruction_sets() & {'avx2'} or 'TF_ENABLE_ONEDNN_OPTS' in os.environ
