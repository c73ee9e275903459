"""Changes of a visitor, step by step: joints, people, frames; all can be taken back, and nothing else changes."""

import dataclasses
import json

import numpy as np
import pytest

from experiments.demo_page import page_html, videos
from experiments.demo_page.choice import Choice
from experiments.demo_page.clips import steps
from experiments.demo_page.edits import Edits, edited, radians, with_joint_moved
from experiments.demo_page.photos import people_in
from experiments.demo_page.uploads import RequestError, UploadLimits
from repose_tf.pose_edits import dragged, turned
from repose_tf.skeleton import JOINT_INDEX, JOINT_NAMES
from tests.support.bad_requests import make_person
from tests.support.fake_estimator import FakeEstimator, picture
from tests.support.motion_files import FRAMES, text_of

LIMITS = UploadLimits(upload_mb=1, frames=6)


@pytest.fixture
def choice():
    rng = np.random.default_rng(8)
    return Choice(make_person(rng, 64), make_person(rng, 64, 'a pose'))


def test_a_joint_goes_where_it_is_dragged_and_back(choice):
    pose_px, note = with_joint_moved(choice.pose.pose_px, 64, {'joint': 'lwri', 'x': 40, 'y': 20})
    np.testing.assert_array_equal(pose_px, dragged(choice.pose.pose_px, 'lwri', [40, 20]))
    after = choice.with_pose_by_hand(pose_px, Edits(turn_deg=30))
    assert after.pose.name == 'a pose, changed by hand' and after.person is choice.person
    again = after.with_pose_by_hand(pose_px, Edits(turn_deg=30))
    assert again.pose.name == after.pose.name
    undone = again.undone().undone()
    assert undone.pose is choice.pose and undone.since == choice.since
    with pytest.raises(RequestError, match='nothing to take back'):
        undone.undone()


def test_sliders_come_on_top_of_what_was_dragged_while_they_stood_elsewhere(choice):
    """A pose that was dragged with the slider at 30 has these 30 degrees already."""
    pose_px = turned(choice.pose.pose_px, np.deg2rad(30))
    np.testing.assert_array_equal(edited(pose_px, radians(Edits(turn_deg=30), Edits(turn_deg=30))), pose_px)
    np.testing.assert_allclose(edited(pose_px, radians(Edits(turn_deg=0), Edits(turn_deg=30))), choice.pose.pose_px,
                               atol=1e-3)


@pytest.mark.parametrize('move, words', [
    (None, 'Expected a joint .*None'), ({'joint': 'tail', 'x': 1, 'y': 2}, "'tail'"), ({'joint': ['lwri']}, 'lwri'),
    ({'joint': 'lwri', 'x': 1}, 'y: expected a number'), ({'joint': 'lwri', 'x': float('nan'), 'y': 1}, 'x: expected'),
    ({'joint': 'lwri', 'tilt_deg': 90}, 'tilt_deg: expected a number from -85 to 85'),
    ({'joint': 'pelv', 'tilt_deg': 9}, 'pelvis has no depth'),
    ({'joint': 'pelv', 'x': 200, 'y': 30}, 'nobody is left in the picture; the pose stays')])
def test_bad_moves_are_answered_in_one_sentence(choice, move, words):
    with pytest.raises(RequestError, match=words):
        with_joint_moved(choice.pose.pose_px, 64, move)


def test_a_joint_outside_of_the_picture_is_told_by_name(choice):
    x_px, y_px, _ = choice.pose.pose_px[JOINT_INDEX['pelv']]
    lowest = choice.pose.pose_px[:, 1].max()
    pose_px, note = with_joint_moved(choice.pose.pose_px, 64, {'joint': 'pelv', 'x': x_px, 'y': y_px + 64.5 - lowest})
    lost = [name for name, joint in zip(JOINT_NAMES, pose_px, strict=True) if joint[1] > 64]
    assert len(lost) >= 1 and note.startswith('Outside of the picture') and note.count(',') == len(lost)
    assert with_joint_moved(choice.pose.pose_px, 64, {'joint': 'lwri', 'x': 30, 'y': 30})[1] == ''


def test_of_several_people_in_a_photo_another_is_taken(choice):
    image = picture(300, 200, (20, 40, 30, 120), (120, 20, 50, 160), (220, 30, 40, 140))
    photo = people_in(image, 1.0, 64, FakeEstimator(), 'your photo')
    assert list(photo.people) == [1, 2, 3] and photo.chosen == 2 and photo.picture.shape == (200, 300, 3)
    assert '3 people were found, the largest was taken' in photo.person.note
    widths = [np.ptp(person.pose_px[:, 0]) / np.ptp(person.pose_px[:, 1]) for person in photo.people.values()]
    np.testing.assert_allclose(widths, [30 / 120, 50 / 160, 40 / 140], atol=0.02)  # each their own, from the left
    third = choice.with_person(photo.person, photo).with_person_chosen(3)
    assert third.person is photo.people[3]
    as_other = choice.with_other(photo).with_person_chosen(1)
    assert as_other.person.others == (photo.people[1],) and as_other.person.image is choice.person.image
    as_pose = choice.with_pose(photo.person, photo).with_followed(1)
    assert as_pose.pose is photo.people[1] and as_pose.undone().undone().pose is choice.pose
    for number in (0, 4, '1', True, None):
        with pytest.raises(RequestError, match='Expected one of the people in the photo, 1, 2, 3, found'):
            photo.with_chosen(number)


def test_one_person_needs_no_choice_and_nobody_is_told():
    photo = people_in(picture(300, 200, (120, 30, 50, 150)), 0.5, 64, FakeEstimator(), 'your photo')
    assert photo.picture is None and photo.person.note == ''
    half = people_in(picture(300, 200, (120, 30, 50, 150)), 1.0, 64, FakeEstimator(), 'your photo')
    assert photo.person.photo_px == 2 * half.person.photo_px  # of a photo that was shrunk by half
    with pytest.raises(RequestError, match='nobody'):
        people_in(np.zeros((90, 90, 3), np.uint8), 1.0, 64, FakeEstimator(), 'your photo')


def test_frames_of_motion_capture_are_poses_and_a_film(choice, tmp_path):
    (tmp_path / 'walk.bvh').write_text(text_of(FRAMES))
    film = videos.read_poses(tmp_path / 'walk.bvh', LIMITS)
    assert 1 <= len(film.poses_px) <= 6 and film.fps > 0
    taken = choice.with_pose(film.person, film).with_frame(len(film.poses_px))
    assert taken.film.poses_px is film.poses_px and taken.pose.pose_px is not None and taken.pose.image is None
    for frame in (0, len(film.poses_px) + 1, 'x'):
        with pytest.raises(RequestError, match='frame: expected a number'):
            taken.with_frame(frame)
    with pytest.raises(RequestError, match='Upload a film first'):
        choice.with_frame(1)


@pytest.mark.parametrize('name, text, words', [
    ('a.bvh', 'HIERARCHY nothing', 'your file'), ('a.json', '{}', 'your file'), ('a.json', 'x', 'your file'),
    ('a.json', json.dumps({'version': 1, 'joints': JOINT_NAMES, 'poses': {}}), 'none in it'),
    ('a.json', ' ' * 1_000_001, 'at most 1 MB')])
def test_bad_files_of_poses_are_named_as_the_visitor_knows_them(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(RequestError, match=words) as error:
        videos.read_poses(tmp_path / name, LIMITS)
    assert str(tmp_path) not in str(error.value)


def test_steps_tell_how_far_work_is_and_what_came_of_it():
    def work(progress):
        progress(1, 2)
        progress(2, 2)
        return 'done'
    told = steps(work)
    assert [next(told), next(told)] == [(1, 2), (2, 2)]
    with pytest.raises(StopIteration) as end:
        next(told)
    assert end.value.value == 'done'
    with pytest.raises(RequestError):
        list(steps(lambda progress: (_ for _ in ()).throw(RequestError('no'))))


def test_texts_cannot_break_out_of_the_page(choice):
    name = '"><script>alert(1)</script>'
    shown = page_html.figures([page_html.Figure('result', name, b'GIF', {}, choice.pose.pose_px, 64)])
    assert '<script' not in shown + page_html.message(name) + page_html.head(name, 64, dataclasses.replace(LIMITS))
