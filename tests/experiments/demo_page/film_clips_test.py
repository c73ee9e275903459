"""Clips that follow a film: its way as far as the picture allows, and its sound as long as the clip."""

import dataclasses

import numpy as np
import pytest

from experiments.demo_page.backend import Backend
from experiments.demo_page.uploads import UploadLimits
from experiments.demo_page.videos import Video, VideoPerson
from repose_tf.reposer import Reposer
from tests.support.bad_requests import make_person
from tests.support.fake_estimator import FakeEstimator, picture
from tests.support.films import write_frames
from tests.support.tiny import tiny_generator
from tests.support.tones import PITCHES, add_tones, heard, pitch
from tests.support.walks import own_lengths, walk


def make_backend(**limits):
    return Backend(Reposer.of_generator(tiny_generator()), UploadLimits(**limits), FakeEstimator())


def test_who_walks_out_of_the_picture_in_a_video_stays_and_is_told_so():
    walk_px = np.float32(walk(own_lengths() / 8, start_px=(10, 60)))
    far_px = walk_px + np.arange(len(walk_px), dtype=np.float32)[:, np.newaxis, np.newaxis] * np.float32([2, 0, 0])
    backend = make_backend()
    for poses_px, words in ((walk_px, ''), (far_px, 'stay above one spot')):
        video = Video({1: VideoPerson(poses_px)}, 25.0)
        note = backend.follow(person_of_walk(walk_px), video).note
        assert words in note and bool(words) == bool(note)


def person_of_walk(walk_px):
    person = make_person(np.random.default_rng(3), 32)
    return dataclasses.replace(person, pose_px=walk_px[0] * 0.5 + np.float32([8, 0, 0]))


def test_the_sound_of_a_video_lasts_as_long_as_the_clip_of_a_few_of_its_frames(tmp_path):
    av = pytest.importorskip('av', reason='sound needs requirements-sound.txt')
    backend = make_backend(frames=6)
    frames = [picture(96, 64, (10, 8, 20, 50))] * 20  # two seconds
    film = add_tones(av, write_frames(tmp_path / 'film.mp4', frames), 'aac')
    clip = backend.follow(make_person(np.random.default_rng(3), 32), backend.read_video(film))
    (tmp_path / 'clip.mp4').write_bytes(clip.mp4)
    _, samples, rate, _ = heard(av, tmp_path / 'clip.mp4')
    assert len(samples) / rate == pytest.approx(2, abs=0.15) and clip.note == ''
    for second, expected in enumerate(PITCHES[:2]):
        middle = samples[round((second + 0.3) * rate):round((second + 0.7) * rate)]
        assert pitch(middle, rate) == pytest.approx(expected, abs=6)
    silent = backend.read_video(write_frames(tmp_path / 'silent.mp4', frames))
    assert silent.sound == b''
