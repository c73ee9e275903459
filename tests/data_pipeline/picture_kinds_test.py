"""Orientation and transparency are the same in every format; other formats are told by their first bytes."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, features

from data_pipeline import picture_file
from data_pipeline.errors import PictureError
from data_pipeline.picture_file import decode_image, read_head
from tests.support.turned_pictures import KINDS, turned_file

HIDDEN = 77  # the colour of what is transparent


def quarters(*more):
    """Returns a picture of 32 x 48 px whose quarters have colours of their own, uint8 [32, 48, 3 or 4]."""
    colours = np.uint8([[[200, 20, 20, *more], [20, 200, 20, *more]], [[20, 20, 200, *more], [180, 180, 20, *more]]])
    return colours.repeat(16, axis=0).repeat(24, axis=1)


def saved(image, format_name, **options):
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


@pytest.mark.parametrize('kind', KINDS)
def test_every_orientation_of_every_format_comes_out_upright(kind):
    for image in (quarters(), quarters(255))[:1 if kind.startswith('JPEG') else 2]:
        for orientation in range(1, 9):
            data = turned_file(image, kind, orientation)
            found = decode_image(data, 'picture')
            assert found.shape == (32, 48, 3), (kind, orientation)
            assert np.abs(np.int32(found) - image[..., :3]).mean() < 4, (kind, orientation)
            assert read_head(data, 'picture').is_turned == (orientation != 1), (kind, orientation)


def test_broken_orientation_tags_turn_nothing():
    data = turned_file(quarters(), 'JPEG', 6)
    for wrong in (b'\0\x09', b'\0\0', b'\xff\xff'):
        place = data.index(b'\x01\x12\0\x03\0\0\0\x01') + 8 if b'MM\0*' in data else data.index(b'\x12\1\3\0') + 8
        assert decode_image(data[:place] + wrong + data[place + 2:], 'picture').shape == (48, 32, 3)
    assert decode_image(data.replace(b'Exif\0\0', b'Exif\0\0??'), 'picture').shape == (48, 32, 3)


def cut_out():
    """Returns RGBA [16, 16, 4]: a grey square, and about it transparent HIDDEN."""
    image = np.full((16, 16, 4), (HIDDEN, HIDDEN, HIDDEN, 0), np.uint8)
    image[4:12, 4:12] = (130, 130, 130, 255)
    return image


def png_file(colour_type, depth, rows, *chunks):
    """Returns a PNG file of rows of bytes, with further chunks (name, content) before the pixels."""
    def chunk(name, content):
        return struct.pack('>I', len(content)) + name + content + struct.pack('>I', zlib.crc32(name + content))

    head = struct.pack('>IIBBBBB', 16, len(rows), depth, colour_type, 0, 0, 0)
    pixels = zlib.compress(b''.join(b'\0' + row for row in rows))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + b''.join(chunk(*parts) for parts in chunks)
            + chunk(b'IDAT', pixels) + chunk(b'IEND', b''))


def premultiplied_tiff(image):
    """Returns a TIFF file whose colours are multiplied by their alpha, and which says so (ExtraSamples 1)."""
    multiplied = np.uint8(np.round(image * (image[..., 3:] / 255.0)))
    data = saved(Image.fromarray(np.concatenate([multiplied[..., :3], image[..., 3:]], axis=2)), 'TIFF')
    unassociated = struct.pack('<HHIHH', 338, 3, 1, 2, 0)
    assert data.count(unassociated) == 1
    return data.replace(unassociated, struct.pack('<HHIHH', 338, 3, 1, 1, 0))


def cut_out_files():
    """Yields (name, bytes) of `cut_out` in every format and type that can be transparent."""
    rgba = Image.fromarray(cut_out())
    grey, alpha = np.uint16(cut_out()[..., 0]), np.uint16(cut_out()[..., 3])
    key = grey[..., np.newaxis].repeat(3, axis=2)
    for name in ('PNG', 'TIFF'):
        yield name, saved(rgba, name)
        yield f'{name}, grey and alpha', saved(rgba.convert('LA'), name)
    yield 'WebP', saved(rgba, 'WEBP', lossless=True, exact=True)
    yield 'WebP with losses', saved(rgba, 'WEBP', quality=90)
    yield 'TIFF, premultiplied', premultiplied_tiff(cut_out())
    yield 'TIFF, compressed', saved(rgba, 'TIFF', compression='tiff_lzw')
    yield 'PNG, palette', saved(rgba.quantize(8), 'PNG')
    for depth, unit, kind in ((8, 1, '>u1'), (16, 257, '>u2')):
        def rows(values, unit=unit, kind=kind):
            return [row.tobytes() for row in (values * unit).astype(kind)]
        hidden = struct.pack('>H', HIDDEN * unit)
        yield f'PNG, {depth} bits, tRNS', png_file(2, depth, rows(key), (b'tRNS', 3 * hidden))
        yield f'PNG, {depth} bits, grey, tRNS', png_file(0, depth, rows(grey), (b'tRNS', hidden))
        yield f'PNG, {depth} bits, grey and alpha', png_file(4, depth, rows(np.stack([grey, alpha], axis=-1)))
        yield f'PNG, {depth} bits, alpha', png_file(6, depth, rows(np.concatenate([key, alpha[..., None]], axis=-1)))


@pytest.mark.parametrize(('name', 'data'), cut_out_files())
def test_what_is_transparent_is_white_in_every_format(name, data):
    found = np.int32(decode_image(data, name))
    expected = np.where(cut_out()[..., 3:] > 0, 130, 255)
    assert read_head(data, name).has_alpha
    assert found.shape == (16, 16, 3) and np.abs(found - expected).max() <= (6 if 'losses' in name else 1)


def test_what_is_half_transparent_is_half_white():
    image = Image.fromarray(np.full((8, 8, 4), (0, 100, 200, 128), np.uint8))
    for name in ('PNG', 'TIFF'):
        assert np.abs(np.int32(decode_image(saved(image, name), name)) - [127, 177, 227]).max() <= 1
    assert np.abs(np.int32(decode_image(premultiplied_tiff(np.asarray(image)), 'TIFF')) - [127, 177, 227]).max() <= 2


@pytest.mark.parametrize(('data', 'message'), [
    (b'GIF89a' + bytes(30), 'found a GIF: save one of its pictures as PNG, or all as an MP4 film'),
    (bytes(3) + b'\x18ftypheic' + bytes(30),
     'found HEIC: pip install -r requirements-pictures.txt .* or save it as JPEG'),
    (bytes(3) + b'\x18ftypmif1' + bytes(30), 'found HEIC'),
    (bytes(3) + b'\x18ftypavif' + bytes(30), 'found AVIF'),
    (bytes(3) + b'\x18ftypisom' + bytes(30), 'found a film'),
    (saved(Image.new('F', (16, 16)), 'TIFF'), 'pixels of 32 bits'),
])
def test_other_formats_are_told_with_the_way_out(monkeypatch, data, message):
    monkeypatch.setattr(picture_file, '_register_heif', lambda data: None)
    with pytest.raises(PictureError, match=f'image mine: expected .*{message}'):
        decode_image(data, 'mine')


@pytest.mark.parametrize('name', ['JPEG', 'PNG', 'WEBP', 'TIFF', 'BMP'])
def test_files_that_end_too_early_are_refused_in_every_format(name):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    whole = saved(noise, name)
    for share in (0.1, 0.5, 0.9):
        with pytest.raises(PictureError, match='image mine: expected a'):
            decode_image(whole[:int(share * len(whole))], 'mine')


@pytest.mark.skipif(not features.check('avif'), reason='this Pillow reads no AVIF')
def test_avif_is_read_where_pillow_reads_it():
    found = decode_image(turned_file(quarters(), 'AVIF', 6), 'picture')
    assert found.shape == (32, 48, 3) and np.abs(np.int32(found) - quarters()).mean() < 6


def test_heic_is_read_where_its_package_is_installed():
    heif = pytest.importorskip('pillow_heif', reason='HEIC needs requirements-pictures.txt')
    heif.register_heif_opener()
    found = decode_image(saved(Image.fromarray(quarters()), 'HEIF', quality=95), 'picture')
    assert found.shape == (32, 48, 3) and np.abs(np.int32(found) - quarters()).mean() < 6
