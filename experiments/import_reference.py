"""Makes a run folder of a model that the paper's authors trained.

python -m experiments.import_reference --checkpoint=iPER-3d_w-3d_p.zip --warp=3d --pose=3d --output=runs/iper-0001

The checkpoint is one of TensorFlow 1: a prefix, a folder or the .zip as published. The run folder is like that of a
training run at step 0: repose, evaluate and export take it as --run_dir, and
`python -m experiments.train --resume=RUN_DIR --steps=... --source_dir=...` goes on training from it (fine-tuning).
"""

import dataclasses
import os
import shutil
import tempfile

import tensorflow as tf
from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import UsageError
from experiments.configuration import flags
from experiments.configuration.saved_flags import flags_text
from experiments.export import check_is_free
from experiments.training import checkpoints
from experiments.training.run_folder import RunFolder
from experiments.training.trainer import Trainer
from repose_tf.reference import loading
from repose_tf.reference.checkpoint import opened

FLAGS = absl_flags.FLAGS


def define_flags():
    """Defines what is imported and where it goes."""
    absl_flags.DEFINE_string('checkpoint', '', 'TensorFlow 1 checkpoint: prefix, folder or .zip.')
    for name, text in (('warp', 'Warp of the features'), ('pose', 'Pose that the decoder is given')):
        absl_flags.DEFINE_enum(name, '3d', ('3d', '2d'), f'{text}, as the model was trained. All variants have the '
                               'same variables: a wrong choice is noticed only where the file is named as published.')
    absl_flags.DEFINE_string('output', '', 'Run folder to make; must not exist yet.')


def main():
    checkpoint, output = flags.required('checkpoint'), flags.required('output')
    check_is_free(output)
    import_checkpoint(checkpoint, output, FLAGS.warp, FLAGS.pose)
    print(f'Imported: {output}')


def import_checkpoint(checkpoint, output, warp, pose):
    """Makes the run folder; it appears complete, or not at all.

    Args:
      checkpoint: path, see `repose_tf.reference.checkpoint.opened`.
      output: folder to make.
      warp, pose: '3d' or '2d', the variant.

    Raises:
      CheckpointError: see `repose_tf.reference.loading.load_generator`.
      UsageError: the folder cannot be made.
    """
    values = run_flags(output, warp, pose)
    with opened(checkpoint) as saved:
        loading.check_variant(saved, warp, pose)
        trainer = untrained(flags.settings_from_flags(values))
        loading.restore(trainer.generator, saved)
        trainer.average.set_weights(trainer.generator.get_weights())
        if loading.has_discriminator(saved):
            loading.restore(trainer.discriminator, saved)
        else:
            print(f'{checkpoint} holds no discriminator: further training would begin with an untrained one.')
    write_run(output, flags_text(values), trainer)


def write_run(output, text, trainer):
    """Makes the run folder of a `Trainer` at step 0; `text` as of flags.txt."""
    parent = os.path.dirname(os.path.abspath(output))
    try:
        os.makedirs(parent, exist_ok=True)
        scratch = tempfile.mkdtemp(dir=parent, prefix='.import-')
    except OSError as error:
        raise UsageError(f'--output={output}: cannot be written: {error.strerror}.') from None
    try:
        folder = RunFolder(os.path.join(scratch, 'run'))
        os.mkdir(folder.path)
        with open(folder.flags_path, 'w') as file:
            file.write(text)
        with open(folder.architecture_path, 'w') as file:
            file.write(trainer.generator.architecture.to_json())
        checkpoints.Checkpoints(folder.checkpoints_dir, **trainer.checkpoint_parts()).save(0)
        check_is_free(output)
        os.rename(folder.path, output)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def run_flags(output, warp, pose):
    """Returns the flag values of a run that goes on from the import: the defaults but for the architecture."""
    values = absl_flags.FlagValues()
    flags.define_training_run(values)
    runs_dir, run_name = os.path.split(os.path.normpath(output))
    values(['', '--preset=reference', '--conventions=reference', f'--warp={warp}', f'--pose={pose}',
            f'--run_name={run_name}', f'--runs_dir={runs_dir or "."}'])
    return values


def untrained(settings):
    """Returns the `Trainer` of the settings on one device, without VGG, which checkpoints do not hold."""
    losses = dataclasses.replace(settings.losses, perceptual_weight=0.0)
    return Trainer(dataclasses.replace(settings, losses=losses), tf.distribute.get_strategy())


if __name__ == '__main__':
    program.run(main, define_flags)
