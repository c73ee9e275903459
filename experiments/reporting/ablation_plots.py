"""Plots of an ablation, as SVG files."""

import json

import numpy as np
from matplotlib.figure import Figure

_COLOURS = {('2d', '2d'): '#666666', ('2d', '3d'): '#0072b2', ('3d', '2d'): '#e69f00', ('3d', '3d'): '#009e73'}
_SMOOTHED = 9  # points of the loss, each a mean over a window


def read_log(run):
    """Returns the lines of a run's metrics.jsonl, as dicts."""
    with open(run.folder().metrics_path) as file:
        return [json.loads(line) for line in file]


def write_training(path, runs):
    """Draws loss and validation score of all runs over the steps."""
    figure = Figure(figsize=(9, 3.6), layout='constrained')
    loss, score = figure.subplots(1, 2)
    for run in runs:
        log = read_log(run)
        style = {'color': _COLOURS[run.variant], 'linestyle': '-' if run.seed == min(r.seed for r in runs) else ':'}
        steps, values = _series(log, 'loss/generator')
        window = np.ones(_SMOOTHED) / _SMOOTHED
        if len(values) >= _SMOOTHED:
            steps, values = steps[_SMOOTHED // 2:len(steps) - _SMOOTHED // 2], np.convolve(values, window, 'valid')
        loss.plot(steps, values, **style)
        score.plot(*_series(log, 'validation/ssim_fg'), marker='.', **style,
                   label=f'{run.warp.upper()} warp, {run.pose.upper()} pose, seed {run.seed}')
    loss.set(xlabel='step', ylabel='loss (mean of 9 points)')
    score.set(xlabel='step', ylabel='validation ssim_fg')
    score.legend(fontsize='small')
    figure.savefig(path, metadata={'Date': None})


def write_gains(path, gains):
    """Draws intervals of ssim_fg above both in 2D; `gains` is a dict, subset -> dict, variant -> `Interval`."""
    figure = Figure(figsize=(7.5, 3.6), layout='constrained')
    axes = figure.subplots()
    variants = list(next(iter(gains.values())))
    for place, variant in enumerate(variants):
        intervals = [values[variant] for values in gains.values()]
        rows = np.arange(len(gains)) + 0.2 * (place - (len(variants) - 1) / 2)
        means = np.array([interval.mean for interval in intervals])
        reach = np.abs([[interval.low for interval in intervals], [interval.high for interval in intervals]] - means)
        axes.errorbar(means, rows, xerr=reach, fmt='o', capsize=3, label=variant,
                      color=list(_COLOURS.values())[place + 1])
    axes.axvline(0, color='#666666', linewidth=1)
    axes.set(yticks=range(len(gains)), yticklabels=[name.replace(' in the target', '') for name in gains],
             xlabel='ssim_fg above 2D warp, 2D pose')
    axes.invert_yaxis()
    figure.legend(loc='outside upper center', ncols=len(variants))
    figure.savefig(path, metadata={'Date': None})


def _series(log, name):
    lines = [line for line in log if name in line]
    return np.array([line['step'] for line in lines]), np.array([line[name] for line in lines])
