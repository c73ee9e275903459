"""The ablation of the paper's Table 1, trained and scored: python -m experiments.ablation

Trains four variants, with the warp and the pose in 2D or in 3D and everything else alike, and a small joint regressor
for the pose AUC (--pose_estimator takes another); scores them on the same test pairs; writes a page with tables, plots
and pictures. Start it again to go on where it ended.
"""

import dataclasses
import sys

from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import UsageError
from experiments.configuration import flags

FLAGS = absl_flags.FLAGS
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
    flags.define_metrics()
    FLAGS.set_default('pose_estimator', 'regressor')


def main():
    seeds = _seeds('outer_seeds'), _seeds('inner_seeds')
    from experiments.evaluation.options import EvaluationOptions, MetricOptions  # late: they load TensorFlow
    from experiments.evaluation.run import evaluate
    from experiments.reporting.ablation_page import AblationPage
    from experiments.training import ablation_runs
    runs = ablation_runs.planned(FLAGS.runs_dir, *seeds)
    changes = [f'--{name}={FLAGS[name].value}' for name in _PASSED_ON if FLAGS[name].value]
    ablation_runs.train(runs, FLAGS.settings, changes, FLAGS.num_parallel)
    ablation_runs.check_alike(runs)

    settings = runs[0].folder().settings()
    metrics = flags.filled(MetricOptions, inception='')  # the page has no FID
    if metrics.pose_estimator == 'regressor' and not metrics.pose_model:
        metrics = dataclasses.replace(metrics, pose_model=ablation_runs.trained_regressor(
            FLAGS.runs_dir, settings.data.source_dir, settings.model.architecture().image_size))
    first, *others = (run.folder().path for run in runs)
    outcome = evaluate(EvaluationOptions(settings.data, metrics, model=first, against=others,
                                         num_pairs=FLAGS.num_pairs, output=FLAGS.runs_dir))
    command = ' '.join(['python -m experiments.ablation', *sys.argv[1:]])
    AblationPage(outcome, runs, settings).write(FLAGS.output, command)
    print(f'Written: {FLAGS.output}')


def _seeds(name):
    try:
        return [int(seed) for seed in FLAGS[name].value]
    except ValueError:
        raise UsageError(f'--{name}: expected whole numbers, as in 1,2, '
                         f'found {",".join(FLAGS[name].value)!r}.') from None


if __name__ == '__main__':
    program.run(main, define_flags)
