"""The page of an ablation: tables beside the paper's, curves of the training, pictures of the variants."""

import functools
import itertools
import json
import os

import numpy as np
from matplotlib.figure import Figure

from data_pipeline.files import write_text
from experiments.configuration import devices
from experiments.evaluation.pair_scorer import pose_remarks
from experiments.evaluation.run import shown_pictures
from experiments.pictures import drawing
from experiments.pictures.files import write_picture
from experiments.reporting.output import LOWER_IS_BETTER
from experiments.reporting.score_statistics import difference_interval, mean_interval
from experiments.training.ablation_runs import VARIANTS

_METRICS = ('ssim', 'ssim_fg', 'l1_fg', 'pose_auc', 'pose_auc_true')
_TURN_DEG = 60
_ROWS_OF_PICTURES = 8
_COLOURS = dict(zip(VARIANTS, ('#666666', '#0072b2', '#e69f00', '#009e73', '#cc79a7', '#d55e00')))
_SMOOTHED = 9  # points of the loss, each a mean over a window


class AblationPage:
    """The scores of an ablation, ready to be written."""

    def __init__(self, outcome, runs, settings):
        """Sorts the scores by runs, baselines, variants and subsets of the pairs.

        Args:
          outcome: the `Outcome` of an evaluation on the pairs of a data set: the systems of the runs, then baselines.
          runs: list of `ablation_runs.Run`, in the order of their systems.
          settings: `Settings` that the runs have in common.
        """
        self._outcome, self._settings, self._pair_source = outcome, settings, outcome.pair_source
        self._systems = dict(zip(runs, outcome.systems))
        self._runs = scores = {run: outcome.scores[system.name] for run, system in self._systems.items()}
        self._baselines = {system.name: outcome.scores[system.name] for system in outcome.systems[len(runs):]}
        self._groups = np.array(self._pair_source.groups)
        self._metrics = [metric for metric in _METRICS if metric in next(iter(scores.values()))]
        # A variant's score of a pair is the mean over its seeds: what is drawn again for the intervals are persons.
        self._variants = {variant: {metric: np.mean([values[metric] for run, values in scores.items()
                                                     if run.variant == variant], axis=0) for metric in self._metrics}
                          for variant in VARIANTS.values() if any(run.variant == variant for run in scores)}
        self._base = next(iter(self._variants))  # the first one: both in 2D, if that is among them
        turned = self._pair_source.pose_changes['turn (degrees)'] > _TURN_DEG
        self._subsets = {
            'all pairs': np.ones(len(self._pair_source.pairs), bool),
            f'turns above {_TURN_DEG} degrees': turned,
            'a forearm before or behind the torso in the target': self._pair_source.has_arm_over_torso,
            'neither': ~turned & ~self._pair_source.has_arm_over_torso}

    def write(self, path, command):
        """Writes the page, a Markdown file that shows the command line, and its plots and pictures beside it."""
        stem = os.path.splitext(path)[0]
        name = os.path.basename(stem)
        os.makedirs(os.path.dirname(stem) or '.', exist_ok=True)
        _write_training(f'{stem}.svg', list(self._runs))
        _write_gains(f'{stem}_gains.svg', self._gains, self._base)
        write_picture(f'{stem}.jpg', self._picture_grid())
        write_text(path, '\n\n'.join([
            '# The ablation of the paper, on rendered people',
            '<!-- Written by experiments.ablation; what it means is in results.md. -->',
            self._setting(command), '## All test pairs, beside the paper', self._main_table(), self._main_remarks(),
            '## Seed by seed', self._seed_table(), '## Where 3D matters', self._subset_tables(),
            f'![Gain over {self._base.title}, with 95 % intervals]({name}_gains.svg)',
            '## Training', f'![Loss and validation score over the steps]({name}.svg)', self._training_table(),
            '## Pictures', f'![Test pairs: source, target pose, the variants, truth]({name}.jpg)']) + '\n')

    def _setting(self, command):
        train, pair_source = self._settings.train, self._pair_source
        facts = pair_source.facts
        lines = [f'{len(pair_source.pairs)} test pairs of {len(set(pair_source.groups))} persons that were not trained '
                 f'on, {facts["image size"].split(",")[0]}, data {facts["data"]}, protocol {facts["protocol"]}. '
                 f'Every run: preset {self._settings.model.preset}, {train.steps:,} steps of {train.batch_size} pairs, '
                 f'learning rate {train.learning_rate:g} ({train.learning_rate_schedule}), '
                 f'{self._settings.model.precision}; the runs differ in what a row names and in the seed alone.',
                 'Intervals: 95 %, bootstrap over the persons of the test split. A number of a variant is the mean '
                 'over its seeds.', f'{devices.measured_on()} Command: `{command}`']
        poses = self._outcome.metrics.get('poses')
        lines.append(f'Pose AUC@150mm by {poses}.' if poses else 'The pose AUC was not measured.')
        by_name = {f'{run.variant.title}, seed {run.seed}': values for run, values in self._runs.items()}
        return '\n'.join([*lines, *pose_remarks({**by_name, **self._baselines})])

    def _main_table(self):
        columns = [*map(_with_arrow, self._metrics), 'paper: SSIM', 'SSIM_fg', 'Pose AUC']
        rows = [[variant.title, *self._means(values),
                 *([f'{number:.3f}' for number in variant.paper] if variant.paper else [''] * 3)]
                for variant, values in self._variants.items()]
        rows += [[name, *self._means(values), '', '', ''] for name, values in self._baselines.items()]
        return _table(['', *columns], rows)

    def _main_remarks(self):
        """Says in which metrics the order of the variants is the paper's, and which differences are certain."""
        said = ["The paper's figures are of iPER at 256 px: orders can be compared, the numbers themselves cannot."]
        for metric, column in (('ssim', 0), ('ssim_fg', 1), ('pose_auc', 2)):
            if metric in self._metrics:
                ours = {variant: np.nanmean(values[metric]) for variant, values in self._variants.items()
                        if variant.paper}
                swapped = [f'{first.title} is above {second.title} here'
                           for first, second in itertools.permutations(ours, 2)
                           if ours[first] > ours[second] and first.paper[column] < second.paper[column]]
                said.append(f'- {metric}: ' + ("the paper's order." if not swapped else
                                               f"not the paper's order: {'; '.join(swapped)}."))
        return '\n'.join(said)

    def _seed_table(self):
        order = list(VARIANTS)
        rows = [[run.variant.title, run.seed, *(f'{np.nanmean(values[metric]):.4f}' for metric in self._metrics)]
                for run, values in sorted(self._runs.items(), key=lambda item: (order.index(item[0].variant.name),
                                                                                item[0].seed))]
        return _table(['', 'seed', *map(_with_arrow, self._metrics)], rows)

    def _subset_tables(self):
        """Returns a table of every subset: scores, and what is gained over the first variant."""
        parts = []
        for name, gains in self._gains.items():
            chosen = self._subsets[name]
            rows = [[variant.title, *self._means(values, chosen),
                     _text(gains[variant], '+.3f') if variant in gains else '']
                    for variant, values in self._variants.items()]
            parts += [f'{name.capitalize()}: {int(chosen.sum())} pairs.',
                      _table(['', *map(_with_arrow, self._metrics), f'ssim_fg, gain over {self._base.title}'], rows)]
        return '\n\n'.join(parts)

    @functools.cached_property
    def _gains(self):
        """Dict, subset -> dict, variant -> `Interval` of the gain in ssim_fg over the first variant."""
        base = self._variants[self._base]['ssim_fg']
        return {name: {variant: difference_interval(values['ssim_fg'][chosen], base[chosen], self._groups[chosen])
                       for variant, values in self._variants.items() if variant != self._base}
                for name, chosen in self._subsets.items()}

    def _training_table(self):
        rows = []
        for run in self._runs:
            log = _read_log(run)
            last = [line for line in log if 'loss/generator' in line][-1]
            speeds = [line['steps_per_second'] for line in log if line.get('steps_per_second')]
            hours = np.mean(1 / np.array(speeds)) * last['step'] / 3600
            validated = [line['validation/ssim_fg'] for line in log if 'validation/ssim_fg' in line]
            rows.append([run.variant.title, run.seed, last['step'], f'{hours:.2f}',
                         ' '.join(f'{score:.3f}' for score in validated)])
        return _table(['', 'seed', 'steps', 'hours', 'validation ssim_fg on the way'], rows)

    def _picture_grid(self):
        """Shows pairs where 3D should matter: the most turned one of every other person, and covered arms."""
        hard = np.flatnonzero(self._subsets[f'turns above {_TURN_DEG} degrees'] | self._pair_source.has_arm_over_torso)
        chosen = hard[np.linspace(0, len(hard) - 1, min(_ROWS_OF_PICTURES, len(hard))).astype(int)]
        first_runs = {run.variant: system for run, system in reversed(list(self._systems.items()))}
        shown = [first_runs[variant] for variant in self._variants]
        headers = ['source', 'target pose', *(variant.title for variant in self._variants), 'truth']
        rows = [[image for _, image in row] for row in shown_pictures(shown, self._pair_source, chosen)]
        return drawing.grid(rows, headers, [' -> '.join(self._pair_source.pairs[index]) for index in chosen])

    def _means(self, values, chosen=slice(None)):
        """Returns the texts of a row: the mean of every metric over some pairs, with its interval."""
        return [_text(mean_interval(values[metric][chosen], self._groups[chosen])) for metric in self._metrics]


def _with_arrow(metric):
    return f'{metric} {"↓" if metric in LOWER_IS_BETTER else "↑"}'


def _text(interval, form='.3f'):
    return f'{interval.mean:{form}} [{interval.low:{form}}, {interval.high:{form}}]'


def _table(header, rows):
    return '\n'.join('| ' + ' | '.join(map(str, row)) + ' |' for row in [header, ['---'] * len(header), *rows])


def _read_log(run):
    """Returns the lines of a run's metrics.jsonl, as dicts."""
    with open(run.folder().metrics_path) as file:
        return [json.loads(line) for line in file]


def _write_training(path, runs):
    """Draws loss and validation score of all runs over the steps."""
    figure = Figure(figsize=(9, 3.6), layout='constrained')
    loss, score = figure.subplots(1, 2)
    first_seed = min(run.seed for run in runs)
    for run in runs:
        log = _read_log(run)
        style = {'color': _COLOURS[run.variant.name], 'linestyle': '-' if run.seed == first_seed else ':'}
        steps, values = _series(log, 'loss/generator')
        window = np.ones(_SMOOTHED) / _SMOOTHED
        if len(values) >= _SMOOTHED:
            steps, values = steps[_SMOOTHED // 2:len(steps) - _SMOOTHED // 2], np.convolve(values, window, 'valid')
        loss.plot(steps, values, **style)
        score.plot(*_series(log, 'validation/ssim_fg'), marker='.', **style,
                   label=f'{run.variant.title}, seed {run.seed}')
    loss.set(xlabel='step', ylabel='loss (mean of 9 points)')
    score.set(xlabel='step', ylabel='validation ssim_fg')
    score.legend(fontsize='small')
    figure.savefig(path, metadata={'Date': None})


def _write_gains(path, gains, base):
    """Draws intervals of ssim_fg above a variant's; `gains` is a dict, subset -> dict, variant -> `Interval`."""
    figure = Figure(figsize=(7.5, 3.6), layout='constrained')
    axes = figure.subplots()
    variants = list(next(iter(gains.values())))
    for place, variant in enumerate(variants):
        low, mean, high = np.array([(values[variant].low, values[variant].mean, values[variant].high)
                                    for values in gains.values()]).T
        rows = np.arange(len(gains)) + 0.2 * (place - (len(variants) - 1) / 2)
        axes.errorbar(mean, rows, xerr=np.abs([low - mean, high - mean]), fmt='o', capsize=3,
                      label=variant.title, color=_COLOURS[variant.name])
    axes.axvline(0, color='#666666', linewidth=1)
    axes.set(yticks=range(len(gains)), yticklabels=[name.replace(' in the target', '') for name in gains],
             xlabel=f'ssim_fg above {base.title}')
    axes.invert_yaxis()
    figure.legend(loc='outside upper center', ncols=len(variants))
    figure.savefig(path, metadata={'Date': None})


def _series(log, name):
    lines = [line for line in log if name in line]
    return np.array([line['step'] for line in lines]), np.array([line[name] for line in lines])
