"""Everything in a training step has a kernel for GPUs."""

import numpy as np
import pytest
import tensorflow as tf

from experiments.configuration.settings import Settings
from experiments.training.trainer import Trainer
from repose_tf.architecture import PRESETS
from repose_tf.perceptual import PerceptualLoss
from repose_tf.vgg_weights import VggWeights, used_layers
from repose_tf.warp import volumetric_warp
from tests.support import gpu_kernels
from tests.support.tiny import LEAST, raw_batch


def least_perceptual():
    """The perceptual loss of a VGG19 with one channel a layer."""
    layers = {name: (np.ones([3, 3, 3 if name == 'block1_conv1' else 1, 1], np.float32), np.zeros(1, np.float32))
              for name in used_layers('VGG19')}
    return PerceptualLoss(VggWeights('VGG19', '', layers), 'bfloat16')


@pytest.mark.slow
def test_every_operation_of_a_step_has_a_kernel(monkeypatch):
    monkeypatch.setitem(PRESETS, 'small', LEAST)
    # In the types in which a GPU trains; variables, geometry and outputs are in float32 and float64 in either case.
    trainer = Trainer(Settings().changed(preset='small', perceptual_weight=0.0, mask_weight=1.0, batch_size=4,
                                         clip_norm=1.0, precision='mixed_bfloat16'), tf.distribute.get_strategy())
    trainer.differentiate.perceptual = least_perceptual()
    trainer.differentiate.loss_weights['loss/perceptual'] = 1.0
    graph = trainer.step.get_concrete_function(raw_batch(4), tf.constant(0.0)).graph
    none, on_host = gpu_kernels.lacking(graph)
    assert none == set()
    assert {kind for kind, _ in on_host} <= gpu_kernels.INT32
    assert {types for _, types in on_host if 'int32' not in types or 'float' in types} == set()
    # The one that --deterministic must do without, see below.
    assert gpu_kernels.kinds(graph) & gpu_kernels.NOT_DETERMINISTIC == {'SparseTensorDenseMatMul'}


def test_the_warp_of_deterministic_training_is_refused_nothing():
    def gradient(volume, *poses_px):
        result = volumetric_warp.warp(volume, *poses_px, LEAST.grid, capacity=50)
        return tf.gradients(result, volume)[0]

    volume, pose = tf.TensorSpec([2, *LEAST.grid.shape, 4]), tf.TensorSpec([2, 19, 3])
    graph = tf.function(gradient, autograph=False).get_concrete_function(volume, pose, pose).graph
    assert gpu_kernels.kinds(graph) & gpu_kernels.NOT_DETERMINISTIC == set()
    assert gpu_kernels.lacking(graph)[0] == {('Const', 'dtype=string')}  # the words of a refusal


def test_a_type_without_a_kernel_is_seen():
    def update(flags, places):
        return tf.tensor_scatter_nd_update(flags, tf.expand_dims(places, 1), tf.gather(flags, places))

    inner = tf.function(update, autograph=False)
    outer = tf.function(lambda flags, places: inner(flags, places + 1), autograph=False)
    graph = outer.get_concrete_function(tf.TensorSpec([None], tf.bool), tf.TensorSpec([None], tf.int32)).graph
    none, on_host = gpu_kernels.lacking(graph)
    assert none == {('TensorScatterUpdate', 'T=bool Tindices=int32')}
    assert ('AddV2', 'T=int32') in on_host and {kind for kind, _ in on_host} <= {'AddV2', 'ExpandDims'}
