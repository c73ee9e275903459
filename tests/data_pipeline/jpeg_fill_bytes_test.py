"""JPEGs may have fill bytes before every marker (ITU T.81, B.1.1.2); only those that end too early are refused."""

import cv2
import numpy as np
import pytest

from data_pipeline.errors import PictureError
from data_pipeline.picture_file import decode_image, read_head


def filled(data, num):
    """Returns a JPEG with fill bytes before every marker but the first: of its segments, and in and behind its scan."""
    fill, out, place = b'\xff' * num, [data[:2]], 2
    while data[place + 1] != 0xDA:
        stop = place + 2 + int.from_bytes(data[place + 2:place + 4], 'big')
        out += [fill, data[place:stop]]
        place = stop
    head = place + 2 + int.from_bytes(data[place + 2:place + 4], 'big')
    scan = data[head:]
    for marker in (*range(0xD0, 0xD8), 0xD9):
        scan = scan.replace(bytes([0xFF, marker]), fill + bytes([0xFF, marker]))
    return b''.join([*out, fill, data[place:head], scan])


@pytest.mark.parametrize('num', [1, 2, 7])
@pytest.mark.parametrize('options', [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]])
def test_fill_bytes_change_nothing(num, options):
    image = cv2.resize(np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8), (64, 48))
    data = cv2.imencode('.jpg', image, options)[1].tobytes()
    if not (options and options[0] == cv2.IMWRITE_JPEG_PROGRESSIVE):  # whose scans have heads of their own
        data, plain = filled(data, num), data
    else:
        data, plain = data[:2] + b'\xff' * num + data[2:-2] + b'\xff' * num + data[-2:], data
    assert len(data) > len(plain) and read_head(data, 'photo').size == (64, 48)
    assert np.array_equal(decode_image(data, 'photo'), decode_image(plain, 'photo'))
    for cut in (data[:-1], data[:-2], data[:-2 - num], data[:len(data) * 2 // 3], data[:-2] + b'\xff\xff'):
        with pytest.raises(PictureError, match='photo: .*ends too early'):
            decode_image(cut, 'photo')
