"""Photos that are uploaded to the page, within bounds.

The header of a file is checked before anything of it is decoded.
"""

import dataclasses

from data_pipeline.errors import PictureError, UsageError
from data_pipeline.picture_file import decode_image, read_head, resized
from data_pipeline.program import one_line

_PHOTO_FORMATS = ('JPEG', 'PNG', 'WEBP', 'AVIF', 'HEIF')
_MAX_ASPECT = 4  # longer side by the shorter one
_LARGEST_PX = 1536  # of a photo's side; the model takes 256 px at the most


class RequestError(UsageError):
    """A request of the page that cannot be met; the message says what was expected and what was found."""


@dataclasses.dataclass(frozen=True)
class UploadLimits:
    """What a request may cost.

    Attributes:
      upload_mb: size of an uploaded photo, MB.
      megapixels: of an uploaded photo, millions.
      frames: pictures of a clip, and frames of a video whose poses are looked for.
      seconds: after which a clip, or the search for poses in a video, is given up.
      video_mb: size of an uploaded video, MB.
      video_megapixels: of a frame of it, millions.
      video_frames: of it.
    """

    upload_mb: float = 10
    megapixels: float = 25
    frames: int = 48
    seconds: float = 60
    video_mb: float = 30
    video_megapixels: float = 9
    video_frames: int = 1800


def read_photo(data, limits):
    """Decodes a photo file.

    Args:
      data: its bytes.
      limits: `UploadLimits`.

    Returns:
      uint8 [H, W, 3], RGB, shrunk to at most 1536 px a side; and by what factor it was shrunk, 1 or less.

    Raises:
      RequestError: it is no photo or too large.
    """
    if not isinstance(data, bytes) or not data:
        raise RequestError('Expected a photo, found an empty file.')
    if len(data) > limits.upload_mb * 1e6:
        raise RequestError(f'Expected a file of at most {limits.upload_mb:g} MB, found {len(data) / 1e6:.1f} MB.')
    try:
        columns, rows = read_head(data, 'upload', _PHOTO_FORMATS).size
    except PictureError as error:
        raise RequestError(one_line(error)) from error
    if columns * rows > limits.megapixels * 1e6:
        raise RequestError(f'Expected a photo of at most {limits.megapixels:g} megapixels, found '
                           f'{columns} x {rows} px.')
    if max(columns, rows) > _MAX_ASPECT * min(columns, rows):
        raise RequestError(f'Expected a photo whose sides differ at most {_MAX_ASPECT} times, found '
                           f'{columns} x {rows} px.')
    try:
        photo = decode_image(data, 'upload', _PHOTO_FORMATS)
    except PictureError as error:
        raise RequestError(one_line(error)) from error
    factor = min(1, _LARGEST_PX / max(photo.shape))
    return resized(photo, [max(1, round(factor * length)) for length in photo.shape[1::-1]]), factor
