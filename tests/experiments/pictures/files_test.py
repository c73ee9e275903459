"""Pictures are written as what their name says, whole or not at all."""

import io

import numpy as np
import pytest
from PIL import Image

from data_pipeline.errors import UsageError, WriteError
from data_pipeline.picture_file import read_image
from experiments.pictures.files import check_output, gif, open_output, write_picture


def photo(size):
    return np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)


def test_png_round_trip_keeps_every_pixel_and_makes_folders(tmp_path):
    path = tmp_path / 'new/folder/picture.png'
    write_picture(path, photo(48))
    np.testing.assert_array_equal(read_image(path), photo(48))


def test_pictures_that_cannot_be_written_are_named(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(WriteError, match='picture.png: cannot be written'):
        write_picture(tmp_path / 'file/picture.png', photo(8))
    with pytest.raises(UsageError, match='ending in .png or .jpg'):
        write_picture(tmp_path / 'picture.gif', photo(8))


@pytest.mark.parametrize('arguments, words', [
    (('x.tif', 1), ('--output', '.mp4', "'x.tif'")),
    (('x.gif', 1000), ('--output', 'found 1000', '%05d.png'))])
def test_outputs_that_cannot_be_made_are_named(arguments, words):
    with pytest.raises(UsageError) as caught:
        check_output(*arguments)
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize('name', ['100%done.png', '50%.jpg', '%s%%.png', 'clip%d.mp4', '%05d.gif', 'a#b?*[1] ~.png',
                                  '10:20:30.mp4', '10:20:30.webm', ' -x\n.png', 'Zoe\u0308.png', 'x' * 251 + '.png',
                                  'ä' * 125 + '.webm', 'a.' + 'b' * 230 + '.png'])
@pytest.mark.parametrize('folder', ['', '50%d #2: ~/..x/'])
def test_a_name_is_what_it_says(tmp_path, monkeypatch, folder, name):
    monkeypatch.chdir(tmp_path)
    check_output(folder + name, 2)
    for _ in range(2):  # an older file is replaced
        with open_output(folder + name, 10) as add:
            for _ in range(2):
                add(np.zeros((20, 30, 3), np.uint8))
    assert [path.name for path in (tmp_path / folder).iterdir() if path.is_file()] == [name]
    assert (tmp_path / folder / name).stat().st_size > 0


@pytest.mark.parametrize('name, expected', [
    ('50%_%03d.png', '50%_001.png'), ('%d.png', '1.png'), ('x%4d_100%done.jpg', 'x   1_100%done.jpg'),
    ('a%dx/%02d.png', 'a%dx/01.png')])
def test_a_series_has_its_number_where_the_name_has_it(tmp_path, name, expected):
    check_output(str(tmp_path / name), 2)
    with open_output(tmp_path / name, 10) as add:
        for _ in range(2):
            add(np.zeros((20, 30, 3), np.uint8))
    assert (tmp_path / expected).is_file()


@pytest.mark.parametrize('name, words', [
    ('x' * 252 + '.png', 'File name too long'), ('file/x.png', 'Not a directory'), ('folder.png', 'found the folder'),
    ('%d-%03d.png', 'expected one number in a name, found %d and %03d')])
def test_names_that_cannot_be_are_told_at_once(tmp_path, monkeypatch, name, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'file').touch()
    (tmp_path / 'folder.png').mkdir()
    with pytest.raises(UsageError, match=f'--output: .*{words}'):
        check_output(name, 1)


def test_several_pictures_are_a_grid_a_series_or_a_gif_or_nothing(tmp_path):
    def write(name, count=5):
        with open_output(tmp_path / name, 10) as add:
            for index in range(count):
                add(np.full((20, 30, 3), 40 * index, np.uint8))
    write('grid.png')
    assert read_image(tmp_path / 'grid.png').shape == (2 * 24, 3 * 34, 3)
    write('out-%02d.png')
    assert [read_image(tmp_path / f'out-0{index}.png')[0, 0, 0] for index in range(5)] == [0, 40, 80, 120, 160]
    write('film.gif')
    with Image.open(tmp_path / 'film.gif') as film:
        assert film.n_frames == 5 and film.info['duration'] == 100
    before = sorted(tmp_path.iterdir())
    for name in ('half.mp4', 'half.gif'):
        with pytest.raises(KeyboardInterrupt), open_output(tmp_path / name, 10) as add:
            add(np.zeros((20, 30, 3), np.uint8))
            raise KeyboardInterrupt
    assert sorted(tmp_path.iterdir()) == before


def durations_ms(file):
    with Image.open(file) as film:
        found = []
        for index in range(film.n_frames):
            film.seek(index)
            found.append(film.info['duration'])
        return found


@pytest.mark.parametrize('fps', [4, 12, 24, 29.97, 50, 51, 60, 75, 99.9, 119.88, 120, 240])
def test_a_gif_lasts_as_long_as_its_clip_and_no_picture_is_too_short(tmp_path, fps):
    for count in (2, 31):
        images = [np.full((4, 4, 3), 8 * index, np.uint8) for index in range(count)]
        with open_output(tmp_path / 'film.gif', fps) as add:
            for image in images:
                add(image)
        for file in (tmp_path / 'film.gif', io.BytesIO(gif(images, fps))):
            found = durations_ms(file)
            assert min(found) >= 20 and abs(sum(found) - 1000 * count / fps) <= max(found) / 2 + 5
            assert len(found) >= min(count, count * 1000 / fps / 40 - 1)  # no more is left out than needed
