"""Writing files and folders whole or not at all, and digests of files and folders."""

import contextlib
import hashlib
import os
import pathlib
import shutil
import tempfile
import uuid

from data_pipeline.errors import UsageError, WriteError

_LONGEST_SUFFIX = 16  # that says what kind of file it is


@contextlib.contextmanager
def writing(path):
    """Turns an OSError inside the block into a WriteError that names `path`."""
    try:
        yield
    except OSError as error:
        raise WriteError(f'{path}: cannot be written ({error.strerror or error}).') from error


@contextlib.contextmanager
def whole_file(path):
    """Writes a file under another name in the same folder and gives it its own name at the end.

    Args:
      path: the file; its folders are made, an older file of this name is replaced.

    Yields:
      pathlib.Path to write to, of the same suffix. If the block fails, nothing of it stays and `path` is as it was.

    Raises:
      WriteError: the file or its folder cannot be written.
    """
    path = pathlib.Path(path)
    # The name is of this call alone: a worker of a run that was killed may still write the same file. It is short, as
    # the file's own may be as long as a name can be.
    suffix = path.suffix if len(path.suffix) <= _LONGEST_SUFFIX else ''
    unfinished = path.with_name(f'.{uuid.uuid4().hex}.unfinished{suffix}')
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield unfinished
            os.replace(unfinished, path)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def write_text(path, text):
    """Writes a text file in UTF-8, whole or not at all; see `whole_file`."""
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding='utf-8')


@contextlib.contextmanager
def whole_folder(path):
    """Makes a folder under another name beside its place and gives it its own name at the end.

    Args:
      path: the folder, which must not exist; its parents are made.

    Yields:
      pathlib.Path of the empty folder to fill. If the block fails, nothing of it stays.

    Raises:
      UsageError: `path` exists.
      WriteError: the folder cannot be written.
    """
    path = pathlib.Path(path)
    check_is_free(path)
    scratch = None
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            scratch = pathlib.Path(tempfile.mkdtemp(dir=path.parent, prefix='.unfinished-'))
            scratch.chmod(0o755)  # mkdtemp makes folders that only their owner can open
            yield scratch
            check_is_free(path)
            os.rename(scratch, path)
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)


def check_is_free(path):
    """Raises UsageError if a file or folder exists."""
    if os.path.lexists(path):
        raise UsageError(f'{path}: expected a folder that does not exist yet, found one.')


def sha256(parts):
    """Returns the SHA-256 of an iterable of bytes that follow each other, hexadecimal; holds one part at a time."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def sha256_of_file(path):
    """Returns the SHA-256 of a file, hexadecimal, without holding the file in memory."""
    with open(path, 'rb') as file:
        return sha256(iter(lambda: file.read(2 ** 20), b''))


def sha256_of_files(root, files):
    """Returns the SHA-256 of files, by their path below `root` and their content, hexadecimal; holds one at a time."""
    return sha256(part for file in files for part in (str(file.relative_to(root)).encode(), file.read_bytes()))


def sha256_of_folder(path):
    """Returns the SHA-256 of all files below a folder, by name and content, hexadecimal."""
    root = pathlib.Path(path)
    files = sorted(file for file in root.rglob('*') if file.is_file())
    return sha256(f'{file.relative_to(root).as_posix()} {sha256_of_file(file)}\n'.encode() for file in files)
