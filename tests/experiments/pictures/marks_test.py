"""Marks of made pictures: a corner that people read, a comment that programs read, and all else unchanged."""

import cv2
import numpy as np
import pytest
from PIL import Image

import repose_tf
from experiments.pictures.files import open_output, write_picture
from experiments.pictures.marks import watermarked

SHAPES = [(256, 256), (128, 128), (64, 64), (960, 540), (540, 960), (1080, 1440), (40, 700), (32, 32)]


def noise(rows, columns):
    return np.random.default_rng(0).integers(0, 256, (rows, columns, 3), np.uint8)


def changed_box(before, after):
    """Returns the first row and column that differ."""
    rows, columns = np.nonzero((before != after).any(axis=2))
    return rows.min(), columns.min()


@pytest.mark.parametrize('shape', SHAPES, ids=str)
@pytest.mark.parametrize('grey', [0, 128, 255, None])
def test_the_mark_is_in_the_corner_and_nowhere_else(shape, grey):
    image = noise(*shape) if grey is None else np.full((*shape, 3), grey, np.uint8)
    given = image.copy()
    marked = watermarked(image)
    np.testing.assert_array_equal(image, given)
    assert marked.shape == image.shape and marked.dtype == np.uint8 and (marked != image).any()
    row, column = changed_box(image, marked)
    assert column >= 0.45 * shape[1] and row >= shape[0] - max(20, 0.15 * shape[0])


@pytest.mark.parametrize('shape', [shape for shape in SHAPES if min(shape) >= 128], ids=str)
@pytest.mark.parametrize('grey', [0, 128, 255])
def test_the_letters_stand_out_and_are_the_same_on_any_picture(shape, grey):
    marked, on_black = (watermarked(np.full((*shape, 3), value, np.uint8)).astype(int) for value in (grey, 0))
    row, column = changed_box(np.zeros_like(on_black), on_black)
    letters, ground = on_black.max(axis=2) > 200, on_black.max(axis=2) == 0
    assert letters.sum() > 40 and not letters[:row].any() and not letters[:, :column].any()
    assert marked[letters].mean() - marked[row:, column:][ground[row:, column:]].mean() > 120
    assert shape[0] - row >= 7  # letters below seven pixels cannot be read


@pytest.mark.parametrize('name', ['%d.png', '%d.jpg', 'clip.gif', 'clip.mp4'])
def test_every_picture_of_an_output_is_marked_if_asked_for(tmp_path, name):
    image = np.full((128, 192, 3), 255, np.uint8)
    for folder, watermark in (('plain', False), ('marked', True)):
        with open_output(tmp_path / folder / name, 10, watermark) as add:
            for _ in range(2):
                add(image)
    found = {}
    for folder in ('plain', 'marked'):
        if name.endswith('.mp4'):
            film = cv2.VideoCapture(str(tmp_path / folder / name))
            found[folder] = [film.read()[1] for _ in range(2)]
        elif name.endswith('.gif'):
            with Image.open(tmp_path / folder / name) as gif:
                assert gif.n_frames >= 1
                found[folder] = [np.array(gif.convert('RGB'))]
        else:
            found[folder] = [np.array(Image.open(tmp_path / folder / (name % number))) for number in range(2)]
    for plain, marked in zip(found['plain'], found['marked'], strict=True):
        assert plain.min() > 245  # codecs lose a little
        assert marked[-12:, -60:].min() < 110 and marked[:100, :90].min() > 245


@pytest.mark.parametrize('name', ['x.png', 'x.jpg', 'x.gif'])
def test_every_file_says_who_made_it(tmp_path, name):
    image = noise(48, 64)
    with open_output(tmp_path / name, 10) as add:
        add(image)
    with Image.open(tmp_path / name) as picture:
        comment = picture.info.get('comment') or picture.info['Comment']
        picture.load()  # checks the sums of a PNG file
        if name == 'x.png':
            np.testing.assert_array_equal(np.array(picture), image)
    comment = comment.decode() if isinstance(comment, bytes) else comment
    assert comment.startswith(f'Made by repose_tf {repose_tf.__version__}.') and 'not a photograph' in comment


def test_the_comment_of_a_jpeg_file_leaves_its_pixels(tmp_path):
    image = noise(48, 64)
    write_picture(tmp_path / 'x.jpg', image)
    alone = cv2.imdecode(cv2.imencode('.jpg', image[..., ::-1])[1], cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'x.jpg'))[..., ::-1], alone)
