"""The source person is found, cropped and brought to the model's size; what does not fit is said in one line."""

import numpy as np
import pytest

from data_pipeline.errors import DataError, UsageError
from data_pipeline.picture_file import read_image
from experiments.reposing.source_person import load_source_person
from repose_tf.skeleton import NUM_JOINTS
from tests.support.fake_estimator import FakeEstimator
from tests.support.people_folders import write_image
from tests.support.source_people import SIZE, load, photo_path, write_layout, write_photo


def test_the_pose_is_found_by_the_pictures_place_and_scaled(tmp_path):
    px, source = write_layout(tmp_path), load(tmp_path)
    np.testing.assert_allclose(source.pose_px, px['p/00'] / 2, rtol=1e-6)
    blocks = read_image(photo_path(tmp_path)).reshape(SIZE, 2, SIZE, 2, 3).mean(axis=(1, 3))
    assert np.abs(source.image - blocks).max() <= 1 and not source.is_cropped


def test_a_pose_of_another_file_is_in_px_of_the_photo(tmp_path):
    px = write_layout(tmp_path)
    alone = tmp_path / 'elsewhere.json'
    alone.write_text((tmp_path / 'poses.json').read_text())
    np.testing.assert_allclose(load(tmp_path, pose_name=f'{alone}#p/00').pose_px, px['p/00'] / 2, rtol=1e-6)


def test_the_mask_of_the_photos_folder_is_taken_and_must_have_its_size(tmp_path):
    write_layout(tmp_path)
    assert load(tmp_path).mask is None
    mask = np.zeros(read_image(photo_path(tmp_path)).shape[:2], np.uint8)
    mask[:, :SIZE] = 255  # the left half
    write_image(tmp_path / 'masks/p/00.png', mask)
    assert np.array_equal(load(tmp_path).image_mask, np.tile(np.where(np.arange(SIZE) < SIZE // 2, 255, 0), (SIZE, 1)))
    write_image(tmp_path / 'masks/p/00.png', mask[2:])
    with pytest.raises(DataError, match=rf'00.png: expected a mask of {2 * SIZE} x {2 * SIZE} px, as the photo is'):
        load(tmp_path)


def test_an_estimated_person_is_cropped(tmp_path):
    write_photo(tmp_path / 'photo.png')
    source = load_source_person(tmp_path / 'photo.png', '', SIZE, FakeEstimator)
    assert source.num_people == 1 and source.is_cropped and source.mask is not None


@pytest.mark.parametrize('arguments, words', [
    ({'frame': 'none'}, ('none.png', 'no such file')),
    ({'pose_name': 'no.json#p/00'}, ('no.json',)),
    ({'pose_name': '#p/77'}, ('--source_pose', "found 'p/77'", 'poses.json'))])
def test_bad_sources_are_named(tmp_path, arguments, words):
    write_layout(tmp_path)
    with pytest.raises((UsageError, DataError)) as caught:
        load(tmp_path, **arguments)
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize('pose', [
    [[0.0, 0.0, 0.0]] * (NUM_JOINTS - 1), [[0.0, 0.0, float('nan')]] + [[0.0, 0.0, 0.0]] * (NUM_JOINTS - 1)])
def test_a_bad_pose_is_named(tmp_path, pose):
    write_layout(tmp_path, [SIZE], {'p/00': pose})
    with pytest.raises(DataError, match='p/00'):
        load(tmp_path)
