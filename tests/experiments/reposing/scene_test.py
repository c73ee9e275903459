"""The place of a film without its person, and where the reposed person stands in it."""

import cv2
import numpy as np
import pytest

from data_pipeline.errors import DataError, UsageError
from data_pipeline.picture_file import read_image, resized
from experiments.reposing import light
from experiments.reposing.clip import ClipOptions, repose_person
from experiments.reposing.plate import continued, filled, is_still, median_plate, toned
from experiments.reposing.scene import Scene, placements
from experiments.reposing.targets import TargetPicture
from tests.support import fake_estimator
from tests.support.fake_estimator import FakeEstimator
from tests.support.films import write_frames
from tests.support.source_people import SIZE, photo_path, write_layout

ROWS, COLUMNS = 120, 160


def ground():
    return resized(np.random.default_rng(1).integers(40, 90, (12, 16, 3), np.uint8), (COLUMNS, ROWS))


def write_source(root):
    """A person of known pose, in the middle."""
    body_px = fake_estimator.body() * (0.3 * SIZE, 0.8 * SIZE, 0.8 * SIZE) + (0.35 * SIZE, 0.1 * SIZE, 0)
    write_layout(root, (SIZE,), {'p/00': body_px.tolist()})


def film(lefts, height=70):
    """Frames of a bright person before the ground, and where they are."""
    images, masks = np.stack([ground()] * len(lefts)), np.zeros((len(lefts), ROWS, COLUMNS), bool)
    for image, mask, left in zip(images, masks, lefts, strict=True):
        place = np.s_[20:20 + height, left:left + 24]
        image[place], mask[place] = (200, 180, 160), True
    return images, masks


def test_a_camera_that_stands_still_shows_what_is_behind_the_person():
    images, masks = film([20, 40, 60, 80, 100])
    plate, hidden = median_plate(images, masks)
    assert np.array_equal(plate, ground()) and not hidden.any() and is_still(images, masks, plate)
    standing, hidden = median_plate(*film([20, 20, 24]))
    assert hidden[20:90, 24:44].all() and hidden.sum() == 70 * 20
    assert np.abs(standing.astype(int) - ground())[hidden].mean() < 12  # filled, and no person
    moved = np.stack([np.roll(image, 15 * index, axis=1) for index, image in enumerate(images)])
    assert not is_still(moved, masks, median_plate(moved, masks)[0])


def test_what_is_filled_is_between_its_surroundings_and_the_rest_stays():
    image, hole = ground(), film([60])[1][0]
    image[hole] = 255
    found = filled(image, hole)
    assert np.array_equal(found[~hole], image[~hole])
    assert found[hole].min() >= image[~hole].min() and found[hole].max() <= image[~hole].max()
    assert np.array_equal(filled(image, np.ones_like(hole)), image)


@pytest.mark.parametrize('rows, columns', [(120, 160), (500, 300)])
def test_behind_the_person_of_a_photo_stripes_go_on(rows, columns):
    stripes = np.uint8(np.where(np.arange(columns) // (columns // 12) % 2, 200, 40))[:, np.newaxis]
    image = np.broadcast_to(stripes, (rows, columns, 3))
    hole = np.zeros((rows, columns), bool)
    hole[rows // 4:3 * rows // 4, columns * 3 // 8:columns * 5 // 8] = True
    shown = np.where(hole[..., np.newaxis], np.uint8(255), image)
    errors = [np.abs(fill(shown, hole).astype(int) - image)[hole].mean() for fill in (continued, filled)]
    assert errors[0] < 0.4 * errors[1]
    assert np.array_equal(continued(image, np.ones_like(hole)), image)


def test_the_plate_gets_the_light_of_the_frame():
    darker = np.uint8(ground() * 0.7)
    assert np.abs(toned(ground(), darker, np.ones((ROWS, COLUMNS), bool)).astype(int) - darker).max() <= 2


@pytest.mark.parametrize('size', [0.6, 1.0, 1.7])
def test_the_person_is_as_large_as_the_films_and_stands_where_theirs_stands(size):
    walk_px = fake_estimator.body() * 100 + np.stack([[10.0 * frame, 30, 0] for frame in range(6)])[:, np.newaxis]
    made_px = (walk_px - walk_px[:, -1:]) * size + (32, 40, 0)  # another size, in one place
    for found, made, film_px in zip(placements(walk_px, made_px, 25), made_px, walk_px, strict=True):
        np.testing.assert_allclose(made[:, :2] * found[0, 0] + found[:, 2], film_px[:, :2], atol=0.1)


def test_longer_legs_stand_on_the_same_ground():
    film_px = fake_estimator.body()[np.newaxis] * 100
    made_px = film_px * [1, 1.2, 1]
    (scale, _, _), (_, _, shift) = placements(film_px, made_px, 25)[0]
    assert (made_px[0, :, 1] * scale + shift).max() == pytest.approx(film_px[0, :, 1].max(), abs=0.5)


class Green:
    """Stands in for a Reposer whose person is a green square, or nobody."""

    image_size, num_sources, takes_masks, generator, kind, name = SIZE, 4, True, object(), 'run', 'green'
    image_sizes = (SIZE,)
    share = 1.0

    def at_size(self, _):
        return self

    def source(self, *_):
        return self

    def each(self, target_poses_px, with_alpha=False, is_alone=False):
        assert with_alpha and is_alone
        alpha = np.zeros((SIZE, SIZE), np.float32)
        alpha[SIZE // 3:-SIZE // 3, SIZE // 3:-SIZE // 3] = self.share
        for pose_px in target_poses_px:
            yield np.full((SIZE, SIZE, 3), (0, 255, 0), np.uint8), alpha, pose_px


class White(Green):
    """A person of light grey."""

    def each(self, *args, **options):
        for image, *others in super().each(*args, **options):
            yield np.full_like(image, 160), *others


def repose(root, target, reposer=None, **options):
    options = ClipOptions([photo_path(root)], str(root / 'out-%d.png'), target=[str(target)], background='target',
                          **options)
    return repose_person(reposer or Green(), options, FakeEstimator)


def test_the_film_gets_the_person_and_loses_its_own(tmp_path):
    write_source(tmp_path)
    images, masks = film([20, 50, 80, 110])
    path = write_frames(tmp_path / 'walk.mp4', list(images))
    nobody = Green()
    nobody.share = 0.0
    repose(tmp_path, path, nobody)
    for index in range(4):
        found = read_image(tmp_path / f'out-{index}.png')
        assert found.shape == (ROWS, COLUMNS, 3) and np.abs(found.astype(int) - ground()).mean() < 6
        assert found.max() < 150  # no bright person
    repose(tmp_path, path)
    greens = [np.argwhere(read_image(tmp_path / f'out-{index}.png')[..., 1] > 150)[:, 1].mean() for index in range(4)]
    np.testing.assert_allclose(np.diff(greens), 30, atol=3)  # goes as the film's person went


@pytest.mark.parametrize('tint, brightness, blue', [((1, 1, 1), (0.97, 1.03), (0.97, 1.03)),
                                                    ((0.4, 0.4, 0.4), (0.68, 0.8), (0.97, 1.03)),
                                                    ((1, 1, 0.5), (0.8, 0.97), (0.75, 0.92))])
def test_the_person_gets_some_of_the_light_of_the_place(tmp_path, tint, brightness, blue):
    write_source(tmp_path)
    cv2.imwrite(photo_path(tmp_path), resized(ground(), (SIZE, SIZE)))  # taken at this place
    images, masks = film([20, 50, 80, 110])
    shown = {}
    for name, factors in (('as it was', 1.0), ('tinted', np.array(tint))):
        tinted = np.where(masks[..., np.newaxis], images, np.uint8(images * factors))
        repose(tmp_path, write_frames(tmp_path / 'walk.mp4', list(tinted)), White())
        picture = read_image(tmp_path / 'out-2.png').astype(float)
        shown[name] = picture[picture.sum(axis=2) > 0.9 * picture.sum(axis=2).max()].mean(axis=0)
    changed = shown['tinted'] / shown['as it was']
    assert brightness[0] < changed.mean() < brightness[1] and blue[0] < changed[2] / changed[0] < blue[1]


def test_in_the_light_of_their_own_photo_nobody_changes():
    rng = np.random.default_rng(0)
    place, grey = rng.integers(0, 255, (40, 30, 3), np.uint8), np.arange(256, dtype=np.uint8)[np.newaxis]
    factors = light.gains(light.light_of(place), light.light_of(place[::-1, ::-1]))
    assert np.array_equal(light.multiplied(np.dstack([grey] * 3), factors), np.dstack([grey] * 3))
    black = light.light_of(np.zeros_like(place))
    assert np.isfinite(light.gains(black, light.light_of(place))).all()


def test_a_photo_is_filled_in(tmp_path):
    write_source(tmp_path)
    fake = fake_estimator.picture(COLUMNS, ROWS, (60, 20, 24, 70))
    cv2.imwrite(str(tmp_path / 'place.png'), fake)
    nobody = Green()
    nobody.share = 0.0
    repose(tmp_path, tmp_path / 'place.png', nobody)
    assert read_image(tmp_path / 'out-0.png').max() < 90


def test_what_cannot_be_put_into_a_place_is_said(tmp_path):
    write_source(tmp_path)
    words = '--background=target: expected one photo or video as --target, found #p/01'
    with pytest.raises(UsageError, match=words):
        repose(tmp_path, '#p/01')
    for options, found in (({'turntable': True}, '--turntable'), ({'paste_back': False}, '--paste_back')):
        with pytest.raises(UsageError, match=f'beside it, found {found}'):
            repose(tmp_path, 'walk.mp4', **options)
    stored = Green()
    stored.generator, stored.kind = None, 'SavedModel'
    with pytest.raises(UsageError, match='expected a run or a packed model, .* found the SavedModel green'):
        repose(tmp_path, 'walk.mp4', stored)
    path = write_frames(tmp_path / 'empty.mp4', [ground()] * 3)
    with pytest.raises(DataError, match='empty.mp4: expected a video of a person'):
        repose(tmp_path, path)


def test_frames_of_several_sizes_are_refused():
    pose_px = fake_estimator.body() * 60
    pictures = [TargetPicture(np.zeros((rows, 80, 3), np.uint8), pose_px) for rows in (60, 60, 64)]
    with pytest.raises(DataError, match='film: expected frames of one size, found 80 x 60 and 80 x 64 px'):
        Scene('film', lambda: iter(pictures), np.stack([pose_px] * 3), np.ones(3))
