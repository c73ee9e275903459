"""Reading the picture files that people have: by content, upright, in RGB, never half a picture."""

import pathlib

import cv2
import numpy as np

from data_pipeline.errors import PictureError
from data_pipeline.files import whole_file

MAX_MEGAPIXELS = 150  # 20,000 x 7,500; a file of some kB may announce a thousand times that
MAX_SIDE_PX = 32_000  # OpenCV turns and samples no longer ones
_PNG = b'\x89PNG\r\n\x1a\n'
_JPEG = b'\xff\xd8'
_PNG_WITH_ALPHA = (b'\x04', b'\x06')  # colour types
_JPEG_SIZE_MARKS = set(range(0xc0, 0xd0)) - {0xc4, 0xc8, 0xcc}
_JPEG_PIXELS_MARK = 0xda


def read_image(path, is_upright=True):
    """Reads an image file of any format that OpenCV knows, whatever its suffix says.

    16 bits become 8, CMYK and grey become RGB, and what is transparent becomes white.

    Args:
      path: the file.
      is_upright: turn it as its EXIF data say; False gives it as stored.

    Returns:
      uint8 [H, W, 3], RGB.

    Raises:
      PictureError: if the file is missing, no image, too large, or ends too early.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise PictureError(f'image {path}: expected an image file, found '
                           + ('a folder.' if path.is_dir() else 'no such file.'))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(f'image {path}: cannot be read ({error.strerror}).') from error
    return decode_image(data, path, is_upright)


def decode_image(data, name, is_upright=True):
    """Does what `read_image` does with the bytes of a file; `name` is what a message calls it."""
    size, is_whole = _look_through(data)
    if not is_whole:
        raise PictureError(f'image {name}: expected a whole image, found a file that ends too early '
                           f'({len(data)} bytes).')
    if size is not None:
        _check_size(name, *size)
    image = _decode(data, is_upright)
    if image is None:
        raise PictureError(f'image {name}: expected a JPEG or PNG image, found {len(data)} bytes that are none.')
    _check_size(name, *image.shape[1::-1])
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def resized(image, size, enlarging=cv2.INTER_LINEAR):
    """Brings a square picture to another size: averages where it shrinks, interpolates where it grows.

    Args:
      image: uint8 [H, H] or [H, H, C].
      size: S, px.
      enlarging: OpenCV's interpolation where it grows.

    Returns:
      uint8 [S, S] or [S, S, C]; the picture itself if it has this size.
    """
    if len(image) == size:
        return image
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if size < len(image) else enlarging)


def write_png(path, image):
    """Writes a picture as PNG, whole or not at all; makes the folder.

    Args:
      path: the file.
      image: uint8 [H, W] grey or [H, W, 3] RGB.

    Raises:
      WriteError: the file cannot be written.
    """
    _, data = cv2.imencode('.png', image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    with whole_file(path) as unfinished:
        unfinished.write_bytes(data)


def _check_size(name, columns, rows):
    if columns * rows > MAX_MEGAPIXELS * 1e6 or max(columns, rows) > MAX_SIDE_PX:
        raise PictureError(f'image {name}: expected at most {MAX_MEGAPIXELS} megapixels and {MAX_SIDE_PX} px a side, '
                           f'found {columns} x {rows} px.')


def _decode(data, is_upright):
    """Returns uint8 [H, W, 3] BGR, or None where OpenCV cannot make an image of the bytes."""
    flags = cv2.IMREAD_COLOR if is_upright else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = np.frombuffer(data, np.uint8)
    try:
        if data.startswith(_PNG) and data[25:26] in _PNG_WITH_ALPHA:
            return _over_white(cv2.imdecode(pixels, cv2.IMREAD_UNCHANGED))
        return cv2.imdecode(pixels, flags) if data else None
    except cv2.error:  # a header that announces more pixels than OpenCV will hold
        return None


def _over_white(image):
    """Lays an image with alpha [H, W, 4], of 8 or 16 bits, over white: what it hides may be of any colour."""
    if image is None or image.ndim != 3 or image.shape[2] != 4:
        return None
    unit = image / np.float32(np.iinfo(image.dtype).max)
    alpha = unit[..., 3:]
    return np.uint8(np.round(255 * (unit[..., :3] * alpha + 1 - alpha)))


def _look_through(data):
    """Returns the (columns, rows) that a JPEG or PNG announces, or None, and whether its end is there.

    OpenCV would fill what is missing with grey, without a word.
    """
    if data.startswith(_PNG):
        size = tuple(int.from_bytes(data[start:start + 4], 'big') for start in (16, 20))
        return size, b'IEND' in data
    if not data.startswith(_JPEG):
        return None, True
    # An end mark before the pixels is that of a thumbnail, and phones append films after it: walk the
    # segments up to the start of the pixels and look from there on.
    size, position = None, 2
    while position + 4 <= len(data):
        mark = data[position + 1]
        if mark == _JPEG_PIXELS_MARK:
            return size, b'\xff\xd9' in data[position:]
        if mark in _JPEG_SIZE_MARKS:
            rows, columns = (int.from_bytes(data[start:start + 2], 'big')
                             for start in (position + 5, position + 7))
            size = (columns, rows)
        position += 2 + int.from_bytes(data[position + 2:position + 4], 'big')
    return size, False
