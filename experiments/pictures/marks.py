"""Marks of pictures that were made: one that people see in a corner, one that programs read in the file."""

import struct
import zlib

import cv2
import numpy as np

import repose_tf

TEXT = 'AI: repose_tf'
COMMENT = f'Made by repose_tf {repose_tf.__version__}. A computed picture, not a photograph.'
_PNG_HEAD = 33  # bytes: the signature and the chunk IHDR, which comes first
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SHARE = 1 / 20  # of the picture's height is the height of the letters
_MIN_LETTER_PX, _LETTER_PX = 7, 21  # the least that can be read; of the font at scale 1
_MOST_OF_WIDTH = 0.5
_SHADE = 0.35  # of the picture's brightness stays behind the letters


def watermarked(image):
    """Writes a small readable mark into the lower right corner of a picture.

    Args:
      image: uint8 [H, W, 3], RGB.

    Returns:
      uint8 [H, W, 3], a new image: white letters on a darker box of at most half of the width. Their height is a
      twentieth of the picture's, at least 7 px, less where the width does not allow it. All else is unchanged.
    """
    marked, (rows, columns) = np.array(image), image.shape[:2]
    scale = max(_MIN_LETTER_PX, rows * _SHARE) / _LETTER_PX
    width = cv2.getTextSize(TEXT, _FONT, scale, 1)[0][0]
    scale *= min(1.0, _MOST_OF_WIDTH * columns / (width + _LETTER_PX * scale))
    thickness = max(1, round(scale * 1.5))
    (width, height), below = cv2.getTextSize(TEXT, _FONT, scale, thickness)
    edge = max(1, height // 3)
    box = marked[max(0, rows - height - below - 2 * edge):, max(0, columns - width - 2 * edge):]
    box[:] = np.uint8(box * _SHADE)
    letters = np.ascontiguousarray(box)
    cv2.putText(letters, TEXT, (edge, box.shape[0] - below - edge), _FONT, scale, (255, 255, 255), thickness,
                cv2.LINE_AA)
    box[:] = letters
    return marked


def commented(data):
    """Returns the bytes of a PNG or JPEG file with `COMMENT` in it, where viewers show it; the pixels are the same."""
    if data.startswith(b'\xff\xd8'):  # JPEG: a segment COM behind the first one, which tells the format
        place = 4 + struct.unpack('>H', data[4:6])[0]
        return data[:place] + b'\xff\xfe' + struct.pack('>H', len(COMMENT) + 2) + COMMENT.encode() + data[place:]
    chunk = b'tEXt' + b'Comment\0' + COMMENT.encode()
    chunk = struct.pack('>I', len(chunk) - 4) + chunk + struct.pack('>I', zlib.crc32(chunk))
    return data[:_PNG_HEAD] + chunk + data[_PNG_HEAD:]
