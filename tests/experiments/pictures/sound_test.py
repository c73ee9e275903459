"""The sound of a film goes with the pictures made of it, from the same time on and as long."""

import sys

import numpy as np
import pytest

from experiments.pictures import sound
from tests.support.films import write_frames
from tests.support.tones import PITCHES, add_tones, heard, pitch


@pytest.fixture
def av():
    return pytest.importorskip('av', reason='sound needs requirements-sound.txt')


def pictures(path, seconds, fps=10):
    count = round(seconds * fps)
    return write_frames(path, [np.full((32, 32, 3), 20 + index, np.uint8) for index in range(count)], fps)


@pytest.mark.parametrize(('kind', 'codec', 'late', 'output', 'found'), [
    ('.mp4', 'aac', 0.5, '.mp4', 'aac'), ('.avi', 'pcm_s16le', 0.0, '.mp4', 'aac'),
    ('.mp4', 'aac', 0.0, '.webm', 'opus')])
@pytest.mark.parametrize('is_extracted', [False, True], ids=['', 'extracted'])
def test_the_sound_is_the_films_cut_to_the_same_span(av, tmp_path, kind, codec, late, output, found, is_extracted):
    film = add_tones(av, pictures(tmp_path / f'film{kind}', 4), codec, late)
    made = pictures(tmp_path / f'made{output}', 2.5)
    if is_extracted:
        data, note = sound.extracted(film)
        assert note == ''
        (film := tmp_path / 'heard').write_bytes(data)
    assert sound.has_sound(film) and sound.has_sound(made) is False
    assert sound.add_sound(made, film, 2.5) == ''
    name, samples, rate, start = heard(av, made)
    assert name == found and abs(start) < 0.1 and len(samples) / rate == pytest.approx(2.5, abs=0.15)
    for second, expected in enumerate(PITCHES[:2]):
        middle = samples[round((second + 0.3) * rate):round((second + 0.7) * rate)]
        assert pitch(middle, rate) == pytest.approx(expected, abs=6)
    changes = [pitch(samples[round((1 + side) * rate):round((1 + side + 0.05) * rate)], rate) for side in (-0.1, 0.05)]
    np.testing.assert_allclose(changes, PITCHES[:2], atol=30)  # so the sound is less than 0.1 s off
    assert pitch(samples[-round(0.3 * rate):], rate) == pytest.approx(PITCHES[2], abs=6)
    with av.open(str(made)) as both:  # the pictures are all there
        assert len(list(both.decode(video=0))) == 25


def test_a_film_whose_sound_cannot_be_read_stays_silent_and_a_line_says_so(av, tmp_path):
    made = pictures(tmp_path / 'made.mp4', 1)
    before = made.read_bytes()
    (tmp_path / 'torn.mp4').write_bytes(b'no film')
    assert sound.has_sound(tmp_path / 'torn.mp4') is False
    assert 'torn.mp4: its sound is left out: it cannot be read' in sound.add_sound(made, tmp_path / 'torn.mp4', 1)
    assert made.read_bytes() == before and sorted(path.name for path in tmp_path.iterdir()) == ['made.mp4', 'torn.mp4']


def test_without_the_package_it_is_not_told_whether_there_is_sound(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'av', None)
    assert sound.has_sound(pictures(tmp_path / 'film.mp4', 1)) is None
    data, note = sound.extracted(tmp_path / 'film.mp4')
    assert data == b'' and 'requirements-sound.txt is not installed' in note
    assert [sound.can_have_sound(name) for name in ('a.MP4', 'a.webm', 'a.gif', 'a.png')] == [True, True, False, False]
