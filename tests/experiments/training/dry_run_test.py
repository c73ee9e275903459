"""What is said of a run before it begins."""

import re

import keras
import pytest
import tensorflow as tf

from experiments.training import dry_run
from experiments.training.trainer import Trainer
from repose_tf.variables import tf_variables
from tests.support.tiny import tiny_settings


def test_sizes_and_costs_are_told(monkeypatch):
    settings = tiny_settings(monkeypatch, '--batch_size=4', '--accumulate_steps=2', '--adversarial_weight=0')
    trainer = Trainer(settings, tf.distribute.get_strategy())
    text = dry_run.report(trainer, settings, {'batch_size': 4})
    count = sum(int(tf.size(variable)) for variable in tf_variables(trainer.generator))
    assert text.startswith('--batch_size=4\n')
    assert f'generator: {count:,} values' in text and f'average: {count:,} values' in text
    assert f'generator_optimizer: {2 * count + 1:,} values' in text
    assert '4 pairs over 1 device(s) in 2 pass(es)' in text
    graph = dry_run.traced_pass(trainer, settings)
    assert dry_run.step_flops(trainer, settings, graph) == 2 * dry_run.graph_cost.convolution_flops(graph) > 0
    assert float(re.search(r'activations kept for the backward pass ([\d.e-]+)', text)[1]) > 0


def test_costs_are_told_without_a_download(monkeypatch):
    monkeypatch.setattr(keras.utils, 'get_file', lambda *args, **kwargs: pytest.fail('a download began'))
    strategy = tf.distribute.get_strategy()

    def flops(vgg_weights):
        settings = tiny_settings(monkeypatch, '--batch_size=4', '--adversarial_weight=0', '--perceptual_weight=3',
                                 f'--vgg_weights={vgg_weights}')
        trainer = Trainer(settings, strategy, is_computed=False)
        return dry_run.step_flops(trainer, settings, dry_run.traced_pass(trainer, settings)), trainer.perceptual

    imagenet, perceptual = flops('imagenet')
    assert 'VGG19' in perceptual.description and 'not looked for' in perceptual.description
    assert imagenet > flops('hed')[0] > 0  # a VGG16, which has two convolutions less
