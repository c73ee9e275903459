"""The ablation of the paper's Table 1, trained and scored: python -m experiments.ablation

Trains four variants, with the warp and the pose in 2D or in 3D and everything else alike, and a small joint regressor
for the pose AUC (--pose_estimator takes another); scores them on the same test pairs; writes a page with tables, plots
and pictures. What was done before is not done again: start it again to go on.
"""

import os
import subprocess
import sys

from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import UsageError
from experiments.configuration import data as datasets
from experiments.evaluation import options, pair_sources, systems
from experiments.evaluation import run as evaluation
from experiments.reporting import ablation_page
from experiments.training import ablation_runs

FLAGS = absl_flags.FLAGS
_BATCH_SIZE = 8
_PASSED_ON = ('source_dir', 'data_dir', 'steps')


def define_flags():
    """Defines which runs, and where the page goes."""
    text = absl_flags.DEFINE_string
    text('settings', 'ablation.flags', 'Flags file of what all runs have in common.')
    text('runs_dir', 'runs/ablation', 'Folder of the runs and of their scores.')
    text('output', 'docs/ablation.md', 'The page; its plot and pictures go beside it.')
    text('source_dir', '', 'Folder of the pictures and poses, in place of that of --settings.')
    text('data_dir', '', 'Folder of their records, likewise.')
    absl_flags.DEFINE_integer('steps', 0, 'Steps of each run; 0: those of --settings.', lower_bound=0)
    absl_flags.DEFINE_list('outer_seeds', ['1', '2'], 'Seeds of the variants with both in 2D and with both in 3D.')
    absl_flags.DEFINE_list('inner_seeds', ['1'], 'Seeds of the other two variants.')
    absl_flags.DEFINE_integer('num_parallel', 2, 'Runs that are trained at once; they share the cores.', lower_bound=1)
    absl_flags.DEFINE_integer('num_pairs', 0, 'A sample of so many test pairs; 0: all.', lower_bound=0)
    options.define_metrics()
    FLAGS.set_default('pose_estimator', 'regressor')


def main():
    runs = ablation_runs.planned(FLAGS.runs_dir, _seeds('outer_seeds'), _seeds('inner_seeds'))
    changes = [f'--{name}={FLAGS[name].value}' for name in _PASSED_ON if FLAGS[name].value]
    if not os.path.isfile(FLAGS.settings):
        raise UsageError(f'--settings: expected a flags file, found {FLAGS.settings!r}, which is none.')
    ablation_runs.train(runs, FLAGS.settings, changes, FLAGS.num_parallel)
    ablation_runs.check_alike(runs)

    settings = runs[0].folder().settings()
    size = settings.model.architecture().image_size
    if FLAGS.pose_estimator == 'regressor' and not FLAGS.pose_model:
        FLAGS.pose_model = trained_regressor(settings.data.source_dir, size)
    source = pair_sources.DataPairs(datasets.Data(settings.data), 'test', FLAGS.num_pairs, size)
    scorer = options.open_scorer(source)
    scored = [systems.ModelSystem(run.folder().path) for run in runs]
    baselines = [systems.CopyOfSource(), systems.MeanOfOthers(source.means_of_others)]
    files = evaluation.score_systems(
        [*scored, *baselines], source, scorer, os.path.join(FLAGS.runs_dir, 'scores'), _BATCH_SIZE)
    scores = {name: file.table(source.pairs) for name, file in files.items()}
    by_run = {run: scores[system.name] for run, system in zip(runs, scored, strict=True)}
    page = ablation_page.AblationPage(source, scorer, settings, by_run, {name: scores[name] for name in (
        system.name for system in baselines)})
    page.write(FLAGS.output, dict(zip(runs, scored, strict=True)))
    print(f'Written: {FLAGS.output}')


def trained_regressor(source_dir, image_size):
    """Returns the weights of a joint regressor for pictures of a size, px; trains it where there are none yet."""
    path = os.path.join(FLAGS.runs_dir, f'joint_regressor_{image_size}.npz')
    if not os.path.exists(path):
        print(f'Training the regressor of the pose AUC: {path}', flush=True)
        process = subprocess.run([sys.executable, '-m', 'experiments.train_joint_regressor', f'--output={path}',
                                  f'--source_dir={source_dir}', f'--image_size={image_size}'], check=False)
        if process.returncode:
            raise UsageError(f'{path}: the training of the regressor failed.')
    return path


def _seeds(name):
    try:
        return [int(seed) for seed in FLAGS[name].value]
    except ValueError:
        raise UsageError(f'--{name}: expected whole numbers, as in 1,2, '
                         f'found {",".join(FLAGS[name].value)!r}.') from None


if __name__ == '__main__':
    program.run(main, define_flags)
