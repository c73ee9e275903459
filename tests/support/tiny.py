"""The smallest model with every part, and what goes with it; what it computes is noise."""

import numpy as np
import tensorflow as tf
from absl import flags as absl_flags

from experiments.configuration import flags
from experiments.configuration import settings as settings_module
from experiments.training import checkpoints, run_folder
from repose_tf.architecture import Architecture
from repose_tf.building import build
from repose_tf.generator import Generator
from tests.support.cases import person_poses

TINY = Architecture(
    image_size=32, volume_size=17, depth_size=9, volume_channels=4, pose_channels=4, stem_channels=4,
    encoder_blocks=((1, 8, 1), (1, 8, 2)), volume_units=1, pose_units=1, projection_units=1,
    decoder_blocks=((8, False), (8, True)), inpainter_layers=((4, 3), (4, 3)),
    discriminator_blocks=((1, 8), (1, 8)), num_groups=2)


def tiny_generator(architecture=TINY):
    """Returns a built generator with random weights."""
    return build(Generator(architecture))


def tiny_run(runs_dir, generator=None):
    """Makes a run folder with one checkpoint of a tiny generator; returns the RunFolder."""
    generator = generator or tiny_generator()
    folder = run_folder.create(str(runs_dir), 'tiny', generator.architecture, '--preset=small\n')
    checkpoints.Checkpoints(folder.checkpoints_dir, generator=generator).save(1)
    return folder


def tiny_settings(monkeypatch, *arguments):
    """Settings of the given flags, with the tiny architecture in place of a preset."""
    values = absl_flags.FlagValues()
    flags.define_training_run(values)
    values(['', '--preset=small', '--perceptual_weight=0', '--l1_weight=1', *arguments])
    monkeypatch.setitem(settings_module.PRESETS, 'small', TINY)
    return flags.settings_from_flags(values)


def inputs(architecture, batch=2):
    """A source image, a source and a target pose of every sample."""
    rng = np.random.default_rng(0)
    size = architecture.image_size
    image = tf.constant(rng.uniform(-1, 1, (batch, size, size, 3)), tf.float32)
    return image, *(tf.constant(person_poses(np.random.default_rng(seed), batch, size)) for seed in (1, 2))


def raw_batch(batch_size=4):
    """A batch as the input pipeline makes it."""
    image, source, target = inputs(TINY, batch_size)
    pixels = tf.cast((image + 1) * 127.5, tf.uint8)
    ids = tf.constant([f'p/{index}' for index in range(batch_size)])
    return {'source_image': pixels, 'target_image': pixels[::-1], 'source_pose': source, 'target_pose': target,
            'target_mask': pixels[..., :1], 'has_target_mask': tf.fill([batch_size], True),
            'source_id': ids, 'target_id': ids[::-1]}
