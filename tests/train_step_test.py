"""One training step: what it updates, what it reports, and that several devices compute what one does."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf

from experiments import settings as settings_module
from experiments.flags import define_training_run, settings_from_flags
from experiments.program import UsageError
from experiments.trainer import Trainer, check_finite
from tests.generator_test import inputs
from tests.programs import ROOT
from tests.tiny import TINY


def tiny_settings(monkeypatch, *arguments):
    """Settings of the given flags, with the tiny architecture in place of a preset."""
    from absl import flags
    values = flags.FlagValues()
    define_training_run(values)
    values(['', '--preset=small', '--perceptual_weight=0', '--l1_weight=1', *arguments])
    monkeypatch.setitem(settings_module.PRESETS, 'small', TINY)
    return settings_from_flags(values)


def raw_batch(batch_size=4):
    """A batch as the input pipeline makes it."""
    image, source, target = inputs(TINY, batch_size)
    pixels = tf.cast((image + 1) * 127.5, tf.uint8)
    return {'source_image': pixels, 'target_image': pixels[::-1], 'source_pose': source, 'target_pose': target,
            'target_mask': pixels[..., :1], 'has_target_mask': tf.fill([batch_size], True)}


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


def test_losses_that_are_no_numbers_stop_the_run():
    check_finite(7, {'loss/l1': 0.5})
    with pytest.raises(UsageError, match='Step 7: loss/l1'):
        check_finite(7, {'loss/l1': float('nan'), 'loss/generator': 1.0})


def test_two_devices_compute_what_one_does(tmp_path):
    """In processes of their own: the devices are set before TensorFlow starts."""
    program = textwrap.dedent("""
        import sys
        import numpy as np
        import tensorflow as tf
        from data_pipeline import augment
        from experiments.train import make_strategy
        count = int(sys.argv[1])
        strategy = make_strategy(count)
        import pytest
        from experiments.trainer import Trainer
        from tests.train_step_test import raw_batch, tiny_settings, values
        augment.augment = lambda batch, seed: augment.prepare(batch)  # replicas draw differently
        trainer = Trainer(tiny_settings(pytest.MonkeyPatch(), '--batch_size=4', '--learning_rate=1e-3'), strategy)
        assert strategy.num_replicas_in_sync == max(count, 1)
        batches = tf.data.Dataset.from_tensors(raw_batch()).repeat().unbatch().batch(4, drop_remainder=True)
        for _, batch in zip(range(3), strategy.experimental_distribute_dataset(batches)):
            means = trainer.step(batch)
        flat = np.concatenate([value.ravel() for value in values(trainer.generator)])
        np.save(sys.argv[2], np.append(flat, float(means['loss/generator'])))
    """)
    results = []
    for count in ('0', '2'):
        path = str(tmp_path / f'{count}.npy')
        process = subprocess.run([sys.executable, '-c', program, count, path], cwd=ROOT, capture_output=True,
                                 text=True, check=False)
        assert process.returncode == 0, process.stderr[-2000:]
        results.append(np.load(path))
    # Adam divides by the gradient's size: where it is tiny, rounding moves a weight by up to the step size.
    difference = np.abs(results[0] - results[1])
    assert np.mean(difference > 1e-4) < 0.01
    np.testing.assert_allclose(results[0][-1], results[1][-1], rtol=1e-3)
