"""Reading picture files of any usual format upright and in RGB over white; resizing pictures; writing PNG files."""

import contextlib
import dataclasses
import io
import pathlib

import cv2
import numpy as np
from PIL import ExifTags, Image

from data_pipeline.errors import PictureError
from data_pipeline.files import whole_file
from data_pipeline.finding import what_is

MAX_MEGAPIXELS = 150  # 20,000 x 7,500; a file of some kB may announce a thousand times that
MAX_SIDE_PX = 32_000  # OpenCV cannot turn and sample longer ones
Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit, which warns long before; `_opened` keeps ours

FORMATS = ('JPEG', 'PNG', 'WEBP', 'TIFF', 'BMP', 'PPM', 'JPEG2000', 'AVIF', 'HEIF')  # Pillow's names
_HEIF_BRANDS = (b'heic', b'heix', b'heim', b'heis', b'hevc', b'hevx', b'hevm', b'hevs', b'mif1', b'msf1')
_AVIF_BRANDS = (b'avif', b'avis')
# Marks of whatever may turn a PNG; none can be missed by looking for them, and they spare decoding to find out.
_MAY_TURN_PNG = (b'eXIf', b'Raw profile type', b'Orientation')
_TURNS = {  # EXIF orientation -> what turns it upright
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90}


@dataclasses.dataclass(frozen=True)
class Head:
    """What a picture file announces.

    Attributes:
      size: (columns, rows), px, as stored.
      is_turned: whether it is stored turned, so that only its orientation tag makes it upright.
      has_alpha: whether something in it may be transparent.
    """

    size: tuple
    is_turned: bool
    has_alpha: bool


def read_image(path):
    """Reads a picture file upright, whatever its suffix says; the formats are FORMATS.

    16 bits become 8, CMYK and grey become RGB, and what is transparent becomes white.

    Args:
      path: the file.

    Returns:
      uint8 [H, W, 3], RGB.

    Raises:
      PictureError: if the file is missing, no image, too large, or ends too early.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise PictureError(f'image {path}: expected an image file, found {what_is(path)}.')
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(f'image {path}: cannot be read ({error.strerror}).') from error
    return decode_image(data, path)


def decode_image(data, name, formats=FORMATS):
    """Does what `read_image` does with the bytes of a file.

    Args:
      data: the bytes.
      name: what a message calls them.
      formats: those that are taken, of FORMATS.
    """
    with _opened(data, name, formats) as picture:
        try:
            rgb, orientation = _over_white(picture), _orientation(picture)
        except MemoryError as error:
            raise PictureError(f'image {name}: expected a picture that fits into the memory, found '
                               f'{picture.width} x {picture.height} px.') from error
        except Exception as error:  # noqa: BLE001  (Pillow raises many kinds for files that are broken)
            raise PictureError(f'image {name}: expected a whole picture, found a file that ends too early or is '
                               f'damaged ({len(data)} bytes; {error}).') from error
        return np.array(rgb.transpose(_TURNS[orientation]) if orientation in _TURNS else rgb)


def read_head(data, name, formats=FORMATS):
    """Reads the `Head` of a picture file without decoding its pixels; arguments and errors as `decode_image`."""
    with _opened(data, name, formats) as picture:
        may_be_turned = picture.format != 'PNG' or any(mark in data for mark in _MAY_TURN_PNG)
        return Head(picture.size, may_be_turned and _orientation(picture) in _TURNS, picture.has_transparency_data)


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
    data = png(image)
    with whole_file(path) as unfinished:
        unfinished.write_bytes(data)


def png(image):
    """Returns uint8 [H, W] grey or [H, W, 3] RGB as the bytes of a PNG file."""
    return cv2.imencode('.png', image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


@contextlib.contextmanager
def _opened(data, name, formats):
    """Yields a picture, not yet decoded, as a Pillow image; refuses what is none, too large or not read here."""
    _register_heif(data)
    Image.init()
    try:
        picture = Image.open(io.BytesIO(data), formats=[kind for kind in formats if kind in Image.OPEN])
    except Exception as error:  # noqa: BLE001  (Pillow raises many kinds for files that are broken)
        raise PictureError(f'image {name}: expected {_told(data, formats)}.') from error
    with picture:
        columns, rows = picture.size
        if columns * rows > MAX_MEGAPIXELS * 1e6 or max(columns, rows) > MAX_SIDE_PX:
            raise PictureError(f'image {name}: expected at most {MAX_MEGAPIXELS} megapixels and {MAX_SIDE_PX} px a '
                               f'side, found {columns} x {rows} px.')
        yield picture


def _register_heif(data):
    """Lets Pillow read a HEIC file, if the package for it is installed."""
    if data[4:8] == b'ftyp' and data[8:12] not in _AVIF_BRANDS and 'HEIF' not in Image.OPEN:
        with contextlib.suppress(ImportError):
            import pillow_heif  # an optional requirement
            pillow_heif.register_heif_opener()


def _told(data, formats):
    """Returns what was expected and what the first bytes of a file that cannot be opened tell of it."""
    if data[:6] in (b'GIF87a', b'GIF89a'):
        return 'a picture, found a GIF: save one of its pictures as PNG, or all as an MP4 film'
    if data[4:8] == b'ftyp':
        if data[8:12] in _AVIF_BRANDS:
            return 'a picture that can be read here, found AVIF, which this Pillow cannot read: save it as JPEG or PNG'
        if data[8:12] in _HEIF_BRANDS:
            return ('a picture that can be read here, found HEIC: pip install -r requirements-pictures.txt reads it, '
                    'or save it as JPEG')
        return 'a picture, found a film'
    if any(data.startswith(mark) for mark in (b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n')):
        return f'a whole picture, found a file that ends too early or is damaged ({len(data)} bytes)'
    return f'a picture ({", ".join(kind for kind in formats if kind != "HEIF")}), found {len(data)} bytes that are none'


def _orientation(picture):
    """Returns the EXIF orientation of a picture; 1, upright, where there is none or none that can be read."""
    try:
        return picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001  (as above; broken EXIF data are none)
        return 1


def _over_white(picture):
    """Loads a picture and returns it as RGB, laid over white: what is transparent may be of any colour."""
    is_deep = any('16' in str(tile.args) for tile in picture.tile)
    picture.load()
    if picture.mode in ('I', 'F'):
        raise ValueError(f'pixels of 32 bits, {picture.mode}')
    key = picture.info.get('transparency')
    if picture.mode.startswith('I;16'):
        grey = np.asarray(picture)
        return Image.fromarray(np.where(grey == (-1 if key is None else key), 255, grey >> 8).astype(np.uint8)
                               ).convert('RGB')
    if not picture.has_transparency_data:
        return picture.convert('RGB')
    if is_deep and isinstance(key, tuple):
        picture.info['transparency'] = tuple(value >> 8 for value in key)  # as Pillow does with the pixels
    rgba = picture.convert('RGBA')
    return Image.alpha_composite(Image.new('RGBA', rgba.size, 'white'), rgba).convert('RGB')
