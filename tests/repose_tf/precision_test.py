"""Mixed precision stays close to float32, and the geometry stays in it."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from repose_tf import heatmaps
from repose_tf.architecture import PRESETS, REFERENCE_CONVENTIONS
from repose_tf.discriminator import Discriminator
from repose_tf.generator import Generator
from repose_tf.group_norm import GroupNorm
from repose_tf.reference.names import discriminator_names, generator_names
from repose_tf.warp import helmert
from tests.support.cases import person_poses
from tests.support.reference_files import made_up_values
from tests.support.tiny import TINY


def inputs(architecture):
    rng = np.random.default_rng(0)
    size = architecture.image_size
    image = tf.constant(rng.uniform(-1, 1, (2, size, size, 3)), tf.float32)
    return image, *(tf.constant(person_poses(rng, 2, size)) for _ in range(2))


def made_up(network, names):
    """Returns the built network with the made-up weights of the golden files, under which all parts matter."""
    for name, variable in names(network).items():
        variable.assign(made_up_values(name, tuple(variable.shape)))
    return network


@pytest.mark.parametrize('conventions', [
    pytest.param({}, id='standard'), pytest.param(REFERENCE_CONVENTIONS, id='reference', marks=pytest.mark.long)])
def test_bfloat16_is_within_three_hundredths(conventions):
    architecture = dataclasses.replace(PRESETS['small'], **conventions)
    batch = inputs(architecture)
    exact, low = (made_up(Generator(architecture, dtype=dtype), generator_names)(*batch)
                  for dtype in (None, 'mixed_bfloat16'))
    difference = np.abs(exact['image'] - low['image'])
    assert exact['image'].numpy().std() > 0.1
    assert difference.mean() < 0.006
    # Statistics by row leave nothing of a row but its noise where nothing else is in it; see GroupNorm.
    assert np.quantile(difference, 0.95 if conventions else 0.99) < 0.03


@pytest.mark.parametrize('dtype', ['mixed_bfloat16', 'mixed_float16'])
def test_logits_are_close(dtype):
    image, source, target = inputs(TINY)
    exact, low = (made_up(Discriminator(TINY, dtype=dtype), discriminator_names)(image, image[::-1], target)
                  for dtype in (None, dtype))
    assert low.dtype == tf.float32
    np.testing.assert_allclose(low, exact, atol=0.03)


def test_float16_is_within_three_hundredths():
    architecture = dataclasses.replace(TINY, **REFERENCE_CONVENTIONS)
    batch = inputs(architecture)
    exact, low = (made_up(Generator(architecture, dtype=dtype), generator_names)(*batch)
                  for dtype in (None, 'mixed_float16'))
    assert np.abs(exact['image'] - low['image']).max() < 0.03


def test_a_row_that_hardly_varies_is_normalised_in_float32():
    x = tf.cast(1.0 + tf.constant([0.0, 2.0 ** -7]), tf.bfloat16)  # neighbours among the numbers of bfloat16
    x = tf.tile(x[None, None, :, None, None], [1, 2, 3, 1, 4])  # [B, H, W, D, C]
    low, exact = (tf.cast(GroupNorm(4, 1, per_row=True, dtype=dtype)(tf.cast(x, kind)), tf.float32)
                  for dtype, kind in (('mixed_bfloat16', tf.bfloat16), ('float32', tf.float32)))
    np.testing.assert_allclose(np.abs(exact), 0.968, atol=1e-3)
    np.testing.assert_allclose(low, exact, atol=4e-3)


def test_the_geometry_stays_in_float32(monkeypatch):
    seen = []

    def spied(function):
        def spy(*arguments, **kwargs):
            result = function(*arguments, **kwargs)
            seen.extend([arguments[0].dtype, result.dtype])
            return result
        return spy

    for module, name in ((helmert, 'part_transforms'), (heatmaps, 'convolved_volume_heatmaps'),
                         (heatmaps, 'convolved_image_heatmaps')):
        monkeypatch.setattr(module, name, spied(getattr(module, name)))
    image, source, target = inputs(TINY)
    outputs = [Generator(TINY, dtype=dtype)(image, source, target, with_volumes=True)
               for dtype in ('mixed_bfloat16', None)]
    Discriminator(TINY, dtype='mixed_bfloat16')(image, image, target)
    assert len(seen) >= 10 and set(seen) == {tf.float32}
    np.testing.assert_array_equal(outputs[0]['masks'], outputs[1]['masks'])
    assert outputs[0]['source_volume'].dtype == tf.bfloat16
