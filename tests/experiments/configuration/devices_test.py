"""Choices for the devices of a machine; the machines are made up."""

import pytest
import tensorflow as tf

from data_pipeline.errors import UsageError
from experiments.configuration import devices
from experiments.configuration.settings import Settings, TrainSettings


@pytest.mark.parametrize('gpus, cpu_flags, precision, words', [
    ([('A100', (8, 0))], [], 'mixed_bfloat16', 'A100 has compute capability 8.0'),
    ([('H200', (9, 0))] * 8, [], 'mixed_bfloat16', 'H200 has compute capability 9.0'),
    ([('T4', (7, 5))], ['amx_bf16'], 'float32', 'T4 has 7.5'),
    ([('A100', (8, 0)), ('V100', (7, 0))], [], 'float32', 'V100 has 7.0'),
    ([('GPU', None)], [], 'float32', 'GPU has none that is known'),
    ([], ['avx2', 'amx_bf16', 'avx512_bf16'], 'mixed_bfloat16', 'the processor has amx_bf16, avx512_bf16'),
    ([], ['avx2'], 'float32', 'no GPU, and the processor has neither'),
])
def test_the_precision_follows_from_what_all_devices_can_do(gpus, cpu_flags, precision, words):
    found, reason = devices.native_precision(gpus, cpu_flags)
    assert found == precision and words in reason


def test_what_was_chosen_is_said_once(monkeypatch):
    monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: ['one', 'two'] if kind == 'GPU' else [])
    monkeypatch.setattr(tf.config.experimental, 'get_device_details',
                        lambda gpu: {'device_name': gpu, 'compute_capability': (8, 6)})
    settings, line = devices.with_native_precision(Settings().changed(precision='auto'))
    assert settings.model.precision == 'mixed_bfloat16'
    assert line == '--precision=auto: mixed_bfloat16, as one has compute capability 8.6, 8.0 or above'
    assert devices.with_native_precision(settings) == (settings, '')


@pytest.mark.parametrize('values, has_gpu, is_static', [
    ({'deterministic': True}, True, True), ({'deterministic': True}, False, False), ({}, True, False),
    ({'jit_compile': True}, False, True)])
def test_deterministic_training_on_a_gpu_takes_the_static_warp(values, has_gpu, is_static):
    assert devices.needs_static_warp(TrainSettings(**values), has_gpu) == is_static


@pytest.mark.parametrize('batch_size, num_devices, passes, words', [
    (2, 1, 1, 'an update is over 2 pairs in all, 2 on each of 1 device(s)'),
    (8, 4, 1, 'over 8 pairs in all, 2 on each of 4 device(s)'),
    (8, 2, 2, '2 on each of 2 device(s) times --accumulate_steps=2')])
def test_the_batch_is_shared_by_all_devices(batch_size, num_devices, passes, words):
    line = devices.update_in_words(TrainSettings(batch_size=batch_size, accumulate_steps=passes), num_devices)
    assert line.startswith(f'--batch_size={batch_size}: ') and line.endswith(words)


@pytest.mark.parametrize('num_devices', [4, 8])
def test_a_batch_that_does_not_divide_is_refused_with_one_that_does(num_devices):
    with pytest.raises(UsageError, match=f'the {num_devices} devices, found 2: .*--batch_size={num_devices} '):
        devices.update_in_words(TrainSettings(batch_size=2), num_devices)
