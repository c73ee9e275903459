"""The settings of a training run: one table with default, range, unit and help of each. Flags are made from it.

The settings of the data are in data_pipeline/data_sets.py, as its programs have them too, and those of the noise in
data_pipeline/batches/noise_settings.py.
"""

import dataclasses
import os

from data_pipeline.batches.noise_settings import NoiseSettings
from data_pipeline.data_sets import DataSettings
from data_pipeline.errors import UsageError
from data_pipeline.settings import Group, setting
from repose_tf.architecture import PRESETS, REFERENCE_CONVENTIONS
from repose_tf.coordinates import REGISTRATIONS

PERCEPTUAL_LOSSES = ('vgg', 'st_lpips')
VGG_WEIGHTS = ('imagenet', 'hed', 'none')


@dataclasses.dataclass(frozen=True)
class ModelSettings(Group):
    """What is built."""

    preset: str = setting('reference', "Sizes: the paper's (256 px), or small ones for CPUs.", choices=tuple(PRESETS))
    warp: str = setting('3d', 'Warp of the features (paper, Table 1).', choices=('3d', '2d'))
    pose: str = setting('3d', 'Pose that the decoder is given (paper, Table 1).', choices=('3d', '2d'))
    detail: str = setting('preset', "Detail stream: none, the paper's network alone; surface, pixels of the source "
                          'carried to the target; surface_alone, nothing but these, for the ablation; preset, what '
                          'the preset has.', choices=('preset', 'none', 'surface', 'surface_alone'))
    conventions: str = setting(
        'standard', 'Details such as the axes of the group norm: as they train best, or as the weights that the '
        "paper's authors released need them; docs/differences.md lists them.", choices=('standard', 'reference'))
    registration: str = setting(
        'standard', 'Where a cell of the volume lies in the picture: standard, on the centre of a pixel; reference, '
        'half a pixel and more beside it, as --conventions=reference always has it and older models learned it.',
        choices=REGISTRATIONS)
    precision: str = setting(
        'float32', 'Type of the arithmetic; geometry and variables stay in float32. auto, for training: mixed_bfloat16 '
        'where this machine computes it natively (GPUs from compute capability 8.0 on), else float32.',
        choices=('float32', 'mixed_bfloat16', 'mixed_float16', 'auto'), changeable=True)

    def architecture(self):
        """Returns the `Architecture` to build."""
        changes = REFERENCE_CONVENTIONS if self.conventions == 'reference' else {'registration': self.registration}
        detail = {} if self.detail == 'preset' else {'detail': self.detail}
        return dataclasses.replace(PRESETS[self.preset], warp=self.warp, pose=self.pose, **detail, **changes)


@dataclasses.dataclass(frozen=True)
class TrainSettings(Group):
    """How long, how fast and on what the model is trained, and how often what is written."""

    train_splits: str = setting('train', 'Trained on these; train+validation, as for a final model, only with '
                                '--num_validation_pairs=0.', choices=('train', 'train+validation'))
    cache_mb: int = setting(2048, 'The training pictures are decoded once if they take no more memory than this, else '
                            'whenever they occur; 0: the latter.', unit='MB', at_least=0, changeable=True)
    batch_size: int = setting(2, 'Size of an update, over all devices together, among which it must divide.',
                              unit='pairs', at_least=1)
    accumulate_steps: int = setting(1, 'Passes that an update is cut into, one after the other, to save memory.',
                                    at_least=1, changeable=True)
    steps: int = setting(150_000, 'Length of the run.', unit='updates of both networks', at_least=1, changeable=True)
    max_minutes: float = setting(0.0, 'Ends the run after this time, with as many of the --steps as fit; a cosine then '
                                 'reaches 0 at its end. Counted from the building of the networks; 0: no limit.',
                                 unit='minutes', at_least=0)
    learning_rate: float = setting(2e-4, 'Step size of Adam, above 0.', above=0, changeable=True)
    learning_rate_schedule: str = setting(
        'constant', 'Step size over the run: constant, as in the paper, or falling to 0 by half a cosine.',
        choices=('constant', 'cosine'), changeable=True)
    schedule_steps: int = setting(0, 'Length of the cosine, which a run keeps when it goes on; 0: --steps as they are '
                                  'when the run begins.', unit='updates of both networks', at_least=0)
    adam_beta1: float = setting(0.5, "Adam's decay of the mean, in [0, 1).", at_least=0, below=1)
    adam_beta2: float = setting(0.999, "Adam's decay of the mean square, in [0, 1).", at_least=0, below=1)
    clip_norm: float = setting(0.0, "Largest norm of a network's gradient; longer ones are shortened. 0: no limit.",
                               at_least=0)
    average_decay: float = setting(
        0.999, "Decay of the moving average of the generator's weights, in [0, 1), which is what is shown and "
        'exported; the first steps decay faster. 0: no average.', at_least=0, below=1)
    max_bad_steps: int = setting(10, 'Ends the run after so many steps in a row whose losses or gradients are not '
                                 'finite; such a step changes no weights.', at_least=1, changeable=True)
    seed: int = setting(1, 'Seed of weights, pairs and augmentation.', at_least=0)
    deterministic: bool = setting(False, 'Bit-identical results from run to run on one machine, for some speed; on '
                                  'GPUs the warp then has room for a limited number of voxels.', changeable=True)
    jit_compile: bool = setting(False, 'Compiles the forward and backward passes by XLA.', changeable=True)
    remat: bool = setting(False, 'Computes activations again in the backward pass instead of keeping them: less '
                          'memory, more time.', changeable=True)
    log_every: int = setting(20, 'Time between scalars.', unit='steps', at_least=1, changeable=True)
    image_every: int = setting(200, 'Time between image grids.', unit='steps', at_least=1, changeable=True)
    checkpoint_every: int = setting(1000, 'Time between checkpoints.', unit='steps', at_least=1, changeable=True)
    keep_checkpoints: int = setting(3, 'Checkpoints kept: the latest ones.', at_least=1, changeable=True)
    validate_every: int = setting(1000, 'Time between validations.', unit='steps', at_least=1, changeable=True)
    num_validation_pairs: int = setting(256, 'Fixed pairs of a validation; 0: no validation.', at_least=0,
                                        changeable=True)
    profile_steps: str = setting('', 'first,last: records a profile of these steps for TensorBoard.', changeable=True)
    num_virtual_cpus: int = setting(0, 'Splits the CPU into this many devices to try the distribution; 0: no.',
                                    at_least=0, changeable=True)

    def __post_init__(self):
        super().__post_init__()
        if self.train_splits != 'train' and self.num_validation_pairs:
            raise UsageError(f'--num_validation_pairs: expected 0 with --train_splits={self.train_splits}, as '
                             f'pairs that are trained on validate nothing; found {self.num_validation_pairs}.')
        if self.batch_size % self.accumulate_steps:
            raise UsageError(f'--accumulate_steps: expected a divisor of --batch_size={self.batch_size}, '
                             f'found {self.accumulate_steps}.')
        if self.learning_rate_schedule == 'cosine' and 0 < self.schedule_steps < self.steps:
            raise UsageError(f'--steps: expected at most --schedule_steps={self.schedule_steps}, the length of the '
                             f'cosine, at whose end the step size is 0, found {self.steps}. '
                             '--learning_rate_schedule=constant with a --learning_rate goes on from there; a new run '
                             'may begin with the networks: --init_from.')
        self.profiled()

    def profiled(self):
        """Returns the first and the last step to be profiled, or None."""
        if not self.profile_steps:
            return None
        try:
            first, last = map(int, self.profile_steps.split(','))
            if 0 < first <= last:
                return first, last
        except ValueError:  # refused below
            pass
        raise UsageError('--profile_steps: expected the first and the last step, as in 100,110, '
                         f'found {self.profile_steps!r}.')


@dataclasses.dataclass(frozen=True)
class LossSettings(Group):
    """What is minimised (paper, Section 3.2)."""

    perceptual_weight: float = setting(3.0, 'Weight of the perceptual loss.', at_least=0)
    perceptual_loss: str = setting(
        'vgg', "vgg: differences of VGG features, the paper's. st_lpips: a learned distance that forgives small "
        'shifts, with the weights that the installed package stlpips-pytorch carries, offline; its values are some 40 '
        'times smaller, its gradients 10 times, so that it asks for a larger weight.', choices=PERCEPTUAL_LOSSES)
    vgg_weights: str = setting(
        'imagenet', 'imagenet: VGG19, downloaded by Keras. hed: VGG16 that an installed package carries, offline. '
        'none: only with --perceptual_weight=0 or another loss. Anything else: a Keras VGG16 or VGG19 weights file.',
        changeable=True)
    adversarial_weight: float = setting(1.0, 'Weight of the adversarial loss; 0: no discriminator.', at_least=0)
    label_smoothing: float = setting(0.25, "The discriminator's real labels are 1 minus this, in [0, 0.5).",
                                     at_least=0, below=0.5)
    l1_weight: float = setting(0.0, 'Weight of the mean absolute difference of the images.', at_least=0)
    mask_weight: float = setting(
        0.0, "Weight of the cross entropy between the foreground's mask and the person in the wanted picture (the "
        "data's mask, or the target pose's projected body parts); not in the paper.", at_least=0)
    perceptual_stride: int = setting(1, 'The perceptual loss sees the picture averaged over so many rows and columns, '
                                     'which saves time.', at_least=1)
    person_weight: float = setting(0.0, "Weight of the perceptual loss in a window of half the picture's size around "
                                   'one of the joints, at random; needs a --perceptual_weight.', at_least=0)
    close_up_weight: float = setting(0.0, "Weight of the perceptual loss in squares of a quarter of the picture's size "
                                     'around the head and both hands; needs a --perceptual_weight.', at_least=0)
    background_weight: float = setting(0.0, 'Weight of the mean absolute difference between the background that the '
                                       "wanted person hides and the photo's background, smoothly continued, where a "
                                       'preset has a detail stream.', at_least=0)
    coarse_weight: float = setting(0.0, "Weight of the mean absolute difference of the trunk's picture, where a preset "
                                   'has a detail stream.', at_least=0)
    l2_weight: float = setting(1e-4, 'Weight of the squared 2D convolution weights.', at_least=0)

    def __post_init__(self):
        super().__post_init__()
        if self.perceptual_weight and self.perceptual_loss == 'vgg' and self.vgg_weights == 'none':
            raise UsageError('--perceptual_weight: expected 0 with --vgg_weights=none, '
                             f'found {self.perceptual_weight:g}.')
        if self.vgg_weights not in VGG_WEIGHTS and not os.path.isfile(self.vgg_weights):
            raise UsageError(f'--vgg_weights: expected {", ".join(VGG_WEIGHTS)} or a weights file, '
                             f'found {self.vgg_weights!r}, which is no file.')
        for name in ('person_weight', 'close_up_weight'):
            if getattr(self, name) and not self.perceptual_weight:
                raise UsageError(
                    f'--{name}: expected 0 without a --perceptual_weight, found {getattr(self, name):g}.')
        if not (self.perceptual_weight or self.adversarial_weight or self.l1_weight):
            raise UsageError('--perceptual_weight, --adversarial_weight, --l1_weight: expected one of them '
                             'above 0, found none.')


@dataclasses.dataclass(frozen=True)
class RunSettings(Group):
    """Where the run is kept and what it begins with."""

    run_name: str = setting('run', 'Name of the run; its folder is numbered: <runs_dir>/<run_name>-0001.')
    runs_dir: str = setting('runs', 'Folder of the runs.')
    init_from: str = setting('', 'Run folder, maybe an imported one, or packed model, whose networks a new run begins '
                             'with.')


@dataclasses.dataclass(frozen=True)
class Settings:
    """All settings of a run. The names of the fields of its groups are unique: they are the names of the flags."""

    data: DataSettings = DataSettings()
    model: ModelSettings = ModelSettings()
    train: TrainSettings = TrainSettings()
    losses: LossSettings = LossSettings()
    noise: NoiseSettings = NoiseSettings()
    run: RunSettings = RunSettings()

    def as_dict(self):
        """Returns dict, name -> value, in the order of flags.txt."""
        return {name: value for group in vars(self).values() for name, value in vars(group).items()}

    def changed(self, **values):
        """Returns the settings with other values, by the names of the fields of the groups."""
        groups = {name: dataclasses.replace(group, **{key: values.pop(key) for key in vars(group) if key in values})
                  for name, group in vars(self).items()}
        if values:
            raise TypeError(f'expected names of settings, found {", ".join(values)}')
        return dataclasses.replace(self, **groups)


RULES = {name: rule for group in vars(Settings()).values() for name, rule in group.rules().items()}
