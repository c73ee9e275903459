"""Picture files that are stored turned, with the orientation tag that turns them upright, in every format."""

import io
import struct
import zlib

import numpy as np
from PIL import ExifTags, Image

# How a picture is stored that an EXIF orientation turns upright.
STORED = {1: lambda image: image, 2: lambda image: image[:, ::-1], 3: lambda image: image[::-1, ::-1],
          4: lambda image: image[::-1], 5: lambda image: image.swapaxes(0, 1), 6: lambda image: np.rot90(image),
          7: lambda image: image[::-1, ::-1].swapaxes(0, 1), 8: lambda image: np.rot90(image, -1)}
KINDS = ('JPEG', 'JPEG, EXIF behind 200 kB of other segments', 'PNG', 'PNG, EXIF behind the pixels', 'WEBP', 'TIFF')


def write_turned(path, image, kind, orientation):
    """Writes an upright picture, uint8 [H, W, 3 or 4], as a file of one of KINDS that is stored turned."""
    path.write_bytes(turned_file(image, kind, orientation))


def turned_file(image, kind, orientation):
    """Returns the bytes that `write_turned` writes."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Orientation] = orientation
    format_name, _, place = kind.partition(', ')
    options = {'JPEG': {'quality': 95}, 'WEBP': {'lossless': True}}.get(format_name, {})
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](image)))
    if not place:
        stored.save(file, format_name, exif=exif, **options)
        return file.getvalue()
    stored.save(file, format_name, **options)
    data = file.getvalue()
    if format_name == 'JPEG':
        segments = [b'\xff\xe5\xff\xff' + bytes(65533)] * 3
        content = b'Exif\0\0' + exif.tobytes().removeprefix(b'Exif\0\0')
        return data[:2] + b''.join(segments) + b'\xff\xe1' + struct.pack('>H', len(content) + 2) + content + data[2:]
    chunk = b'eXIf' + exif.tobytes().removeprefix(b'Exif\0\0')
    return data[:-12] + struct.pack('>I', len(chunk) - 4) + chunk + struct.pack('>I', zlib.crc32(chunk)) + data[-12:]
