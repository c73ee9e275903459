"""The ablation of the paper's Table 1, trained and scored: python -m experiments.ablation

Trains variants, with the warp and the pose in 2D or in 3D and everything else alike, and a small joint regressor
for the pose AUC (--pose_estimator takes another); scores them on the same test pairs; writes a page with tables, plots
and pictures. Start it again to go on where it ended, with more --steps, --seeds or --variants to extend it.
"""

import dataclasses
import sys

from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import UsageError
from experiments.configuration import flags

FLAGS = absl_flags.FLAGS
_PASSED_ON = ('source_dir', 'data_dir')


def define_flags():
    """Defines which runs, and where the page goes."""
    text = absl_flags.DEFINE_string
    text('settings', 'ablation.flags', 'Flags file of what all runs have in common.')
    text('runs_dir', 'runs/ablation', 'Folder of the runs and of their scores.')
    text('output', 'docs/ablation.md', 'The page; its plot and pictures go beside it.')
    text('source_dir', '', 'Folder of the pictures and poses, in place of that of --settings.')
    text('data_dir', '', 'Folder of their records, likewise.')
    absl_flags.DEFINE_integer('steps', 0, 'Steps of each run, also of those that were to make fewer; 0: those of '
                              '--settings, or of the run.', lower_bound=0)
    absl_flags.DEFINE_list('variants', [], "Some of 2d_warp_2d_pose, 2d_warp_3d_pose, 3d_warp_2d_pose, "
                           "3d_warp_3d_pose (the paper's), detail (the detail stream alone) and everything (3D and the "
                           "detail stream); without it, the paper's.")
    absl_flags.DEFINE_list('seeds', ['1', '2'], 'Seeds of each variant.')
    absl_flags.DEFINE_integer('num_parallel', 2, 'Runs that are trained at once; they share the cores.', lower_bound=1)
    absl_flags.DEFINE_integer('num_pairs', 0, 'A sample of so many test pairs; 0: all.', lower_bound=0)
    flags.define_metrics()
    FLAGS.set_default('pose_estimator', 'regressor')


def main():
    seeds = _seeds()
    from experiments.evaluation.options import EvaluationOptions, MetricOptions  # late: they load TensorFlow
    from experiments.evaluation.run import evaluate
    from experiments.reporting.ablation_page import AblationPage
    from experiments.training import ablation_runs
    runs = ablation_runs.planned(FLAGS.runs_dir, _variants(ablation_runs), seeds)
    changes = [f'--{name}={FLAGS[name].value}' for name in _PASSED_ON if FLAGS[name].value]
    ablation_runs.train(runs, FLAGS.settings, changes, FLAGS.steps, FLAGS.num_parallel)
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


def _seeds():
    if not FLAGS.seeds or not all(seed.isdecimal() for seed in FLAGS.seeds):
        raise UsageError(f'--seeds: expected whole numbers, as in 1,2, found {",".join(FLAGS.seeds)!r}.')
    return sorted({int(seed) for seed in FLAGS.seeds})


def _variants(ablation_runs):
    known = ablation_runs.VARIANTS
    if unknown := [name for name in FLAGS.variants if name not in known]:
        raise UsageError(f'--variants: expected some of {", ".join(known)}, found {", ".join(map(repr, unknown))}.')
    return [variant for variant in known.values() if variant.name in FLAGS.variants] or ablation_runs.PAPER


if __name__ == '__main__':
    program.run(main, define_flags)
