"""The text of a BVH file: the joints of its hierarchy and the numbers of its frames, as programs really write them."""

import codecs
import contextlib
import dataclasses
import itertools
import re

import numpy as np

from data_pipeline.errors import DataError

CHANNELS = {f'{axis}{kind}': (kind, index) for kind in ('position', 'rotation') for index, axis in enumerate('xyz')}
_MOTION = re.compile(r'\bMOTION\s+(?=Frames\s*:)', re.IGNORECASE)
_TIMES = re.compile(r'Frames\s*:\s*(\S+)\s+Frame\s+Time\s*:\s*(\S+)', re.IGNORECASE)
_LARGEST = 1e9  # of degrees or of any unit of length
_SECONDS = (1e-3, 1.0)  # of a frame; what is outside counts in milliseconds, or is no time at all


@dataclasses.dataclass(frozen=True)
class Joint:
    """A joint of the hierarchy.

    Attributes:
      name: without blanks around it; ends are called '<joint> end'.
      parent: its place among the joints, or None.
      offset: [3], from the parent at rest.
      channels: list of keys of CHANNELS, in the order of the file.
    """

    name: str
    parent: int | None
    offset: np.ndarray
    channels: list


@dataclasses.dataclass(frozen=True)
class BvhText:
    """What a BVH file says.

    Attributes:
      joints: list of `Joint`, parents before children.
      numbers: [T, C], the channels of all joints.
      seconds: of a frame; NaN where only one frame is there.
      notes: tuple of lines that the user is told.
    """

    joints: list
    numbers: np.ndarray
    seconds: float
    notes: tuple = ()


def read(path, is_timed=True):
    """Reads a BVH file; returns `BvhText`.

    Letters may be large or small, names may hold blanks, and the frames that are there count, whatever is announced.

    Args:
      path: the file; UTF-8, or UTF-16 with its mark.
      is_timed: False takes a file whose time of a frame makes no sense, too.

    Raises:
      DataError: it cannot be read, or is none; the message says what is wrong, and in which line.
    """
    try:
        with open(path, 'rb') as file:
            text = _decoded(file.read())
    except OSError as error:
        raise DataError(f'{path}: expected a BVH file, found nothing readable ({error.strerror}).') from error
    except ValueError as error:
        raise DataError(f'{path}: expected a BVH file, found {error}.') from error
    try:
        start = _MOTION.search(text)
        joints = _read_joints(text[:start.start()] if start else text)
        if not start:
            raise ValueError('no MOTION with "Frames:" after the hierarchy')
        return _read_frames(text, start.end(), joints, path, is_timed)
    except (IndexError, TypeError) as error:
        raise DataError(f'{path}: expected a BVH file, found one that ends too early.') from error
    except ValueError as error:
        raise DataError(f'{path}: expected a BVH file, found {error}.') from error


def _decoded(data):
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode('utf-16').encode()
    if b'\0' in data:
        raise ValueError('bytes that are no text (UTF-16 without its mark, or another format); save it as UTF-8')
    return data.decode('utf-8-sig', errors='replace').replace('\r\n', '\n').replace('\r', '\n')


def _read_joints(text):
    """Returns the list of `Joint` of a text that ends before MOTION."""
    words = re.findall(r'[{}]|[^\s{}]+', text)
    if not words or words[0].upper() != 'HIERARCHY':
        raise ValueError(f'{" ".join(words[:1])[:40]!r} instead of HIERARCHY at its begin')
    joints, parents, place = [], [None], 1
    while place < len(words):
        word = words[place].upper()
        place += 1
        if word in ('ROOT', 'JOINT', 'END'):
            brace = place + words[place:].index('{') if '{' in words[place:] else len(words)
            name = f'{joints[parents[-1]].name} end' if word == 'END' else ' '.join(words[place:brace])
            joints.append(Joint(name, parents[-1], np.zeros(3), []))
            parents.append(len(joints) - 1)
            place = brace + 1
        elif word == '}':
            parents.pop()
        elif word == 'OFFSET':
            joints[-1].offset[:] = [_number(words[place + axis]) for axis in range(3)]
            place += 3
        elif word == 'CHANNELS':
            channels = list(itertools.takewhile(CHANNELS.__contains__, map(str.lower, words[place + 1:])))
            if len(channels) != _number(words[place]):
                raise ValueError(f'{words[place]} channels of joint {joints[-1].name!r} announced and then '
                                 f'{" ".join(words[place + 1:place + 2 + len(channels)])!r}')
            joints[-1].channels.extend(channels)
            place += 1 + len(channels)
        else:
            raise ValueError(f'{words[place - 1][:40]!r} in the hierarchy')
    if not joints or parents != [None]:
        raise ValueError('a hierarchy whose braces do not close')
    return joints


def _read_frames(text, place, joints, path, is_timed):
    """Returns the `BvhText`, of the text from `place` on."""
    head = _TIMES.match(text, place)
    if not head:
        raise ValueError('no "Frames:" and "Frame Time:" after MOTION')
    announced, seconds = head[1], _number(head[2])
    lines = [(number, line.split()) for number, line in
             enumerate(text[head.end():].split('\n'), 1 + text.count('\n', 0, head.end())) if line.strip()]
    rows, num_channels = [words for _, words in lines], sum(len(joint.channels) for joint in joints)
    if rows and sum(map(len, rows)) == num_channels * _count(announced) and len(rows[0]) != num_channels:
        words = list(itertools.chain.from_iterable(rows))  # frames of several lines
        rows = [words[start:start + num_channels] for start in range(0, len(words), num_channels)]
        lines = [(lines[0][0], row) for row in rows]
    notes = []
    if len(rows) > 1 and len(rows[-1]) < num_channels:
        rows, lines = rows[:-1], lines[:-1]
        notes.append(f'{path}: its last line is cut off and left out.')
    numbers = _table(lines, num_channels)
    if _count(announced) != len(rows):
        notes.append(f'{path}: announces {announced} frames; the {len(rows)} that are there are taken.')
    if len(rows) > 1 and is_timed and not _SECONDS[0] <= seconds <= _SECONDS[1]:
        raise ValueError(f'"Frame Time: {seconds:g}" instead of {_SECONDS[0]:g} to {_SECONDS[1]:g} s; --fps=30 tells '
                         'its frames a second')
    return BvhText(joints, numbers, seconds if len(rows) > 1 else np.nan, tuple(notes))


def _count(word):
    """Returns the number of frames that a file announces; -1 if that is no number."""
    return int(word) if word.isdecimal() else -1


def _table(lines, num_channels):
    """Returns the numbers [T, C] of pairs of line number and words."""
    if not lines or not num_channels:
        raise ValueError(f'{len(lines)} frames of {num_channels} channels')
    odd = [(number, words) for number, words in lines if len(words) != num_channels]
    numbers = np.nan
    with contextlib.suppress(ValueError):
        numbers = np.array([words for _, words in lines], np.float64)
    if odd or not np.all(np.abs(numbers) < _LARGEST):
        for number, words in odd or lines:
            for word in words:
                _number(word, f' in line {number}')
        raise ValueError(f'{len(odd[0][1])} numbers in line {odd[0][0]} for {num_channels} channels')
    return numbers


def _number(word, where=''):
    """Returns a word as a float, or says what is wrong with it."""
    number = np.nan
    with contextlib.suppress(ValueError):
        number = float(word)
    if not abs(number) < _LARGEST:
        kind = ('a decimal comma, expected a point' if re.fullmatch(r'[-+]?\d*,\d+', word) else
                'several numbers without a blank between them' if re.search(r'\d.*[.].*[.]|\d[-+]', word) else
                'no usable number')
        raise ValueError(f'{word[:40]!r}{where} ({kind})')
    return number
