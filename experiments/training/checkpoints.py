"""Saving and restoring what a run has learned."""

import contextlib
import glob
import os
import re
import shutil

import tensorflow as tf

from data_pipeline.errors import UsageError
from repose_tf.variables import tf_variables

_SUFFIX = '/.ATTRIBUTES/VARIABLE_VALUE'
_NO_DISCRIMINATOR = '{} holds no discriminator: this run begins with an untrained one.'
_DAMAGED = (tf.errors.OpError, IndexError, RuntimeError, ValueError)  # all of them seen


class VariableModule(tf.Module):
    """Holds the variables of a model or an optimiser in their order.

    Checkpoints hold these and not the models: Keras 3 silently leaves out layers in a list or dictionary, and its files
    do not fit Keras 2.
    """

    def __init__(self, owner):
        super().__init__()
        self.held = (owner,) if isinstance(owner, tf.Variable) else tf_variables(owner)


class Checkpoints:
    """The checkpoints in a folder, the latest few of them kept.

    What counts is what lies there: `step-<step>.index`, which TensorFlow writes last. No list of them is kept, which
    could be older or newer than they are.
    """

    def __init__(self, folder, keep=3, **parts):
        """Prepares saving and restoring; nothing is read or written yet.

        Args:
          folder: of the checkpoints.
          keep: how many are kept.
          **parts: name -> model, optimiser or tf.Variable. A checkpoint may be restored into some of the parts that it
            was saved from.
        """
        self._folder, self._keep = folder, keep
        self._parts = {name: VariableModule(owner) for name, owner in parts.items()}
        self._checkpoint = tf.train.Checkpoint(**self._parts)

    @property
    def prefixes(self):
        """Path prefixes of all checkpoints, the latest first."""
        found = {}
        for path in glob.glob(os.path.join(glob.escape(str(self._folder)), 'step-*.index')):
            if step := re.fullmatch(r'step-(\d+)\.index', os.path.basename(path)):
                found[int(step[1])] = path.removesuffix('.index')
        return [found[step] for step in sorted(found, reverse=True)]

    def save(self, step):
        """Writes a checkpoint, then removes those that are too many; returns its path prefix, which ends in the step.

        Raises:
          UsageError: it cannot be written; nothing of it is left, the ones before are untouched.
        """
        prefix = os.path.join(self._folder, f'step-{step}')
        try:
            # TensorFlow writes under other names first.
            self._checkpoint.write(prefix)
        except (tf.errors.OpError, OSError) as error:
            _remove(prefix)
            kept = self.prefixes
            raise UsageError(f'{prefix}: the checkpoint cannot be written: {_first_line(error)}. '
                             f'{f"{kept[0]} is intact." if kept else "There is none before it."}') from error
        for old in self.prefixes[self._keep:]:
            _remove(old)
        return prefix

    def restore_latest(self, say=print):
        """Sets all parts to the latest checkpoint that is whole and returns its path prefix.

        `say` is a function of a text, called for every damaged checkpoint that is passed over.

        Raises:
          UsageError: there is none, none can be read, or the first that can holds other variables.
        """
        prefixes = self.prefixes
        if not prefixes:
            raise UsageError(f'{self._folder}: expected a checkpoint, found none; has the run been trained?')
        for prefix in prefixes:
            try:
                saved = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
                for name, part in self._parts.items():
                    _check_part(prefix, name, part, saved)
                self._checkpoint.read(prefix).assert_existing_objects_matched().expect_partial()
                return prefix
            except _DAMAGED as error:
                damage = _first_line(error)
                say(f'{prefix}: damaged, the one before is taken: {damage}')
        raise UsageError(f'{prefixes[-1]}: expected a complete checkpoint, found: {damage}')

    def has(self, part):
        """Says whether the latest checkpoint that can be listed holds a part of this name."""
        for prefix in self.prefixes:
            try:
                return any(name.startswith(f'{part}/held/') for name, _ in tf.train.list_variables(prefix))
            except _DAMAGED:
                continue
        return False


def for_run(folder, trainer, settings):
    """Returns the `Checkpoints` of a run: a `RunFolder`, its `Trainer` and its `Settings`."""
    return Checkpoints(folder.checkpoints_dir, settings.train.keep_checkpoints, **trainer.checkpoint_parts())


def take_over(folder, parts):
    """Sets the networks of a new run, `Trainer.initial_parts`, to those of another one, a `RunFolder`.

    Returns:
      list of lines that say what was taken from where.

    Raises:
      UsageError: see `Checkpoints.restore_latest`.
    """
    stored = Checkpoints(folder.checkpoints_dir)
    said = []
    for name, network in parts.items():
        source = name
        if name != 'discriminator':  # what is shown of the other run is what this one begins with
            source = 'average' if stored.has('average') else 'generator'
        elif not stored.has(name):
            said.append(_NO_DISCRIMINATOR.format(folder.path))
            continue
        prefix = Checkpoints(folder.checkpoints_dir, **{source: network}).restore_latest()
        said.append(f'{name}: from the {source} of {prefix}')
    return said


def take_over_packed(path, packed, parts):
    """Sets the networks of a new run to the `Generator` of a packed model; arguments and result as of `take_over`."""
    said = []
    for name, network in parts.items():
        if name == 'discriminator':
            said.append(_NO_DISCRIMINATOR.format(path))
            continue
        network.set_weights(packed.get_weights())
        said.append(f'{name}: from the packed model {path}')
    return said


def _check_part(prefix, name, part, saved):
    """Refuses a checkpoint in which the variables of a part differ in number or shape."""
    start = f'{name}/held/'
    found = {key[len(start):-len(_SUFFIX)]: shape for key, shape in saved.items()
             if key.startswith(start) and key.endswith(_SUFFIX)}
    if len(found) != len(part.held):
        raise UsageError(f'{prefix}: holds another {name}; expected {len(part.held)} variables, found {len(found)}.')
    for index, variable in enumerate(part.held):
        expected, shape = list(variable.shape), list(found[str(index)])
        if expected != shape:
            raise UsageError(f'{prefix}: holds another {name}; expected {variable.name} of shape {expected}, '
                             f'found {shape}.')


def _remove(prefix):
    """Removes the files of a checkpoint, the index first: what is left half is none."""
    for path in [f'{prefix}.index', *glob.glob(f'{glob.escape(prefix)}.data-*')]:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
    shutil.rmtree(f'{prefix}_temp', ignore_errors=True)


def _first_line(error):
    return str(error).splitlines()[0] if str(error) else type(error).__name__
