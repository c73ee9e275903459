"""Scores a trained model on held-out people: python -m experiments.evaluate --run_dir=runs/quickstart

Prints one table with the model, the same model untrained, and the copy of the source image, and writes the
scores (evaluation.json) and a contact sheet (contact_sheet.png) into the run folder.
"""

import json
import os

import keras
import tensorflow as tf
from absl import flags as absl_flags

from data_pipeline.pairs import PROTOCOLS
from experiments import checkpoints, datasets, flags, program, repose, run_folder, scoring
from repose_tf.building import build
from repose_tf.generator import Generator
from repose_tf.serving import Reposer

FLAGS = absl_flags.FLAGS
_BATCH_SIZE = 8
_COLUMNS = ('ssim_fg', 'l1_fg', 'ssim', 'l1', 'psnr')


def define_flags():
    """Defines what is scored."""
    absl_flags.DEFINE_enum('split', 'test', ('validation', 'test'), 'Pairs of which split.')
    absl_flags.DEFINE_enum('protocol', '', ('', *PROTOCOLS),
                           "Which pairs, see data_pipeline/pairs.py; '': people for --dataset=people, else reference.")
    absl_flags.DEFINE_integer('num_pairs', 0, 'How many pairs; 0: all.', lower_bound=0)
    absl_flags.DEFINE_integer('sheet_rows', 12, 'Pairs on the contact sheet.', lower_bound=1)


def main():
    folder = run_folder.open_existing(flags.required('run_dir'))
    architecture = folder.architecture()
    data = datasets.Data(flags.data_settings(folder.settings().data), FLAGS.protocol)
    trained = checkpoints.load_generator(folder, weights=FLAGS.weights)
    keras.utils.set_random_seed(folder.settings().train.seed)
    untrained = build(Generator(architecture, dtype=folder.settings().model.precision))
    systems = {'trained model': _system(trained), 'untrained model': _system(untrained),
               'copy of the source': scoring.copy_source}

    pairs = data.pair_batches(FLAGS.split, architecture.image_size, _BATCH_SIZE, FLAGS.num_pairs)
    num_batches = int(pairs.cardinality())
    scores = scoring.mean_scores(systems, pairs, architecture.grid, num_batches)
    num_pairs = len(data.pairs(FLAGS.split, FLAGS.num_pairs))
    title = (f'{num_pairs} pairs of the {FLAGS.split} split of {data.name}, protocol {data.protocol}, '
             f'{architecture.image_size} px')
    print(f'\n{title}\n{table(scores)}\n')

    with open(os.path.join(folder.path, 'evaluation.json'), 'w') as file:
        json.dump({'pairs': num_pairs, 'split': FLAGS.split, 'data': data.name, 'protocol': data.protocol,
                   'scores': scores}, file, indent=2)
    sheet = os.path.join(folder.path, 'contact_sheet.png')
    spread = data.pair_batches(FLAGS.split, architecture.image_size, FLAGS.sheet_rows, FLAGS.sheet_rows)
    repose.write_contact_sheet(sheet, Reposer(trained), spread)
    print(f'Contact sheet: {sheet}')


def _system(generator):
    """Returns the function of a prepared batch that reposes it by a generator."""
    return tf.function(lambda batch: generator(
        batch['source_image'], batch['source_pose'], batch['target_pose'], training=False)['image'],
        autograph=False, reduce_retracing=True)


def table(scores):
    """Returns the scores as a Markdown table: higher is better, but for l1 and l1_fg."""
    lines = ['| | ' + ' | '.join(f'{name} {"↓" if name.startswith("l1") else "↑"}' for name in _COLUMNS) + ' |',
             '|---' * (len(_COLUMNS) + 1) + '|']
    for system, values in scores.items():
        lines.append(f'| {system} | ' + ' | '.join(f'{values[name]:.3f}' for name in _COLUMNS) + ' |')
    return '\n'.join(lines)


if __name__ == '__main__':
    program.run(main, flags.define_run_dir, flags.define_data, define_flags)
