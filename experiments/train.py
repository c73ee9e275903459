"""Trains a model: python -m experiments.train --flagfile=quickstart.flags

Makes a numbered run folder, or goes on with one (--resume). SIGTERM and Ctrl-C save a checkpoint and end the program
with exit code 143 and 130.
"""

from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import UsageError
from experiments.configuration import flags
from experiments.training import run_folder

FLAGS = absl_flags.FLAGS


def main():
    if FLAGS.resume and FLAGS.init_from:
        raise UsageError('--init_from: expected none with --resume, which goes on with what the run has, '
                         f'found {FLAGS.init_from!r}.')
    if FLAGS.resume:
        folder = run_folder.open_existing(FLAGS.resume)
        settings = flags.settings_to_resume(folder.flags_path)
    else:
        folder, settings = None, flags.settings_from_flags()
    from experiments.training import session  # TensorFlow loads after the flags are checked
    return session.run(settings, folder, FLAGS.dry_run)


if __name__ == '__main__':
    program.run(main, flags.define_training_run)
