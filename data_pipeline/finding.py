"""Finding files: in the order in which people count, behind links, with suffixes in any case."""

import functools
import os
import pathlib
import re
import unicodedata

from data_pipeline.errors import DataError

_DIGITS = 32  # of the longest number in a name that is compared as one


def natural_key(name):
    """Returns a key that sorts names, or paths with /, as people count: 2 before 10."""
    return re.sub('[0-9]+', lambda number: number.group().lstrip('0').zfill(_DIGITS), str(name)).split('/'), str(name)


def folders_in(text):
    """Returns the folders, list of pathlib.Path, that a text names with commas between.

    A folder may have a comma in its name: a text that is the name of a folder means this one alone.

    Raises:
      DataError: between two commas there is nothing.
    """
    names = [os.fspath(text)] if os.path.isdir(text) else os.fspath(text).split(',')
    if len(names) > 1 and '' in names:
        raise DataError(f'{text}: expected names of folders with a comma between two, found one that is empty.')
    return [pathlib.Path(name) for name in names]


def files_below(folder):
    """Yields the files below a folder in natural order, those behind links as if they were there.

    Names that begin with a dot are left out. A link that leads to nothing, or back to a folder that it is in, is
    yielded as it is; `what_is` tells it.

    Args:
      folder: its path; there may be none.

    Yields:
      pathlib.Path that begins with `folder`.

    Raises:
      DataError: a folder cannot be read; see `names_in`.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        return
    waiting = [(folder, (os.path.realpath(folder),))]  # and the folders around it; the last is the next to be looked at
    while waiting:
        path, around = waiting.pop()
        if path is not folder and path.is_dir():
            real = os.path.realpath(path) if path.is_symlink() else os.path.join(around[-1], path.name)
            if real in around:
                yield path
                continue
            around = (*around, real)
        elif path is not folder:
            yield path
            continue
        waiting += [(path / name, around) for name in reversed(names_in(path))]


def names_in(folder):
    """Returns the names in a folder, but for those that begin with a dot, in natural order.

    Raises:
      DataError: the folder cannot be read, or a name is not in UTF-8, as all texts are in which it would stand.
    """
    try:
        names = sorted((name for name in os.listdir(folder) if not name.startswith('.')), key=natural_key)
        for name in names:
            name.encode()
    except OSError as error:
        raise DataError(f'{folder}: expected a folder, found nothing readable ({error.strerror}).') from error
    except UnicodeEncodeError as error:
        raise DataError(f'{folder}: expected names of files in UTF-8, found {name!a}; rename it.') from error
    return names


def composed(name):
    """Returns a name with its letters composed, as one and the same name may be written in two ways."""
    return unicodedata.normalize('NFC', name)


def what_is(path):
    """Returns what stands at a place where a file was expected, for messages."""
    if os.path.isdir(path):
        return 'a link to a folder that it is in' if os.path.islink(path) else 'a folder'
    if os.path.islink(path):
        return 'a link to nothing'
    return 'something that is no plain file' if os.path.lexists(path) else 'no such file'


def find_file(place, suffixes):
    """Finds a file by its place without suffix; suffixes may be in capitals, letters composed or not.

    Args:
      place: path, without suffix.
      suffixes: of the kinds of file that are wanted, in small letters.

    Returns:
      pathlib.Path or None.
    """
    place = pathlib.Path(place)
    for suffix in suffixes:
        exact = place.with_name(f'{place.name}{suffix}')
        if exact.is_file():
            return exact
    folder = place.parent
    if not folder.is_dir() and folder.parent.is_dir():  # its name may be composed otherwise
        wanted = composed(folder.name)
        folder = next((path for path in folder.parent.iterdir() if composed(path.name) == wanted), folder)
    try:
        found = _listed(folder, os.stat(folder).st_mtime_ns)
    except OSError:
        return None
    return next((path for suffix in suffixes if (path := found.get((composed(place.name), suffix)))), None)


@functools.lru_cache(maxsize=4)
def _listed(folder, changed_ns):
    """Returns dict, (name without suffix, composed; suffix in small letters) -> path, of the files in a folder."""
    del changed_ns  # when the folder changes, it is listed again
    paths = (folder / name for name in sorted(os.listdir(folder), key=natural_key))
    return {(composed(path.stem), path.suffix.lower()): path for path in paths if path.is_file()}
