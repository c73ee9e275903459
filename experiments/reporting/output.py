"""Results of an evaluation as files: a table, a line of JSON, an HTML report and a contact sheet."""

import collections
import dataclasses
import itertools
import json
import os

import numpy as np
from tqdm import tqdm

from data_pipeline.files import write_text
from experiments.configuration import devices
from experiments.evaluation.pair_scorer import pose_remarks
from experiments.evaluation.run import shown_pictures
from experiments.pictures import drawing
from experiments.pictures.files import write_picture
from experiments.reporting import group_tables, html_report, score_tables
from experiments.reporting.report_data import ReportData

LOWER_IS_BETTER = frozenset({'l1', 'l1_fg', 'lpips_alex', 'lpips_vgg', 'lpips_person', 'lpips_head', 'st_lpips',
                             'vgg16_distance', 'fid'})
_LISTED_ON_SCREEN = 20  # pairs that cannot be scored
_ORDER = ('ssim_fg', 'l1_fg', 'ssim', 'ssim_gauss', 'psnr', 'l1', 'lpips_alex', 'lpips_person', 'lpips_head',
          'lpips_vgg', 'st_lpips', 'vgg16_distance', 'pose_auc', 'pose_auc_true', 'flicker')


def report_data(outcome, command):
    """Returns the `ReportData` of the `Outcome` of an evaluation; the report shows the command line."""
    pair_source, systems, scores = outcome.pair_source, outcome.systems, outcome.scores
    found = {metric for values in scores.values() for metric in values}
    found -= {metric for metric in ('lpips_person', 'lpips_head')
              if all(np.isnan(values.get(metric, np.nan)).all() for values in scores.values())}
    metrics = tuple(metric for metric in _ORDER if metric in found)
    undefined = np.full(len(pair_source.pairs), np.nan)
    scored = len(pair_source.pairs) - max(len(getattr(system, 'missing', ())) for system in systems)
    facts = {**pair_source.facts, 'pairs': f'{scored} of {pair_source.num_expected}',
             **{f'system {system.name}': system.description for system in systems},
             **{name: text for name, text in outcome.metrics.items() if name != 'metrics'},
             'software': devices.software(), 'command': command}
    return ReportData(
        title=f'Evaluation of {systems[0].name}: {pair_source.name}', facts=facts, metrics=metrics,
        lower_is_better=LOWER_IS_BETTER, groups=list(pair_source.groups), pairs=list(pair_source.pairs),
        scores={name: {metric: values.get(metric, undefined) for metric in metrics} for name, values in scores.items()},
        main=systems[0].name, pose_changes=pair_source.pose_changes, notes=_notes(outcome, found),
        missing=pair_source.num_expected - scored, expected=pair_source.num_expected, lacking=pair_source.lacking,
        labels=outcome.labels)


def _notes(outcome, found):
    """Returns what a reader must know beside the numbers; `found` is the set of the metrics."""
    pair_source, said = outcome.pair_source, []
    scorable = pair_source.num_expected - len(pair_source.lacking)
    if pair_source.lacking:
        said.append(_lacking_note(pair_source))
    if len(pair_source.pairs) < scorable:
        said.append(f'A sample: {len(pair_source.pairs)} of {scorable} pairs of the protocol.')
    for system in outcome.systems:
        if complaint := getattr(system, 'complaint', str)():
            said.append(f'{system.name}: {complaint}.')
    if not {'lpips_alex', 'lpips_vgg'} & found:
        said.append('LPIPS was not measured: it needs the weights of its backbone (--lpips).')
    if 'lpips_alex' in found and 'lpips_person' not in found:
        said.append('lpips_person was not measured: the data have no masks of the persons in the true pictures.')
    if 'vgg16_distance' in found:
        said.append('vgg16_distance is a substitute by other weights; it is not LPIPS and cannot be compared with it.')
    if 'pose_auc' not in found:
        said.append('The pose AUC was not measured (--pose_estimator).')
    said += [f'fid of {name}: {value:.2f}, {count} results against all training pictures.'
             for name, (value, count) in outcome.fids.items()] or ['FID was not measured (--inception).']
    said += pose_remarks(outcome.scores)
    if not pair_source.pose_changes:
        said.append('Nothing is known of persons here: the intervals take every pair for a person of its own.')
    return said


def _lacking_note(pair_source):
    """Returns a sentence on the pairs that cannot be scored, with their reasons counted and the first of them."""
    reasons = collections.Counter(why.partition(': ')[2] for why in pair_source.lacking.values())
    pair, _ = next(iter(pair_source.lacking.items()))
    counts = ', '.join(f'{count} x {reason}' for reason, count in reasons.most_common())
    return (f'{len(pair_source.lacking)} of the {pair_source.num_expected} pairs of the protocol cannot be scored '
            f'({counts}), the first being {" -> ".join(pair)}. table.md, report.html and evaluation.json list all.')


def as_json(report):
    """Returns the whole report as one line of JSON; null where there is no number."""
    return json.dumps({
        **{name: text for name, text in report.facts.items() if name != 'command'},
        'complete': not report.missing, 'system': report.main, 'notes': report.notes,
        **({'cannot_be_scored': report.lacking_lines()} if report.lacking else {}),
        **({'groups': _groups_as_json(report)} if report.labels else {}),
        'scores': {system: {metric: _numbers(report.interval(system, metric)) for metric in report.metrics}
                   for system in report.systems},
        'differences': {system: {metric: _numbers(report.difference(system, metric)) for metric in report.metrics}
                        for system in report.others}})


def _groups_as_json(report):
    found = {}
    for kind, label, among in group_tables.groups_of(report):
        found.setdefault(kind, {})[label] = {system: {
            metric: _numbers(report.interval(system, metric, among)) for metric in report.metrics}
            for system in report.systems}
    return found


def _numbers(interval):
    return {name: value if np.isfinite(value) else None for name, value in dataclasses.asdict(interval).items()}


def write_results(outcome, num_sheet_rows, command):
    """Writes everything into the folder of an `Outcome` and returns the lines to print, the line of JSON last."""
    report = report_data(outcome, command)
    table, line = score_tables.markdown_table(report), as_json(report)
    grouped = group_tables.markdown_tables(report)
    write_text(os.path.join(outcome.folder, 'table.md'), f'{table}\n{grouped}')
    write_text(os.path.join(outcome.folder, 'evaluation.json'), line + '\n')
    print('Writing the report ...', flush=True)
    sheet_rows = _sheet_rows(report, num_sheet_rows)
    # Each once: the page and the sheet may show the same pair.
    indices = list(dict.fromkeys(itertools.chain(*report.examples().values(), sheet_rows)))
    shown = shown_pictures(outcome.systems, outcome.pair_source, indices)
    pictures = dict(zip(indices, tqdm(shown, desc='pictures', total=len(indices))))
    page = os.path.join(outcome.folder, 'report.html')
    html_report.write_report(page, report, pictures.__getitem__)
    about_sheet = _write_sheet(os.path.join(outcome.folder, 'contact_sheet.png'), report, pictures, sheet_rows)
    shown = score_tables.markdown_table(report, _LISTED_ON_SCREEN)
    return [f'\n{report.title}\n{shown}\n{grouped}', *report.notes, f'Report: {page}', about_sheet, line]


def _sheet_rows(report, num_rows):
    """Returns the indices of pairs spread over those that all systems have."""
    scored = np.flatnonzero(np.all([np.any([~np.isnan(column) for column in values.values()], axis=0)
                                    for values in report.scores.values()], axis=0))
    return scored[np.linspace(0, len(scored) - 1, min(num_rows, len(scored))).astype(int)].tolist()


def _write_sheet(path, report, pictures, indices):
    """Writes a grid of pairs, a row each; returns a line on it."""
    if not indices:
        return 'No contact sheet: no pair was scored of all systems.'
    write_picture(path, drawing.grid(
        [[image for _, image in pictures[index]] for index in indices],
        [caption for caption, _ in pictures[indices[0]]],
        [' -> '.join(report.pairs[index]) for index in indices]))
    return f'Contact sheet: {path}'
