"""Opening a trained model by its path: a run's folder, a packed model or a SavedModel."""

import os

from data_pipeline.errors import UsageError
from experiments.training import run_folder
from experiments.training.checkpoints import Checkpoints
from repose_tf import packed_model, reposer
from repose_tf.generator import Generator
from repose_tf.model_kinds import is_saved_model


def open_model(path, weights='average', precision=None, size=None):
    """Opens a model.

    Args:
      path: a run's folder or <runs_dir>/<run_name> for its newest run, a packed model's folder, or a SavedModel's.
      weights: of a run: 'average' or 'latest', see `load_generator`.
      precision: type of the arithmetic, as --precision; None: a run's own, float32 of a packed model. A SavedModel has
        its own.
      size: of the pictures, px, as --size; None: as the model was trained.

    Returns:
      `repose_tf.Reposer`.

    Raises:
      UserError: it is none of these, or one that cannot be read.
    """
    run = run_of(path)
    if run is None:
        return reposer.load(path, precision or 'float32', size)
    generator = load_generator(run, precision, weights)
    return reposer.Reposer.of_generator(generator, reposer.base_name(run.path), 'run').at_size(size)


def open_generator(path, weights='average', precision=None, size=None):
    """Returns the `Generator` of a run or a packed model; arguments and errors as of `open_model`."""
    if is_saved_model(path):
        raise UsageError(f'{path}: expected a run folder or a packed model, found a SavedModel.')
    return open_model(path, weights, precision, size).generator


def run_of(path):
    """Returns the `RunFolder` that a model's path names, or None where it is a packed model or a SavedModel.

    Raises:
      UsageError: it is no model at all.
    """
    if is_saved_model(path) or packed_model.is_packed(path):
        return None
    if os.path.isdir(path) and not os.path.isfile(os.path.join(path, packed_model.ARCHITECTURE_FILE)):
        raise UsageError(f'{path}: expected a run folder, a packed model (architecture.json, weights.npz) or a '
                         'SavedModel, found a folder that is none of them.')
    return run_folder.open_existing(path)


def load_generator(run, precision=None, weights='average'):
    """Builds the `Generator` of a run and restores its latest checkpoint.

    Args:
      run: `RunFolder`.
      precision: type of the arithmetic, as --precision; None: as the run was trained.
      weights: 'average': the moving average of the weights, or the weights of a run that keeps none; 'latest'.

    Raises:
      UsageError: see `Checkpoints.restore_latest`.
    """
    generator = Generator(run.architecture(), dtype=precision or run.settings().model.precision)
    part = 'average' if weights == 'average' and Checkpoints(run.checkpoints_dir).has('average') else 'generator'
    prefix = Checkpoints(run.checkpoints_dir, **{part: generator}).restore_latest()
    print(f'Weights: {"the moving average" if part == "average" else "those of the last step"}, {prefix}', flush=True)
    return generator
