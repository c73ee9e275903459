"""Several photos of a person give one picture, whatever their order and sizes; what does not fit is named."""

import cv2
import numpy as np
import pytest

from repose_tf.errors import ModelError
from repose_tf.reposer import Reposer
from repose_tf.shapes import ShapeError
from tests.support.cases import person_poses
from tests.support.tiny import TINY_DETAIL, tiny_generator

SIZE = TINY_DETAIL.image_size
# Tracing takes longer than these few pictures; tests of serving trace.
pytestmark = pytest.mark.usefixtures('eagerly')


@pytest.fixture(scope='module')
def reposer():
    return Reposer.of_generator(tiny_generator(TINY_DETAIL))


@pytest.fixture(scope='module')
def trunk():
    return Reposer.of_generator(tiny_generator())


def smooth(seed):
    noise = np.random.default_rng(seed).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    return cv2.resize(noise, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)


IMAGES = [smooth(seed) for seed in range(3)]
*POSES, TARGET = np.float32(person_poses(np.random.default_rng(1), 4, SIZE))
MASK = np.zeros((SIZE, SIZE), np.uint8)
MASK[16:56, 20:44] = 255


def shown(reposer, images, poses_px, masks=None, target_pose_px=TARGET):
    picture, = reposer.source(images, poses_px, masks).repose(target_pose_px[np.newaxis])
    return picture.astype(int)


@pytest.mark.parametrize('kind', ['reposer', 'trunk'])
def test_photos_add_up_whatever_their_order(kind, request):
    reposer = request.getfixturevalue(kind)
    alone = shown(reposer, IMAGES[0], POSES[0])
    assert np.abs(shown(reposer, IMAGES[:1] * 2, POSES[:1] * 2) - alone).max() <= 1
    together = shown(reposer, IMAGES, POSES)
    assert np.abs(together - alone).max() > 1
    assert np.abs(shown(reposer, [IMAGES[index] for index in (0, 2, 1)], [POSES[index] for index in (0, 2, 1)])
                  - together).max() <= 1


def test_every_photo_has_a_size_of_its_own_and_targets_are_of_the_first(reposer):
    expected = shown(reposer, IMAGES[:2], POSES[:2], [MASK, None])
    images, masks = ([image.repeat(3, 0).repeat(3, 1) for image in values] for values in (IMAGES, [MASK]))
    found = shown(reposer, [IMAGES[0], images[1]], [POSES[0], POSES[1] * 3], [MASK, None])
    assert np.abs(found - expected).max() <= 1
    found = shown(reposer, [images[0], IMAGES[1]], [POSES[0] * 3, POSES[1]], [masks[0], None], TARGET * 3)
    assert np.abs(found - expected).max() <= 1


def test_pairs_are_shown_with_their_masks(reposer):
    pictures = reposer.repose_pairs(
        *(given[np.newaxis] for given in (IMAGES[0], POSES[0], TARGET, MASK[..., np.newaxis])))
    np.testing.assert_allclose(pictures[0].numpy().astype(int), shown(reposer, IMAGES[0], POSES[0], [MASK]), atol=1)


def test_masks_say_where_the_person_is(reposer):
    found = shown(reposer, IMAGES[0], POSES[0])
    assert np.array_equal(shown(reposer, IMAGES[0], POSES[0], [None]), found)
    assert np.abs(shown(reposer, IMAGES[0], POSES[0], [MASK]) - found).max() > 1


def test_photos_without_the_person_and_joints_in_one_place_give_numbers(reposer):
    odd = [POSES[1] + np.float32([3 * SIZE, 0, 0]), np.full_like(POSES[1], SIZE / 2), np.zeros_like(POSES[1])]
    for poses_px, target_pose_px in (([POSES[0], *odd], TARGET), (odd, odd[0])):
        parts = reposer.source(IMAGES[:1] * len(poses_px), poses_px).parts(target_pose_px)
        assert np.isfinite(parts['foreground_alpha']).all() and np.isfinite(parts['warped_volume']).all()


@pytest.mark.parametrize('given, words', [
    ((IMAGES[:1] * 5, POSES[:1] * 5), 'image: expected 1 to 4 photos of the person, found 5'),
    (([], []), 'image: expected 1 to 4 photos of the person, found 0'),
    ((IMAGES[:2], POSES[:1]), 'pose_px: expected one pose for each photo, 2, found 1'),
    (([IMAGES[0], IMAGES[1][:32]], POSES[:2]), r'image\[1\]: expected uint8 \[H, H, 3\].* found uint8 \[32, 64, 3\]'),
    ((IMAGES[:2], [POSES[0], POSES[1] + np.nan]), r'pose_px\[1\]: expected finite numbers up to 256 px'),
    ((IMAGES[:2], POSES[:2], [MASK]), 'masks: expected one mask or None for each photo, 2, found 1'),
    ((IMAGES[0], POSES[0], MASK), 'masks: expected one mask or None for each photo, 1, found 64'),
    ((IMAGES[:2], POSES[:2], [None, MASK[:32, :32]]),
     r'masks\[1\]: expected uint8 \[64, 64\], of the size of its photo, found uint8 \[32, 32\]'),
    ((IMAGES[0], POSES[0], [MASK > 0]), r'masks\[0\]: .* found bool'),
    ((IMAGES[0], POSES[0], [0 * MASK]), r'masks\[0\]: .* found nothing in it; None lets the model find')])
def test_what_does_not_fit_is_named(reposer, given, words):
    with pytest.raises(ShapeError, match=words):
        reposer.source(*given)


def test_a_model_without_a_detail_stream_has_no_use_for_masks(trunk):
    assert not trunk.takes_masks
    with pytest.raises(ModelError, match='masks: expected a model with a detail stream'):
        trunk.source(IMAGES[0], POSES[0], [MASK])


def test_an_older_saved_model_takes_one_photo():
    class Stored:
        image_size, generator, num_sources, takes_masks = SIZE, None, 1, False

    old = Reposer(Stored(), 'old', 'SavedModel')
    with pytest.raises(ModelError, match='old: image: expected a model that takes 2 photos.* signature repose_sources'):
        old.source(IMAGES[:2], POSES[:2])
    with pytest.raises(ModelError, match='old: masks: '):
        old.source(IMAGES[0], POSES[0], [MASK])
