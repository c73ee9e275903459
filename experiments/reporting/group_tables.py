"""Scores by groups of persons, as Markdown: whom a system serves worse than others."""

import numpy as np

from experiments.reporting.score_tables import as_markdown, score_text


def groups_of(report):
    """Yields (kind, label, bool [N], the pairs of the group) of the labels of a report, in alphabetical order."""
    for kind, labels in report.labels.items():
        labels = np.asarray(labels)
        for label in np.unique(labels).tolist():
            yield kind, label, labels == label


def markdown_tables(report):
    """Returns a table for each kind of label of a report, a row for each group and system; '' without labels."""
    tables = {}
    for kind, label, among in groups_of(report):
        counts = [as_markdown(label), str(len(np.unique(report.persons[among]))), str(among.sum())]
        for system in report.systems:
            cells = [score_text(report.interval(system, metric, among), among.sum()) for metric in report.metrics]
            who = counts if system == report.main else [''] * 3
            tables.setdefault(kind, []).append(f'| {" | ".join([*who, as_markdown(system), *cells])} |')
    arrows = ' | '.join(f'{as_markdown(metric)} {report.arrow(metric)}' for metric in report.metrics)
    return ''.join(f'By {as_markdown(kind)}; persons of a group may have more in common than this:\n\n'
                   f'| {as_markdown(kind)} | persons | pairs | system | {arrows} |\n'
                   f'{"|---" * (len(report.metrics) + 4)}|\n' + '\n'.join(rows) + '\n\n'
                   for kind, rows in tables.items())
