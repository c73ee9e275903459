"""One training step: what it updates, what it reports, what it leaves alone. (Several devices: distribution_test.)"""

import math

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.errors import UsageError
from experiments.training import trainer as trainer_module
from experiments.training.trainer import Trainer
from repose_tf.variables import tf_variables
from tests.support.made_up_metrics import make_up_st_lpips
from tests.support.tiny import raw_batch, tiny_settings

DISCRIMINATOR_TERMS = {'loss/adversarial', 'loss/discriminator_real', 'loss/discriminator_generated',
                       'discriminator_accuracy', 'gradient_norm/discriminator'}


pytestmark = pytest.mark.usefixtures('eagerly')  # tracing a step would take longer than these tests


def make_trainer(**values):
    return Trainer(tiny_settings(**{'batch_size': 4, **values}), tf.distribute.get_strategy())


def values(network):
    return [variable.numpy() for variable in tf_variables(network)]


def state(trainer):
    """Everything but the count of steps."""
    return {f'{name}/{index}': value for name, part in trainer.checkpoint_parts().items() if name != 'step'
            for index, value in enumerate(values(part))}


def test_a_step_updates_all_and_one_that_is_not_finite_nothing():
    trainer = make_trainer()
    before = state(trainer)
    means = {name: float(value) for name, value in trainer.step(raw_batch()).items()}
    assert set(means) == DISCRIMINATOR_TERMS | {
        'loss/generator', 'loss/l1', 'gradient_norm/generator', 'applied', 'stop'}
    assert means['loss/generator'] >= means['loss/l1'] + means['loss/adversarial'] - 1e-5
    assert (means['applied'], means['stop']) == (1, 0) and 0 <= means['discriminator_accuracy'] <= 1
    after = state(trainer)
    assert np.mean([not np.array_equal(before[name], after[name]) for name in before]) > 0.9

    weights = trainer.differentiate.loss_weights
    weights['loss/l1'] = math.nan
    assert float(trainer.step(raw_batch())['applied']) == 0
    unchanged = state(trainer)
    assert [name for name in after if not np.array_equal(after[name], unchanged[name])] == []
    assert int(trainer.step_counter) == 2  # the run goes on behind it
    weights['loss/l1'] = 1.0
    assert float(trainer.step(raw_batch())['applied']) == 1


def test_st_lpips_is_trained_for_and_no_part_of_a_checkpoint(monkeypatch):
    monkeypatch.setattr(trainer_module, 'load_st_lpips_weights', make_up_st_lpips)
    trainer = make_trainer(perceptual_weight=1.0, perceptual_loss='st_lpips', vgg_weights='none', l1_weight=0.0,
                           adversarial_weight=0.0)
    found = trainer.step(raw_batch())
    assert found['loss/generator'] >= found['loss/perceptual'] > 0 and found['applied'] == 1
    assert trainer.perceptual.description == 'made-up ST-LPIPS'
    assert all(part is not trainer.perceptual.features for part in trainer.checkpoint_parts().values())


@pytest.mark.long
def test_the_average_follows_the_generator():
    trainer = make_trainer(average_decay=0.5, adversarial_weight=0)
    assert trainer.evaluated is trainer.average
    expected = values(trainer.generator)
    for step in (1, 2, 3):
        trainer.step(raw_batch())
        decay = min(0.5, (1 + step) / (10 + step))
        expected = [decay * average + (1 - decay) * latest
                    for average, latest in zip(expected, values(trainer.generator), strict=True)]
    for average, wanted in zip(values(trainer.average), expected, strict=True):
        np.testing.assert_allclose(average, wanted, atol=1e-6)
    plain = make_trainer(average_decay=0, adversarial_weight=0)
    assert plain.average is None and plain.evaluated is plain.generator


def test_a_long_gradient_is_shortened_to_its_limit():
    trainer = make_trainer(clip_norm=0.01, adversarial_weight=0)
    norm = float(trainer.step(raw_batch())['gradient_norm/generator'])
    assert norm > 0.02
    # Adam's mean after one step is (1 - beta_1) = 0.5 of the gradient; its squares are hardly anything.
    slots = [variable for variable in tf_variables(trainer.checkpoint_parts()['generator_optimizer'])
             if variable.shape.rank]
    total = math.sqrt(sum(float(tf.reduce_sum(slot ** 2)) for slot in slots))
    assert total == pytest.approx(0.5 * 0.01, rel=1e-2)


@pytest.mark.long
@pytest.mark.parametrize('given', [True, False])
def test_the_mask_learns_the_given_mask_or_else_the_projected_parts(given):
    trainer = make_trainer(mask_weight=1, l1_weight=0.001, adversarial_weight=0, learning_rate=0.01)
    batch = raw_batch()
    batch['target_mask'] = tf.fill(batch['target_mask'].shape, tf.constant(255 if given else 0, tf.uint8))
    batch['has_target_mask'] = tf.fill([4], given)
    found = [float(trainer.step(batch)['loss/mask']) for _ in range(8)]
    assert found[-1] < 0.8 * found[0]
    alpha = trainer.generator(*(tf.cast(batch[name], tf.float32) for name in (
        'source_image', 'source_pose', 'target_pose')))['foreground_alpha']
    assert (np.mean(alpha) > 0.6) == given  # the parts cover less than half of the picture


def test_passes_add_up_to_the_batch():
    trainer = make_trainer(l2_weight=1e-4)
    step = trainer.differentiate
    step.num_parts = 1
    image, poses = tf.random.stateless_uniform([4, 32, 32, 3], (1, 2), -1), raw_batch()
    batch = {'source_image': image, 'target_image': image[::-1], **{
        name: poses[name] for name in ('source_pose', 'target_pose')}}
    whole = step(batch, 4)
    step.num_parts = 2
    parts = step.accumulated(batch, 4, 2)
    tf.nest.assert_same_structure(whole, parts)
    assert set(parts[1]) == set(step.term_names)
    scale = max(float(tf.reduce_max(tf.abs(gradient))) for gradient in tf.nest.flatten(whole))
    for expected, found in zip(tf.nest.flatten(whole), tf.nest.flatten(parts), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5 * scale)


@pytest.mark.long
def test_the_generator_learns_one_batch():
    trainer = make_trainer(adversarial_weight=0, learning_rate=0.01)
    assert trainer.discriminator is None
    losses = [float(trainer.step(raw_batch())['loss/l1']) for _ in range(12)]
    assert np.mean(losses[-4:]) < 0.9 * np.mean(losses[:4])


@pytest.mark.parametrize('values, found', [({'batch_size': 3}, 'found 3'), (
    {'batch_size': 6, 'accumulate_steps': 2}, '2 devices times --accumulate_steps=2, found 6')])
def test_the_batch_must_divide_by_the_devices(values, found):
    class TwoDevices:
        num_replicas_in_sync = 2

    with pytest.raises(UsageError, match=f'batch_size.*2 devices.*{found}|{found}'):
        Trainer(tiny_settings(**values), TwoDevices())


def test_float16_is_refused_for_training():
    with pytest.raises(UsageError, match='mixed_float16'):
        make_trainer(precision='mixed_float16')


@pytest.mark.parametrize('name', ['coarse_weight', 'background_weight', 'mask_noise_px', 'hidden_masks'])
def test_what_the_detail_stream_alone_uses_is_refused_without_one(name):
    with pytest.raises(UsageError, match=f'--{name}: expected 0 without a detail stream.*found 1'):
        make_trainer(**{name: 1.0})
