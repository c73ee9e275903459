"""Measures an estimator's poses on pictures whose true 3D poses are known.

    python -m data_pipeline.annotate_check --source_dir=data/people --estimator=mediapipe --output=build/check.md
"""

import sys

from absl import flags

from data_pipeline import program
from data_pipeline.annotation.accuracy import measure, report
from data_pipeline.estimators.opening import open_estimator
from data_pipeline.files import write_text
from data_pipeline.people.people_folder import open_folder

FLAGS = flags.FLAGS


def define_check():
    """Defines what is measured and where it is told."""
    flags.DEFINE_string('source_dir', 'data/people', 'Folder in the people layout, with true poses.')
    flags.DEFINE_string('output', '', 'Markdown file for the report, which is printed too.')


def main():
    """Runs the program; see the module's docstring."""
    folder = open_folder(FLAGS.source_dir)
    estimator = open_estimator(FLAGS.estimator, FLAGS.model_dir, FLAGS.model_size, FLAGS.fov_deg)
    text = report(*measure(folder, estimator), estimator.origin, FLAGS.source_dir, sys.argv[1:])
    print(text, end='')
    if FLAGS.output:
        write_text(FLAGS.output, text)


if __name__ == '__main__':
    program.run(main, program.define_estimator, define_check)
