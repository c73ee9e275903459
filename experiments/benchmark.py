"""Measures the speed of a part of the project: python -m experiments.benchmark --case=warp

Prints a table and puts it, with a plot, into docs/performance.md, between the two marks of its case. Nothing
else should run on the machine meanwhile.
"""

import importlib
import os

from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import UsageError
from experiments.configuration import machine

# Case -> module with `run(rounds, max_gigabytes, plot_dir)`, which returns Markdown.
CASES = {case: f'experiments.benchmarks.{case}' for case in (
    'generator', 'input', 'metrics', 'serving', 'train_step', 'warp')}


def define_flags():
    """Defines what is measured, how long, and where the figures go."""
    absl_flags.DEFINE_enum('case', 'warp', tuple(CASES), 'What is measured.')
    absl_flags.DEFINE_integer('rounds', 20, 'Times that everything is run in turn.', lower_bound=1)
    absl_flags.DEFINE_float('max_gigabytes', 8.0, 'Leaves out what would need more memory, GB.',
                            lower_bound=0.1)
    absl_flags.DEFINE_string('output', 'docs/performance.md',
                             'Markdown file whose section of the case is renewed; empty: only prints.')


def main():
    values = absl_flags.FLAGS
    text = read_page(values.output, values.case) if values.output else None
    plot_dir = os.path.dirname(os.path.abspath(values.output)) if values.output else None
    case = importlib.import_module(CASES[values.case])
    section = f'{machine.measured_on()}\n\n{case.run(values.rounds, values.max_gigabytes, plot_dir)}'
    print(section)
    if values.output:
        with open(values.output, 'w', encoding='utf-8') as file:
            file.write(with_section(text, values.case, section))
        print(f'Written to {values.output}.')


def marks(case):
    """Returns the two lines between which a case's figures stand."""
    return f'<!-- begin benchmark {case} -->', f'<!-- end benchmark {case} -->'


def read_page(path, case):
    """Reads the page and makes sure that it has the section, before any time is spent on measuring."""
    try:
        with open(path, encoding='utf-8') as file:
            text = file.read()
    except OSError as error:
        raise UsageError(f'--output={path}: expected a Markdown file ({error.strerror}).') from error
    missing = [mark for mark in marks(case) if text.count(mark) != 1]
    if missing:
        raise UsageError(f'--output={path}: expected the line {missing[0]!r} once, found it '
                         f'{text.count(missing[0])} times.')
    return text


def with_section(text, case, section):
    """Returns the page with a new section of the case."""
    begin, end = marks(case)
    before, _, rest = text.partition(begin)
    return f'{before}{begin}\n{section}\n{end}{rest.partition(end)[2]}'


if __name__ == '__main__':
    program.run(main, define_flags)
