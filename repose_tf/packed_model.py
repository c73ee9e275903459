"""A trained generator in two small files: its sizes, and its weights in half precision.

    models/people-256/
      architecture.json   the sizes of the model, as in a run folder
      weights.npz         every variable of the generator in its order, `000`, `001`, ..., float16
"""

import pathlib
import zipfile

import numpy as np

from repose_tf.architecture import Architecture
from repose_tf.errors import ModelError
from repose_tf.generator import Generator
from repose_tf.variables import tf_variables

ARCHITECTURE_FILE = 'architecture.json'
WEIGHTS_FILE = 'weights.npz'


def is_packed(path):
    """Says whether a folder holds a packed model."""
    return (pathlib.Path(path) / WEIGHTS_FILE).is_file()


def load_generator(path, precision='float32'):
    """Loads the generator of a packed model.

    Args:
      path: its folder.
      precision: Keras dtype policy of the arithmetic; the variables are float32 again.

    Returns:
      the `Generator`.

    Raises:
      ModelError: a file is missing, damaged, or the two do not belong together.
    """
    path = pathlib.Path(path)
    for name in (ARCHITECTURE_FILE, WEIGHTS_FILE):
        if not (path / name).is_file():
            raise ModelError(f'{path}: expected a packed model, found no {name} in it.')
    arrays = _arrays(path / WEIGHTS_FILE)
    generator = Generator(_architecture(path / ARCHITECTURE_FILE), dtype=precision)
    variables = tf_variables(generator)
    if len(arrays) != len(variables):
        raise ModelError(f'{path / WEIGHTS_FILE}: expected the {len(variables)} variables that {ARCHITECTURE_FILE} '
                         f'asks for, found {len(arrays)}.')
    for index, variable in enumerate(variables):
        array = arrays.get(f'{index:03d}')
        if array is None or array.shape != tuple(variable.shape) or not np.all(np.isfinite(array)):
            found = 'none' if array is None else f'{list(array.shape)}'
            raise ModelError(f'{path / WEIGHTS_FILE}: expected variable {index:03d} ({variable.name}) of shape '
                             f'{list(variable.shape)} with finite values, found {found}.')
        variable.assign(array.astype(np.float32))
    return generator


def _architecture(path):
    try:
        return Architecture.from_json(path.read_text())
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f'{path}: does not describe a model of this version: {error}') from None


def _arrays(path):
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f'{path}: expected the arrays of a packed model, found a damaged file ({error}).') from None
