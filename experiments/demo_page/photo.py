"""The pixels of an uploaded photo, within bounds: its header is looked at before anything is decoded."""

import io

import cv2
from PIL import Image

from data_pipeline.errors import PictureError
from data_pipeline.picture_file import decode_image
from data_pipeline.program import one_line
from experiments.demo_page.limits import RequestError

_FORMATS = ('JPEG', 'PNG', 'WEBP')
_MAX_ASPECT = 4  # longer side by the shorter one


def decoded(data, limits):
    """Decodes a photo file.

    Args:
      data: its bytes.
      limits: `demo_limits.Limits`.

    Returns:
      uint8 [H, W, 3], RGB.

    Raises:
      RequestError: it is none, or too much.
    """
    if not isinstance(data, bytes) or not data:
        raise RequestError('Expected a photo, found an empty file.')
    if len(data) > limits.upload_mb * 1e6:
        raise RequestError(f'Expected a file of at most {limits.upload_mb:g} MB, found '
                           f'{len(data) / 1e6:.1f} MB.')
    columns, rows = _announced_size(data)
    if columns * rows > limits.megapixels * 1e6:
        raise RequestError(f'Expected a photo of at most {limits.megapixels:g} megapixels, found '
                           f'{columns} x {rows} px.')
    if max(columns, rows) > _MAX_ASPECT * min(columns, rows):
        raise RequestError(f'Expected a photo whose sides differ at most {_MAX_ASPECT} times, found '
                           f'{columns} x {rows} px.')
    try:
        return decode_image(data, 'upload')
    except (PictureError, cv2.error, MemoryError) as error:
        raise RequestError(one_line(error)) from error


def _announced_size(data):
    """Returns the (columns, rows) that the header of a photo file announces; nothing is decoded."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            return image.size
    except Image.DecompressionBombError as error:
        raise RequestError(f'Expected a photo, found a file that announces far too many pixels ({error}).') from error
    except Exception as error:  # noqa: BLE001  (Pillow raises many kinds for files that are broken)
        raise RequestError(f'Expected a photo as JPEG, PNG or WebP, found {len(data)} bytes that are none.') from error
