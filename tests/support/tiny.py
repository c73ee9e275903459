"""The smallest model with every part, and what goes with it; what it computes is noise."""

import dataclasses

import numpy as np
import tensorflow as tf

from experiments.configuration.settings import ModelSettings, Settings
from experiments.training import checkpoints, run_folder
from repose_tf.architecture import Architecture
from repose_tf.generator import Generator
from tests.support.cases import person_poses

TINY = Architecture(
    image_size=32, volume_size=17, depth_size=9, volume_channels=4, pose_channels=4, stem_channels=4,
    encoder_blocks=((1, 8, 1), (1, 8, 2)), volume_units=1, pose_units=1, projection_units=1,
    decoder_blocks=((8, False), (8, True)), inpainter_layers=((4, 3), (4, 3)),
    discriminator_blocks=((1, 8), (1, 8)), num_groups=2)
# One layer of each kind, for tests of what goes on around a network: it is traced in two thirds of the time.
LEAST = dataclasses.replace(
    TINY, encoder_blocks=((1, 8, 1),), volume_units=0, pose_units=0, projection_units=0, decoder_blocks=((8, True),),
    inpainter_layers=((4, 3),), discriminator_blocks=((1, 8),))
# With the detail stream, whose trunk sees pictures of half the size.
TINY_DETAIL = dataclasses.replace(LEAST, image_size=64, detail='surface', trunk_stride=2, detail_channels=(4, 4, 4, 4))


def tiny_generator(architecture=LEAST):
    """Returns a generator with random weights."""
    return Generator(architecture)


def tiny_run(runs_dir, generator=None):
    """Makes a run folder with one checkpoint of a tiny generator; returns the RunFolder."""
    generator = generator or tiny_generator()
    folder = run_folder.create(str(runs_dir), 'tiny', generator.architecture, '--preset=small\n')
    checkpoints.Checkpoints(folder.checkpoints_dir, generator=generator).save(1)
    return folder


class TinyModelSettings(ModelSettings):
    """Settings whose preset is the least architecture."""

    def architecture(self):
        return dataclasses.replace(LEAST, warp=self.warp, pose=self.pose, registration=self.registration)


def tiny_settings(**values):
    """Returns `Settings` of the least model, trained for the L1 loss and the adversarial one; or with other values."""
    settings = Settings().changed(**{'perceptual_weight': 0.0, 'l1_weight': 1.0, **values})
    return dataclasses.replace(settings, model=TinyModelSettings(**vars(settings.model)))


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
            'source_mask': pixels[::-1, ..., :1], 'has_source_mask': tf.fill([batch_size], True),
            'source_id': ids, 'target_id': ids[::-1]}
