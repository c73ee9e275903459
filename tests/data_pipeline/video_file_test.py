"""Films are read upright, and what can be read is the film, whatever its header says."""

import numpy as np
import pytest

from data_pipeline.errors import PictureError
from data_pipeline.video_file import VideoReader
from tests.support.films import announce_webm, cut_mp4, turn_mp4, write_frames


def grey(num_frames, rows=64, columns=96):
    return [np.full((rows, columns, 3), 40 * index % 250, np.uint8) for index in range(num_frames)]


def read(path, **options):
    """Reads a film; returns dict, index -> how often a frame is brighter by 40, and the `VideoReader`."""
    with VideoReader(path) as video:
        return {index: round(image.mean() / 40) for index, image in video.frames(**options)}, video


def rate(path):
    with VideoReader(path) as video:
        video.count()
        return video.frame_rate()


@pytest.mark.parametrize('degrees', [0, 90, 180, 270])
def test_films_of_phones_come_out_upright(tmp_path, degrees):
    image = np.zeros((64, 96, 3), np.uint8)
    image[:16, :24], image[-16:, -24:] = 240, (240, 0, 0)  # white above on the left, red below on the right
    path = write_frames(tmp_path / 'film.mp4', [image] * 2)
    turn_mp4(path, degrees)
    expected = np.rot90(image, -degrees // 90)
    with VideoReader(path) as video:
        assert video.size == expected.shape[1::-1]
        for _, found in video.frames():
            assert found.shape == expected.shape and np.abs(np.int32(found) - expected).mean() < 6


def test_frames_are_counted_from_0_and_may_be_skipped(tmp_path):
    path = write_frames(tmp_path / 'film.mp4', grey(6))
    assert read(path)[0] == {index: index for index in range(6)}
    assert read(path, every=2)[0] == {0: 0, 2: 2, 4: 4}
    assert read(path, every=2, is_wanted=lambda index: index > 2)[0] == {4: 4}


def test_what_can_be_read_is_the_film(tmp_path):
    cut, longer_sound = (write_frames(tmp_path / name, grey(5)) for name in ('cut.mp4', 'longer_sound.webm'))
    cut_mp4(cut, 200)
    announce_webm(longer_sound, milliseconds=6000)
    for path, num_frames, announced in ((cut, 2, 5), (longer_sound, 5, 60)):
        found, video = read(path)
        assert list(found) == list(range(num_frames)) and video.num_announced == announced
        assert video.note() == f'{path}: {num_frames} frames can be read, its header announces {announced}.'
        assert rate(path) == (10, '')


@pytest.mark.parametrize('milliseconds', [0.0, -1e9, float('nan'), 1e15])
def test_headers_that_announce_nothing_that_can_be_are_not_asked(tmp_path, milliseconds):
    path = write_frames(tmp_path / 'film.webm', grey(5))
    announce_webm(path, milliseconds=milliseconds)
    found, video = read(path)
    assert len(found) == 5 and (video.num_announced, video.note()) == (0, '')


def test_the_frame_rate_is_that_of_the_times_where_the_header_says_another(tmp_path):
    path = write_frames(tmp_path / 'film.webm', grey(5), fps=25)
    assert rate(path) == (25, '')
    announce_webm(path, frame_ms=1)  # as browsers do
    fps, note = rate(path)
    assert fps == pytest.approx(25) and '25 frames a second by their times, its header says 1000' in note
    announce_webm(path, tick_ns=25_000)  # now the times are a millisecond apart, too
    fps, note = rate(path)
    assert fps == 25 and 'times of its frames tell none' in note and '--fps' in note


def test_a_film_that_ends_in_the_middle_gives_what_it_has(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    path = write_frames(tmp_path / 'film.avi', [noise] * 20)
    data = path.read_bytes()
    path.write_bytes(data[:len(data) // 2])
    found, video = read(path)
    assert 5 < len(found) < 15 and video.note().endswith(f'{len(found)} frames can be read, its header announces 20.')


@pytest.mark.parametrize('data', [b'', b'no film', b'\x1a\x45\xdf\xa3' + bytes(50)])
def test_what_is_no_film_is_named(tmp_path, data):
    (tmp_path / 'film.mp4').write_bytes(data)
    with pytest.raises(PictureError, match='film.mp4: expected a video'):
        read(tmp_path / 'film.mp4')
