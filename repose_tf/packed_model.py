"""A trained generator in two small files, to be handed on: what to build, and its weights in half precision.

    models/people-64/
      architecture.json   the sizes of the model, as in a run folder
      weights.npz         every variable of the generator in its order, `000`, `001`, ..., float16
"""

import os
import pathlib
import shutil
import tempfile
import zipfile

import numpy as np

from data_pipeline.errors import UsageError
from experiments.training.run_folder import RunFolder
from repose_tf.building import build
from repose_tf.generator import Generator
from repose_tf.variables import tf_variables

WEIGHTS_FILE = 'weights.npz'


def is_packed(path):
    """Says whether a folder holds a packed model."""
    return (pathlib.Path(path) / WEIGHTS_FILE).is_file()


def write(generator, path):
    """Packs a generator; the folder appears complete or not at all.

    Args:
      generator: a built `Generator`.
      path: folder, which must not exist yet.

    Returns:
      size of the weights' file in bytes.

    Raises:
      UsageError: a weight that float16 cannot hold, or the folder cannot be made.
    """
    arrays = {f'{index:03d}': variable.numpy() for index, variable in enumerate(tf_variables(generator))}
    limit = np.finfo(np.float16).max
    for index, array in arrays.items():
        if not np.all(np.abs(array) <= limit):
            raise UsageError(f'variable {index} of the model: expected finite values up to {limit:g}, which float16 '
                             f'holds, found {np.abs(array).max()}.')
    path = pathlib.Path(path)
    if path.exists():
        raise UsageError(f'{path}: expected a folder that does not exist yet, found one.')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = pathlib.Path(tempfile.mkdtemp(dir=path.parent, prefix='.pack-'))
        try:
            np.savez_compressed(scratch / WEIGHTS_FILE, **{
                index: array.astype(np.float16) for index, array in arrays.items()})
            pathlib.Path(RunFolder(str(scratch)).architecture_path).write_text(generator.architecture.to_json())
            scratch.chmod(0o755)
            os.rename(scratch, path)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise UsageError(f'{path}: cannot be written: {error.strerror}.') from None
    return (path / WEIGHTS_FILE).stat().st_size


def load_generator(path, precision='float32'):
    """Builds the generator of a packed model.

    Args:
      path: its folder.
      precision: type of the arithmetic, as --precision; the variables are float32 again.

    Returns:
      the `Generator`.

    Raises:
      UsageError: a file is missing, damaged, or the two do not belong together.
    """
    path = pathlib.Path(path)
    folder = RunFolder(str(path))
    for name in (folder.architecture_path, path / WEIGHTS_FILE):
        if not os.path.isfile(name):
            raise UsageError(f'{path}: expected a packed model, found no {os.path.basename(name)} in it.')
    arrays = _arrays(path / WEIGHTS_FILE)
    generator = build(Generator(folder.architecture(), dtype=precision))
    variables = tf_variables(generator)
    if len(arrays) != len(variables):
        raise UsageError(f'{path / WEIGHTS_FILE}: expected the {len(variables)} variables that architecture.json asks '
                         f'for, found {len(arrays)}.')
    for index, variable in enumerate(variables):
        array = arrays.get(f'{index:03d}')
        if array is None or array.shape != tuple(variable.shape) or not np.all(np.isfinite(array)):
            found = 'none' if array is None else f'{list(array.shape)}'
            raise UsageError(f'{path / WEIGHTS_FILE}: expected variable {index:03d} ({variable.name}) of shape '
                             f'{list(variable.shape)} with finite values, found {found}.')
        variable.assign(array.astype(np.float32))
    return generator


def _arrays(path):
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f'{path}: expected the arrays of a packed model, found a damaged file ({error}).') from None
