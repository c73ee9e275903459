"""Static shapes: the same values as without, and a whole training step that XLA compiles."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from repose_tf.architecture import PRESETS
from repose_tf.discriminator import Discriminator
from repose_tf.generator import Generator, warp_capacity
from repose_tf.train_step import TrainStep
from tests.support.tiny import LEAST, inputs


def differentiated(batch, static_shapes, jit_compile=False):
    """Returns the terms of one step and the gradients of both networks; without a graph unless compiled by XLA."""
    keras.utils.set_random_seed(1)
    networks = Generator(LEAST, static_shapes), Discriminator(LEAST)
    differentiate = TrainStep(*networks, None, {'loss/l1': 1.0, 'loss/adversarial': 1.0}, l2_weight=1e-4)

    def step(batch):
        return differentiate(batch, 2)

    gradients, terms = (tf.function(step, autograph=False, jit_compile=True) if jit_compile else step)(batch)
    return ({name: float(term) for name, term in terms.items()},
            [gradient.numpy() for name in sorted(gradients) for gradient in gradients[name]])


@pytest.mark.long
def test_a_step_compiled_by_xla_computes_what_the_plain_one_does():
    image, source, target = inputs(LEAST)
    batch = {'source_image': image, 'target_image': image[::-1], 'source_pose': source, 'target_pose': target}
    terms, gradients = differentiated(batch, static_shapes=False)
    compiled_terms, compiled_gradients = differentiated(batch, static_shapes=True, jit_compile=True)
    assert compiled_terms == pytest.approx(terms, abs=1e-4)
    for gradient, compiled in zip(gradients, compiled_gradients, strict=True):
        np.testing.assert_allclose(compiled, gradient, atol=1e-4)
    assert np.mean([np.abs(gradient).max() > 1e-3 for gradient in gradients]) > 0.9


@pytest.mark.parametrize('warp', ['3d', pytest.param('2d', marks=pytest.mark.long)])
def test_static_shapes_change_no_value_and_raise_where_there_is_no_room(warp):
    architecture = dataclasses.replace(LEAST, warp=warp)
    generators = [Generator(architecture, static_shapes) for static_shapes in (False, True)]
    generators[1].set_weights(generators[0].get_weights())
    plain, static = (generator(*inputs(architecture)) for generator in generators)
    for name, tensor in plain.items():
        np.testing.assert_allclose(static[name], tensor, atol=1e-5, err_msg=name)
    generators[1].warp.capacity = 3
    with pytest.raises(tf.errors.InvalidArgumentError, match='capacity'):
        generators[1](*inputs(architecture))


def test_the_room_is_a_quarter_of_the_volume_or_all_of_the_plane():
    architecture = PRESETS['reference']
    assert warp_capacity(architecture) == 65 * 65 * 33 // 4
    assert warp_capacity(dataclasses.replace(architecture, warp='2d')) == 65 * 65
