"""Makes a run folder of a model that the paper's authors trained.

python -m experiments.import_reference --checkpoint=iPER-3d_w-3d_p.zip --warp=3d --pose=3d --output=runs/iper-0001

The checkpoint is one of TensorFlow 1: a prefix, a folder or the .zip as published. The run folder is like that of a
training run at step 0: repose, evaluate and export take it as --model, and
`python -m experiments.train --resume=RUN_DIR --steps=... --source_dir=...` goes on training from it (fine-tuning).
"""

from absl import flags as absl_flags

from data_pipeline import files, program
from experiments.configuration import flags

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
    files.check_is_free(output)
    from experiments.models.importing import import_checkpoint  # TensorFlow loads after the flags are checked
    import_checkpoint(checkpoint, output, FLAGS.warp, FLAGS.pose)
    print(f'Imported: {output}')


if __name__ == '__main__':
    program.run(main, define_flags)
