"""A record holds pictures and poses as they are; what every step behind could not read is refused by name."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from data_pipeline.errors import DataError
from data_pipeline.picture_file import read_image
from data_pipeline.poses.pose_file import Pose
from data_pipeline.records import record
from data_pipeline.records.folder import Frame, Picture
from tests.support.data_set_folders import write_film
from tests.support.people_folders import SIZE, random_pose
from tests.support.turned_pictures import write_turned

SMOOTH = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8), (0, 0), 4)  # RGB


def pose(size=SIZE, **changes):
    return Pose(np.array(random_pose(np.random.default_rng(1), size), np.float32), 0.1, **changes)


def frames_of(*pictures, person='p', poses=None, left_out=None):
    """Returns the frames of the records of some pictures."""
    frames = [Frame(f'{person}/{index:02d}', picture, (poses or [pose()] * len(pictures))[index])
              for index, picture in enumerate(pictures)]
    records = list(record.records_of(person, frames, {} if left_out is None else left_out))
    assert all(content['person'] == person for _, content in records)
    return [content for _, content in records]


def write(path, data):
    path.write_bytes(data)
    return Picture(path)


def png(image):
    return cv2.imencode('.png', image[..., ::-1] if image.shape[-1:] == (3,) else image)[1].tobytes()


def decoded(tmp_path, data, suffix):
    frame, = frames_of(write(tmp_path / f'picture.{suffix}', data))
    assert frame['image'] == data and frame['size'] == SIZE
    return record._decode(tmp_path, data, 3)


def test_unusual_pictures_are_read_as_what_they_show(tmp_path):
    grey = SMOOTH[..., 0]
    np.testing.assert_array_equal(decoded(tmp_path, png(SMOOTH), 'jpg'), SMOOTH)  # PNG called JPEG
    np.testing.assert_array_equal(decoded(tmp_path, png(grey), 'png'), np.repeat(grey[..., None], 3, axis=2))
    opaque = np.concatenate([SMOOTH[..., ::-1], np.full_like(grey[..., None], 255)], axis=2)
    np.testing.assert_array_equal(decoded(tmp_path, png(opaque), 'png'), SMOOTH)
    deep = png(SMOOTH.astype(np.uint16) * 257)
    np.testing.assert_array_equal(decoded(tmp_path, deep, 'png'), SMOOTH)


def test_cmyk_is_read_as_the_colours_it_prints(tmp_path):
    images = pytest.importorskip('PIL.Image')
    images.fromarray(SMOOTH).convert('CMYK').save(tmp_path / 'cmyk.jpg', quality=95)
    found = decoded(tmp_path, (tmp_path / 'cmyk.jpg').read_bytes(), 'jpg')
    assert np.abs(found.astype(int) - SMOOTH).mean() < 8


def test_what_is_transparent_is_white_in_a_record_as_it_is_in_a_photo(tmp_path):
    cut_out = np.concatenate([SMOOTH[..., ::-1], np.zeros((SIZE, SIZE, 1), np.uint8)], axis=2)
    cut_out[4:12, 4:12, 3] = 255
    frame, = frames_of(write(tmp_path / 'cut_out.png', png(cut_out)))
    found = record._decode(tmp_path, frame['image'], 3)
    np.testing.assert_array_equal(found, read_image(tmp_path / 'cut_out.png'))
    assert (found[:4] == 255).all() and np.array_equal(found[4:12, 4:12], SMOOTH[4:12, 4:12])


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'PNG, EXIF behind the pixels'])
def test_pictures_that_lie_on_their_side_are_refused(tmp_path, kind):
    write_turned(tmp_path / 'upright', SMOOTH, kind, 1)
    frames_of(Picture(tmp_path / 'upright'))
    for orientation in range(2, 9):
        write_turned(tmp_path / 'turned', SMOOTH, kind, orientation)
        with pytest.raises(DataError, match='turned: expected a picture that is stored upright'):
            frames_of(Picture(tmp_path / 'turned'))


def png_of_size(columns, rows):
    """Returns a small PNG file that announces any size."""
    head = b'IHDR' + struct.pack('>IIBBBBB', columns, rows, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + struct.pack('>I', 13) + head + struct.pack('>I', zlib.crc32(head)) + png(SMOOTH)[33:]


@pytest.mark.parametrize(('data', 'message'), [
    (png(SMOOTH[:1, :1]), 'square picture around the person of 16 to 4096 px, found 1 x 1 px'),
    (png(SMOOTH[:, :-1]), 'found 15 x 16 px'),
    (png(np.zeros((1, 20000, 3), np.uint8)), 'at most 4096 px, found 20000 x 1 px'),
    (cv2.imencode('.jpg', np.zeros((1, 20000), np.uint8))[1].tobytes(), 'at most 4096 px, found 20000 x 1 px'),
    (png_of_size(2**31 - 1, 2**31 - 1), 'at most 150 megapixels'),
    (png_of_size(SIZE, SIZE + 1), 'expected a whole picture'),
    (b'\xff\xd8\xff', 'expected a whole picture'),
    (b'\x89PNG\r\n\x1a\n', 'expected a whole picture'),
    (b'RIFF\0\0\0\0WEBP', 'expected a JPEG or PNG picture'),
])
def test_pictures_that_cannot_be_used_are_named(tmp_path, data, message):
    with pytest.raises(DataError, match=message) as caught:
        frames_of(write(tmp_path / 'picture', data))
    assert str(tmp_path / 'picture') in str(caught.value)


def test_a_picture_that_is_gone_is_named(tmp_path):
    with pytest.raises(DataError, match='gone.jpg: expected a picture, found nothing readable'):
        frames_of(Picture(tmp_path / 'gone.jpg'))


def test_poses_come_to_the_stored_size_with_their_origin(tmp_path):
    picture = write(tmp_path / 'picture', png(SMOOTH))
    given = pose(256, origin='reference', image_size=256)
    frame, same = frames_of(picture, picture, poses=[given, pose()])
    np.testing.assert_allclose(frame['pose_px'], given.px * SIZE / 256, rtol=1e-6)
    np.testing.assert_array_equal(same['pose_px'], pose().px)
    assert (frame['origin'], same['origin']) == ('reference', 'given') and frame['pose_px'].dtype == np.float32


def test_a_pose_of_another_picture_is_named(tmp_path):
    picture = write(tmp_path / 'picture', png(SMOOTH))
    with pytest.raises(DataError, match=f"this picture of {SIZE} px, found 'p/00' with joints far outside"):
        frames_of(picture, poses=[pose(256)])


@pytest.mark.parametrize('bytes_in_memory', [1, record._FILM_IN_MEMORY])
def test_frames_of_a_video_are_its_frames(tmp_path, monkeypatch, bytes_in_memory):
    monkeypatch.setattr(record, '_FILM_IN_MEMORY', bytes_in_memory)
    write_film(tmp_path / 'film.mp4', num_frames=6)
    wanted = [Picture(tmp_path / 'film.mp4', None, index) for index in (4, 0, 2)]
    frames = frames_of(*wanted, poses=[pose(64)] * 3)
    for index, frame in zip((4, 0, 2), frames, strict=True):
        assert frame['image'].startswith(b'\x89PNG') and frame['size'] == 64
        assert abs(record._decode(tmp_path, frame['image'], 3).mean() - 40 * index) < 4


def test_what_a_video_does_not_have_is_left_out_and_listed(tmp_path):
    write_film(tmp_path / 'film.mp4', num_frames=3)
    (tmp_path / 'broken.mp4').write_bytes(b'no film')
    wanted = [Picture(tmp_path / name, None, index) for name, index in (
        ('film.mp4', 0), ('film.mp4', 2), ('film.mp4', 4), ('broken.mp4', 0))]
    left_out = {}
    assert [frame['name'] for frame in frames_of(*wanted, poses=[pose(64)] * 4, left_out=left_out)] == ['00', '01']
    assert left_out == dict.fromkeys(('p/02', 'p/03'), 'a frame that its video does not have')
    assert frames_of(*wanted[1:], poses=[pose(64)] * 3, left_out=left_out) == []  # one frame is no pair
    assert left_out['p/00'] == 'fewer than two pictures with a pose in the outfit'
