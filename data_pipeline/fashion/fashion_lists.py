"""The names and lists of DeepFashion in all common spellings, converted to the ids of this project.

Three names of one picture, and its id `person/frame`, whose person is an outfit; any folders may stand before them:
    img/WOMEN/Blouses_Shirts/id_00000015/02_1_front.jpg         as it is delivered
    fashionWOMENBlouses_Shirtsid0000001502_1front.jpg           flattened; fasion, deepfashion, with or without `_`
    WOMEN/Blouses_Shirts/id_00000015/02/1_front.png             the reference layout
    WOMEN_BlousesShirts_id_00000015_02/1_front                  the id
"""

import csv
import json
import re

from data_pipeline.errors import DataError
from data_pipeline.text_file import read_text

NUM_KEYPOINTS = 18
# Behind whatever stands before it: folders, `fashion`, `deepfashion`; but not one name of two pictures.
_NAME = re.compile(r'(?:(?!id\d{8}).)*(WOMEN|(?<!WO)MEN)([A-Za-z]+?)id(\d{8})(\d{2})((?:(?!id\d{8})\w)+)')
_VIEW = re.compile(r'(\d)([a-z]+)')
_SUFFIX = re.compile(r'\.(jpg|jpeg|png)$', re.IGNORECASE)
_STATUSES = ('train', 'query', 'gallery')
_LISTS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in (
    ('pairs', r'fash?ion-(?:resize-)?pairs-(train|test)\.csv'),
    ('keypoints', r'fash?ion-(?:resize-)?annotation-(train|test)\.csv'),
    ('names', r'(train|test)\.lst'))}


def parse_name(name):
    """Returns (person, frame) of a picture's name or path, with or without its suffix; None for other names."""
    match = _NAME.fullmatch(re.sub(r'[^A-Za-z0-9]', '', _SUFFIX.sub('', name)))
    if match is None:
        return None
    gender, category, item, outfit, rest = match.groups()
    return f'{gender}_{category}_id_{item}_{outfit}', _VIEW.sub(r'\1_\2', rest)


def find_lists(root, *places):
    """Returns dict, 'partition' and ('pairs' | 'keypoints' | 'names', 'train' | 'test') -> path, of all lists.

    They lie in the root, in Eval/ below it, or in one of `places`.

    Raises:
      DataError: two files that would be the same list, and differ.
    """
    found = {}
    folders = [place for place in dict.fromkeys([root, root / 'Eval', *places]) if place.is_dir()]
    for path in (path for place in folders for path in sorted(place.iterdir()) if path.is_file()):
        kind = 'partition' if path.name.lower() == 'list_eval_partition.txt' else None
        for name, pattern in _LISTS.items():
            if match := pattern.fullmatch(path.name):
                kind = (name, match.group(1).lower())
        if kind in found and path.read_bytes() != found[kind].read_bytes():
            raise DataError(f'{path}: expected this list in one spelling, found {found[kind].name} too.')
        if kind is not None:
            found.setdefault(kind, path)
    return found


def read_partition(path):
    """Reads list_eval_partition.txt: dict, id -> 'train', 'query' or 'gallery'; DataError for another file."""
    lines = [line.split() for line in read_text(path, 'a list in text').splitlines() if line.strip()]
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


def read_names(path):
    """Reads train.lst or test.lst, a picture's name a line: tuple of ids; DataError for other names and for none."""
    names = [line.strip() for line in read_text(path, 'a list in text').splitlines()]
    ids = tuple(_id(f'{path}: row {number}', name) for number, name in enumerate(names, 1) if name)
    if not ids:
        raise DataError(f'{path}: expected a picture a row, found none.')
    return ids


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
    rows = list(csv.reader(read_text(path, 'a list in text').splitlines(), delimiter=separator))
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
