"""The generator of a model that is named by its path: a run or a packed model."""

import dataclasses
import os

from data_pipeline.errors import UsageError
from experiments.training import checkpoints, run_folder
from repose_tf import packed_model
from repose_tf.generator import Generator


@dataclasses.dataclass(frozen=True)
class OpenedGenerator:
    """A generator and where it is from.

    Attributes:
      generator: built, with its weights.
      kind: 'run' or 'packed model'.
      name: of the folder.
    """

    generator: Generator
    kind: str
    name: str


def is_saved_model(path):
    """Says whether a path is a SavedModel's folder."""
    return os.path.isfile(os.path.join(path, 'saved_model.pb'))


def open_generator(path, weights='average', precision=None):
    """Opens a run or a packed model.

    Args:
      path: a run's folder or <runs_dir>/<run_name> for its newest run, or a packed model's folder.
      weights: of a run: 'average' or 'latest', see `checkpoints.load_generator`.
      precision: type of the arithmetic, as --precision; None: a run's own, float32 of a packed model.

    Returns:
      `OpenedGenerator`.

    Raises:
      UsageError: it is neither, or one that cannot be read.
    """
    if packed_model.is_packed(path):
        generator = packed_model.load_generator(path, precision or 'float32')
        return OpenedGenerator(generator, 'packed model', base_name(path))
    if is_saved_model(path):
        raise UsageError(f'{path}: expected a run folder or a packed model, found a SavedModel.')
    if os.path.isdir(path) and not os.path.isfile(os.path.join(path, 'architecture.json')):
        raise UsageError(f'{path}: expected a run folder, a packed model (architecture.json, weights.npz) or a '
                         'SavedModel, found a folder that is none of them.')
    folder = run_folder.open_existing(path)
    return OpenedGenerator(checkpoints.load_generator(folder, precision, weights), 'run', base_name(folder.path))


def base_name(path):
    """Returns the last part of a path, also of '.'."""
    return os.path.basename(os.path.abspath(path))
