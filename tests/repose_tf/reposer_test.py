"""Wherever a model comes from, it is called alike and gives the same pictures; what does not fit is named."""

import cv2
import numpy as np
import pytest

import repose_tf
from experiments.models import exporting
from repose_tf.errors import ModelError
from repose_tf.reposer import Reposer
from repose_tf.serving import reposed_pixels
from repose_tf.shapes import ShapeError
from tests.support import served_models
from tests.support.cases import person_poses
from tests.support.tiny import TINY, tiny_run

SIZE = TINY.image_size


@pytest.fixture(scope='module')
def live():
    return Reposer.of_generator(served_models.generator())


@pytest.fixture(scope='module')
def given():
    """A smooth picture, its pose and five others."""
    rng = np.random.default_rng(0)
    image = cv2.resize(rng.integers(0, 256, (4, 4, 3)).astype(np.uint8), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    pose_px, *targets_px = np.float32(person_poses(rng, 6, SIZE))
    return image, pose_px, np.stack(targets_px)


@pytest.mark.long
def test_a_generator_and_its_saved_model_give_the_same_pictures_and_a_packed_one_loads(tmp_path, live, given, caplog):
    image, pose_px, targets_px = given
    person, steps = live.source(image, pose_px), []
    found = person.repose(targets_px, lambda *step: steps.append(step))
    sources = [np.stack([one] * 5) for one in (image, pose_px)]
    expected = reposed_pixels(live.generator, *sources, targets_px).numpy()
    assert np.abs(found.astype(int) - expected).max() <= 1 and steps == [(4, 5), (5, 5)]
    assert person.repose(targets_px[:0]).shape == (0, SIZE, SIZE, 3)

    parts = person.parts(targets_px[0])
    assert np.abs(parts['image'].astype(int) - expected[0]).max() <= 1
    (alone, _, _), = person.each(targets_px[:1], is_alone=True)
    assert np.abs(parts['foreground'].astype(int) - alone).max() <= 1
    assert parts['masks'].shape == (17, 17, 9, 10) and parts['warped_volume'].shape[:3] == (17, 17, 9)

    exporting.pack(live.generator, tmp_path / 'packed')
    packed, saved = repose_tf.load(tmp_path / 'packed'), repose_tf.load(served_models.saved_model())
    assert (packed.image_size, packed.kind, packed.name) == (SIZE, 'packed model', 'packed')
    assert (saved.image_size, saved.kind) == (SIZE, 'SavedModel')
    assert 'gradient' not in caplog.text  # nobody trains it
    saved_person = saved.source(image, pose_px)
    for pictures in (saved_person.repose(targets_px), *(
            one.repose_pairs(*sources, targets_px).numpy() for one in (live, saved))):
        assert np.abs(pictures.astype(int) - expected).max() <= 1
    several = [[image, image[::-1]], [pose_px, targets_px[4]]]
    (picture, alpha, _), (other, other_alpha, _) = (
        next(one.source(*several).each(targets_px[:1], with_alpha=True)) for one in (live, saved))
    assert np.abs(picture.astype(int) - other).max() <= 1 < np.abs(picture.astype(int) - expected[0]).max()
    np.testing.assert_allclose(other_alpha, alpha, atol=1e-4)
    alphas = [np.stack([alpha for _, alpha, _ in one.each(targets_px, with_alpha=True)])
              for one in (person, saved_person)]
    assert alphas[0].shape == (5, SIZE, SIZE) and np.ptp(alphas[0]) > 0
    np.testing.assert_allclose(*alphas, atol=1e-4)
    with pytest.raises(ModelError, match='a SavedModel gives the picture alone'):
        saved_person.parts(targets_px[0])
    with pytest.raises(ModelError, match='without the background: expected a run or a packed model'):
        saved_person.each(targets_px[:1], is_alone=True)


def test_pictures_of_another_size_are_scaled_with_all_their_poses(live, given):
    image, pose_px, targets_px = given
    expected = live.source(image, pose_px).repose(targets_px)
    larger = live.source(image.repeat(3, 0).repeat(3, 1), pose_px * 3)
    assert np.abs(larger.repose(targets_px * 3).astype(int) - expected).max() <= 1
    (_, alpha, shown), = larger.each(targets_px[:1] * 3)
    assert alpha is None and np.array_equal(shown, targets_px[0] * 3)


@pytest.mark.parametrize('change, words', [
    (lambda image, pose: (image[:16], pose), r'image: expected uint8 \[H, H, 3\].* found uint8 \[16, 32, 3\]'),
    (lambda image, pose: (image / 255, pose), 'image: .* found float64'),
    (lambda image, pose: (image[:8, :8], pose), r'16 px a side or more, found uint8 \[8, 8, 3\]'),
    (lambda image, pose: (image[..., :1], pose), r'found uint8 \[32, 32, 1\]'),
    (lambda image, pose: (image, pose[:18]), r'pose_px: expected shape \[N, 19, 3\], found \[1, 18, 3\]'),
    (lambda image, pose: (image, pose * np.nan), 'pose_px: expected finite numbers up to 128 px'),
    (lambda image, pose: (image, pose + 129), 'pose_px: expected finite numbers up to 128 px'),
    (lambda image, pose: (image, pose.astype(str)), 'pose_px: expected finite numbers')])
def test_what_does_not_fit_is_named(live, given, change, words):
    with pytest.raises(ShapeError, match=words):
        live.source(*change(*given[:2]))


def test_targets_that_do_not_fit_are_named(live, given):
    image, pose_px, targets_px = given
    person = live.source(image, pose_px)
    with pytest.raises(repose_tf.UserError, match=r'target_poses_px: expected shape \[N, 19, 3\], found \[19, 3\]'):
        person.repose(pose_px)
    with pytest.raises(ShapeError, match='target_poses_px: expected finite'):
        person.each(targets_px * np.inf)


def test_what_is_no_model_is_named(tmp_path):
    run = tiny_run(tmp_path, served_models.generator()).path
    for path, words in ((run, "found a training run's folder, which experiments.pack"),
                        (tmp_path, 'found a folder that is neither'), (tmp_path / 'none', 'none: .*no such folder')):
        with pytest.raises(ModelError, match=words):
            repose_tf.load(path)
