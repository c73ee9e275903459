"""Makes the records of a data set ahead of the training, which finds them; by many workers if wanted.

    python -m data_pipeline.build --dataset=fashion --source_dir=DIR \\
        --beam_options=direct_num_workers=2,direct_running_mode=multi_processing

Without --beam_options it does what the training would do first. With them, a run that was killed goes on.
"""

import sys

from absl import flags

from data_pipeline import program
from data_pipeline.workers.opening import define_workers, open_workers

FLAGS = flags.FLAGS


def define_build():
    """Defines what records are made of and where they go; the names are those of the training."""
    flags.DEFINE_enum('dataset', 'people', ('people', 'fashion', 'iper'), 'Data set: its builder in data_pipeline/.')
    flags.DEFINE_string('source_dir', 'data/people', 'Folder of the pictures and poses as they came.')
    flags.DEFINE_string('data_dir', 'build/records', 'Folder of the records that are made of them once.')
    flags.DEFINE_bool('allow_missing_poses', False, 'Leave out pictures without a usable pose, and say how many and '
                      'which.')


def main():
    """Runs the program; see the module's docstring."""
    workers = open_workers(FLAGS.beam_options)
    from data_pipeline.data_sets import OPENED  # TensorFlow loads after the flags are checked
    try:
        builder = OPENED[FLAGS.dataset](FLAGS.source_dir, FLAGS.data_dir, FLAGS.allow_missing_poses, workers)
    except KeyboardInterrupt:
        sys.exit('Interrupted; the same command goes on.' if workers else 'Interrupted; nothing is kept.')
    splits = ', '.join(f'{split}: {info.num_examples}' for split, info in builder.info.splits.items())
    print(f'{builder.data_dir}: {builder.info.dataset_size} of records ({splits}).')


if __name__ == '__main__':
    program.run(main, define_build, define_workers)
