"""Pictures are read by content, upright and in RGB; broken files say what is wrong."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest

from data_pipeline.errors import PictureError
from data_pipeline.picture_file import Head, read_head, read_image, resized, write_png


def photo(size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)


def png_bytes(image):
    """Encodes RGB, RGBA or grey pixels of 8 or 16 bits."""
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(image.shape[-1] if image.ndim == 3 else 1)
    return cv2.imencode('.png', image if order is None else image[..., order])[1].tobytes()


def test_content_counts_not_the_suffix(tmp_path):
    (tmp_path / 'picture.jpg').write_bytes(png_bytes(photo(48)))
    np.testing.assert_array_equal(read_image(tmp_path / 'picture.jpg'), photo(48))


def test_grey_images_become_rgb(tmp_path):
    cv2.imwrite(str(tmp_path / 'grey.png'), photo(48)[..., 0])
    np.testing.assert_array_equal(
        read_image(tmp_path / 'grey.png'), photo(48)[..., :1].repeat(3, axis=2))


def jpeg_bytes():
    """A smooth JPEG of 60 x 90 px."""
    rows, columns = np.mgrid[0:60, 0:90]
    image = np.stack([rows * 4, columns * 2, rows + columns], axis=-1).astype(np.uint8)
    return cv2.imencode('.jpg', image)[1].tobytes()


def with_exif(jpeg, orientation, thumbnail=b''):
    """Inserts an EXIF segment with one tag, the orientation, and some bytes of a thumbnail."""
    tiff = (b'MM\x00\x2a\x00\x00\x00\x08' + b'\x00\x01' + b'\x01\x12\x00\x03\x00\x00\x00\x01'
            + bytes([0, orientation, 0, 0]) + b'\x00\x00\x00\x00' + thumbnail)
    body = b'Exif\x00\x00' + tiff
    return jpeg[:2] + b'\xff\xe1' + (len(body) + 2).to_bytes(2, 'big') + body + jpeg[2:]


def test_photos_are_turned_upright(tmp_path):
    (tmp_path / 'flat.jpg').write_bytes(with_exif(jpeg_bytes(), 1))
    (tmp_path / 'turned.jpg').write_bytes(with_exif(jpeg_bytes(), 6))
    flat, turned = (read_image(tmp_path / name) for name in ('flat.jpg', 'turned.jpg'))
    assert flat.shape == (60, 90, 3)
    np.testing.assert_array_equal(turned, np.rot90(flat, -1))


def test_a_photo_followed_by_a_film_is_whole(tmp_path):
    (tmp_path / 'phone.jpg').write_bytes(jpeg_bytes() + bytes(20_000))
    assert read_image(tmp_path / 'phone.jpg').shape == (60, 90, 3)


@pytest.mark.parametrize(('content', 'message'), [
    (None, 'no such file'),
    (b'', '0 bytes that are none'),
    (b'hello', '5 bytes that are none'),
    (jpeg_bytes()[:-200], 'ends too early'),
    (jpeg_bytes()[:100], 'ends too early'),
    (with_exif(jpeg_bytes(), 1, b'\xff\xd8 thumbnail \xff\xd9')[:-200], 'ends too early'),
    (png_bytes(photo(48))[:-40], 'ends too early'),
])
def test_a_bad_image_file_is_named_with_what_is_wrong(content, message, tmp_path):
    path = tmp_path / 'image.png'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PictureError, match=message) as error:
        read_image(path)
    assert str(path) in str(error.value)


def test_a_folder_is_no_image(tmp_path):
    with pytest.raises(PictureError, match='found a folder'):
        read_image(tmp_path)


def test_sixteen_bits_become_eight(tmp_path):
    (tmp_path / 'deep.png').write_bytes(png_bytes(photo(48).astype(np.uint16) * 257))
    np.testing.assert_array_equal(read_image(tmp_path / 'deep.png'), photo(48))


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_what_is_transparent_becomes_white(dtype, tmp_path):
    most = np.iinfo(dtype).max
    image = np.full((2, 40, 4), most, dtype)
    image[..., :3] = 0  # black, but for where it cannot be seen
    image[:, 20:, 3] = 0
    image[1, :, 3] //= 2
    (tmp_path / 'cut_out.png').write_bytes(png_bytes(image))
    found = read_image(tmp_path / 'cut_out.png')
    assert found.shape == (2, 40, 3)
    assert (found[0, :20] == 0).all() and (found[:, 20:] == 255).all() and (abs(found[1, :20] - 128.0) < 1).all()


def test_photos_for_print_become_rgb(tmp_path):
    image = pytest.importorskip('PIL.Image')
    data = io.BytesIO()
    smooth = cv2.resize(photo(4), (64, 64), interpolation=cv2.INTER_LINEAR)
    image.fromarray(smooth).convert('CMYK').save(data, 'jpeg', quality=95)
    (tmp_path / 'print.jpg').write_bytes(data.getvalue())
    assert np.abs(read_image(tmp_path / 'print.jpg').astype(int) - smooth).mean() < 4


def test_a_picture_of_20000_px_is_read_and_one_that_would_fill_the_memory_is_not(tmp_path):
    (tmp_path / 'wide.png').write_bytes(png_bytes(np.zeros((2, 20_000, 3), np.uint8)))
    assert read_image(tmp_path / 'wide.png').shape == (2, 20_000, 3)
    header = b'IHDR' + struct.pack('>IIBBBBB', 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (b'\x89PNG\r\n\x1a\n' + struct.pack('>I', 13) + header + struct.pack('>I', zlib.crc32(header))
            + b'\0\0\0\0IEND\xaeB`\x82')
    (tmp_path / 'bomb.png').write_bytes(bomb)
    with pytest.raises(PictureError, match='expected at most 150 megapixels and .* found 60000 x 60000 px'):
        read_image(tmp_path / 'bomb.png')
    (tmp_path / 'long.png').write_bytes(png_bytes(np.zeros((2, 40_000, 3), np.uint8)))
    with pytest.raises(PictureError, match='32000 px a side, found 40000 x 2 px'):
        read_image(tmp_path / 'long.png')
    wide = cv2.imencode('.jpg', np.zeros((8, 16, 3), np.uint8))[1].tobytes()
    place = wide.index(b'\xff\xc0') + 5
    (tmp_path / 'bomb.jpg').write_bytes(wide[:place] + b'\xff\xf0\xff\xf0' + wide[place + 4:])
    with pytest.raises(PictureError, match='found 65520 x 65520 px'):
        read_image(tmp_path / 'bomb.jpg')


def test_the_head_says_the_size_without_its_pixels():
    for data, size in ((jpeg_bytes(), (90, 60)), (jpeg_bytes()[:-200], (90, 60)), (png_bytes(photo(48)), (48, 48))):
        assert read_head(data, 'picture') == Head(size, is_turned=False, has_alpha=False)
    with pytest.raises(PictureError, match='image picture: .*ends too early'):
        read_head(png_bytes(photo(48))[:20], 'picture')


def test_resizing_averages_where_it_shrinks():
    board = np.indices((8, 12)).sum(axis=0).astype(np.uint8) % 2 * 200
    assert (resized(board, (6, 4)) == 100).all() and resized(board, (6, 4)).shape == (4, 6)
    assert resized(photo(8), 16).shape == (16, 16, 3)
    assert resized(board, (12, 8)) is board


def test_what_is_written_is_read_again(tmp_path):
    write_png(tmp_path / 'new/picture.png', photo(16))
    np.testing.assert_array_equal(read_image(tmp_path / 'new/picture.png'), photo(16))
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['picture.png']
