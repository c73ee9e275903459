"""The flags of the programs, made from the table of settings, and settings made from flags and from flag files.

A program hands the `define_` functions of its groups to `program.run` and calls `settings_from_flags`.
No TensorFlow here, so that a mistake in a flag is answered at once.
"""

import dataclasses

from absl import flags

from data_pipeline.errors import UsageError
from data_pipeline.program import define_settings, parse
from experiments.configuration.settings import RULES, DataSettings, Settings

SHIPPED_MODEL = 'models/people-256'
LARGEST_PX = 512  # of pictures, unless larger ones are asked for
_DEFAULTS = Settings()
_BEFORE = {'registration': 'reference'}  # of runs that began before there was such a flag


def define_data():
    """Defines which data are used."""
    define_settings(_DEFAULTS.data)


def define_model_path(default=''):
    """Defines which trained model a program opens; without a default it must be given."""
    flags.DEFINE_string('model', default, 'Trained model: a run folder or <runs_dir>/<run_name> for its newest run, a '
                        'packed model, or a SavedModel. --run_dir and --saved_model are other names of this flag.',
                        allow_overwrite=False)
    for name in ('run_dir', 'saved_model'):
        flags.DEFINE_alias(name, 'model')
    flags.DEFINE_enum('weights', 'average', ('average', 'latest'), 'Of a run: the moving average of the weights, where '
                      'it keeps one, or those of the last step.')


def define_shipped_model_path():
    """Defines the same for a program that opens the model that comes along, unless it is told otherwise."""
    define_model_path(SHIPPED_MODEL)


def define_size(default='as the model was trained'):
    """Defines how large the pictures are; `default` says in words how large otherwise."""
    flags.DEFINE_integer('size', None, 'Rows and columns of the pictures, px. A model with a detail stream also makes '
                         'those of 2 and 4 times the size that it was trained with, with the pixels of a larger photo. '
                         f'Default: {default}.', lower_bound=1)


def define_size_of_photo():
    """Defines the same for programs that take photos."""
    define_size(f'the smallest that has all of the photo, up to {LARGEST_PX}')


def define_training_run(values=flags.FLAGS):
    """Defines every flag of the training."""
    for group in vars(_DEFAULTS).values():
        define_settings(group, values)
    flags.DEFINE_string('resume', '', 'Run folder to go on with, under its own flags; those that do not change what is '
                        'learned may be given anew.', flag_values=values)
    flags.DEFINE_bool('dry_run', False, 'Says what would be trained, with its size and cost; writes nothing.',
                      flag_values=values)


def define_metrics():
    """Defines the metrics of an evaluation besides SSIM, PSNR and L1."""
    flags.DEFINE_multi_string('lpips', [], 'Weights of LPIPS, a file of experiments.convert_metric_weights; one for '
                              'each net.')
    flags.DEFINE_bool('st_lpips', False, 'ST-LPIPS, an LPIPS that forgives small shifts, by the weights of the package '
                      'stlpips-pytorch; its values are not those of LPIPS.')
    flags.DEFINE_bool('vgg16_distance', False, 'A perceptual distance by the VGG16 of a package; no LPIPS.')
    flags.DEFINE_string('inception', '', 'Weights of FID, a file of experiments.convert_metric_weights.')
    flags.DEFINE_enum('pose_estimator', '', ('', 'mediapipe', 'metrabs', 'regressor'), 'Estimator of the pose AUC.')
    flags.DEFINE_string('pose_model', '', 'Its files: a folder, or what experiments.train_joint_regressor wrote.')


def required(name, values=flags.FLAGS):
    """Returns the value of a flag that must be given."""
    if not values[name].value:
        raise UsageError(f'--{name}=... must be given.')
    return values[name].value


def filled(group, **given):
    """Returns a dataclass with fields named as flags: the values of these flags, but for those given here."""
    names = {field.name for field in dataclasses.fields(group)} - set(given)
    return group(**given, **{name: flags.FLAGS[name].value for name in names})


def settings_from_flags(values=flags.FLAGS):
    """Returns the `Settings` that the flags ask for; contradictions are refused before anything is built."""
    return _DEFAULTS.changed(**{name: values[name].value for name in _DEFAULTS.as_dict()})


def settings_from_file(path, **changes):
    """Returns the `Settings` of a flag file, but for those given here by name."""
    return settings_from_flags(_values_of(path, **changes))


def settings_of_run(path, **changes):
    """Returns the `Settings` of a run from its flags.txt, but for those given here by name."""
    return settings_from_flags(_run_values(path, **changes))


def settings_to_resume(path, values=flags.FLAGS):
    """Returns the `Settings` of a run to go on with: the saved ones, but for those given on the command line.

    Args:
      path: flag file of the run.
      values: parsed flags.

    Raises:
      UsageError: a flag that decides what is learned was given, and not as the run has it.
    """
    given = {name: values[name].value for name in _DEFAULTS.as_dict() if values[name].present}
    saved = _run_values(path)  # not as `Settings`, which would refuse what a given flag mends
    # The file is of the run's beginning. A cosine of another length would give this step another rate than it had.
    length = saved['schedule_steps'].value = saved['schedule_steps'].value or saved['steps'].value
    for name, value in given.items():
        if value != saved[name].value and not RULES[name].changeable:
            raise UsageError(f'--{name}: the run has another one; expected {saved[name].value} ({path}), '
                             f'found {value}. A new run may begin with its networks: --init_from.')
    return settings_of_run(path, **{'schedule_steps': length, **given})


def data_settings(saved):
    """Returns the `DataSettings` of a run, but for those given on the command line; without a run, of all flags."""
    values = flags.FLAGS
    given = {name: values[name].value for name in vars(_DEFAULTS.data) if saved is None or values[name].present}
    return dataclasses.replace(saved or DataSettings(), **given)


def flags_text(settings):
    """Returns `Settings` as text: a flag file that starts the same run again."""
    return ''.join(f'--{name}={value}\n' for name, value in settings.as_dict().items())


def _run_values(path, **changes):
    """Returns the parsed flags of a run, with changes; one without a newer flag has what there was before it."""
    saved = _values_of(path)
    older = {name: value for name, value in _BEFORE.items() if not saved[name].present}
    return _values_of(path, **{**older, **changes})


def _values_of(path, **changes):
    """Returns the parsed flags of a flag file, with changes."""
    values = flags.FlagValues()
    define_training_run(values)
    parse(values, ['', f'--flagfile={path}', *(f'--{name}={value}' for name, value in changes.items())])
    return values
