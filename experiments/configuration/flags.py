"""Every flag of every program, in groups, and how flags become settings.

A program hands the `define_` functions of its groups to `program.run` and calls `settings_from_flags`.
No TensorFlow here, so that a mistake in a flag is answered at once.
"""

import dataclasses
import functools
import math
import os

from absl import flags

from data_pipeline.errors import UsageError
from experiments.configuration.settings import GROUPS, DataSettings, Settings, field_names
from repose_tf.architecture import PRESETS

VGG_WEIGHTS = ('imagenet', 'hed', 'none')


def define_data(values=flags.FLAGS):
    """Defines which data are used."""
    choice, text, _, _ = _definers(values)
    choice('dataset', 'people', ('people', 'fashion', 'iper'), 'Data set: its builder in data_pipeline/.')
    text('source_dir', 'data/people', 'Folder of the pictures and poses as they came.')
    text('data_dir', 'build/records', 'Folder of the records that are made of them once.')
    flag = functools.partial(flags.DEFINE_bool, flag_values=values)
    flag('allow_missing_poses', False, 'Leave out pictures without a usable pose, and say how many and which, instead '
                                       'of refusing the data.')


def define_model(values=flags.FLAGS):
    """Defines what is built."""
    choice, _, _, _ = _definers(values)
    choice('preset', 'reference', tuple(PRESETS), "Sizes: the paper's (256 px), or small ones for CPUs.")
    choice('warp', '3d', ('3d', '2d'), 'Warp of the features (paper, Table 1).')
    choice('pose', '3d', ('3d', '2d'), 'Pose that the decoder is given (paper, Table 1).')
    choice('conventions', 'standard', ('standard', 'reference'),
           'Details such as the axes of the group norm: as they train best, or as the weights that the '
           "paper's authors released need them.")
    choice('precision', 'float32', ('float32', 'mixed_bfloat16', 'mixed_float16', 'auto'),
           'Type of the arithmetic; geometry and variables stay in float32. auto, for training: mixed_bfloat16 where '
           'this machine computes it natively, else float32.')


def define_training(values=flags.FLAGS):
    """Defines how long, how fast and how often."""
    choice, text, integer, number = _definers(values)
    flag = functools.partial(flags.DEFINE_bool, flag_values=values)
    choice('train_splits', 'train', ('train', 'train+validation'),
           'Trained on these; train+validation, as for a final model, only with --num_validation_pairs=0.')
    integer('cache_mb', 2048, 'The training pictures are decoded once if they take no more memory than this, MB, else '
            'whenever they occur; 0: the latter.', at_least=0)
    integer('batch_size', 2, 'Pairs an update, over all devices together.', at_least=1)
    integer('accumulate_steps', 1, 'Passes that an update is cut into, one after the other, to save memory.',
            at_least=1)
    integer('steps', 150_000, 'Updates of both networks.', at_least=1)
    number('learning_rate', 2e-4, 'Step size of Adam, above 0.', above=0)
    choice('learning_rate_schedule', 'constant', ('constant', 'cosine'),
           'Step size over the run: constant, as in the paper, or falling to 0 by half a cosine.')
    number('adam_beta1', 0.5, "Adam's decay of the mean, in [0, 1).", at_least=0, below=1)
    number('adam_beta2', 0.999, "Adam's decay of the mean square, in [0, 1).", at_least=0, below=1)
    number('clip_norm', 0, "Largest norm of a network's gradient; longer ones are shortened. 0: no limit.", at_least=0)
    number('average_decay', 0.999, "Decay of the moving average of the generator's weights, in [0, 1), which is what "
           'is shown and exported; the first steps decay faster. 0: no average.', at_least=0, below=1)
    integer('max_bad_steps', 10, 'Ends the run after so many steps in a row whose losses or gradients are not finite; '
            'such a step changes no weights.', at_least=1)
    integer('seed', 1, 'Seed of weights, pairs and augmentation.', at_least=0)
    flag('deterministic', False, 'Bit-identical results from run to run on one machine, for some speed.')
    flag('jit_compile', False, 'Compiles the forward and backward passes by XLA.')
    flag('remat', False, 'Computes activations again in the backward pass instead of keeping them: less memory, more '
                         'time.')
    integer('log_every', 20, 'Steps between scalars.', at_least=1)
    integer('image_every', 200, 'Steps between image grids.', at_least=1)
    integer('checkpoint_every', 1000, 'Steps between checkpoints.', at_least=1)
    integer('keep_checkpoints', 3, 'Checkpoints kept: the latest ones.', at_least=1)
    integer('validate_every', 1000, 'Steps between validations.', at_least=1)
    integer('num_validation_pairs', 256, 'Fixed pairs of a validation; 0: no validation.', at_least=0)
    text('profile_steps', '', 'first,last: records a profile of these steps for TensorBoard.')
    integer('num_virtual_cpus', 0, 'Splits the CPU into this many devices to try the distribution; 0: no.',
            at_least=0)


def define_losses(values=flags.FLAGS):
    """Defines what is minimised (paper, Section 3.2)."""
    _, text, _, number = _definers(values)
    number('perceptual_weight', 3, 'Weight of the differences of VGG features.', at_least=0)
    text('vgg_weights', 'imagenet',
         'imagenet: VGG19, downloaded by Keras. hed: VGG16 that an installed package carries, offline. '
         'none: only with --perceptual_weight=0. Anything else: a Keras VGG16 or VGG19 weights file.')
    number('adversarial_weight', 1, 'Weight of the adversarial loss; 0: no discriminator.', at_least=0)
    number('label_smoothing', 0.25, "The discriminator's real labels are 1 minus this, in [0, 0.5).",
           at_least=0, below=0.5)
    number('l1_weight', 0, 'Weight of the mean absolute difference of the images.', at_least=0)
    number('mask_weight', 0, "Weight of the cross entropy between the foreground's mask and the person in the wanted "
           "picture (the data's mask, or the target pose's projected body parts); not in the paper.", at_least=0)
    number('l2_weight', 1e-4, 'Weight of the squared 2D convolution weights.', at_least=0)


def define_new_run(values=flags.FLAGS):
    """Defines where a training run is kept."""
    _, text, _, _ = _definers(values)
    text('run_name', 'run', 'Name of the run; its folder is numbered: <runs_dir>/<run_name>-0001.')
    text('runs_dir', 'runs', 'Folder of the runs.')
    text('resume', '', 'Run folder to go on with, under its own flags; those that do not change what is learned may be '
                       'given anew.')
    text('init_from', '', 'Run folder, maybe an imported one, whose networks a new run begins with.')
    flags.DEFINE_bool('dry_run', False, 'Says what would be trained, with its size and cost; writes nothing.',
                      flag_values=values)


def define_run_dir(values=flags.FLAGS):
    """Defines which run a program uses."""
    choice, text, _, _ = _definers(values)
    text('run_dir', '', 'Run folder of a trained model, or <runs_dir>/<run_name> for its newest run.')
    choice('weights', 'average', ('average', 'latest'), 'The moving average of the weights, where the run keeps one, '
                                                        'or those of the last step.')


def define_training_run(values=flags.FLAGS):
    """Defines every group that makes a training run."""
    for define in (define_data, define_model, define_training, define_losses, define_new_run):
        define(values)


def required(name, values=flags.FLAGS):
    """Returns the value of a flag that must be given."""
    if not values[name].value:
        raise UsageError(f'--{name}=... must be given.')
    return values[name].value


def settings_from_flags(values=flags.FLAGS):
    """Returns the `Settings` that the flags ask for; contradictions are refused before anything is built."""
    settings = Settings(*(group(**{name: values[name].value for name in field_names(group)})
                          for group in GROUPS))
    _check_losses(settings.losses)
    _check_training(settings.train)
    return settings


def data_settings(saved, values=flags.FLAGS):
    """Returns the `DataSettings` of a run, but for those given on the command line; without a run, of all flags."""
    given = {name: values[name].value for name in field_names(DataSettings) if saved is None or values[name].present}
    return dataclasses.replace(saved, **given) if saved else DataSettings(**given)


def _check_losses(losses):
    """Refuses losses that cannot be computed or that teach nothing."""
    if losses.perceptual_weight and losses.vgg_weights == 'none':
        raise UsageError('--perceptual_weight: expected 0 with --vgg_weights=none, '
                         f'found {losses.perceptual_weight:g}.')
    if losses.vgg_weights not in VGG_WEIGHTS and not os.path.isfile(losses.vgg_weights):
        raise UsageError(f'--vgg_weights: expected {", ".join(VGG_WEIGHTS)} or a weights file, '
                         f'found {losses.vgg_weights!r}, which is no file.')
    if not (losses.perceptual_weight or losses.adversarial_weight or losses.l1_weight):
        raise UsageError('--perceptual_weight, --adversarial_weight, --l1_weight: expected one of them '
                         'above 0, found none.')


def _check_training(train):
    """Refuses what contradicts itself."""
    if train.train_splits != 'train' and train.num_validation_pairs:
        raise UsageError(f'--num_validation_pairs: expected 0 with --train_splits={train.train_splits}, as '
                         f'pairs that are trained on validate nothing; found {train.num_validation_pairs}.')
    if train.batch_size % train.accumulate_steps:
        raise UsageError(f'--accumulate_steps: expected a divisor of --batch_size={train.batch_size}, '
                         f'found {train.accumulate_steps}.')
    try:
        train.profiled()
    except ValueError:
        raise UsageError('--profile_steps: expected the first and the last step, as in 100,110, '
                         f'found {train.profile_steps!r}.') from None


def _definers(values):
    """Returns the functions that define a choice, a text, an integer and a number among the flag values."""
    return (functools.partial(flags.DEFINE_enum, flag_values=values),
            functools.partial(flags.DEFINE_string, flag_values=values),
            functools.partial(_define_integer, values),
            functools.partial(_define_number, values))


def _define_integer(values, name, default, text, at_least):
    flags.DEFINE_integer(name, default, text, lower_bound=at_least, flag_values=values)


def _define_number(values, name, default, text, at_least=-math.inf, above=-math.inf, below=math.inf):
    flags.DEFINE_float(name, default, text, flag_values=values)
    bounds = [f'{word} {bound:g}' for word, bound in
              (('at least', at_least), ('above', above), ('below', below)) if math.isfinite(bound)]
    flags.register_validator(
        name, lambda number: math.isfinite(number) and at_least <= number and above < number < below,
        message=f'expected a number {" and ".join(bounds)}', flag_values=values)
