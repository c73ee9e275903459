"""The names and lists of DeepFashion in all common spellings, converted to the ids of this project.

Three names of one picture, and its id `person/frame`, whose person is an outfit:
    img/WOMEN/Blouses_Shirts/id_00000015/02_1_front.jpg         as it is delivered
    fashionWOMENBlouses_Shirtsid0000001502_1front.jpg           flattened; also fasion..., with or without `_`
    WOMEN/Blouses_Shirts/id_00000015/02/1_front.png             the reference layout
    WOMEN_BlousesShirts_id_00000015_02/1_front                  the id
"""

import csv
import json
import pathlib
import re

from data_pipeline.errors import DataError

NUM_KEYPOINTS = 18
_NAME = re.compile(r'(?:img|fashion|fasion)*(WOMEN|MEN)([A-Za-z]+?)id(\d{8})(\d{2})(\w+)')
_VIEW = re.compile(r'(\d)([a-z]+)')
_SUFFIX = re.compile(r'\.(jpg|jpeg|png)$', re.IGNORECASE)
_STATUSES = ('train', 'query', 'gallery')
_PAIR_LISTS = re.compile(r'fash?ion-(?:resize-)?pairs-(train|test)\.csv')
_KEYPOINT_LISTS = re.compile(r'fash?ion-(?:resize-)?annotation-(train|test)\.csv')


def parse_name(name):
    """Returns (person, frame) of a picture's name or path, with or without its suffix; None for other names."""
    match = _NAME.fullmatch(re.sub(r'[^A-Za-z0-9]', '', _SUFFIX.sub('', name)))
    if match is None:
        return None
    gender, category, item, outfit, rest = match.groups()
    return f'{gender}_{category}_id_{item}_{outfit}', _VIEW.sub(r'\1_\2', rest)


def parse_key(key):
    """Parses the key of a pose as `parse_name` does; any folders may stand before it."""
    return parse_name(re.sub(r'^.*?(?=WOMEN|MEN)', '', key, count=1))


def find_lists(root):
    """Returns dict, 'partition' and ('pairs' | 'keypoints', 'train' | 'test') -> path, of the lists in a folder.

    They lie in the folder itself or in Eval/ below it.

    Raises:
      DataError: two files that would be the same list.
    """
    found = {}
    for path in sorted([*root.glob('*'), *root.glob('Eval/*')]):
        kind = 'partition' if path.name == 'list_eval_partition.txt' else None
        for name, pattern in (('pairs', _PAIR_LISTS), ('keypoints', _KEYPOINT_LISTS)):
            if match := pattern.fullmatch(path.name):
                kind = (name, match.group(1))
        if kind in found:
            raise DataError(f'{path}: expected this list in one spelling, found {found[kind].name} too.')
        if kind is not None:
            found[kind] = path
    return found


def read_partition(path):
    """Reads list_eval_partition.txt: dict, id -> 'train', 'query' or 'gallery'; DataError for another file."""
    lines = [line.split() for line in _text(path).splitlines() if line.strip()]
    if len(lines) < 2 or len(lines[0]) != 1 or lines[1] != ['image_name', 'item_id', 'evaluation_status']:
        raise DataError(f'{path}: expected a count, then "image_name item_id evaluation_status", '
                        f'found {[" ".join(line) for line in lines[:2]]}.')
    status_of = {}
    for number, line in enumerate(lines[2:], 3):
        where = f'{path}: row {number}'
        if len(line) != 3 or line[2] not in _STATUSES:
            raise DataError(f'{where}: expected a picture, an item and {", ".join(_STATUSES)}, '
                            f'found {" ".join(line)!r}.')
        frame_id = _id(where, line[0])
        if frame_id in status_of:
            raise DataError(f'{where}: expected every picture once, found {line[0]!r} again.')
        status_of[frame_id] = line[2]
    if lines[0][0] != str(len(status_of)):
        raise DataError(f'{path}: expected as many rows as its first line says, {lines[0][0]}, found {len(status_of)}.')
    return status_of


def read_pairs(path):
    """Reads a pair list: tuple of (source id, target id), two pictures of one outfit; DataError for others."""
    pairs = []
    for where, (source, target) in _rows(path, ',', ['from', 'to']):
        pair = _id(where, source), _id(where, target)
        if pair[0] == pair[1] or pair[0].split('/')[0] != pair[1].split('/')[0]:
            raise DataError(f'{where}: expected two different pictures of one outfit, found {source!r} and {target!r}.')
        pairs.append(pair)
    return tuple(pairs)


def read_keypoints(path):
    """Reads a keypoint list: dict, id -> tuple of 18 (x, y), px, or None where a keypoint is missing."""
    keypoints = {}
    for where, (name, *texts) in _rows(path, ':', ['name', 'keypoints_y', 'keypoints_x']):
        frame_id = _id(where, name)
        if frame_id in keypoints:
            raise DataError(f'{where}: expected every picture once, found {name!r} again.')
        y, x = (_integers(where, text) for text in texts)
        keypoints[frame_id] = tuple(None if -1 in point else point for point in zip(x, y))
    return keypoints


def _rows(path, separator, header):
    """Yields (where, cells) of every row of a list; DataError where it has other columns or no rows."""
    rows = list(csv.reader(_text(path).splitlines(), delimiter=separator))
    found = [cell.strip() for cell in rows[0]] if rows else []
    if found != header:
        raise DataError(f'{path}: expected the columns {separator.join(header)!r}, found {separator.join(found)!r}.')
    if len(rows) < 2:
        raise DataError(f'{path}: expected one row or more, found none.')
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise DataError(f'{path}: row {number}: expected {len(header)} columns, found {len(row)}.')
        yield f'{path}: row {number}', [cell.strip() for cell in row]


def _integers(where, text):
    """Returns the list of NUM_KEYPOINTS integers that a cell holds, `[94, 62, -1, ...]`."""
    try:
        numbers = json.loads(text)
    except ValueError:
        numbers = None
    if (not isinstance(numbers, list) or len(numbers) != NUM_KEYPOINTS
            or not all(type(number) is int and number >= -1 for number in numbers)):
        raise DataError(f'{where}: expected {NUM_KEYPOINTS} integers, -1 where a keypoint is missing, found {text!r}.')
    return numbers


def _id(where, name):
    parsed = parse_name(name)
    if parsed is None:
        raise DataError(f'{where}: expected the name of a DeepFashion picture, found {name!r}.')
    return '/'.join(parsed)


def _text(path):
    try:
        return pathlib.Path(path).read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f'{path}: expected a list in text, found nothing readable ({error}).') from error
