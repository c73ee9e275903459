"""The discriminator: one logit a sample, looking at all three inputs."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.discriminator import Discriminator
from repose_tf.shapes import ShapeError
from tests.support.tiny import TINY, inputs


@pytest.fixture(scope='module')
def discriminator():
    return Discriminator(TINY)


def test_one_logit_a_sample(discriminator):
    image, _, pose = inputs(TINY, 3)
    logits = discriminator(image, image[::-1], pose)
    assert logits.shape == (3,) and logits.dtype == tf.float32
    np.testing.assert_allclose(discriminator(image[:1], image[2:], pose[:1]), logits[:1], atol=1e-5)


@pytest.mark.parametrize('changed', [0, 1, 2])
def test_every_input_counts(discriminator, changed):
    image, pose, other = inputs(TINY)
    arguments = [image, image, pose]
    before = discriminator(*arguments)
    arguments[changed] = other if changed == 2 else -image
    assert float(tf.reduce_min(tf.abs(discriminator(*arguments) - before))) > 1e-6


def test_wrong_shapes_name_the_tensor(discriminator):
    image, _, pose = inputs(TINY)
    with pytest.raises(ShapeError, match='judged_image'):
        discriminator(image, image[:, :16], pose)
