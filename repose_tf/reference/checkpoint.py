"""Finding and reading a TensorFlow 1 checkpoint: a prefix, a folder or a zip archive -> arrays by name."""

import contextlib
import glob
import os
import re
import tempfile
import zipfile
import zlib

import tensorflow as tf

from repose_tf.errors import UserError

_PART = re.compile(r'\.(index|meta|data-\d{5}-of-\d{5})$')  # what each file of a checkpoint adds to its prefix
_READ_ERRORS = (tf.errors.OpError, IndexError, RuntimeError, ValueError)  # of damaged files; all of them seen
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError)


class CheckpointError(UserError, ValueError):
    """A checkpoint is not what it should be."""


class SavedVariables:
    """The variables in a checkpoint.

    Attributes:
      path: where it lies, as the user named it.
      prefix: of its files, without .index.
      shapes: a dictionary from the names of the variables to their shapes.
    """

    def __init__(self, path, prefix):
        """Opens the checkpoint that `opened` has found."""
        self.path = path
        self.prefix = prefix
        if not glob.glob(f'{glob.escape(prefix)}.data-*'):
            raise CheckpointError(f'{path}: expected {os.path.basename(prefix)}.data-00000-of-00001 beside its .index '
                                  'file, found none.')
        with self._damage_told():
            self._reader = tf.train.load_checkpoint(prefix)
            self.shapes = {name: tuple(shape) for name, shape in self._reader.get_variable_to_shape_map().items()}
        if '_CHECKPOINTABLE_OBJECT_GRAPH' in self.shapes:
            raise CheckpointError(
                f"{path}: expected a checkpoint of the authors' TensorFlow 1 program, found one that looks like "
                'TensorFlow 2. What was trained with this project needs no import: give the programs its run folder as '
                '--run_dir.')

    def read(self, name):
        """Returns the values of a variable, an array."""
        with self._damage_told():
            return self._reader.get_tensor(name)

    @contextlib.contextmanager
    def _damage_told(self):
        try:
            yield
        except _READ_ERRORS as error:
            first_line = str(error).splitlines()[0]
            raise CheckpointError(f'{self.path}: expected a complete checkpoint, found one that is cut short or '
                                  f'damaged: {first_line}') from error


@contextlib.contextmanager
def opened(path):
    """Opens a checkpoint; use as `with opened(path) as saved:`.

    Args:
      path: a checkpoint's prefix or one of its files, or a folder or zip archive that holds one checkpoint. An archive
        is unpacked into a temporary folder for as long as the checkpoint is open.

    Yields:
      the `SavedVariables`.

    Raises:
      CheckpointError: there is no checkpoint, there are several, or it cannot be read.
    """
    path = os.fspath(path)
    if os.path.isdir(path):
        yield SavedVariables(path, _only_prefix(path, path))
    elif os.path.isfile(path) and not _PART.search(path):
        with tempfile.TemporaryDirectory(prefix='checkpoint-') as folder:
            _unpack(path, folder)
            yield SavedVariables(path, _only_prefix(path, folder))
    else:
        prefix = _PART.sub('', path)
        if not os.path.isfile(f'{prefix}.index'):
            raise CheckpointError(f'{path}: expected a checkpoint (a prefix, a folder or a .zip), found no file '
                                  f'{prefix}.index.')
        yield SavedVariables(path, prefix)


def _only_prefix(path, folder):
    """Returns the prefix of the one checkpoint in a folder or below it."""
    prefixes = sorted(file[:-len('.index')]
                      for file in glob.glob(os.path.join(glob.escape(folder), '**', '*.index'), recursive=True))
    if not prefixes:
        raise CheckpointError(f'{path}: expected a checkpoint in it (files .index and .data-00000-of-00001), found '
                              'no .index file.')
    if len(prefixes) > 1:
        found = ', '.join(os.path.relpath(prefix, folder) for prefix in prefixes)
        raise CheckpointError(f'{path}: expected one checkpoint in it, found {len(prefixes)}: {found}. Give the '
                              'prefix of the one that you want.')
    return prefixes[0]


def _unpack(path, folder):
    """Unpacks the files of checkpoints from an archive; `extract` lets none of them out of the folder."""
    if not zipfile.is_zipfile(path):
        raise CheckpointError(f'{path}: expected a checkpoint (a prefix, a folder or a .zip), found a file that is no '
                              'zip archive, or not all of one.')
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if _PART.search(name):
                    archive.extract(name, folder)
    except _ZIP_ERRORS as error:
        raise CheckpointError(f'{path}: expected a complete zip archive, found: {error}') from error
