"""The page's backend: right answers to good requests, one message to bad ones, and nothing remembered."""

import dataclasses
import io

import cv2
import numpy as np
import pytest
from PIL import Image

from data_pipeline.picture_file import png
from data_pipeline.poses import pose_file
from data_pipeline.video_file import VideoReader
from experiments.demo_page import samples
from experiments.demo_page.backend import Backend
from experiments.demo_page.edits import Edits
from experiments.demo_page.motions import MOTIONS, motion_poses
from experiments.demo_page.uploads import RequestError, UploadLimits
from experiments.reposing.retargeting import fitted
from experiments.reposing.source_person import load_source_person
from experiments.reposing.targets import of_pose_file, of_video
from repose_tf.pose_edits import arm_raised, bent, turned, with_proportions
from repose_tf.reposer import Reposer
from repose_tf.skeleton import BONES, JOINT_INDEX
from tests.support.bad_requests import good_video, make_person, resident_mb, send
from tests.support.fake_estimator import FakeEstimator, picture
from tests.support.films import announce_webm, write_frames
from tests.support.tiny import LEAST, TINY_DETAIL, tiny_generator

LIMITS = UploadLimits(upload_mb=2, megapixels=1, frames=6, seconds=60, video_mb=0.2, video_megapixels=0.01,
                      video_frames=20)


def make_backend(limits=LIMITS, architecture=LEAST):
    return Backend(Reposer.of_generator(tiny_generator(architecture)), limits, FakeEstimator())


@pytest.fixture(scope='module')
def backend():
    return make_backend()


def bone_lengths(pose):
    return np.array([np.linalg.norm(pose[JOINT_INDEX[first]] - pose[JOINT_INDEX[second]]) for first, second in BONES])


def test_edits_keep_bones_and_go_the_way_that_their_names_say():
    pose = make_person(np.random.default_rng(1), 64).pose_px
    for edited in (turned(pose, 1.0), bent(pose, 0.5), arm_raised(pose, 'l', 1.0), arm_raised(pose, 'r', 1.0)):
        np.testing.assert_allclose(bone_lengths(edited), bone_lengths(pose), rtol=1e-3, atol=1e-3)
        assert np.abs(edited - pose).max() > 1
    np.testing.assert_allclose(turned(turned(pose, 1.0), -1.0), pose, atol=1e-3)


def test_the_shipped_person_turns_right_bends_to_us_and_raises_arms():
    pose = samples.load_samples('data/people', 64).poses[0].pose_px  # from the front
    nose, pelvis = (JOINT_INDEX[name] for name in ('nose', 'pelv'))
    assert (turned(pose, np.pi / 2)[nose] - pose[pelvis])[0] > abs((pose[nose] - pose[pelvis])[0])
    assert bent(pose, 0.7)[nose, 2] < pose[nose, 2] - 5
    for side, outwards in (('l', 1), ('r', -1)):
        wrist = JOINT_INDEX[f'{side}wri']
        moved = arm_raised(pose, side, 0.8)[wrist] - pose[wrist]
        assert moved[1] < -5 and outwards * moved[0] > 0


def test_a_pose_takes_the_bones_of_another_body():
    rng = np.random.default_rng(2)
    pose, body = make_person(rng, 64).pose_px, make_person(rng, 64).pose_px
    result = with_proportions(3 * pose, body)
    np.testing.assert_allclose(bone_lengths(result), bone_lengths(body), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(with_proportions(body, body), body - [0, 0, body[JOINT_INDEX['pelv'], 2]], atol=1e-3)


def test_a_photo_becomes_a_person_and_a_picture(backend):
    person = backend.person_of(png(picture(300, 200, (120, 30, 50, 150))))
    assert person.image.shape == (32, 32, 3) and person.image[16, 16].mean() > 110  # the bright person in the middle
    pose = backend.target_pose(person, person, Edits(turn_deg=30))
    assert np.array_equal(backend.picture(person, pose), backend.picture(person, pose))
    clip = Image.open(io.BytesIO(backend.turntable(person, pose, 5).gif))
    assert clip.n_frames == 5
    assert len(backend.parts(person, pose)) == 6


def test_more_photos_of_a_person_change_the_picture_until_there_are_as_many_as_the_model_takes(eagerly):
    backend = make_backend(architecture=TINY_DETAIL)
    photos = [png(picture(300, 200, (120, 30, 50 + 10 * index, 150))) for index in range(5)]
    person = backend.person_of(photos[0])
    assert person.mask.shape == (64, 64) and person.mask.any()
    both = backend.with_photo(person, photos[1])
    pose_px = backend.target_pose(both, both, Edits(turn_deg=30))
    shown = [backend.picture(one, pose_px).astype(int) for one in (person, both, dataclasses.replace(
        both, others=(person,)), dataclasses.replace(person, mask=None))]
    assert [bool(np.abs(one - shown[0]).max() > 1) for one in shown[1:]] == [True, False, True]
    most = backend.with_photo(backend.with_photo(both, photos[2]), photos[3])
    with pytest.raises(RequestError, match='takes 4 photos of a person, and your photo has as many'):
        backend.with_photo(most, photos[4])
    with pytest.raises(RequestError, match='at most 4 photos'):
        backend.picture(dataclasses.replace(most, others=(*most.others, both)), pose_px)
    with pytest.raises(RequestError, match=r'mask of 64 x 64 px .* found uint8 \[32, 64\]'):
        backend.picture(dataclasses.replace(both, others=(dataclasses.replace(both, mask=both.mask[:32]),)), pose_px)
    with pytest.raises(RequestError, match='nobody'):
        backend.with_photo(person, png(np.zeros((90, 90, 3), np.uint8)))


@pytest.mark.parametrize('data, words', [
    (b'', 'empty file'), (b'GIF89a nothing', 'found a GIF'), (b'hello', 'JPEG, PNG, WEBP, AVIF'),
    (bytes(2_000_001), 'at most 2 MB'),
    (png(np.zeros((1100, 1000, 3), np.uint8)), 'at most 1 megapixels'),
    (png(np.zeros((40, 400, 3), np.uint8)), 'differ at most 4'), (png(np.zeros((90, 90, 3), np.uint8)), 'nobody')])
def test_bad_uploads_are_named(backend, data, words):
    with pytest.raises(RequestError, match=words):
        backend.person_of(data)


def test_a_clip_is_bounded_in_pictures_and_time(backend):
    person = make_person(np.random.default_rng(3), 32)
    with pytest.raises(RequestError, match='frames: expected a number from 2 to 6, found'):
        backend.turntable(person, person.pose_px, 7)
    hasty = Backend(backend._reposer, UploadLimits(frames=40, seconds=0), FakeEstimator())
    with pytest.raises(RequestError, match='longer than 0 s; 4 of 40'):
        hasty.turntable(person, person.pose_px, 40)


def test_results_are_marked_in_their_corner_if_asked_for(backend):
    person = make_person(np.random.default_rng(3), 32)
    marking = Backend(backend._reposer, LIMITS, FakeEstimator(), watermark=True)
    differs = (backend.picture(person, person.pose_px) != marking.picture(person, person.pose_px)).any(axis=2)
    assert differs.any() and not differs[:16].any() and not differs[:, :14].any()


def test_a_clip_tells_how_far_it_is_and_ends_when_that_fails(backend, tmp_path):
    person, told = make_person(np.random.default_rng(3), 32), []

    def tell(done, total):
        told.append((done, total))
        if len(told) == 3:
            raise RequestError('Enough.')
    clip = backend.turntable(person, person.pose_px, 6, tell)
    assert told == [(4, 6), (6, 6)]
    with VideoReader(write(tmp_path, clip.mp4, 'clip.mp4')) as video:
        assert video.size == (128, 128) and video.count() == 6
    with pytest.raises(RequestError, match='Enough'):
        backend.turntable(person, person.pose_px, 6, tell)


def test_the_pose_file_gives_the_same_pose_in_the_photo(backend, tmp_path):
    """A file of 1/100 px, for the photo as it was before it was shrunk to the model's size."""
    data = png(picture(300, 200, (120, 30, 50, 150)))
    person = backend.person_of(data)
    pose_px, _ = backend.with_joint_moved(person, backend.target_pose(person, person, Edits(bend_deg=20)),
                                          {'joint': 'lwri', 'x': 25, 'y': 5})
    path = write(tmp_path, backend.pose_file(person, pose_px), 'pose.json')
    source = load_source_person(write(tmp_path, data, 'photo.png'), '', 32, FakeEstimator)
    np.testing.assert_allclose(of_pose_file(f'{path}#page/pose', source).poses_px[0], pose_px, atol=0.01)
    assert pose_file.read_poses(path)['page/pose'].px_per_mm == pytest.approx(source.px_per_mm, rel=1e-5)


def test_a_pose_of_another_photo_of_the_same_name_gets_the_persons_bones(backend):
    person, other = (backend.person_of(png(picture(300, 200, (120, 30, columns, 150)))) for columns in (50, 90))
    assert person.name == other.name
    np.testing.assert_allclose(bone_lengths(backend.target_pose(person, other)), bone_lengths(person.pose_px),
                               rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize('name', MOTIONS)
def test_a_movement_keeps_bones_goes_smoothly_and_leads_on_to_its_begin(name):
    poses = motion_poses(name, 48)
    np.testing.assert_allclose([bone_lengths(pose) for pose in poses], np.tile(bone_lengths(poses[0]), (48, 1)),
                               rtol=1e-3, atol=1e-3)
    apart = np.linalg.norm(poses - np.roll(poses, 1, axis=0), axis=2).max(axis=1)  # percent of a body
    assert apart.max() < 12 and np.ptp(poses, axis=0).max() > 20


def test_bowing_goes_down_waving_goes_up_and_walkers_lift_their_feet():
    def heights(name, joint):
        return -motion_poses(name, 24)[:, JOINT_INDEX[joint], 1]
    assert np.ptp(heights('bow', 'nose')) > 15
    assert heights('wave', 'rwri').max() > heights('wave', 'nose').max() > heights('wave', 'lwri').max()
    knees = motion_poses('a few steps', 24)[:, [JOINT_INDEX['lank'], JOINT_INDEX['rank']], 1]
    assert np.ptp(knees, axis=0).min() > 8


def test_the_chest_of_a_movement_looks_at_us():
    pose = motion_poses('wave', 2)[0]
    assert pose[JOINT_INDEX['nose'], 2] < pose[JOINT_INDEX['neck'], 2]
    assert pose[JOINT_INDEX['lsho'], 0] > pose[JOINT_INDEX['rsho'], 0]


def write(folder, data, name='video.mp4'):
    (folder / name).write_bytes(data)
    return folder / name


def test_a_video_is_followed_as_the_command_follows_it(backend, tmp_path):
    path = write(tmp_path, good_video())
    person = make_person(np.random.default_rng(3), 32)
    video = backend.read_video(path)
    targets = of_video(path, FakeEstimator(), smoothing=None)
    np.testing.assert_array_equal(video.poses_px, targets.poses_px)
    images = backend._reposer.source(person.image, person.pose_px).repose(
        fitted(targets, person.pose_px, backend.image_size)[0])
    found = Image.open(io.BytesIO(backend.follow(person, video).gif))
    assert (found.n_frames, found.info['duration']) == (4, 100)
    enlarged = cv2.resize(images[0], found.size)
    assert np.abs(np.int32(found.convert('RGB')) - np.int32(enlarged)).mean() < 8  # a GIF has 256 colours


def test_of_a_longer_video_every_so_many_frames_are_taken(backend, tmp_path):
    video = backend.read_video(write(tmp_path, good_video(13)))
    assert len(video.poses_px) == 5 and video.fps == pytest.approx(10 / 3)
    assert video.note == '5 of its 13 frames were taken.'


@pytest.mark.parametrize('data, name, words', [
    (b'', 'v.mp4', 'empty file'), (b'#EXTM3U /etc/passwd', 'v.mp4', 'MP4, MOV or WebM, found 19 bytes'),
    (good_video(), 'v.txt', r"\.mp4, .mov, .webm\), found '.txt'"), (good_video()[:300], 'v.mp4', 'expected|Expected'),
    (good_video(0), 'v.mp4', 'your video: expected a video'), (good_video(21), 'v.mp4', 'at most 20 frames, found 21'),
    (good_video(2, 160, 128), 'v.mp4', 'at most 0.01 megapixels'), (bytes(200_001), 'v.mp4', 'at most 0.2 MB'),
    (good_video(3, 16, 16), 'v.mp4', 'your video: expected a video of a person')])
def test_bad_videos_are_named(backend, tmp_path, data, name, words):
    with pytest.raises(RequestError, match=words) as error:
        backend.read_video(write(tmp_path, data, name))
    assert str(tmp_path) not in str(error.value)


def test_a_video_is_bounded_in_time(backend, tmp_path):
    hasty = Backend(backend._reposer, UploadLimits(seconds=0), FakeEstimator())
    with pytest.raises(RequestError, match='longer than 0 s; 0 frames'):
        hasty.read_video(write(tmp_path, good_video()))


def test_the_frames_of_a_video_are_counted_and_not_its_headers(backend, tmp_path):
    path = write_frames(tmp_path / 'browsers.webm', [picture(96, 64, (10, 8, 20, 50))] * 7)
    for milliseconds in (6000.0, 0.0):
        announce_webm(path, milliseconds=milliseconds, frame_ms=1)
        video = backend.read_video(path)
        assert len(video.poses_px) == 4 and video.fps == pytest.approx(5) and '4 of its 7 frames' in video.note


def test_of_two_people_in_a_video_one_is_chosen(backend, tmp_path):
    frames = [picture(96, 64, (6, 6, 16, 44 + 8 * (index % 2)), (60, 6, 16 + index, 47)) for index in range(4)]
    path = write_frames(tmp_path / 'two.mp4', frames)
    video = backend.read_video(path)
    assert list(video.people) == [1, 2] and video.chosen == 2 and video.picture.shape == (64, 96, 3)
    for person in (1, 2):
        chosen = video.with_chosen(person)
        np.testing.assert_array_equal(chosen.poses_px, of_video(path, FakeEstimator(), 1, None, person).poses_px)
        assert f'number {person} from the left was followed' in chosen.note
    assert np.abs(video.with_chosen(1).poses_px - video.poses_px)[..., 0].min() > 20
    with pytest.raises(RequestError, match="Expected one of the people in the video, 1, 2, found '3'"):
        video.with_chosen(3)


def test_without_a_video_there_is_nothing_to_follow(backend):
    with pytest.raises(RequestError, match='Upload a video first'):
        backend.follow(make_person(np.random.default_rng(3), 32), None)


def test_without_an_estimator_a_photo_is_refused_and_says_why(backend):
    blind = Backend(backend._reposer, LIMITS, None, 'Install it so.')
    with pytest.raises(RequestError, match='finds poses.*Install it so'):
        blind.person_of(png(picture(300, 200, (120, 30, 50, 150))))
    with pytest.raises(RequestError, match='finds poses.*Install it so'):
        blind.read_video('/nowhere.mp4')


@pytest.mark.long
def test_bad_requests_leave_nothing_behind(backend):
    good = make_person(np.random.default_rng(0), 32)
    before = backend.picture(good, good.pose_px)
    send(backend, 100, seed=3)
    warm = resident_mb()
    num_pictures, messages = send(backend, 120, seed=4)
    assert num_pictures > 5 and len(messages) > 50 and len(set(messages)) > 15
    assert resident_mb() < 1.05 * warm
    assert np.array_equal(backend.picture(good, good.pose_px), before)
