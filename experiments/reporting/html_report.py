"""The report of an evaluation as one HTML page that needs no script, no network and no other file.

The page holds facts on the systems and pairs, means with intervals, differences of the main system from the others,
the distribution of every metric, its mean against the change of the pose, and the best, median and worst pairs as
pictures.
"""

import base64
import html
import pathlib

import cv2
import numpy as np

from data_pipeline.files import write_text
from experiments.reporting import report_plots, score_statistics, score_tables

_STYLE = pathlib.Path(__file__).with_name('html_report.css')
_LARGEST_PNG_PX = 128  # larger pictures become JPEG: a page of 12 pairs stays below a few MB
_JPEG_QUALITY = 92


def write_report(path, report, pictures):
    """Writes the `page` as a file, whose folders are made; raises WriteError where it cannot be written."""
    # Names of files that are no Unicode text come as lone surrogates.
    write_text(path, page(report, pictures).encode('utf-8', 'backslashreplace').decode('utf-8'))


def page(report, pictures):
    """Makes the page.

    Args:
      report: the `ReportData`.
      pictures: function of an index of `report.pairs` that returns a list of (caption, uint8 [S, S, 3] RGB): source,
        target pose, every system's result, truth. A caption that is a system's name gets its score beside it.

    Returns:
      HTML as text.
    """
    title = html.escape(report.title)
    banner = f'<p class="banner" role="alert">{html.escape(report.partial_warning())}</p>\n' if report.missing else ''
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{'PARTIAL: ' if report.missing else ''}{title}</title>
<style>
{_STYLE.read_text(encoding='utf-8')}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{banner}{_facts(report)}{_notes(report)}{_scores(report)}{_plots(report)}{_examples(report, pictures)}</main>
</body>
</html>
"""


def _facts(report):
    rows = ''.join(f'<div><dt>{html.escape(str(name))}</dt><dd>{html.escape(str(text))}</dd></div>\n'
                   for name, text in report.facts.items())
    return f'<dl class="facts">\n{rows}</dl>\n' if rows else ''


def _notes(report):
    sentences = [*report.notes, *filter(None, [report.few_persons()])]
    notes = f'<ul class="notes">\n{_items(sentences)}</ul>\n' if sentences else ''
    if not report.lacking:
        return notes
    return (f'{notes}<details>\n<summary>{html.escape(score_tables.lacking_caption(report))}</summary>\n'
            f'<ul class="fine">\n{_items(report.lacking_lines())}</ul>\n</details>\n')


def _items(texts):
    return ''.join(f'<li>{html.escape(str(text))}</li>\n' for text in texts)


def _scores(report):
    differences = f'<h3>Differences</h3>\n{score_tables.difference_table(report)}' if report.others else ''
    intervals = '' if report.num_persons < 2 else (
        f'<p class="fine">Intervals: percentile bootstrap, {score_statistics.NUM_RESAMPLES} draws of '
        f'{report.num_persons} persons, each with all of its pairs, as pairs of one person are not independent. '
        'They tell how the means vary with the persons, not how they vary with the training.</p>\n')
    return f'<section>\n<h2>Scores</h2>\n{score_tables.score_table(report)}{differences}{intervals}</section>\n'


def _plots(report):
    names = ''.join(f'<li style="color:var(--series-{number % report_plots.NUM_COLOURS})">'
                    f'{report_plots.SYMBOLS[number % report_plots.NUM_COLOURS]} {html.escape(system)}</li>\n'
                    for number, system in enumerate(report.systems))
    sections = ''.join(_metric_plots(report, metric) for metric in report.metrics)
    return ('<section>\n<h2>Distributions, and scores against the change of pose</h2>\n'
            f'<ul class="legend" aria-label="Systems">\n{names}</ul>\n'
            '<p class="fine">Histograms are scaled to their own peak; the mark on the base line is the mean, the bar '
            'through it its interval. Curves show means in bins that hold about equally many pairs, the bands their '
            f'intervals.</p>\n{sections}</section>\n')


def _metric_plots(report, metric):
    heading = f'<h3>{html.escape(metric)} {report.arrow(metric)}</h3>\n'
    scores = {system: report.values(system, metric) for system in report.systems}
    if not any(np.isfinite(values).any() for values in scores.values()):
        return f'{heading}<p>No finite score of any pair.</p>\n'
    means = {system: report.interval(system, metric) for system in report.systems}
    infinite = sum(int(np.isinf(values).sum()) for values in scores.values())
    figures = [_figure(report_plots.distribution(metric, scores, means), 'Infinite scores', infinite)]
    for change, changes in report.pose_changes.items():
        points = {system: report.curve(system, metric, change) for system in report.systems}
        unknown = int(np.count_nonzero(~np.isfinite(changes)))
        figures.append(_figure(report_plots.curve(metric, change, points), f'Pairs without {change}', unknown))
    return f'{heading}<div class="plots">\n{"".join(figures)}</div>\n'


def _figure(svg, what, num_left_out):
    caption = f'<figcaption>{html.escape(what)}, left out: {num_left_out}.</figcaption>' if num_left_out else ''
    return f'<figure>{svg}{caption}</figure>\n'


def _examples(report, pictures):
    metric, order = report.ranking()
    text = (f'The {len(order)} scored pairs, ranked by {metric} {report.arrow(metric)} of {report.main}.' if order
            else f'{report.main} has no score to rank pairs by.')
    kinds = ''
    for kind, indices in report.examples().items():
        if indices:
            shown = ''.join(_example(report, pictures, metric, index) for index in indices)
            kinds += f'<h3>{kind.capitalize()} pairs</h3>\n{shown}'
    return f'<section>\n<h2>Pictures</h2>\n<p>{html.escape(text)}</p>\n{kinds}</section>\n'


def _example(report, pictures, metric, index):
    """Returns one pair: its identifiers, the main system's scores, how far the pose changes, and the pictures."""
    pair = ' → '.join(map(str, report.pairs[index]))
    facts = [f'{name} {score_tables.value_text(report.values(report.main, name)[index])}' for name in report.metrics]
    facts += [f'{change} {float(values[index]):.4g}' if np.isfinite(values[index]) else f'{change} –'
              for change, values in report.pose_changes.items()]
    shown = []
    for caption, image in pictures(index):
        alt = html.escape(f'{caption}, pair {pair}')
        score = '' if caption not in report.scores else (
            f'<small>{html.escape(metric)} {score_tables.value_text(report.values(caption, metric)[index])}</small>')
        kind = ' class="small"' if image.shape[0] < _LARGEST_PNG_PX else ''
        shown.append(f'<figure><img{kind} src="{_data_uri(image)}" width="{image.shape[1]}" height="{image.shape[0]}" '
                     f'alt="{alt}"><figcaption>{html.escape(caption)}{score}</figcaption></figure>\n')
    return (f'<article>\n<h4>{html.escape(pair)}</h4>\n<p class="fine">{html.escape("; ".join(facts))}</p>\n'
            f'<div class="pictures">\n{"".join(shown)}</div>\n</article>\n')


def _data_uri(image):
    """Returns a picture, uint8 [H, W, 3] RGB, as the text that an <img> holds instead of an address."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f'picture of a report: expected uint8 [H, W, 3], found {image.dtype} {image.shape}.')
    is_small = max(image.shape) <= _LARGEST_PNG_PX
    suffix, options = ('.png', []) if is_small else ('.jpg', [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    _, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    return f'data:image/{"png" if is_small else "jpeg"};base64,{base64.b64encode(data).decode("ascii")}'
