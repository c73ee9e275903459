"""TensorFlow takes the memory of GPUs as it needs it, or up to a limit; the GPUs are made up."""

import os

import pytest
import tensorflow as tf

from data_pipeline import gpu_memory
from data_pipeline.errors import UsageError

GROWTH = 'TF_FORCE_GPU_ALLOW_GROWTH'


@pytest.fixture
def limits(monkeypatch):
    """The limits that were set, by GPU."""
    found = {}
    monkeypatch.delenv(GROWTH, raising=False)
    monkeypatch.setenv('REPOSE_GPU_MEMORY', '0')
    monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: ['one', 'two'] if kind == 'GPU' else [])
    monkeypatch.setattr(tf.config, 'set_logical_device_configuration', lambda gpu, parts: found.update(
        {gpu: [part.memory_limit for part in parts]}))
    return found


def test_memory_grows_in_this_process_and_in_those_it_starts(limits):
    gpu_memory.set_up(0)
    assert os.environ[GROWTH] == 'true' and not limits and gpu_memory.inherited_mb() == 0


def test_what_the_environment_says_stays(limits, monkeypatch):
    monkeypatch.setenv(GROWTH, 'false')
    gpu_memory.set_up(0)
    assert os.environ[GROWTH] == 'false'


def test_a_limit_holds_on_every_gpu(limits):
    gpu_memory.set_up(4000)
    assert limits == {'one': [4000], 'two': [4000]} and os.environ[GROWTH] == 'true'
    assert gpu_memory.inherited_mb() == 4000  # in programs that this one starts


def test_a_limit_without_a_gpu_is_refused(monkeypatch):
    monkeypatch.setenv(GROWTH, 'true')
    monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: [])
    with pytest.raises(UsageError, match='--gpu_memory: expected 0 where TensorFlow finds no GPU, found 4000'):
        gpu_memory.set_up(4000)
