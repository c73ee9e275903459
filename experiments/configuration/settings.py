"""What a training run was asked for, frozen. The fields are named as the flags in flags.py; see there."""

import dataclasses

from repose_tf.architecture import PRESETS, REFERENCE_CONVENTIONS


@dataclasses.dataclass(frozen=True)
class DataSettings:
    """Which data, and where they lie."""

    dataset: str
    source_dir: str
    data_dir: str
    allow_missing_poses: bool


@dataclasses.dataclass(frozen=True)
class ModelSettings:
    """What is built."""

    preset: str
    warp: str
    pose: str
    conventions: str
    precision: str

    def architecture(self):
        """Returns the `Architecture` to build."""
        changes = REFERENCE_CONVENTIONS if self.conventions == 'reference' else {}
        return dataclasses.replace(PRESETS[self.preset], warp=self.warp, pose=self.pose, **changes)


@dataclasses.dataclass(frozen=True)
class TrainSettings:
    """How it is trained, and how often what is written."""

    train_splits: str
    cache_mb: int
    batch_size: int
    accumulate_steps: int
    steps: int
    learning_rate: float
    learning_rate_schedule: str
    adam_beta1: float
    adam_beta2: float
    clip_norm: float
    average_decay: float
    max_bad_steps: int
    seed: int
    deterministic: bool
    jit_compile: bool
    remat: bool
    log_every: int
    image_every: int
    checkpoint_every: int
    keep_checkpoints: int
    validate_every: int
    num_validation_pairs: int
    profile_steps: str
    num_virtual_cpus: int

    def profiled(self):
        """Returns the first and the last step to be profiled, or None; ValueError for what is no such range."""
        if not self.profile_steps:
            return None
        first, last = map(int, self.profile_steps.split(','))
        if not 0 < first <= last:
            raise ValueError(self.profile_steps)
        return first, last


@dataclasses.dataclass(frozen=True)
class LossSettings:
    """What is minimised."""

    perceptual_weight: float
    vgg_weights: str
    adversarial_weight: float
    label_smoothing: float
    l1_weight: float
    mask_weight: float
    l2_weight: float


@dataclasses.dataclass(frozen=True)
class Settings:
    """All of it."""

    data: DataSettings
    model: ModelSettings
    train: TrainSettings
    losses: LossSettings


GROUPS = (DataSettings, ModelSettings, TrainSettings, LossSettings)  # in the order of Settings


def field_names(group):
    """Returns the names of a group's fields, which are names of flags."""
    return [field.name for field in dataclasses.fields(group)]
