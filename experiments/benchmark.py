"""Measures the speed of a part of the project: python -m experiments.benchmark --case=warp

Prints a table and puts it, with a plot, into docs/performance.md, between the two marks of its case. Nothing
else should run on the machine meanwhile.
"""

import importlib
import os

from absl import flags as absl_flags

from data_pipeline import program
from experiments.benchmarks import page

FLAGS = absl_flags.FLAGS
# Modules of experiments/benchmarks with `run(rounds, max_gigabytes, plot_dir)`, which returns Markdown.
CASES = ('convolution', 'generator', 'input', 'metrics', 'peers', 'runtimes', 'serving', 'store', 'surface',
         'train_step', 'warp')


def define_flags():
    """Defines what is measured, how long, and where the figures go."""
    absl_flags.DEFINE_enum('case', 'warp', CASES, 'What is measured.')
    absl_flags.DEFINE_integer('rounds', 20, 'Times that everything is run in turn.', lower_bound=1)
    absl_flags.DEFINE_float('max_gigabytes', 8.0, 'Leaves out what would need more memory, GB.',
                            lower_bound=0.1)
    absl_flags.DEFINE_string('output', 'docs/performance.md',
                             'Markdown file whose section of the case is renewed; empty: only prints.')


def main():
    if FLAGS.output:
        page.read_page(FLAGS.output, FLAGS.case)  # refused before any time is spent on measuring
    plot_dir = os.path.dirname(os.path.abspath(FLAGS.output)) if FLAGS.output else None
    from experiments.configuration import devices  # TensorFlow loads after the flags are checked
    case = importlib.import_module(f'experiments.benchmarks.{FLAGS.case}')
    section = f'{devices.measured_on()}\n\n{case.run(FLAGS.rounds, FLAGS.max_gigabytes, plot_dir)}'
    print(section)
    if FLAGS.output:
        page.write_section(FLAGS.output, FLAGS.case, section)
        print(f'Written to {FLAGS.output}.')


if __name__ == '__main__':
    program.run(main, define_flags)
