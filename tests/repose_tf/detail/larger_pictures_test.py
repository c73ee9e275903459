"""A model makes pictures of twice the size that it was trained with, of the pixels of a larger photo."""

import dataclasses
import types

import numpy as np
import pytest
import tensorflow as tf

from experiments.models.sizes import sized
from repose_tf.detail.scaling import doubled, halved
from repose_tf.errors import ModelError
from repose_tf.generator import Generator
from repose_tf.portable.generator import PortableGenerator
from repose_tf.reposer import Reposer
from tests.support.tiny import LEAST, TINY_DETAIL, inputs

SIZE = TINY_DETAIL.image_size
LARGE = 2 * SIZE


@pytest.fixture(scope='module')
def trained():
    tf.keras.utils.set_random_seed(0)  # how far an untrained flow goes is chance
    return Generator(TINY_DETAIL)


@pytest.fixture(scope='module')
def larger(trained):
    return of_size(trained, LARGE)


def of_size(generator, size, **options):
    larger = Generator(generator.architecture.at_size(size), **options)
    larger.set_weights(generator.get_weights())
    return larger


@pytest.fixture(scope='module')
def photos():
    """Smooth pictures of the trained size, and poses."""
    image, *poses = inputs(TINY_DETAIL)
    return doubled(doubled(halved(halved(image)))), *poses


def disc(size, radius):
    place = np.arange(size) + 0.5 - size / 2
    inside = np.hypot(place, place[:, None]) < radius
    return tf.constant(np.broadcast_to(inside, (2, size, size))[..., None], tf.float32)


@pytest.mark.parametrize('has_mask', [False, True])
def test_a_larger_photo_of_the_same_gives_a_larger_picture_of_the_same(trained, larger, photos, has_mask):
    image, *poses = photos
    masks = [disc(SIZE, 14), disc(LARGE, 28)] if has_mask else [None, None]
    small = trained(image, *poses, masks[0])
    large = larger(doubled(image), *(2 * pose for pose in poses), masks[1])
    assert large['image'].shape == (2, LARGE, LARGE, 3)
    for name, most in (('image', 0.03), ('foreground', 0.03), ('foreground_alpha', 0.03), ('background', 0.06)):
        assert np.abs(halved(large[name]) - small[name]).mean() < most, name


def test_stripes_of_a_pixel_arrive_in_the_persons_own_pose(larger, photos):
    _, pose, _ = photos
    columns = np.where(np.arange(LARGE) % 2, 0.8, -0.8)  # which the networks, at half the size, cannot see
    striped = tf.constant(np.broadcast_to(columns[:, None], (2, LARGE, LARGE, 3)), tf.float32)
    shown = larger(striped, 2 * pose, 2 * pose, tf.ones([2, LARGE, LARGE, 1]))
    sure = shown['foreground_alpha'].numpy()[..., 0] > 0.9
    assert sure.sum() > 400
    # Shifted by half a pixel, as an untrained flow may do, stripes fade; in a picture enlarged there are none.
    across = np.abs(np.diff(shown['foreground'].numpy()[..., 0], axis=2))[sure[:, :, 1:] & sure[:, :, :-1]]
    assert np.median(across) > 0.8
    beside = larger(striped, 2 * pose, 2 * pose, disc(LARGE, 10))['background'].numpy()
    outside = disc(LARGE, 40).numpy()[..., 0] == 0
    np.testing.assert_array_equal(beside[outside], striped.numpy()[outside])


def test_several_photos(larger, photos):
    image, source, target = photos
    image, source, target = doubled(image), 2 * source, 2 * target
    twice = [tf.stack([x, x[::-1]], axis=1) for x in (image, source)]
    alone = larger(image, source, target)['image']
    np.testing.assert_allclose(larger(*twice, target, source_count=tf.constant([1, 1]))['image'], alone, atol=1e-4)
    assert np.abs(larger(*twice, target)['image'] - alone).max() > 0.01


@pytest.mark.long
def test_xla_and_the_portable_form_compute_the_same(trained, larger, photos):
    image, *poses = photos
    given = doubled(image), *(2 * pose for pose in poses)
    static = of_size(trained, LARGE, static_shapes=True)
    for name, value in tf.function(static, autograph=False, jit_compile=True)(*given).items():
        np.testing.assert_allclose(value, larger(*given)[name], atol=1e-4)
    portable = PortableGenerator.of(larger)(*given)
    np.testing.assert_allclose(portable['foreground'], larger(*given)['foreground'], atol=1e-3)


def test_the_size_of_the_pictures_is_chosen(trained):
    reposer = Reposer.of_generator(trained, 'tiny')
    assert reposer.image_sizes == (SIZE, LARGE, 4 * SIZE) and reposer.at_size(None) is reposer
    larger = reposer.at_size(LARGE)
    assert larger.image_size == LARGE and larger.image_sizes == reposer.image_sizes
    assert larger.at_size(SIZE).generator.architecture == TINY_DETAIL
    image, pose_px = np.zeros([90, 90, 3], np.uint8), inputs(TINY_DETAIL)[1][0].numpy()
    assert larger.source(image, pose_px).repose(pose_px[np.newaxis]).shape == (1, LARGE, LARGE, 3)
    with pytest.raises(ModelError, match='tiny: image_size: expected 64 or 128 or 256 px, as this generator makes, '
                                         'found 96'):
        reposer.at_size(96)
    with pytest.raises(ModelError, match='expected 32 px'):
        Reposer.of_generator(Generator(LEAST)).at_size(64)
    with pytest.raises(ValueError, match='detail_stride: expected one of'):
        dataclasses.replace(TINY_DETAIL, detail_stride=3)
    with pytest.raises(ValueError, match='image_size: expected 64 or 128 or 256'):
        TINY_DETAIL.at_size(512)


@pytest.mark.parametrize('asked, side_px, expected', [
    (None, 40, 64), (None, 64, 64), (None, 65, 128), (None, 5000, 256), (128, 40, 128), (64, 5000, 64)])
def test_without_a_wish_pictures_are_as_large_as_the_photo(trained, asked, side_px, expected):
    assert sized(Reposer.of_generator(trained), asked, side_px).image_size == expected


@pytest.mark.parametrize('sizes, expected', [((256, 512, 1024), 512), ((600, 1200), 600)])
def test_without_a_wish_no_picture_is_larger_than_the_most_but_for_a_models_own(sizes, expected):
    reposer = types.SimpleNamespace(image_size=sizes[0], image_sizes=sizes, at_size=lambda size: size)
    assert sized(reposer, None) == expected
