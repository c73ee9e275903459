"""The generator: what goes in and out at any size, what each switch changes, what it refuses."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.architecture import PRESETS, REFERENCE_CONVENTIONS, Architecture
from repose_tf.generator import Generator
from repose_tf.shapes import ShapeError
from repose_tf.warp import body_parts
from tests.support.programs import one_stack
from tests.support.tiny import TINY, inputs

# Stride 4 and three depth layers of blocks: another size in every argument.
OTHER = dataclasses.replace(
    TINY, image_size=64, volume_size=17, depth_size=17, volume_channels=6, pose_channels=2, stem_channels=8,
    encoder_blocks=((2, 16, 1),), volume_units=2, decoder_blocks=((16, True), (8, True)),
    inpainter_layers=((4, 5), (8, 3), (8, 3)))


@pytest.mark.parametrize('changes', [
    {}, one_stack({'warp': '2d'}), one_stack({'pose': '2d'}), {'warp': '2d', 'pose': '2d'},
    one_stack(REFERENCE_CONVENTIONS)])
@pytest.mark.parametrize('architecture', [one_stack(TINY, 'stride 2'), pytest.param(OTHER, id='stride 4')])
def test_outputs_have_their_shapes_and_ranges(architecture, changes):
    architecture = dataclasses.replace(architecture, **changes)
    size, grid = architecture.image_size, architecture.grid
    outputs = Generator(architecture)(*inputs(architecture), with_volumes=True)
    for name, channels in (('image', 3), ('foreground', 3), ('background', 3), ('foreground_alpha', 1)):
        assert outputs[name].shape == (2, size, size, channels)
        assert outputs[name].dtype == tf.float32
        assert float(tf.reduce_max(tf.abs(outputs[name]))) <= 1.0
    assert outputs['masks'].shape == (2, *grid.shape, 10)
    for name in ('lifted_volume', 'source_volume', 'warped_volume'):
        assert outputs[name].shape == (2, *grid.shape, architecture.volume_channels)


def test_the_image_is_the_blend():
    outputs = Generator(TINY)(*inputs(TINY))
    alpha = outputs['foreground_alpha']
    blend = alpha * outputs['foreground'] + (1 - alpha) * outputs['background']
    np.testing.assert_allclose(outputs['image'], blend, atol=1e-6)


def test_the_seen_background_stays_as_it_is():
    image, source, target = inputs(TINY)
    outputs = Generator(TINY)(image, source, target)
    seen = 1 - body_parts.image_mask(source, TINY.grid)
    np.testing.assert_array_equal(outputs['background'] * seen, image * seen)
    assert 0 < float(tf.reduce_mean(seen)) < 1


@pytest.mark.long
def test_a_batch_is_its_samples():
    generator, batch = Generator(TINY), inputs(TINY, 3)
    together = generator(*batch)['image']
    for index in range(3):
        alone = generator(*(tensor[index:index + 1] for tensor in batch))['image']
        np.testing.assert_allclose(together[index:index + 1], alone, atol=1e-5)


@pytest.mark.parametrize('warp', ['3d', '2d'])
def test_a_source_is_encoded_once_for_all_its_targets(warp):
    generator = Generator(dataclasses.replace(TINY, warp=warp))
    image, source, targets = inputs(TINY, 3)
    encoded = generator.encode(image[:1], source[:1])
    repeated = {name: tf.repeat(tensor, 3, axis=0) for name, tensor in encoded.items()}
    expected = generator(tf.repeat(image[:1], 3, axis=0), tf.repeat(source[:1], 3, axis=0), targets)
    np.testing.assert_allclose(generator.decode(repeated, targets)['image'], expected['image'], atol=1e-5)
    assert generator.encode(image, source, with_lifted_volume=True).keys() - encoded.keys() == {'lifted_volume'}


@pytest.mark.long
def test_2d_pose_ignores_the_target_depth():
    image, source, target = inputs(TINY)
    # The warp is 2D as well, or it would see the depth.
    flat = Generator(dataclasses.replace(TINY, warp='2d', pose='2d'))
    deep = Generator(dataclasses.replace(TINY, warp='2d'))
    moved = target + [0.0, 0.0, 4.0]
    np.testing.assert_allclose(flat(image, source, target)['image'], flat(image, source, moved)['image'], atol=1e-5)
    assert not np.allclose(deep(image, source, target)['image'], deep(image, source, moved)['image'], atol=1e-5)


def test_every_variable_gets_a_gradient():
    generator = Generator(TINY)
    image, source, target = inputs(TINY)
    # The outputs by themselves: after the blend a saturated mask could hide a part.
    with tf.GradientTape() as tape:
        outputs = generator(image, source, target)
        loss = tf.add_n([tf.reduce_mean(outputs[name] ** 2) for name in ('image', 'foreground', 'background')])
    gradients = tape.gradient(loss, generator.trainable_variables)
    for variable, gradient in zip(generator.trainable_variables, gradients):
        assert gradient is not None and np.all(np.isfinite(gradient)), variable.name
    # A bias in front of a group norm may truly have none; the kernels must have one.
    for variable, gradient in zip(generator.trainable_variables, gradients):
        if len(variable.shape) > 1:
            assert np.abs(gradient).max() > 0, variable.name


def test_mixed_precision_keeps_variables_and_outputs_in_float32():
    generator = Generator(TINY, dtype='mixed_bfloat16')
    assert {str(tf.as_dtype(variable.dtype).name) for variable in generator.variables} == {'float32'}
    assert {tensor.dtype for tensor in generator(*inputs(TINY)).values()} == {tf.float32}


def test_the_reference_has_its_69_million_variables_less_the_unused():
    assert PRESETS['reference'] == Architecture()
    assert Architecture().grid.shape == (65, 65, 33)


@pytest.mark.parametrize('name, change', [
    ('source_image', lambda image, source, target: (image[:, :-2], source, target)),
    ('source_pose_px', lambda image, source, target: (image, source[:, :18], target)),
    ('target_pose_px', lambda image, source, target: (image, source, target[..., :2])),
    ('Batch sizes', lambda image, source, target: (image, source[:1], target)),
])
def test_wrong_shapes_name_the_tensor(name, change):
    generator = Generator(TINY)
    with pytest.raises(ShapeError, match=name):
        generator(*change(*inputs(TINY)))


@pytest.mark.parametrize('changes, words', [
    ({'warp': '4d'}, 'warp'), ({'volume_size': 16}, 'volume_size'), ({'image_size': 40}, 'image_size'),
    ({'decoder_blocks': ((8, True), (8, True))}, 'decoder_blocks'), ({'image_size': 128}, 'stride')])
def test_impossible_architectures_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(TINY, **changes)


def test_architecture_survives_json():
    assert Architecture.from_json(OTHER.to_json()) == OTHER
    with pytest.raises(ValueError, match='image_size'):
        Architecture.from_json('{"image_size": 64}')
