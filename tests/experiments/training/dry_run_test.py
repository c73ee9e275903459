"""The report of a dry run: sizes, and costs as counted by hand."""

import re

import keras
import pytest
import tensorflow as tf

from experiments.configuration.flags import flags_text
from experiments.training import dry_run
from experiments.training.trainer import Trainer
from repose_tf.variables import tf_variables
from tests.support.tiny import tiny_settings

# GB: of the process before its first step, of the tensors as a dry run adds them up, the peak of the process. See
# docs/performance.md for the settings and the machine.
MEASURED = [(0.66, 0.378, 1.92), (0.69, 0.742, 2.42), (0.7, 6.2, 9.7)]


def test_sizes_and_costs_are_told():
    settings = tiny_settings(batch_size=4, accumulate_steps=2, adversarial_weight=0)
    trainer = Trainer(settings, tf.distribute.get_strategy())
    text = dry_run.report(trainer, settings)
    count = sum(int(tf.size(variable)) for variable in tf_variables(trainer.generator))
    assert text.startswith(flags_text(settings)) and '--batch_size=4\n' in text
    assert f'generator: {count:,} values' in text and f'average: {count:,} values' in text
    assert f'generator_optimizer: {2 * count + 1:,} values' in text
    assert '4 pairs over 1 device(s) in 2 pass(es)' in text
    graph = dry_run.traced_pass(trainer, settings)
    assert dry_run.step_flops(trainer, settings, graph) == 2 * dry_run.convolution_flops(graph) > 0
    assert float(re.search(r'activations kept for the backward pass ([\d.e-]+)', text)[1]) > 0
    tensors, most, process = (float(re.search(rf'{words} ([\d.e-]+)', text)[1])
                              for words in ('tensors alone:', 'at most:', 'this program'))
    assert most == pytest.approx(process + 1 + 1.5 * tensors, rel=0.01) and '--cache_mb' in text


@pytest.mark.parametrize('resident, tensors, measured', MEASURED)
def test_what_was_measured_is_within_the_bound(resident, tensors, measured):
    assert measured < dry_run.process_bytes(resident * 1e9, tensors * 1e9) / 1e9 < 1.4 * measured


@pytest.mark.long
def test_costs_are_told_without_a_download(monkeypatch):
    monkeypatch.setattr(keras.utils, 'get_file', lambda *args, **kwargs: pytest.fail('a download began'))
    strategy = tf.distribute.get_strategy()

    def flops(vgg_weights):
        settings = tiny_settings(batch_size=4, adversarial_weight=0, perceptual_weight=3, vgg_weights=vgg_weights)
        trainer = Trainer(settings, strategy, is_computed=False)
        return dry_run.step_flops(trainer, settings, dry_run.traced_pass(trainer, settings)), trainer.perceptual

    imagenet, perceptual = flops('imagenet')
    assert 'VGG19' in perceptual.description and 'not looked for' in perceptual.description
    assert imagenet > flops('hed')[0] > 0  # a VGG16, which has two convolutions less


def test_convolutions_are_counted_forward_and_backward():
    kernel = tf.Variable(tf.ones([3, 3, 5, 7]))

    @tf.function
    def step(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = tf.reduce_sum(tf.nn.conv2d(images, kernel, 2, 'SAME') ** 2)
        return tape.gradient(total, [images, kernel])

    graph = step.get_concrete_function(tf.TensorSpec([2, 8, 8, 5])).graph
    assert dry_run.convolution_flops(graph) == 3 * 2 * (2 * 4 * 4 * 7) * (3 * 3 * 5)


def test_a_transposed_product_sums_over_the_right_axis():
    graph = tf.function(lambda a, b: tf.matmul(a, b, transpose_a=True)).get_concrete_function(
        tf.TensorSpec([11, 3]), tf.TensorSpec([11, 4])).graph
    assert dry_run.convolution_flops(graph) == 2 * 3 * 4 * 11


def test_what_the_backward_pass_needs_is_kept():
    @tf.custom_gradient
    def cube(x):
        return x ** 3, lambda upstream: upstream * 3.0 * x ** 2

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            doubled = tf.cast(x * 2.0, tf.float32)  # needed by the cube's gradient
            total = tf.reduce_sum(tf.nn.relu(cube(doubled)))  # the output of the ReLU, by its own
        return tape.gradient(total, x)

    graph = step.get_concrete_function(tf.TensorSpec([100])).graph
    assert dry_run.kept_bytes(graph) == 2 * 100 * 4
