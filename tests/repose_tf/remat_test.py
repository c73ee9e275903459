"""Activations that the backward pass computes again: nothing else changes, and fewer are kept."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from repose_tf.discriminator import Discriminator
from repose_tf.generator import Generator
from repose_tf.train_step import TrainStep
from tests.repose_tf.generator_test import inputs
from tests.support.tiny import LEAST


@pytest.mark.long
def test_gradients_stay_the_same_and_convolutions_run_again():
    image, source, target = inputs(LEAST)
    batch = {'source_image': image, 'target_image': image[::-1], 'source_pose': source, 'target_pose': target}
    results, convolutions = [], []
    for remat in (False, True):
        keras.utils.set_random_seed(1)
        networks = Generator(LEAST, remat=remat), Discriminator(LEAST, remat)
        differentiate = TrainStep(*networks, None, {'loss/l1': 1.0, 'loss/adversarial': 1.0})
        step = tf.function(lambda batch, step=differentiate: step(batch, 2), autograph=False)
        results.append(tf.nest.flatten(step(batch)))
        operations = step.get_concrete_function(batch).graph.get_operations()
        convolutions.append(sum(operation.type in ('Conv2D', 'Conv3D') for operation in operations))
    for plain, recomputed in zip(*results, strict=True):
        np.testing.assert_allclose(recomputed, plain, atol=1e-5)
    assert convolutions[1] > 1.5 * convolutions[0]
