"""Reading picture files by their content, upright and in RGB; resizing pictures; writing PNG files."""

import io
import pathlib

import cv2
import numpy as np
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from data_pipeline.errors import PictureError
from data_pipeline.files import whole_file

MAX_MEGAPIXELS = 150  # 20,000 x 7,500; a file of some kB may announce a thousand times that
MAX_SIDE_PX = 32_000  # OpenCV cannot turn and sample longer ones
_PNG = b'\x89PNG\r\n\x1a\n'
_PNG_WITH_ALPHA = (b'\x04', b'\x06')  # colour types
# First bytes, reader of the head, mark at the end. Pillow's Image.open would do, but has a limit of its own.
_FORMATS = ((b'\xff\xd8', JpegImageFile, b'\xff\xd9'), (_PNG, PngImageFile, b'IEND'))


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
    size, is_whole = read_head(data)
    if size is not None:
        _check_size(name, *size)
    if not is_whole:
        raise PictureError(f'image {name}: expected a whole image, found a file that ends too early '
                           f'({len(data)} bytes).')
    image = _decode(data, is_upright)
    if image is None:
        raise PictureError(f'image {name}: expected a JPEG or PNG image, found {len(data)} bytes that are none.')
    _check_size(name, *image.shape[1::-1])
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def read_head(data):
    """Reads what the head of a JPEG or PNG file, given as bytes, announces, without decoding it.

    Returns:
      (columns, rows), px, or None where the head cannot be read or is of another format; and whether the end of the
      picture is there. OpenCV would fill what is missing with grey and say nothing.
    """
    for first_bytes, head, end_mark in _FORMATS:
        if data.startswith(first_bytes):
            try:
                picture = head(io.BytesIO(data))
            except (OSError, SyntaxError, ValueError):
                return None, end_mark in data
            # Looked for behind the head, as a thumbnail in it has an end too, and anywhere, as phones append films.
            return picture.size, data.find(end_mark, picture.fp.tell()) >= 0
    return None, True


def resized(image, size, enlarging=cv2.INTER_LINEAR):
    """Brings a picture to another size: averages where it shrinks, interpolates where it grows.

    Args:
      image: uint8 [H, W] or [H, W, C].
      size: S, px, of a square; or (columns, rows).
      enlarging: OpenCV's interpolation where it grows.

    Returns:
      uint8 [S, S] or [S, S, C], or [rows, columns, ...]; the picture itself if it has this size.
    """
    columns, rows = np.broadcast_to(size, 2).tolist()
    if image.shape[:2] == (rows, columns):
        return image
    shrinks = columns < image.shape[1] or rows < image.shape[0]
    return cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA if shrinks else enlarging)


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
