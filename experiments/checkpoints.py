"""Saving and restoring what a run has learned, and the trained generator of a run folder."""

import tensorflow as tf

from experiments.program import UsageError
from repose_tf.building import build
from repose_tf.generator import Generator
from repose_tf.variables import tf_variables

_SUFFIX = '/.ATTRIBUTES/VARIABLE_VALUE'


class VariableModule(tf.Module):
    """Holds the variables of a model or an optimiser in their order.

    Checkpoints hold these and not the models: Keras 3 leaves out layers that lie in a list or dictionary
    without a word, and its files do not fit Keras 2.
    """

    def __init__(self, owner):
        super().__init__()
        self.held = (owner,) if isinstance(owner, tf.Variable) else tf_variables(owner)


class Checkpoints:
    """The checkpoints in a folder, the latest few of them kept."""

    def __init__(self, folder, keep=3, **parts):
        """Prepares saving and restoring; nothing is read or written yet.

        Args:
          folder: folder of the checkpoints.
          keep: how many are kept.
          **parts: name -> built model, built optimiser or tf.Variable. A checkpoint may be restored
            into some of the parts that it was saved from.
        """
        self._folder = folder
        self._parts = {name: VariableModule(owner) for name, owner in parts.items()}
        self._checkpoint = tf.train.Checkpoint(**self._parts)
        self._manager = tf.train.CheckpointManager(self._checkpoint, folder, max_to_keep=keep,
                                                   checkpoint_name='step')

    @property
    def latest(self):
        """Path prefix of the latest checkpoint, or None."""
        return self._manager.latest_checkpoint

    def save(self, step):
        """Writes a checkpoint; returns its path prefix, which ends in the step."""
        return self._manager.save(checkpoint_number=step)

    def restore_latest(self):
        """Sets all parts to the latest checkpoint.

        Returns:
          the checkpoint's path prefix.

        Raises:
          UsageError: there is none, it cannot be read, or it holds other variables.
        """
        if self.latest is None:
            raise UsageError(f'{self._folder}: expected a checkpoint, found none; has the run been trained?')
        try:
            saved = tf.train.load_checkpoint(self.latest).get_variable_to_shape_map()
            for name, part in self._parts.items():
                self._check(name, part, saved)
            self._checkpoint.restore(self.latest).assert_existing_objects_matched().expect_partial()
        except (tf.errors.OpError, IndexError, RuntimeError, ValueError) as error:  # all of them seen
            first_line = str(error).splitlines()[0]
            raise UsageError(f'{self.latest}: expected a complete checkpoint, found: {first_line}') from error
        return self.latest

    def _check(self, name, part, saved):
        """Refuses a checkpoint in which the variables of a part differ in number or shape."""
        prefix = f'{name}/held/'
        found = {key[len(prefix):-len(_SUFFIX)]: shape for key, shape in saved.items()
                 if key.startswith(prefix) and key.endswith(_SUFFIX)}
        if len(found) != len(part.held):
            raise UsageError(f'{self.latest}: holds another {name}; '
                             f'expected {len(part.held)} variables, found {len(found)}.')
        for index, variable in enumerate(part.held):
            if list(variable.shape) != list(found[str(index)]):
                raise UsageError(f'{self.latest}: holds another {name}; expected {variable.name} of shape '
                                 f'{list(variable.shape)}, found {list(found[str(index)])}.')


def load_generator(folder, precision=None):
    """Builds the generator of a run and restores its latest checkpoint.

    Args:
      folder: `RunFolder`.
      precision: type of the arithmetic, as --precision; None: as the run was trained.

    Returns:
      the `Generator`.

    Raises:
      UsageError: see `Checkpoints.restore_latest`.
    """
    generator = Generator(folder.architecture(), dtype=precision or folder.settings().model.precision)
    Checkpoints(folder.checkpoints_dir, generator=build(generator)).restore_latest()
    return generator
