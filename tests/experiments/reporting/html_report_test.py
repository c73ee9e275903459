"""The report of an evaluation: whole, self-contained, harmless, and never fuller than what was measured."""

import base64
import dataclasses
import html.parser
import re

import cv2
import numpy as np
import pytest

from data_pipeline.errors import UsageError
from experiments.reporting import html_report, report_plots
from experiments.reporting.report_data import ReportData
from experiments.reporting.score_tables import markdown_table

HOSTILE = '<script src=//x>"\'&$x_1$ | `b`'
VOID = {'meta', 'img', 'wbr', 'br', 'link', 'input', 'hr'}


def scores_of(rng, num_pairs, level):
    ssim = np.clip(level + 0.1 * rng.normal(size=num_pairs), 0.0, 1.0)
    return {'ssim_fg': ssim, 'ssim': 0.5 + 0.5 * ssim, 'l1_fg': 0.3 * (1.0 - ssim)}


def report(num_pairs=40, num_persons=8, systems=('ours', 'copy'), **changes):
    """A report of made-up scores; each system is worse than the one before."""
    rng = np.random.default_rng(0)
    data = ReportData(
        title='A report', facts={'protocol': 'people', 'pairs': str(num_pairs)}, metrics=('ssim', 'ssim_fg', 'l1_fg'),
        lower_is_better=frozenset({'l1_fg'}), groups=[f'p{index % num_persons}' for index in range(num_pairs)],
        pairs=[(f'p{index % num_persons}/{index}', f'p{index % num_persons}/x') for index in range(num_pairs)],
        scores={name: scores_of(rng, num_pairs, 0.7 - 0.3 * number) for number, name in enumerate(systems)},
        main=systems[0], pose_changes={'turn (degrees)': rng.uniform(0.0, 180.0, num_pairs)}, notes=['A note.'],
        missing=0, expected=num_pairs)
    return dataclasses.replace(data, **changes)


def pictures(index):
    return [('source', np.full((16, 16, 3), index % 256, np.uint8)), ('ours', np.zeros((16, 16, 3), np.uint8))]


class Page(html.parser.HTMLParser):
    """The elements of a page; fails where a tag is not closed in its place."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.declared = [], [], []
        self._open = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_decl(self, decl):
        self.declared.append(decl)

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f'an attribute twice in <{tag}>'
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self):
        return ' '.join(' '.join(self.texts).split())


@pytest.fixture(scope='module')
def whole():
    return html_report.page(report(), pictures)


def test_page_is_well_formed_and_its_identifiers_are_its_own(whole):
    page = Page(whole)
    identifiers = [attributes['id'] for _, attributes in page.elements if 'id' in attributes]
    referred = set(re.findall(r'(?:url\(#|xlink:href="#|(?:labelled|described)by=")([^")]+)', whole))
    assert page.declared == ['DOCTYPE html'] and len(identifiers) == len(set(identifiers))
    assert referred and referred <= set(identifiers)


def test_page_needs_nothing_else(whole):
    page = Page(whole)
    assert not {'script', 'link', 'iframe', 'object', 'embed', 'base'} & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        for name in ('src', 'href', 'xlink:href', 'srcset', 'action'):
            assert attributes.get(name, '#').startswith(('#', 'data:image/'))
    assert not re.search(r'https?:|@import|url\((?!#)', whole)


def test_page_can_be_read_by_everybody(whole):
    page = Page(whole)
    assert all(attributes.get('alt') for attributes in page.of('img'))
    assert all(svg['role'] == 'img' and svg['aria-label'] for svg in page.of('svg'))
    assert all(cell['scope'] in ('col', 'row') for cell in page.of('th')) and page.of('th')
    assert page.of('html') == [{'lang': 'en'}]
    assert 'width=device-width' in str(page.of('meta')) and 'prefers-color-scheme: dark' in whole


def colours(style):
    return {name: value for name, value in re.findall(r'--([\w-]+): (#\w{6})', style)}


def contrast(first, second):
    """WCAG 2 contrast ratio of two colours '#rrggbb'."""
    def luminance(colour):
        rgb = np.array([int(colour[i:i + 2], 16) for i in (1, 3, 5)]) / 255
        return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def test_every_colour_is_defined_and_stands_out_in_both_modes(whole):
    light, dark = whole.split('prefers-color-scheme: dark')
    assert set(re.findall(r'var\(--([\w-]+)\)', whole)) <= set(colours(light))
    assert not re.search(r'#fe00\w\w', whole)  # what matplotlib was told to write instead
    for style in (colours(light), colours(dark)):
        texts = ['ink', 'soft', 'good', 'bad', *(f'series-{number}' for number in range(report_plots.NUM_COLOURS))]
        assert all(contrast(style[text], style['paper']) >= 4.5 for text in texts)
        assert contrast(style['soft'], style['panel']) >= 4.5 and contrast(style['soft'], style['main']) >= 4.5
        assert contrast(style['on-alarm'], style['alarm']) >= 4.5


def test_page_holds_its_parts(whole):
    page = Page(whole)
    text = page.text()
    data = report()
    interval = data.interval('ours', 'ssim_fg')
    assert f'{interval.mean:.3f}' in text and f'[{interval.low:.3f}, {interval.high:.3f}]' in text
    assert 'A note.' in text and 'people' in text and '✓ better' in text
    assert len(page.of('svg')) == 3 * 2 and len(page.of('img')) == 12 * 2


def test_hostile_texts_stay_texts():
    data = report(num_pairs=6, systems=(HOSTILE, 'copy'), title=HOSTILE, facts={HOSTILE: HOSTILE}, notes=[HOSTILE],
                  pairs=[(HOSTILE, HOSTILE)] * 6, groups=[HOSTILE] * 3 + ['b'] * 3,
                  pose_changes={HOSTILE: np.arange(6.0)})
    data = dataclasses.replace(data, metrics=(HOSTILE,), lower_is_better=frozenset(),
                               scores={name: {HOSTILE: of['ssim']} for name, of in data.scores.items()})
    text = html_report.page(data, lambda index: [(HOSTILE, pictures(index)[0][1])])
    page = Page(text)
    assert '<script' not in text and page.of('script') == []
    assert HOSTILE in page.text() and HOSTILE in page.of('img')[0]['alt'] and HOSTILE in page.of('svg')[0]['aria-label']
    markdown = markdown_table(data)
    assert '<script' not in markdown
    rows = [line for line in markdown.splitlines() if line.startswith('|')]
    assert len(rows) == 4 and {len(re.findall(r'(?<!\\)\|', row)) for row in rows} == {3}


def test_partial_result_says_so_first_everywhere():
    data = report(missing=12, expected=52, pose_changes={})
    text = html_report.page(data, pictures)
    assert [attributes for attributes in Page(text).of('p') if attributes.get('role') == 'alert']
    assert text.index('Partial result: 12 of 52 pairs are missing') < text.index('<dl')
    assert '<title>PARTIAL: ' in text and 'PARTIAL, 12 of 52 pairs missing' in text.split('<table')[0]
    markdown = markdown_table(data)
    assert markdown.startswith('**Partial result: 12 of 52') and 'PARTIAL, 12 of 52' in markdown


def test_whole_result_is_not_called_partial(whole):
    assert 'partial' not in (whole + markdown_table(report())).lower()


def test_markdown_table_has_means_intervals_directions_and_counts():
    data = report(num_pairs=40)
    data.scores['ours']['l1_fg'][:4] = np.nan
    lines = markdown_table(data).splitlines()
    assert lines[0].startswith('A report: 40 pairs of 8 persons; mean [95 % interval, bootstrap over persons]; '
                               '↑ higher is better, ↓ lower. Only 8 persons: the intervals are too narrow.')
    assert lines[2] == '| | ssim ↑ | ssim_fg ↑ | l1_fg ↓ |'
    number = r'\d\.\d{3}'
    assert re.fullmatch(rf'\| ours( \| {number} \[{number}, {number}\]){{3}} \(36 pairs\) \|', lines[4])
    assert re.fullmatch(rf'\| copy( \| {number} \[{number}, {number}\]){{3}} \|', lines[5])


@pytest.mark.parametrize('metric, ascending', [('ssim_fg', False), ('l1_fg', True)])
def test_examples_are_the_best_median_and_worst_pairs(metric, ascending):
    data = report(num_pairs=41)
    data = dataclasses.replace(data, metrics=(metric,), scores={'ours': {metric: data.scores['ours'][metric]}})
    values = data.scores['ours'][metric].copy()
    data.scores['ours'][metric][7] = values[7] = np.nan
    order = [index for index in np.argsort(values if ascending else -values) if index != 7]
    assert data.ranking() == (metric, order)
    assert data.examples() == {'best': order[:4], 'median': order[18:22], 'worst': order[:-5:-1]}


def test_pairs_are_ranked_by_ssim_fg_else_ssim_else_what_there_is():
    data = report()
    assert data.ranking()[0] == 'ssim_fg'
    data.scores['ours']['ssim_fg'][:] = np.nan
    assert data.ranking()[0] == 'ssim'
    data.scores['ours']['ssim'][:] = np.nan
    assert data.ranking()[0] == 'l1_fg'


@pytest.mark.parametrize('num_pairs, expected', [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (7, (2, 2, 2)),
                                                 (11, (3, 3, 3)), (12, (4, 4, 4))])
def test_no_pair_is_shown_twice(num_pairs, expected):
    examples = report(num_pairs=num_pairs).examples()
    shown = sum(examples.values(), [])
    assert tuple(map(len, examples.values())) == expected and len(set(shown)) == len(shown)


def test_verdict_needs_an_interval_without_zero_and_knows_the_direction():
    data = report()
    assert [data.verdict('copy', metric) for metric in data.metrics] == ['better'] * 3
    turned = dataclasses.replace(data, main='copy')
    assert [turned.verdict('ours', metric) for metric in data.metrics] == ['worse'] * 3
    noise = np.tile([0.1, -0.1], 20)
    data.scores['copy'] = {metric: values + noise for metric, values in data.scores['ours'].items()}
    assert [data.verdict('copy', metric) for metric in data.metrics] == [''] * 3


def test_curve_follows_the_scores_and_leaves_out_what_is_unknown():
    turn = np.r_[np.linspace(0.0, 180.0, 59), np.nan]
    data = report(num_pairs=60, pose_changes={'turn (degrees)': turn})
    data.scores['ours']['ssim'][:] = 1.0 - turn / 360.0
    data.scores['ours']['ssim'][-1] = 0.0
    points = data.curve('ours', 'ssim', 'turn (degrees)')
    changes, means = zip(*[(change, interval.mean) for change, interval in points])
    assert len(points) == 6 and sum(interval.count for _, interval in points) == 59
    assert max(interval.count for _, interval in points) - min(interval.count for _, interval in points) <= 1
    np.testing.assert_allclose(means, 1.0 - np.array(changes) / 360.0)
    page = html_report.page(data, pictures)
    assert 'Pairs without turn (degrees), left out: 1.' in page


@pytest.mark.parametrize('data, said', [
    (report(systems=('ours',)), 'ours'),
    (report(num_persons=1), 'All pairs show one person'),
    (report(num_pairs=3, num_persons=3), 'Only 3 persons'),
    (report(num_pairs=0, missing=5, expected=5), 'ours has no score to rank pairs by.'),
    (report(pose_changes={}), '✓ better'),
    (report(num_pairs=12, pose_changes={'turn': np.zeros(12)}), 'turn'),
    (report(num_pairs=12, pose_changes={'turn': np.full(12, np.nan)}), 'Pairs without turn, left out: 12.'),
], ids=['one system', 'one person', 'three pairs', 'no pairs', 'no pose changes', 'equal changes', 'unknown changes'])
def test_little_data_still_makes_a_page(data, said):
    text = html_report.page(data, pictures)
    assert said in Page(text).text() and not re.search(r'\bnan\b', text)
    assert 'nan' not in markdown_table(data)


def test_metric_that_was_not_measured_and_infinite_scores_are_said():
    data = report(num_pairs=12)
    for system in data.systems:
        data.scores[system]['ssim'][:] = np.nan
    data.scores['copy']['l1_fg'][:2] = np.inf
    text = Page(html_report.page(data, pictures)).text()
    assert 'No finite score of any pair.' in text and 'Infinite scores, left out: 2.' in text
    assert '| copy | – |' in markdown_table(data) and '∞' in markdown_table(data)


@pytest.mark.parametrize('size, mime', [(32, 'png'), (160, 'jpeg')])
def test_pictures_are_inside_the_page(size, mime):
    image = np.zeros((size, size, 3), np.uint8)
    image[..., 0] = 200  # red
    page = Page(html_report.page(report(num_pairs=1, pose_changes={}), lambda index: [('truth', image)]))
    address, = (attributes['src'] for attributes in page.of('img'))
    assert address.startswith(f'data:image/{mime};base64,')
    data = np.frombuffer(base64.b64decode(address.split(',')[1]), np.uint8)
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
    assert decoded.shape == image.shape and np.abs(decoded.astype(int) - image).max() <= 4
    with pytest.raises(ValueError, match='picture of a report'):
        html_report.page(report(num_pairs=1, pose_changes={}), lambda index: [('truth', image / 255.0)])


@pytest.mark.parametrize('changes, message', [
    ({'main': 'nobody'}, 'main'), ({'groups': ['a']}, 'groups'), ({'metrics': ('ssim',)}, 'expected scores'),
    ({'pose_changes': {'turn': np.zeros(3)}}, 'pose change turn'), ({'expected': 39}, '40 pairs of 39'),
    ({'expected': 52, 'missing': 3}, 'do not go with'), ({'missing': -1}, 'do not go with')])
def test_parts_that_do_not_go_together_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        report(**changes)


def test_file_is_written_and_a_folder_in_its_place_is_the_users_mistake(tmp_path):
    data = report(num_pairs=1, title='name \udcff of no text', pose_changes={})
    path = tmp_path / 'new' / 'report.html'
    html_report.write(path, data, pictures)
    assert '\\udcff' in path.read_text(encoding='utf-8')
    with pytest.raises(UsageError, match='cannot be written'):
        html_report.write(tmp_path, data, pictures)
