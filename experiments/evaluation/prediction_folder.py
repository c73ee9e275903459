"""A folder of result pictures of any system, one for every pair of a protocol, found by their names.

A picture belongs to a pair if its path below the folder, without suffix, names the source and then the target. Only
letters and digits count; `fashion`, `fasion`, `_2_` or `_to_` between two names and `_vis` at the end, which others
add, do not.
Examples for p000/00 -> p000/05 and for two pictures of DeepFashion:
    p000.00___p000.05.png    p000/00/p000_05.jpg
    fashionWOMENBlouses_Shirtsid0000001502_1front.jpg___fashionWOMENBlouses_Shirtsid0000001502_2side_vis.jpg
    WOMEN-Blouses_Shirts-id_00000015-02_1_front_2_WOMEN-Blouses_Shirts-id_00000015-02_2_side.png
For other names there is a list, a CSV file with the columns source,target,file.
"""

import csv
import io
import os
import pathlib
import re

import numpy as np

from data_pipeline.errors import DataError
from data_pipeline.files import sha256, sha256_of_files
from data_pipeline.finding import composed, files_below
from data_pipeline.picture_file import read_image
from data_pipeline.records.folder import IMAGE_SUFFIXES
from data_pipeline.text_file import read_text
from experiments.evaluation.pair_sources import pairs_of
from experiments.evaluation.strips import part_of

_SHOWN = 5


class PredictionFolder:
    """Pictures that another system made; used as a system, see `systems`.

    Attributes:
      image_size: rows of its first picture, px.
      missing: list of pairs without a picture.
      extra: list of the pictures of no pair, as paths below the folder.
    """

    def __init__(self, path, pairs, list_path='', part=0, scored_columns=None, others=(), by_path=False):
        """Finds the pictures and hashes them; only the first one is decoded.

        Args:
          path: the folder.
          pairs: list of (source id, target id).
          list_path: CSV file, or '' to find them by name.
          part: where a file holds several pictures side by side, the place of the result: 1 the first, -1 the last;
            0: it holds one picture.
          scored_columns: function of the image size that returns the slice of columns that the protocol scores;
            pictures may have only these. None: they are square.
          others: pairs that may have pictures too, and are not scored.
          by_path: whether a picture's path below the folder, without suffix, is the source's id.

        Raises:
          DataError: no folder, no pictures of any pair, two of one pair, or a list that does not fit.
        """
        root = pathlib.Path(path)
        if not root.is_dir():
            raise DataError(f'--predictions={path}: expected a folder of pictures, found none.')
        files = [file for file in files_below(root) if file.suffix.lower() in IMAGE_SUFFIXES]
        known = list(dict.fromkeys([*pairs, *others]))
        found = _listed(list_path, root, known) if list_path else _named(root, files, known, by_path)
        self.missing = [pair for pair in pairs if pair not in found]
        if len(self.missing) == len(pairs):
            raise DataError(f'{path}: expected pictures named by pair, such as {pair_name(pairs[0])}.png, found '
                            f'{len(files)} pictures and none of the {len(pairs)} pairs'
                            + (f'; the first is {files[0].relative_to(root)}.' if files else '.'))
        self._files, self._part = found, part
        self.image_size = read_image(next(iter(found.values()))).shape[0]
        self._widths = [] if by_path else [self.image_size]
        if scored_columns is not None:
            columns = scored_columns(self.image_size)
            self._widths.append(columns.stop - columns.start)
        used = set(found.values())
        self.extra = [str(file.relative_to(root)) for file in files if file not in used]
        self.name = root.resolve().name
        digest = sha256_of_files(root, files)
        if list_path or part:  # which picture is a pair's, and where in it, then does not follow from the files
            chosen = [f'{pair} {file.relative_to(root)}' for pair, file in sorted(found.items())]
            digest = sha256(text.encode() for text in (digest, f'part {part}', *chosen))
        self.digest = digest[:12]
        self.description = f'{len(found)} pictures in {self.name}, files {self.digest}'

    def complaint(self):
        """Returns a line on missing and extra pictures; '' if there are none."""
        parts = []
        for what, items in self._complaints().items():
            if items:
                more = f' and {len(items) - _SHOWN} more' if len(items) > _SHOWN else ''
                parts.append(f'{len(items)} {what} ({", ".join(items[:_SHOWN])}{more})')
        return '; '.join(parts)

    def listing(self):
        """Returns all missing and extra pictures, a line each."""
        return ''.join(f'{what}: {item}\n' for what, items in self._complaints().items() for item in items)

    def _complaints(self):
        return {'missing': [' -> '.join(pair) for pair in self.missing], 'of no pair': self.extra}

    def __call__(self, batch):
        """Returns the pictures of a batch's pairs, [B, S, S or fewer, 3] uint8; DataError for one of another size."""
        return np.stack([self._read(self._files[pair]) for pair in pairs_of(batch)])

    def _read(self, file):
        image = read_image(file)
        rows, columns = image.shape[:2]
        if rows == self.image_size and (picture := part_of(image, self._widths, self._part)) is not None:
            return picture
        expected = ' or '.join(f'{width} x {self.image_size} px' for width in self._widths)
        several = f', {abs(self._part)} or more of them side by side (--predictions_part)' if self._part else ''
        raise DataError(f'{file}: expected a picture of {expected} like the first one and the truth{several}, '
                        f'found {columns} x {rows} px.')


def pair_name(pair):
    """Returns the usual name of a pair's picture, without suffix."""
    return '___'.join(frame_id.replace('/', '.') for frame_id in pair)


def key_of(name):
    """Returns the part of a picture's name that tells its pair."""
    name = re.sub(r'(?i)(\.(jpg|jpeg|png))?_(2|to)_(?=(deep)?fas|(wo)?men[-_])', '___', composed(name))
    name = re.sub(r'(?i)\.(jpg|jpeg|png)(?=_|$)', '', name)
    return re.sub(r'_vis$|[^A-Za-z0-9]|(deep)?fash?ion', '', name)


def _named(root, files, pairs, by_path):
    """Returns dict, pair -> file, of the files that are named by one."""
    pair_of = {}
    for pair in pairs:
        other = pair_of.setdefault(pair[0] if by_path else key_of(pair_name(pair)), pair)
        if other != pair:
            raise DataError(f'--predictions: the pairs {other} and {pair} would have pictures of one name; '
                            'expected --predictions_list.')
    found = {}
    for file in files:
        name = str(file.relative_to(root).with_suffix(''))
        pair = pair_of.get(name if by_path else key_of(name))
        if pair in found:
            raise DataError(f'{file}: expected one picture of {" -> ".join(pair)}, found {found[pair]} too.')
        if pair is not None:
            found[pair] = file
    return found


def _listed(list_path, root, pairs):
    """Returns dict, pair -> file, as a list names them."""
    rows = list(csv.reader(io.StringIO(read_text(list_path, 'a CSV file'), newline='')))
    if not rows or rows[0] != ['source', 'target', 'file']:
        raise DataError(f'{list_path}: expected the columns source,target,file, '
                        f'found {",".join(rows[0]) if rows else "nothing"}.')
    known, found = set(pairs), {}
    for number, row in enumerate(rows[1:], 2):
        where, pair = f'{list_path}: row {number}', tuple(row[:2])
        if len(row) != 3 or pair not in known:
            raise DataError(f'{where}: expected a pair of the protocol and its file, found {",".join(row)!r}.')
        path = root / row[2]
        if os.path.isabs(row[2]) or os.path.normpath(row[2]).startswith('..') or not os.path.isfile(path):
            raise DataError(f'{where}: expected a picture in {root}, found {row[2]!r}.')
        if pair in found:
            raise DataError(f'{where}: expected every pair once, found {" -> ".join(pair)} again.')
        found[pair] = path
    return found
