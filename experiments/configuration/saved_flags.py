"""The flags of a run as its folder keeps them, and what may differ when the run goes on."""

from absl import flags

from data_pipeline.errors import UsageError
from experiments.configuration.flags import define_training_run
from experiments.configuration.settings import GROUPS, field_names

# What does not decide what is learned: where things lie, how often what is written, how it is computed; and the step
# size, which people lower on the way. Everything else stays, or the run would no longer be the one its folder tells of.
CHANGEABLE = frozenset((
    'source_dir', 'data_dir', 'cache_mb', 'steps', 'learning_rate', 'precision', 'accumulate_steps', 'max_bad_steps',
    'deterministic', 'jit_compile', 'remat', 'log_every', 'image_every', 'checkpoint_every', 'keep_checkpoints',
    'validate_every', 'num_validation_pairs', 'profile_steps', 'num_virtual_cpus', 'vgg_weights'))


def flags_text(values=flags.FLAGS):
    """Returns the flags of a training run as text: a flags file that starts the same run again."""
    return ''.join(f'--{name}={value}\n' for name, value in as_dict(values).items())


def as_dict(values=flags.FLAGS):
    """Returns dict, name -> value, of the flags of a training run."""
    return {name: values[name].value for name in _saved_names()}


def saved_flags(path):
    """Returns the flag values in a file that `flags_text` wrote."""
    values = flags.FlagValues()
    define_training_run(values)
    values(['', f'--flagfile={path}'])
    return values


def adopt_saved(path, values=flags.FLAGS):
    """Sets every flag that was not given on the command line to its saved value.

    Args:
      path: flags file of the run to go on with.
      values: parsed flags; changed in place.

    Raises:
      UsageError: a flag that decides what is learned was given, and not as the run has it.
    """
    saved = saved_flags(path)
    for name in _saved_names():
        if not values[name].present:
            values[name].value = saved[name].value
        elif name not in CHANGEABLE and values[name].value != saved[name].value:
            raise UsageError(f'--{name}: the run has another one; expected {saved[name].value} ({path}), '
                             f'found {values[name].value}. A new run may begin with its networks: --init_from.')


def _saved_names():
    """Names of the flags that make a training run what it is."""
    return [name for group in GROUPS for name in field_names(group)] + ['run_name', 'runs_dir', 'init_from']
