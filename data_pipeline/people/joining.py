"""Joining several folders in the people layout to one: all of their persons, each in the split that it has there."""

import collections
import dataclasses
import pathlib

from data_pipeline.errors import DataError
from data_pipeline.files import sha256
from data_pipeline.records.folder import SPLITS, Folder, renamed

_LONGEST_NAME = 100  # of all folders together, in the name of their records


def join(source, folders):
    """Joins folders.

    A person of a name that occurs in two folders is called `<folder>-<person>`, by the name of their own.

    Args:
      source: how the user calls all of them.
      folders: list of `Folder`, each of one folder.

    Returns:
      `Folder` with the others as its parts.

    Raises:
      DataError: two persons still have the same name.
    """
    count = collections.Counter(name for part in folders for name in _names(part))
    parts, place_of = [], {}
    for part in folders:
        new = {name: f'{_called(part)}-{name}' if count[name] > 1 else name for name in _names(part)}
        for name, joined in new.items():
            if joined in place_of:
                raise DataError(f'{part.root}: expected persons of other names than those of {place_of[joined]}, or a '
                                f'folder of another name, found {name!r} in both.')
            place_of[joined] = part.root
        parts.append((part, new))
    readable = '_'.join(part.name.rpartition('-')[0] for part in folders)
    digest = sha256(f'{_called(part)} {part.name}\n'.encode() for part in folders)
    splits = {split: tuple(new[name] for part, new in parts for name in part.splits.get(split, ())) for split in SPLITS}
    return Folder(
        pathlib.Path(source), f'{readable[:_LONGEST_NAME]}-{digest[:10]}',
        {new[name]: tuple(dataclasses.replace(frame, id=renamed(frame.id, new)) for frame in frames)
         for part, new in parts for name, frames in part.persons.items()},
        {split: names for split, names in splits.items() if names},
        {renamed(key, new): reason for part, new in parts for key, reason in part.left_out.items()},
        parts=tuple(parts))


def _called(part):
    return part.root.resolve().name


def _names(part):
    """Returns the persons of a folder, also those of which only something that was left out tells, each once."""
    return dict.fromkeys([*part.persons, *(key.split('/')[0] for key in part.left_out)])
