"""Target poses are found, scaled and fitted to the source person; what does not fit is said in one line."""

import cv2
import numpy as np
import pytest

from data_pipeline.errors import DataError, UsageError
from experiments.pictures.files import open_output
from experiments.reposing.targets import fitted, turntable
from tests.support import fake_estimator
from tests.support.source_people import photo_path, targets, write_layout, write_photo


def test_poses_are_found_by_the_sources_place_and_scaled(tmp_path):
    px = write_layout(tmp_path)
    one, many = targets('#p/01', tmp_path), targets('#p', tmp_path)
    np.testing.assert_allclose(one.poses_px[0], px['p/01'], rtol=1e-6)  # has the model's size
    np.testing.assert_allclose(many.poses_px, [px['p/00'] / 2, px['p/01']], rtol=1e-6)
    assert np.array_equal(many.poses_px, targets(str(tmp_path / 'poses.json')).poses_px)


def test_poses_of_another_file_are_in_px_of_the_source(tmp_path, tmp_path_factory):
    px = write_layout(tmp_path)
    alone = tmp_path_factory.mktemp('alone') / 'mine.json'
    alone.write_text((tmp_path / 'poses.json').read_text())
    np.testing.assert_allclose(targets(f'{alone}#p/01').poses_px[0], px['p/01'] / 2, rtol=1e-6)


@pytest.mark.parametrize('name, words', [
    ('#p/77', ('--target', "found 'p/77'", 'poses.json')),
    ('#', ('--target', 'expected POSES.json#person/frame', "found '#'")),
    ('p/01', ('--target', 'a photo, a video', "found 'p/01'")),
    ('no.mp4', ('--target', 'found none at no.mp4')),
    (None, ('00.png', 'nobody was found'))])
def test_bad_targets_are_named(tmp_path, name, words):
    write_layout(tmp_path)
    (tmp_path / 'images' / 'p' / '00.png').write_bytes(cv2.imencode('.png', np.zeros((64, 64, 3), np.uint8))[1])
    with pytest.raises((UsageError, DataError)) as caught:
        targets(name or photo_path(tmp_path), tmp_path)
    assert [word for word in words if word not in str(caught.value)] == []


def test_bones_keep_their_length_and_a_turntable_comes_round(tmp_path):
    write_photo(tmp_path / 'photo.png')
    found = targets(str(tmp_path / 'photo.png'))
    own = found.poses_px[0] * 0.25
    np.testing.assert_allclose(fitted(found, own, None)[0], own, atol=1e-3)  # the same shape at another size
    np.testing.assert_allclose(fitted(found, own, False)[0], own, atol=1e-3)
    turns = turntable(own, 4)
    np.testing.assert_allclose(turns[:, :, 1], np.tile(own[:, 1], (4, 1)), atol=1e-4)
    np.testing.assert_allclose(turns[2] - own[-1], (own - own[-1]) * (-1, 1, -1), atol=1e-4)


@pytest.mark.parametrize('suffix', ['.mp4', '.webm'])
def test_videos_go_in_and_out(tmp_path, suffix):
    path = tmp_path / f'clip{suffix}'
    with open_output(path, 12.5) as add:
        for index in range(6):
            box = [] if index == 3 else [(40 + 4 * index, 20, 24, 70)]
            add(fake_estimator.picture(161, 120, *box))  # an odd width
    found = targets(str(path))
    assert found.fps == pytest.approx(12.5) and len(found.poses_px) == 6 and 'keep the one before' in found.notes[0]
    assert np.array_equal(found.poses_px[3], found.poses_px[2]) and np.ptp(found.poses_px[:, 0, 0]) > 10
    shown = list(found.read_pictures())
    assert [image.shape for image, _ in shown] == [(120, 162, 3)] * 6
    assert np.array_equal([pose for _, pose in shown], found.poses_px)
