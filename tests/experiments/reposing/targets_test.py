"""Target poses are found, scaled and fitted to the source person; what does not fit is said in one line."""

import json

import cv2
import numpy as np
import pytest

from data_pipeline.errors import DataError, UsageError
from experiments.pictures.files import open_output
from experiments.reposing.retargeting import fitted
from experiments.reposing.source_person import Place, find_pose
from experiments.reposing.targets import of_video, turntable
from tests.support import fake_estimator
from tests.support.films import announce_webm, turn_mp4, write_frames
from tests.support.people_folders import random_pose, write_poses
from tests.support.source_people import SIZE, photo_path, targets, write_layout, write_photo


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
    np.testing.assert_allclose(fitted(found, own, SIZE)[0][0], own, atol=1e-3)  # the same shape at another size
    np.testing.assert_allclose(fitted(found, own, SIZE, keep_proportions=False)[0][0], own, atol=1e-3)
    turns = turntable(own, 4)
    np.testing.assert_allclose(turns[:, :, 1], np.tile(own[:, 1], (4, 1)), atol=1e-4)
    np.testing.assert_allclose(turns[2] - own[-1], (own - own[-1]) * (-1, 1, -1), atol=1e-4)


def person_film(path, num_frames=5):
    return write_frames(path, [fake_estimator.picture(160, 120, (40 + 4 * index, 20, 24, 70))
                               for index in range(num_frames)])


def test_films_of_phones_are_followed_upright(tmp_path):
    upright, turned = person_film(tmp_path / 'upright.mp4'), tmp_path / 'turned.mp4'
    write_frames(turned, [np.rot90(image) for image, *_ in targets(str(upright)).read_pictures()])
    turn_mp4(turned, 90)
    expected, found = targets(str(upright)), targets(str(turned))
    assert np.abs(found.poses_px - expected.poses_px).max() < 2
    assert [image.shape for image, *_ in found.read_pictures()] == [(120, 160, 3)] * 5


def test_what_can_be_read_of_a_film_is_followed_and_a_line_says_so(tmp_path):
    film = person_film(tmp_path / 'film.webm')
    announce_webm(film, milliseconds=6000, frame_ms=1)
    found = targets(str(film))
    assert len(found.poses_px) == 5 and found.fps == pytest.approx(10) and len(list(found.read_pictures())) == 5
    assert 'film.webm: 5 frames can be read, its header announces 6000.' in found.notes[0]
    assert 'film.webm: 10 frames a second by their times, its header says 1000.' in found.notes[0]
    assert len(found.notes) == 1


def test_one_of_two_people_is_followed_and_others_are_listed_and_not_drawn(tmp_path):
    """The larger one changes from frame to frame; then only the one on the right is there."""
    boxes = [(20, 20, 24, 70 + index % 2 * 8) for index in range(8)], [(110, 20, 24, 74)] * 12
    film = write_frames(tmp_path / 'two.mp4', [
        fake_estimator.picture(160, 120, *(of[index] for of in boxes if index < len(of))) for index in range(12)])
    for person, place in ((1, 32), (2, 122), (None, 122)):
        found = of_video(film, fake_estimator.FakeEstimator(), person=person)
        assert len(found.poses_px) == 12 and np.abs(found.poses_px[:, -1, 0] - place).max() < 2, person
        assert ('frames that show others alone, who are not drawn: 8-11' in ' '.join(found.notes)) == (person == 1)
        assert 'two.mp4 shows up to 2 people' in ' '.join(found.notes)
    with pytest.raises(UsageError, match='--person: expected so many people in a frame of .*, found 2, asked for 3'):
        of_video(film, fake_estimator.FakeEstimator(), person=3)


@pytest.mark.parametrize('person', [1, 2])
def test_of_two_who_cross_the_same_one_is_followed(tmp_path, person):
    """Where one hides the other the detector sees one shape, wider than a person."""
    lefts = np.stack([10 + 8 * np.arange(30), 250 - 8 * np.arange(30)], axis=1)
    film = write_frames(tmp_path / 'cross.avi', [
        fake_estimator.picture(280, 120, *((left, 20, 24, height) for left, height in zip(pair, (80, 76), strict=True)))
        for pair in lefts.tolist()])
    found = of_video(film, fake_estimator.FakeEstimator(), person=person)
    apart = np.abs(lefts[:, 0] - lefts[:, 1]) > 40
    off = np.abs(found.poses_px[:, -1, 0] - (lefts[:, person - 1] + 12))
    assert off[apart].max() < 3 and 5 <= (~apart).sum() <= 8
    assert 'keep the one before' in ' '.join(found.notes)
    # Beside one another their shape is too wide for one of them, and then they are not told apart: nobody's pose.
    assert off[~apart].max() < 50


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
    assert [image.shape for image, *_ in shown] == [(120, 162, 3)] * 6
    assert np.array_equal([picture.pose_px for picture in shown], found.poses_px)


def test_a_hash_may_be_in_every_part_of_a_name(tmp_path, monkeypatch):
    root = tmp_path / 'set #2.json#x'
    write_layout(root, (SIZE, SIZE))
    write_poses(root / 'poses.json', {'p#1/00': random_pose(np.random.default_rng(0), SIZE)})
    (root / 'images' / 'p').rename(root / 'images' / 'p#1')
    monkeypatch.chdir(tmp_path)
    whole = targets('set #2.json#x/poses.json').poses_px
    for name in ('set #2.json#x/poses.json#p#1', f'{root}/poses.json#p#1/00'):
        assert np.array_equal(targets(name).poses_px, whole)
    place = Place(root, 'p#1/00')
    assert find_pose('--source_pose', '#p#1/00', place).px.shape == whole[0].shape
    for name, words in (('set #2.json#x/absent.mp4', 'expected a file, found none at set #2.json#x/absent.mp4'),
                        ('set #2/absent.json', 'set #2/absent.json: expected a pose file, found nothing readable'),
                        ('absent.json#p', 'absent.json: expected a pose file'), ('a #2', 'expected POSES.json'),
                        ('x' * 300 + '.png', 'expected a file, found none')):
        with pytest.raises((UsageError, DataError), match=words):
            targets(name)


def test_poses_are_in_natural_order(tmp_path):
    write_layout(tmp_path, (SIZE,) * 11)
    for path in (tmp_path / 'images' / 'p').iterdir():
        path.rename(path.with_name(path.name.lstrip('0') if path.stem != '00' else '0.png'))
    content = json.loads((tmp_path / 'poses.json').read_text())
    content['poses'] = {f'p/{int(key[2:])}': pose for key, pose in content['poses'].items()}
    (tmp_path / 'poses.json').write_text(json.dumps(content))
    expected = [np.array(content['poses'][f'p/{index}']['px']) for index in range(11)]
    np.testing.assert_allclose(targets(f'{tmp_path}/poses.json').poses_px, expected, rtol=1e-5)


@pytest.mark.parametrize('suffix', ['.PNG', '.Jpg', '.webp'])
def test_the_picture_of_a_pose_tells_its_size_whatever_its_suffix(tmp_path, suffix):
    px = write_layout(tmp_path, (SIZE // 2,))
    path = tmp_path / 'images' / 'p' / '00.png'
    path.rename(path.with_suffix(suffix))  # pictures are told by their content
    np.testing.assert_allclose(targets(f'{tmp_path}/poses.json').poses_px[0], px['p/00'] * 2, rtol=1e-6)
    path.with_suffix(suffix).unlink()
    with pytest.raises(DataError, match='"p/00": expected the picture that this pose is px of, .*images/p/00 with'):
        targets(f'{tmp_path}/poses.json')
