"""Scores a system on the fixed pairs of a protocol, beside baselines and other systems.

    python -m experiments.evaluate --model=runs/quickstart
    python -m experiments.evaluate --model=DIR --dataset=iper --source_dir=DIR --protocol=iper-lwb --output=OUT
    python -m experiments.evaluate --predictions=DIR --dataset=fashion --source_dir=DIR --protocol=patn-8570 \\
        --output=OUT
    python -m experiments.evaluate --model=DIR --source_dir=FILMS --protocol=video-self --output=OUT
    python -m experiments.evaluate --predictions=DIR --truth=DIR --output=OUT

Prints a table and, as its last line, everything in one line of JSON. Writes table.md, evaluation.json, report.html and
contact_sheet.png. An evaluation that was interrupted goes on where it ended.
"""

import dataclasses
import sys

from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.batches.pairs import PROTOCOLS
from experiments.configuration import flags

FLAGS = absl_flags.FLAGS


def define_systems():
    """Defines what is scored besides --model."""
    text = absl_flags.DEFINE_string
    text('predictions', '', "Folder of any system's result pictures, named by pair: "
         'experiments/evaluation/prediction_folder.py.')
    text('predictions_list', '', 'CSV file, source,target,file, where the names of the pictures do not tell.')
    absl_flags.DEFINE_integer('predictions_part', 0, 'Where a picture is several side by side, which of them is the '
                              'result: 1 the first, -1 the last; 0: it is one.')
    absl_flags.DEFINE_bool('allow_incomplete', False, 'Score what there is where pictures are missing or of no pair, '
                           'and say so wherever a number stands, instead of refusing.')
    absl_flags.DEFINE_multi_string('against', [], 'Another system for the table: run folder, SavedModel, packed model '
                                   'or folder of pictures; may be given several times.')


def define_pairs():
    """Defines the pairs."""
    absl_flags.DEFINE_enum('protocol', '', ('', *PROTOCOLS),
                           "Which pairs, see data_pipeline/batches/pairs.py; '': people for --dataset=people, "
                           'else reference.')
    absl_flags.DEFINE_enum('split', 'test', ('train', 'validation', 'test'), 'Pairs of which split; a folder of '
                           'one or two films without splits.json is train.')
    absl_flags.DEFINE_integer('num_pairs', 0, 'A sample of so many of the pairs; 0: all.', lower_bound=0)
    absl_flags.DEFINE_multi_string('video_source', [], 'Of protocols of films: the source of its film, '
                                   '<person>/<frame>; may be given once for each film. Others have the frame that '
                                   'shows the most of the person.')
    absl_flags.DEFINE_integer('video_every', 1, 'Of protocols of films: the targets are every so many frames.',
                              lower_bound=1)
    absl_flags.DEFINE_integer('source_photos', 1, 'Photos of the person that --model is given: the source and those '
                              'that face the most different ways, never the target. The table then also has the model '
                              'with one photo, and one more by the side that the target shows.', 1, 4)
    absl_flags.DEFINE_bool('true_parts', False, 'Also score the pictures with the background of the true ones, and '
                           'with their person: what each part costs.')
    absl_flags.DEFINE_string('truth', '', 'Folder of the true pictures, of the same names as --predictions: scored '
                             'without a data set.')
    absl_flags.DEFINE_integer('truth_part', 0, 'Where a file of --truth is several pictures side by side, as '
                              '--predictions_part says of results; both may name one folder.')
    absl_flags.DEFINE_string('masks', '', 'Folder of PNG masks of the persons, named as the pictures of --truth.')
    absl_flags.DEFINE_string('labels', '', 'CSV file, person,skin,sex,... or any other columns: the scores are also '
                             'given by group, a table for each column.')


def define_output():
    """Defines where the results go."""
    absl_flags.DEFINE_string('output', '', "Folder of the results; '': evaluation-<protocol>-<split> in the run "
                             'folder.')
    absl_flags.DEFINE_integer('sheet_rows', 12, 'Pairs on the contact sheet.', lower_bound=1)


def main():
    from experiments.evaluation.options import EvaluationOptions, MetricOptions  # late: they load TensorFlow
    from experiments.evaluation.run import evaluate
    from experiments.reporting.output import write_results
    options = flags.filled(EvaluationOptions, data=flags.data_settings(None), metrics=flags.filled(MetricOptions))
    if run := options.run():
        options = dataclasses.replace(options, data=flags.data_settings(run.settings().data))
    command = ' '.join(['python -m experiments.evaluate', *sys.argv[1:]])
    for line in write_results(evaluate(options), FLAGS.sheet_rows, command):
        print(line)


if __name__ == '__main__':
    program.run(main, flags.define_model_path, flags.define_size, flags.define_data, define_systems, define_pairs,
                flags.define_metrics, define_output)
