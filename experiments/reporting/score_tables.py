"""Tables of scores with their intervals, as Markdown and as HTML. Names of systems and metrics may be hostile."""

import html

import numpy as np

from experiments.reporting.report_data import BEST_AT_ZERO


def markdown_table(report, most_listed=None):
    """Returns Markdown: a caption, an empty line, and a table of the means with their 95 % intervals, a system a row.

    The main system is the first one. A partial result says so first, and names the pairs that cannot be scored last,
    `most_listed` of them.
    """
    lines = [f'**{report.partial_warning()}**\n'] if report.missing else []
    lines.append(f'{as_markdown(report.title)}: {caption(report)}. {report.few_persons()}'.rstrip() + '\n')
    names = [f'{as_markdown(metric)} {report.arrow(metric)}' for metric in report.metrics]
    lines.append(f'| | {" | ".join(names)} |')
    lines.append('|---' * (len(report.metrics) + 1) + '|')
    for system in report.systems:
        cells = [score_text(report.interval(system, metric), len(report.pairs)) for metric in report.metrics]
        lines.append(f'| {as_markdown(system)} | ' + ' | '.join(cells) + ' |')
    if report.lacking:
        lines.append(f'\n{lacking_caption(report)}:\n')
        lines += [f'- {as_markdown(line)}' for line in report.lacking_lines()[:most_listed]]
        if most_listed is not None and len(report.lacking) > most_listed:
            lines.append(f'- and {len(report.lacking) - most_listed} more')
    return '\n'.join(lines) + '\n'


def caption(report):
    """Returns what the figures of a table are, as text."""
    num_pairs = len(report.pairs)
    missing = f'PARTIAL, {report.missing} of {report.expected} pairs missing; ' if report.missing else ''
    interval = '' if report.num_persons < 2 else ' [95 % interval, bootstrap over persons]'
    at_zero = ', →0 nearer to 0' if BEST_AT_ZERO & set(report.metrics) else ''
    return (f'{missing}{num_pairs} {"pair" if num_pairs == 1 else "pairs"} of {report.num_persons} '
            f'{"person" if report.num_persons == 1 else "persons"}; mean{interval}; ↑ higher is better, ↓ lower'
            f'{at_zero}')


def lacking_caption(report):
    """Returns what the list of pairs that cannot be scored is."""
    return (f'{len(report.lacking)} pairs of the protocol cannot be scored, as a picture is not there, has no pose or '
            'shows several people')


def score_table(report):
    """Returns the means with their intervals as an HTML table, one row per metric, one column per system."""
    def cell(system, metric):
        mean, *rest = _parts(report.interval(system, metric), len(report.pairs))
        kind = ' class="main"' if system == report.main else ''
        return f'<td{kind}><strong>{mean}</strong>{_small(rest)}</td>'
    return _table(report, 'scores', report.systems, f'{caption(report)}.', cell)


def difference_table(report):
    """Returns the paired differences of the main system and each other one as an HTML table."""
    def cell(system, metric):
        mean, *rest = _parts(report.difference(system, metric), len(report.pairs), sign='+')
        verdict = report.verdict(system, metric)
        mark = f' <span class="{verdict}">{"✓" if verdict == "better" else "✗"} {verdict}</span>' if verdict else ''
        return f'<td><strong>{mean}</strong>{mark}{_small(rest)}</td>'
    text = (f'{report.main} minus each other system, over the pairs that both have. “better” and “worse” stand where '
            'the interval excludes 0; they are not corrected for the number of comparisons.')
    return _table(report, 'differences', report.others, text, cell)


def value_text(value, sign=''):
    """Returns a score with three decimals; an en dash where there is none."""
    if np.isnan(value):
        return '–'
    if np.isinf(value):
        return '∞' if value > 0 else '-∞'
    return f'{round(value, 3) + 0.0:{sign}.3f}'  # + 0.0 makes -0.0 positive


def score_text(interval, num_pairs):
    """Returns the text of an `Interval`: mean, ends where there are any, and the number of scores unless it is all."""
    return ' '.join(_parts(interval, num_pairs))


def as_markdown(text):
    """Returns a text that Markdown shows as it is, in one line."""
    text = html.escape(' '.join(str(text).split()), quote=False)
    return ''.join(f'\\{character}' if character in '\\`*[]|' else character for character in text)


def _parts(interval, num_pairs, sign=''):
    """Returns the texts of a cell: the mean, then the interval and the number of scores where they tell something."""
    parts = [value_text(interval.mean, sign)]
    if np.isfinite(interval.low):
        parts.append(f'[{value_text(interval.low, sign)}, {value_text(interval.high, sign)}]')
    if 0 < interval.count != num_pairs:
        parts.append(f'({interval.count} pairs)')
    return parts


def _small(texts):
    return ''.join(f'<small>{text}</small>' for text in texts)


def _table(report, name, columns, text, cell):
    head = ''.join(f'<th scope="col">{html.escape(system)}</th>' for system in columns)
    rows = ''.join(f'<tr><th scope="row">{_breakable(metric)}&nbsp;{report.arrow(metric)}</th>'
                   + ''.join(cell(system, metric) for system in columns) + '</tr>\n' for metric in report.metrics)
    # No <caption>, which would scroll away with a table that is wider than the page; focus lets a keyboard scroll it.
    return (f'<p class="fine" id="{name}-caption">{html.escape(text)}</p>\n'
            f'<div class="scroll" tabindex="0" role="region" aria-labelledby="{name}-caption">'
            f'<table aria-describedby="{name}-caption">\n<thead><tr><th scope="col">Metric</th>{head}</tr></thead>\n'
            f'<tbody>{rows}</tbody></table></div>\n')


def _breakable(metric):
    """Returns a metric's name as HTML that a narrow page may break at its underscores."""
    return html.escape(metric).replace('_', '_<wbr>')
