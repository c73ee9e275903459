"""Colour steps in every order, against tf.image; what is neutral changes nothing."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.batches.colour import COLOUR_STEPS, distort_colour


@pytest.mark.parametrize('compiled', [False, True])
def test_every_order_equals_the_steps_of_tf_image(compiled):
    rng = np.random.default_rng(5)
    orders = np.array(list(itertools.permutations(range(4))), np.int32)
    images = rng.uniform(0, 1, (len(orders), 2, 9, 7, 3)).astype(np.float32)
    images[:, :, 0, :3] = np.eye(3)  # pure colours, and a grey row
    images[:, :, 1] = images[:, :, 1, :, :1]
    ranges = {'brightness': (-0.125, 0.125), 'contrast': (0.5, 1.5), 'hue': (-0.2, 0.2),
              'saturation': (0.5, 1.5)}
    factors = {name: rng.uniform(*ends, len(orders)).astype(np.float32) for name, ends in ranges.items()}
    distort = tf.function(distort_colour, jit_compile=True) if compiled else distort_colour
    found = np.stack(distort(tuple(np.moveaxis(images, -1, 0)), factors, orders), axis=-1)
    for sample, order in enumerate(orders):
        expected = images[sample]
        for step in order:
            adjust = getattr(tf.image, f'adjust_{COLOUR_STEPS[step]}')
            expected = np.clip(adjust(expected, factors[COLOUR_STEPS[step]][sample]), 0, 1)
        np.testing.assert_allclose(found[sample], expected, atol=1e-5, err_msg=str(order))


def test_neutral_factors_change_nothing():
    planes = np.random.default_rng(6).uniform(0, 1, (3, 2, 1, 5, 5)).astype(np.float32)
    neutral = {'brightness': 0.0, 'contrast': 1.0, 'hue': 0.0, 'saturation': 1.0}
    found = distort_colour(planes, {name: np.full(2, value, np.float32) for name, value in neutral.items()},
                           np.tile(np.arange(4, dtype=np.int32), (2, 1)))
    np.testing.assert_allclose(found, planes, atol=1e-6)
