"""What an evaluation leaves: a table, one line of JSON, an HTML report, a contact sheet; each says what was scored."""

import dataclasses
import json
import os
import sys

import numpy as np
from tqdm import tqdm

from data_pipeline.errors import UsageError
from experiments.configuration import devices
from experiments.evaluation import pair_poses
from experiments.pictures import drawing
from experiments.pictures.files import write_picture
from experiments.reporting import html_report, score_tables
from experiments.reporting.report_data import ReportData

LOWER_IS_BETTER = frozenset({'l1', 'l1_fg', 'lpips_alex', 'lpips_vgg', 'vgg16_distance', 'fid'})
_ORDER = ('ssim_fg', 'l1_fg', 'ssim', 'ssim_gauss', 'psnr', 'l1', 'lpips_alex', 'lpips_vgg', 'vgg16_distance',
          'pose_auc', 'pose_auc_true')


def report_data(source, systems, scorer, scores, fids):
    """Puts together what the report shows.

    Args:
      source: the pair source.
      systems: list, the one under test first.
      scorer: the `PairScorer`.
      scores: dict, system -> dict, metric -> [N].
      fids: dict, system -> (FID, number of results), of the systems for which it was measured.

    Returns:
      a `ReportData`.
    """
    found = {metric for values in scores.values() for metric in values}
    metrics = tuple(metric for metric in _ORDER if metric in found)
    undefined = np.full(len(source.pairs), np.nan)
    scored = len(source.pairs) - max(len(getattr(system, 'missing', ())) for system in systems)
    facts = {**source.facts, 'pairs': f'{scored} of {source.num_expected}',
             **{f'system {system.name}': system.description for system in systems},
             **{name: text for name, text in scorer.identity.items() if name != 'metrics'},
             'software': devices.software(),
             'command': ' '.join(['python -m experiments.evaluate', *sys.argv[1:]])}
    return ReportData(
        title=f'Evaluation of {systems[0].name}: {source.name}', facts=facts, metrics=metrics,
        lower_is_better=LOWER_IS_BETTER, groups=list(source.groups), pairs=list(source.pairs),
        scores={name: {metric: values.get(metric, undefined) for metric in metrics} for name, values in scores.items()},
        main=systems[0].name, pose_changes=source.pose_changes,
        notes=notes(source, systems, scores, found, fids),
        missing=source.num_expected - scored, expected=source.num_expected)


def notes(source, systems, scores, found, fids):
    """Returns what a reader must know beside the numbers."""
    said = []
    if len(source.pairs) < source.num_expected:
        said.append(f'A sample: {len(source.pairs)} of the {source.num_expected} pairs of the protocol.')
    for system in systems:
        if complaint := getattr(system, 'complaint', str)():
            said.append(f'{system.name}: {complaint}.')
    if not {'lpips_alex', 'lpips_vgg'} & found:
        said.append('LPIPS was not measured: it needs the weights of its backbone (--lpips).')
    if 'vgg16_distance' in found:
        said.append('vgg16_distance is a substitute by other weights; it is not LPIPS and cannot be compared with it.')
    if 'pose_auc' not in found:
        said.append('The pose AUC was not measured (--pose_estimator).')
    said += [f'fid of {name}: {value:.2f}, {count} results against all training pictures.'
             for name, (value, count) in fids.items()] or ['FID was not measured (--inception).']
    said += pair_poses.remarks(scores)
    if not source.pose_changes:
        said.append('Nothing is known of persons here: the intervals take every pair for a person of its own.')
    return said


def as_json(report):
    """Returns the whole outcome as one line of JSON; null where there is no number."""
    return json.dumps({
        **{name: text for name, text in report.facts.items() if name != 'command'},
        'complete': not report.missing, 'system': report.main, 'notes': report.notes,
        'scores': {system: {metric: _numbers(report.interval(system, metric)) for metric in report.metrics}
                   for system in report.systems},
        'differences': {system: {metric: _numbers(report.difference(system, metric)) for metric in report.metrics}
                        for system in report.others}})


def _numbers(interval):
    return {name: value if np.isfinite(value) else None for name, value in dataclasses.asdict(interval).items()}


def write(folder, report, systems, shown, sheet_rows):
    """Writes everything into a folder and returns the lines to print, the line of JSON last.

    Args:
      folder: where to; made when missing.
      report: the `ReportData`.
      systems: list, as scored.
      shown: function of a pair's index that returns [(caption, uint8 [S, S, 3])].
      sheet_rows: rows of the contact sheet.
    """
    table, line = score_tables.markdown_table(report), as_json(report)
    write_text(os.path.join(folder, 'table.md'), table + '\n')
    write_text(os.path.join(folder, 'evaluation.json'), line + '\n')
    kept = {}

    def picture(index):
        if index not in kept:
            kept[index] = shown(index)
        return kept[index]

    print('Writing the report ...', flush=True)
    page = os.path.join(folder, 'report.html')
    html_report.write(page, report, picture)
    sheet = os.path.join(folder, 'contact_sheet.png')
    about_sheet = write_sheet(sheet, report, picture, sheet_rows)
    return [f'\n{report.title}\n{table}\n', *report.notes, f'Report: {page}', about_sheet, line]


def write_sheet(path, report, picture, num_rows):
    """Writes a grid of pairs spread over those that all systems have, a row each; returns a line on it."""
    scored = np.flatnonzero(np.all([np.any([~np.isnan(column) for column in values.values()], axis=0)
                                    for values in report.scores.values()], axis=0))
    if not len(scored):
        return 'No contact sheet: no pair was scored of all systems.'
    chosen = scored[np.linspace(0, len(scored) - 1, min(num_rows, len(scored))).astype(int)]
    shown = [picture(int(index)) for index in tqdm(chosen, desc='sheet')]
    write_picture(path, drawing.grid(
        [[image for _, image in row] for row in shown], [caption for caption, _ in shown[0]],
        [' -> '.join(report.pairs[index]) for index in chosen]))
    return f'Contact sheet: {path}'


def write_text(path, text):
    """Writes a file at once; UsageError where it cannot be."""
    try:
        os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
        with open(f'{path}.part', 'w') as file:
            file.write(text)
        os.replace(f'{path}.part', path)
    except OSError as error:
        raise UsageError(f'{path}: cannot be written: {error.strerror}.') from None
