"""Scores a system on the fixed pairs of a protocol, beside baselines and other systems.

    python -m experiments.evaluate --model=runs/quickstart
    python -m experiments.evaluate --model=DIR --dataset=iper --source_dir=DIR --protocol=iper-lwb --output=OUT
    python -m experiments.evaluate --predictions=DIR --dataset=fashion --source_dir=DIR --protocol=patn-8570 \\
        --output=OUT
    python -m experiments.evaluate --predictions=DIR --truth=DIR --output=OUT

Prints a table and, as its last line, everything in one line of JSON. Writes table.md, evaluation.json, report.html and
contact_sheet.png. What was scored before an interruption is not scored again.
"""

import functools
import os

from absl import flags as absl_flags

from data_pipeline import program
from experiments.configuration import flags
from experiments.evaluation import options
from experiments.evaluation import run as evaluation
from experiments.reporting import output as evaluation_output

FLAGS = absl_flags.FLAGS
_BATCH_SIZE = 8


def define_output():
    """Defines where the results go."""
    absl_flags.DEFINE_string('output', '', "Folder of the results; '': evaluation-<protocol>-<split> in the run "
                             'folder.')
    absl_flags.DEFINE_integer('sheet_rows', 12, 'Pairs on the contact sheet.', lower_bound=1)


def main():
    options.given_kind()  # refused before anything is loaded
    source, systems = options.open_all()
    output = options.output_folder(source)
    options.check_complete(systems, output)
    scorer, frechet = options.open_scorer(source), options.open_frechet(source)
    folder = os.path.join(output, 'scores')
    truth = frechet and frechet.truth(source.data, source.image_size, folder)  # what it lacks is said before the work
    files = evaluation.score_systems(systems, source, scorer, folder, _BATCH_SIZE, frechet)
    fids = {name: frechet.of(file.path, truth) for name, file in files.items()} if frechet else {}
    report = evaluation_output.report_data(
        source, systems, scorer, {name: file.table(source.pairs) for name, file in files.items()}, fids)
    pictures = functools.partial(evaluation.shown_pictures, systems, source)
    for line in evaluation_output.write(output, report, systems, pictures, FLAGS.sheet_rows):
        print(line)


if __name__ == '__main__':
    program.run(main, flags.define_model_path, flags.define_data, options.define_systems,
                options.define_pairs, options.define_metrics, define_output)
