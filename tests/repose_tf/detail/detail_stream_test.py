"""The generator with a detail stream: what is copied, what masks and several photos do, what is trained."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.architecture import Architecture
from repose_tf.detail.blending import blended
from repose_tf.generator import Generator
from repose_tf.shapes import ShapeError
from repose_tf.skeleton import PART_NAMES
from repose_tf.train_step import TrainStep
from tests.support.tiny import LEAST, TINY_DETAIL, inputs

SIZE = TINY_DETAIL.image_size


@pytest.fixture(scope='module')
def generator():
    tf.keras.utils.set_random_seed(0)  # how far an untrained flow goes is chance
    return Generator(TINY_DETAIL)


@pytest.fixture(scope='module')
def photos():
    return inputs(TINY_DETAIL)


def disc(radius):
    place = np.arange(SIZE) - SIZE / 2
    inside = np.hypot(place, place[:, None]) < radius
    return tf.constant(np.broadcast_to(inside, (2, SIZE, SIZE))[..., None], tf.float32)


def test_outputs_have_their_shapes_and_ranges(generator, photos):
    outputs = generator(*photos, training=True, with_volumes=True)
    for name, channels in (('image', 3), ('foreground', 3), ('background', 3), ('foreground_alpha', 1)):
        assert outputs[name].shape == (2, SIZE, SIZE, channels)
        assert float(tf.reduce_max(tf.abs(outputs[name]))) <= 1.0
    assert outputs['coarse_image'].shape == (2, SIZE // 2, SIZE // 2, 3)
    assert outputs['source_mask_logits'].shape == (2, SIZE, SIZE, 1)
    assert outputs['masks'].shape == (2, *TINY_DETAIL.grid.shape, 10)
    assert set(generator(*photos)) == {'image', 'foreground', 'background', 'foreground_alpha'}


def test_an_untrained_model_shows_the_person_in_their_own_pose_as_they_are(generator, photos):
    image, pose, _ = photos
    shown = generator(image, pose, pose, tf.ones([2, SIZE, SIZE, 1]))
    sure = shown['foreground_alpha'].numpy()[..., 0] > 0.9
    assert sure.sum() > 100
    # By chance, a pixel is 0.7 away from another one.
    assert np.median(np.abs(shown['foreground'].numpy() - image.numpy())[sure]) < 0.15


@pytest.mark.parametrize('detail', ['surface', 'surface_alone'])
def test_what_the_trunk_makes_of_the_person_counts_but_not_for_the_surface_alone(photos, detail):
    tf.keras.utils.set_random_seed(0)
    generator = Generator(dataclasses.replace(TINY_DETAIL, detail=detail))
    mask = tf.ones([2, SIZE, SIZE, 1])
    before = generator(*photos, mask)
    for variable in generator.projection_decoder.trainable_variables:
        variable.assign(variable + 0.1)
    after = generator(*photos, mask)
    changed = max(float(tf.reduce_max(tf.abs(after[name] - before[name])))
                  for name in ('foreground', 'foreground_alpha'))
    assert changed > 1e-3 if detail == 'surface' else changed == 0.0


def decoded(generator, carried, parts):
    """Decodes one set of candidates [L, V, 6], the same for every pixel; returns the median foreground and alpha."""
    shape, half = [1, SIZE, SIZE], [1, SIZE // 2, SIZE // 2]
    maps = {'part': tf.constant(np.broadcast_to([PART_NAMES.index(name) for name in parts], [*shape, 2]), tf.int32),
            'ring': tf.zeros([*shape, 2], tf.int32), 'depth_px': tf.zeros([*shape, 2]),
            'normal': tf.zeros([*shape, 2, 3])}
    trunk = tf.zeros([*half, TINY_DETAIL.decoder_blocks[-1][0]]), tf.zeros([*half, 3]), tf.zeros([*half, 1])
    carried = tf.constant(np.broadcast_to(carried, [*shape, 2, 2, 6]), tf.float32)
    background, known = tf.zeros([*shape, 3]), tf.ones([*shape, 1])
    corrections = generator.detail.decoder(carried, maps, background, known, trunk)
    foreground, alpha, _ = blended(corrections, carried, maps, background, known, background)
    return np.median(foreground, axis=(0, 1, 2)), np.median(alpha)


def test_beside_a_hand_before_the_body_an_untrained_model_shows_the_body(generator):
    carried = np.zeros([2, 2, 6])  # layer, sample; red, green, blue, person, visible, facing
    carried[0, 0] = [0, 0, 1, 0, 1, 1]  # beside the hand the photo shows nobody
    carried[1, 0] = [1, 0, 0, 1, 1, 1]
    foreground, alpha = decoded(generator, carried, ('left_lower_arm', 'torso'))
    assert alpha > 0.9
    np.testing.assert_allclose(foreground, [1, 0, 0], atol=0.1)


@pytest.mark.parametrize('is_seen, expected', [(1, [1, 0, 0]), (0, [0, 0, 1])])
def test_a_mirrored_face_is_shown_only_where_the_faces_own_side_is_hidden(generator, is_seen, expected):
    carried = np.zeros([2, 2, 6])
    carried[0, 0] = [1, 0, 0, 1, is_seen, 0.05]  # nearly from the side
    carried[0, 1] = [0, 0, 1, 1, 1, 1]
    foreground, _ = decoded(generator, carried, ('head', 'torso'))
    np.testing.assert_allclose(foreground, expected, atol=0.2)


def test_the_background_beside_the_mask_is_the_photo(generator, photos):
    image, source, target = photos
    background = generator(image, source, target, disc(10))['background'].numpy()
    beside = disc(16).numpy()[..., 0] == 0
    np.testing.assert_array_equal(background[beside], image.numpy()[beside])
    assert np.abs(background - image.numpy())[disc(5).numpy()[..., 0] == 1].mean() > 0.1


def test_no_mask_is_the_models_own(generator, photos):
    own = generator(*photos)['image']
    np.testing.assert_array_equal(generator(*photos, tf.zeros([2, SIZE, SIZE, 1]))['image'], own)
    assert np.abs(generator(*photos, disc(12))['image'] - own).max() > 0.01
    # Of one photo the mask is given, of the other not.
    mixed = generator(*photos, disc(12) * tf.reshape([1.0, 0.0], [2, 1, 1, 1]))['image']
    np.testing.assert_allclose(mixed[1], own[1], atol=1e-5)
    np.testing.assert_allclose(mixed[0], generator(*photos, disc(12))['image'][0], atol=1e-5)


def test_several_photos(generator, photos):
    image, source, target = photos
    twice = [tf.stack([x, x], axis=1) for x in (image, source)]
    other = [tf.stack([x, x[::-1]], axis=1) for x in (image, source)]
    alone = generator(image, source, target)['image']
    np.testing.assert_allclose(generator(*twice, target)['image'], alone, atol=1e-4)
    np.testing.assert_allclose(generator(*other, target, source_count=tf.constant([1, 1]))['image'], alone, atol=1e-4)
    assert np.abs(generator(*other, target)['image'] - alone).max() > 0.01


def test_several_photos_of_a_model_without_detail_stream():
    generator, (image, source, target) = Generator(LEAST), inputs(LEAST)
    twice = [tf.stack([x, x[::-1]], axis=1) for x in (image, source)]
    alone = generator(image, source, target)['image']
    np.testing.assert_allclose(generator(*twice, target, source_count=tf.constant([1, 1]))['image'], alone, atol=1e-5)
    assert np.abs(generator(*twice, target)['image'] - alone).max() > 1e-4


def test_what_does_not_fit_is_refused(generator, photos):
    image, source, target = photos
    with pytest.raises(ShapeError, match='source_mask'):
        generator(image, source, target, tf.zeros([2, 8, 8, 1]))
    with pytest.raises(ShapeError, match='source_pose_px'):
        generator(image[:, tf.newaxis], source, target)


@pytest.mark.parametrize('place', [[1e4, 0, 0], [0, 0, 1e5], [-90, -90, 0]])
def test_poses_outside_of_the_picture_make_no_nan(generator, photos, place):
    image, source, target = photos
    for poses in ((source + place, target), (source, target + place), (0 * source, target), (source, 0 * target)):
        assert np.isfinite(generator(image, *poses)['image']).all()


def step(static_shapes, weights=None, jit_compile=False):
    """One step's terms and gradients by name."""
    generator = Generator(TINY_DETAIL, static_shapes)
    if weights:
        generator.set_weights(weights)
    image, source, target = inputs(TINY_DETAIL)
    batch = {'source_image': image, 'target_image': image[::-1], 'source_pose': source, 'target_pose': target,
             'target_foreground': disc(12), 'source_mask': disc(12), 'source_foreground': disc(11)}
    losses = {'loss/l1': 1.0, 'loss/mask': 1.0, 'loss/source_mask': 1.0, 'loss/coarse': 1.0,
              'loss/background': 1.0}
    differentiate = TrainStep(generator, None, None, losses)
    assert set(differentiate.input_names) == set(batch)
    compiled = tf.function(lambda batch: differentiate(batch, 2), autograph=False, jit_compile=jit_compile)
    gradients, terms = compiled(batch)
    assert set(terms) == set(differentiate.term_names)
    return generator, terms, gradients['generator']


@pytest.mark.long
def test_everything_is_trained_and_xla_computes_the_same():
    generator, terms, gradients = step(False)
    assert np.mean([float(tf.reduce_max(tf.abs(gradient))) > 0 for gradient in gradients]) > 0.95
    _, compiled_terms, compiled = step(True, generator.get_weights(), jit_compile=True)
    for name, term in terms.items():
        assert float(compiled_terms[name]) == pytest.approx(float(term), abs=1e-4)
    for one, other in zip(gradients, compiled, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_what_no_loss_reaches_has_a_gradient_of_zero():
    generator = Generator(dataclasses.replace(TINY_DETAIL, detail='surface_alone'))
    image, source, target = inputs(TINY_DETAIL)
    differentiate = TrainStep(generator, None, None, {'loss/l1': 1.0})
    gradients, _ = differentiate({'source_image': image, 'target_image': image[::-1], 'source_pose': source,
                                  'target_pose': target, 'source_mask': disc(12)}, 2)
    by_name = dict(zip((id(each) for each in generator.trainable_variables), gradients['generator'], strict=True))
    largest = {part: max(float(tf.reduce_max(tf.abs(by_name[id(each)]))) for each in part_of.trainable_variables)
               for part, part_of in (('trunk', generator.projection_decoder), ('detail', generator.detail.decoder))}
    assert largest['trunk'] == 0.0 < largest['detail']


def test_without_detail_a_trunk_of_half_the_size_is_enlarged():
    generator = Generator(dataclasses.replace(TINY_DETAIL, detail='none'))
    assert generator.detail is None and generator(*inputs(TINY_DETAIL))['image'].shape == (2, SIZE, SIZE, 3)


def test_architectures_of_before_have_no_detail_stream():
    config = LEAST.get_config()
    for name in ('detail', 'trunk_stride', 'detail_channels', 'num_sources'):
        del config[name]
    assert Architecture.from_config(config) == LEAST
    with pytest.raises(ValueError, match='detail_channels'):
        dataclasses.replace(TINY_DETAIL, detail_channels=(4, 4))
    with pytest.raises(ValueError, match='trunk_stride'):
        dataclasses.replace(TINY_DETAIL, trunk_stride=3)


def test_behind_the_person_the_background_goes_on_without_a_stain(generator, photos):
    image, pose, _ = photos
    column = np.where(np.arange(SIZE) // 4 % 2, 0.8, -0.8)
    striped = tf.constant(np.broadcast_to(column[:, None], (2, SIZE, SIZE, 3)), tf.float32)
    mask = disc(SIZE / 6)
    shown = generator(tf.where(mask > 0, 0.0, striped), pose, pose, mask)['background']
    smooth = generator(tf.where(mask > 0, 0.0, striped), pose, pose, mask, training=True)['background']
    error, smooth_error = (float(tf.reduce_mean(tf.abs(each - striped) * mask)) for each in (shown, smooth))
    assert error < smooth_error / 3
    outside = 1.0 - tf.nn.max_pool2d(mask, 9, 1, 'SAME')
    assert float(tf.reduce_max(tf.abs(shown - striped) * outside)) < 1e-6
