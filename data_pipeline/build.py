"""Makes the records of a data set ahead of the training, by many workers if wanted.

    python -m data_pipeline.build --dataset=fashion --source_dir=DIR \\
        --beam_options=direct_num_workers=2,direct_running_mode=multi_processing

With --beam_options, a run that was killed goes on where it ended; without them it begins anew.
"""

import sys

from absl import flags

from data_pipeline import program
from data_pipeline.data_sets import DataSettings, open_data_set
from data_pipeline.workers.opening import open_workers

FLAGS = flags.FLAGS


def define_build():
    """Defines the flags of the data, which are those of the training."""
    program.define_settings(DataSettings())


def main():
    """Runs the program; see the module's docstring."""
    workers = open_workers(FLAGS.beam_options)
    try:
        builder = open_data_set(FLAGS.dataset, FLAGS.source_dir, FLAGS.data_dir, FLAGS.allow_missing_poses, workers)
    except KeyboardInterrupt:
        sys.exit('Interrupted; the same command goes on.' if workers else 'Interrupted; nothing is kept.')
    splits = ', '.join(f'{split}: {info.num_examples}' for split, info in builder.info.splits.items())
    print(f'{builder.data_dir}: {builder.info.dataset_size} of records ({splits}).')
    if builder.folder.left_out:
        print(f'Left out: {builder.folder.summary()}; left_out.txt there names them.')


if __name__ == '__main__':
    program.run(main, define_build, program.define_workers)
