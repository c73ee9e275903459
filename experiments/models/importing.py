"""Importing the models of the paper's authors: from a TensorFlow 1 checkpoint to a run folder."""

import os

import tensorflow as tf

from data_pipeline import files
from experiments.configuration.flags import flags_text
from experiments.configuration.settings import Settings
from experiments.training.checkpoints import Checkpoints
from experiments.training.run_folder import RunFolder
from experiments.training.trainer import Trainer
from repose_tf.reference import loading
from repose_tf.reference.checkpoint import opened


def import_checkpoint(checkpoint, output, warp, pose):
    """Makes a run folder, whole or not at all, of a checkpoint of the variant `warp` and `pose`, '3d' or '2d' each.

    Raises:
      CheckpointError: see `repose_tf.reference.loading.load_generator`.
      UsageError: the folder exists.
      WriteError: the folder cannot be written.
    """
    runs_dir, run_name = os.path.split(os.path.normpath(output))
    settings = Settings().changed(preset='reference', conventions='reference', warp=warp, pose=pose,
                                  runs_dir=runs_dir or '.', run_name=run_name)
    with opened(checkpoint) as saved:
        loading.check_variant(saved, warp, pose)
        # Without VGG, which checkpoints do not hold.
        trainer = Trainer(settings.changed(perceptual_weight=0.0), tf.distribute.get_strategy())
        loading.restore(trainer.generator, saved)
        trainer.average.set_weights(trainer.generator.get_weights())
        if loading.has_discriminator(saved):
            loading.restore(trainer.discriminator, saved)
        else:
            print(f'{checkpoint} holds no discriminator: further training would begin with an untrained one.')
    with files.whole_folder(output) as path:
        folder = RunFolder(str(path))
        folder.describe(trainer.generator.architecture, flags_text(settings))
        Checkpoints(folder.checkpoints_dir, **trainer.checkpoint_parts()).save(0)
