"""Films of tests, and what phones, browsers and cutting programs do to the headers of theirs."""

import struct

import cv2
import numpy as np

_CODECS = {'.mp4': 'mp4v', '.webm': 'VP80', '.avi': 'MJPG'}
# The display matrix [a, b, c, d] of an MP4 file that is to be turned clockwise by so many degrees.
_MATRICES = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


def write_frames(path, images, fps=10):
    """Writes uint8 [H, W, 3] RGB frames as a film of the suffix's format."""
    rows, columns = images[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*_CODECS[path.suffix]), fps, (columns, rows))
    assert writer.isOpened()
    for image in images:
        writer.write(np.ascontiguousarray(image[..., ::-1]))
    writer.release()
    return path


def turn_mp4(path, degrees):
    """Makes an MP4 file one that players turn clockwise, as phones write those that are held upright."""
    data = path.read_bytes()
    place = data.index(b'tkhd') + 4 + 40
    a, b, c, d = (struct.pack('>i', number << 16) for number in _MATRICES[degrees])
    path.write_bytes(data[:place] + a + b + bytes(4) + c + d + bytes(4) + data[place + 24:])


def cut_mp4(path, milliseconds):
    """Ends an MP4 file earlier by its edit list, as cutting without encoding anew does: the header still counts all."""
    data = path.read_bytes()
    place = data.index(b'elst') + 12
    path.write_bytes(data[:place] + struct.pack('>I', milliseconds) + data[place + 4:])


def announce_webm(path, milliseconds=None, frame_ms=None, tick_ns=None):
    """Changes what the header of a WebM file says.

    Args:
      path: the file.
      milliseconds: how long it is; a longer sound has the same effect. Browsers write none.
      frame_ms: how long a frame stands.
      tick_ns: the unit of the frames' times, usually 1,000,000.
    """
    data = path.read_bytes()
    for element, content in ((b'\x44\x89\x88', milliseconds is not None and struct.pack('>d', milliseconds)),
                             (b'\x23\xe3\x83\x84', frame_ms and struct.pack('>I', int(frame_ms * 1e6))),
                             (b'\x2a\xd7\xb1\x83', tick_ns and struct.pack('>I', tick_ns)[1:])):
        if content:
            place = data.index(element) + len(element)
            data = data[:place] + content + data[place + len(content):]
    path.write_bytes(data)
