"""Plots of a report as inline SVG that takes its colours and its font from the page around it.

Systems differ by colour, marker and line, so that no reader depends on colours alone.
"""

import html
import io
import re

import matplotlib
import numpy as np
from matplotlib.figure import Figure

NUM_COLOURS = 6  # the page's style sheet defines --series-0 to --series-5, --ink, --rule and --line
_MARKERS = ('o', 's', '^', 'D', 'v', 'P')
SYMBOLS = ('●', '■', '▲', '◆', '▼', '✚')  # the same markers as text
_DASHES = ('-', (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1)), (0, (8, 3)))
# Colours that matplotlib writes and `_inline` replaces by the page's.
_INK, _RULE, _LINE = '#fe00a0', '#fe00a1', '#fe00a2'
_SERIES = tuple(f'#fe00b{number}' for number in range(NUM_COLOURS))
_WIDTH_IN, _ROW_IN, _CURVE_IN = 4.4, 0.52, 2.7
_NUM_BINS = 40
_MAX_LABEL = 46
_MAX_AXIS_LABEL = 60


def distribution(metric, scores, means):
    """Histograms of one metric below one another, one per system, with the mean and its interval on the base line.

    Args:
      metric: its name.
      scores: dict, system -> float [N]; only finite values are drawn.
      means: dict, system -> `Interval`.

    Returns:
      SVG element as text; '' if there is nothing to draw.
    """
    scores = {system: values[np.isfinite(values)] for system, values in scores.items()}
    present = [values for values in scores.values() if len(values)]
    if not present:
        return ''
    edges = np.histogram_bin_edges(np.concatenate(present), _NUM_BINS)
    pad = 0.02 * (edges[-1] - edges[0])
    with matplotlib.rc_context(_settings(f'distribution of {metric}')):
        axes = _axes(max(_ROW_IN * len(scores) + 0.4, 0.8 * _CURVE_IN), bottom_in=0.3, left_in=0.1)
        axes.spines['left'].set_visible(False)
        axes.set_yticks([])
        axes.set(ylim=(-len(scores) + 0.88, 1.0), xlim=(edges[0] - pad, edges[-1] + pad))
        for row, (system, values) in enumerate(scores.items()):
            colour = _SERIES[row % NUM_COLOURS]
            counts = np.histogram(values, edges)[0]
            heights = 0.55 * counts / max(1, counts.max())
            axes.stairs(heights - row, edges, baseline=-row, fill=True, color=colour, alpha=0.3, linewidth=0)
            axes.stairs(heights - row, edges, baseline=-row, color=colour, linewidth=1)
            mean = means[system]
            if np.isfinite(mean.low):
                axes.plot([mean.low, mean.high], [-row, -row], color=colour, linewidth=3, solid_capstyle='butt')
            if np.isfinite(mean.mean):
                axes.plot(mean.mean, -row, color=colour, marker=_MARKERS[row % NUM_COLOURS], markersize=5.5,
                          clip_on=False)
            axes.text(0.0, 0.68 - row, f'{SYMBOLS[row % NUM_COLOURS]} {_short(system, _MAX_LABEL)}', color=colour,
                      transform=axes.get_yaxis_transform())
        summary = '; '.join(f'{system}: {_extent(values)}' for system, values in scores.items())
        return _inline(axes.figure, f'Distribution of {metric}. {summary}.')


def curve(metric, change, points):
    """Mean score of the systems against how far the pose changes, with the bands of their intervals.

    Args:
      metric: its name.
      change: name of the pose change with its unit, the label of the axis.
      points: dict, system -> list of (pose change, `Interval`), see `ReportData.curve`.

    Returns:
      SVG element as text; '' if there is nothing to draw.
    """
    points = {system: [(x, interval) for x, interval in of_system if np.isfinite(interval.mean)]
              for system, of_system in points.items()}
    if not any(points.values()):
        return ''
    summary = []
    with matplotlib.rc_context(_settings(f'{metric} against {change}')):
        axes = _axes(_CURVE_IN, bottom_in=0.5, left_in=0.5)
        axes.grid(axis='y', color=_LINE, linewidth=0.8)
        axes.set_xlabel(_short(change, _MAX_AXIS_LABEL))
        # The main system, the first one, is drawn last and lies on top.
        for number, (system, of_system) in reversed(list(enumerate(points.items()))):
            if not of_system:
                continue
            colour, marker = _SERIES[number % NUM_COLOURS], _MARKERS[number % NUM_COLOURS]
            x = [point[0] for point in of_system]
            low, mean, high = np.array([(i.low, i.mean, i.high) for _, i in of_system]).T
            if len(x) > 1:
                axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
            else:
                axes.vlines(x, low, high, color=colour)
            axes.plot(x, mean, color=colour, marker=marker, markersize=4.5, linewidth=2.2 if number == 0 else 1.3,
                      linestyle=_DASHES[number % NUM_COLOURS])
            summary.insert(0, f'{system}: from {mean[0]:.3f} at {x[0]:.4g} to {mean[-1]:.3f} at {x[-1]:.4g}')
        return _inline(axes.figure, f'Mean {metric} against {change}. ' + '; '.join(summary) + '.')


def _extent(values):
    if not len(values):
        return 'not measured'
    low, median, high = np.quantile(values, (0.0, 0.5, 1.0))
    return f'median {median:.3f}, from {low:.3f} to {high:.3f}'


def _short(text, length):
    text = ' '.join(str(text).split())
    return text if len(text) <= length else text[:length - 1] + '…'


def _settings(name):
    """Returns matplotlib's settings; the name keeps the identifiers of the page's plots apart."""
    return {'svg.fonttype': 'none', 'svg.hashsalt': name, 'text.parse_math': False, 'font.size': 9,
            'font.sans-serif': ['DejaVu Sans'],
            'axes.spines.top': False, 'axes.spines.right': False, 'axes.edgecolor': _RULE, 'axes.labelcolor': _INK,
            'text.color': _INK, 'xtick.color': _RULE, 'ytick.color': _RULE, 'xtick.labelcolor': _INK,
            'ytick.labelcolor': _INK, 'axes.unicode_minus': True}


def _axes(height_in, bottom_in, left_in):
    figure = Figure(figsize=(_WIDTH_IN, height_in))
    axes = figure.add_axes((left_in / _WIDTH_IN, bottom_in / height_in, 1.0 - (left_in + 0.15) / _WIDTH_IN,
                            1.0 - (bottom_in + 0.08) / height_in))
    axes.set_facecolor('none')
    axes.locator_params(nbins=6)
    return axes


def _inline(figure, label):
    """Returns a figure as an SVG element for a page: named for screen readers, coloured by the page."""
    file = io.StringIO()
    figure.savefig(file, format='svg', facecolor='none', metadata=dict.fromkeys(('Date', 'Creator', 'Format', 'Type')))
    text = file.getvalue()
    text = re.sub(r'<defs>\s*<style.*?</style>\s*</defs>', '', text[text.index('<svg'):], count=1, flags=re.DOTALL)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    # What nothing refers to would stand in the page once per plot; the style would be the page's.
    text = re.sub(r' id="([^"]*)"', lambda match: match.group() if match.group(1) in used else '', text)
    names = {_INK: 'ink', _RULE: 'rule', _LINE: 'line', **{c: f'series-{number}' for number, c in enumerate(_SERIES)}}
    for colour, name in names.items():
        text = text.replace(colour, f'var(--{name})')
    root = f'<svg viewBox="0 0 {72 * figure.get_figwidth():g} {72 * figure.get_figheight():g}" role="img" '
    return re.sub(r'^<svg[^>]*>', lambda _: f'{root}aria-label="{html.escape(label)}">', text)
