"""One training step: what it updates, what it reports, and that several devices compute what one does."""

import numpy as np
import pytest
import tensorflow as tf

from experiments.program import UsageError
from experiments.trainer import Trainer
from tests.tiny import raw_batch, tiny_settings


def values(network):
    return [tf.convert_to_tensor(variable).numpy() for variable in network.trainable_variables]


def test_a_step_updates_both_networks_and_counts(monkeypatch):
    trainer = Trainer(tiny_settings(monkeypatch, '--batch_size=4'), tf.distribute.get_strategy())
    before = values(trainer.generator), values(trainer.discriminator)
    means = {name: float(value) for name, value in trainer.step(raw_batch()).items()}
    for network, old in zip((trainer.generator, trainer.discriminator), before):
        changed = [not np.array_equal(new, value) for new, value in zip(values(network), old)]
        assert np.mean(changed) > 0.9
    assert set(means) == {'loss/generator', 'loss/l1', 'loss/adversarial', 'loss/discriminator_real',
                          'loss/discriminator_generated'}
    assert means['loss/generator'] >= means['loss/l1'] + means['loss/adversarial'] - 1e-5
    assert int(trainer.step_counter) == 1


def test_the_generator_learns_one_batch(monkeypatch):
    settings = tiny_settings(monkeypatch, '--batch_size=4', '--adversarial_weight=0', '--learning_rate=0.01')
    trainer = Trainer(settings, tf.distribute.get_strategy())
    assert trainer.discriminator is None
    losses = [float(trainer.step(raw_batch())['loss/l1']) for _ in range(30)]
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


def test_the_batch_must_divide_by_the_devices(monkeypatch):
    class TwoDevices:
        num_replicas_in_sync = 2

    with pytest.raises(UsageError, match='batch_size.*2 devices.*found 3'):
        Trainer(tiny_settings(monkeypatch, '--batch_size=3'), TwoDevices())


def test_float16_is_refused_for_training(monkeypatch):
    with pytest.raises(UsageError, match='mixed_float16'):
        Trainer(tiny_settings(monkeypatch, '--precision=mixed_float16'), tf.distribute.get_strategy())
