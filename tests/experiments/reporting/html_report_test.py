"""The report of an evaluation: whole, self-contained, harmless, and never fuller than what was measured."""

import base64
import dataclasses
import html.parser
import re

import cv2
import numpy as np
import pytest

from data_pipeline.errors import WriteError
from experiments.reporting import html_report, report_plots
from experiments.reporting.score_tables import markdown_table
from tests.support.reports import made_up_report

HOSTILE = '<script src=//x>"\'&$x_1$ | `b`'
VOID = {'meta', 'img', 'wbr', 'br', 'link', 'input', 'hr'}


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
    return html_report.page(made_up_report(), pictures)


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
    data = made_up_report()
    interval = data.interval('ours', 'ssim_fg')
    assert f'{interval.mean:.3f}' in text and f'[{interval.low:.3f}, {interval.high:.3f}]' in text
    assert 'A note.' in text and 'people' in text and '✓ better' in text
    assert len(page.of('svg')) == 3 * 2 and len(page.of('img')) == 12 * 2


def test_hostile_texts_stay_texts():
    data = made_up_report(
        num_pairs=6, systems=(HOSTILE, 'copy'), title=HOSTILE, facts={HOSTILE: HOSTILE}, notes=[HOSTILE],
        pairs=[(HOSTILE, HOSTILE)] * 6, groups=[HOSTILE] * 3 + ['b'] * 3, pose_changes={HOSTILE: np.arange(6.0)})
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
    data = made_up_report(missing=12, expected=52, pose_changes={})
    text = html_report.page(data, pictures)
    assert [attributes for attributes in Page(text).of('p') if attributes.get('role') == 'alert']
    assert text.index('Partial result: 12 of 52 pairs are missing') < text.index('<dl')
    assert '<title>PARTIAL: ' in text and 'PARTIAL, 12 of 52 pairs missing' in text.split('<table')[0]
    markdown = markdown_table(data)
    assert markdown.startswith('**Partial result: 12 of 52') and 'PARTIAL, 12 of 52' in markdown


def test_pairs_that_cannot_be_scored_are_all_listed():
    lacking = {(f'p{index}/0', HOSTILE): f'p{index}/0: no pose' for index in range(30)}
    data = made_up_report(missing=30, expected=70, lacking=lacking)
    page = Page(html_report.page(data, pictures)).text()
    markdown = markdown_table(data)
    for text in (page, markdown):
        assert all(f'p{index}/0: no pose' in text for index in range(30)) and '30 pairs of the protocol cannot' in text
    shown = markdown_table(data, 20)
    assert 'p19/0: no pose' in shown and 'p20/0: no pose' not in shown and '- and 10 more' in shown


def test_whole_result_is_not_called_partial(whole):
    assert 'partial' not in (whole + markdown_table(made_up_report())).lower()


@pytest.mark.parametrize('data, said', [
    (made_up_report(systems=('ours',)), 'ours'),
    (made_up_report(num_persons=1), 'All pairs show one person'),
    (made_up_report(num_pairs=3, num_persons=3), 'Only 3 persons'),
    (made_up_report(num_pairs=0, missing=5, expected=5), 'ours has no score to rank pairs by.'),
    (made_up_report(pose_changes={}), '✓ better'),
    (made_up_report(num_pairs=12, pose_changes={'turn': np.zeros(12)}), 'turn'),
    (made_up_report(num_pairs=12, pose_changes={'turn': np.full(12, np.nan)}), 'Pairs without turn, left out: 12.'),
], ids=['one system', 'one person', 'three pairs', 'no pairs', 'no pose changes', 'equal changes', 'unknown changes'])
def test_little_data_still_makes_a_page(data, said):
    text = html_report.page(data, pictures)
    assert said in Page(text).text() and not re.search(r'\bnan\b', text)
    assert 'nan' not in markdown_table(data)


def test_pairs_without_a_pose_change_are_counted():
    turn = np.r_[np.linspace(0.0, 180.0, 59), np.nan]
    data = made_up_report(num_pairs=60, pose_changes={'turn (degrees)': turn})
    assert 'Pairs without turn (degrees), left out: 1.' in html_report.page(data, pictures)


def test_metric_that_was_not_measured_and_infinite_scores_are_said():
    data = made_up_report(num_pairs=12)
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
    page = Page(html_report.page(made_up_report(num_pairs=1, pose_changes={}), lambda index: [('truth', image)]))
    address, = (attributes['src'] for attributes in page.of('img'))
    assert address.startswith(f'data:image/{mime};base64,')
    data = np.frombuffer(base64.b64decode(address.split(',')[1]), np.uint8)
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
    assert decoded.shape == image.shape and np.abs(decoded.astype(int) - image).max() <= 4
    with pytest.raises(ValueError, match='picture of a report'):
        html_report.page(made_up_report(num_pairs=1, pose_changes={}), lambda index: [('truth', image / 255.0)])


def test_file_is_written_and_a_folder_in_its_place_is_the_users_mistake(tmp_path):
    data = made_up_report(num_pairs=1, title='name \udcff of no text', pose_changes={})
    path = tmp_path / 'new' / 'report.html'
    html_report.write_report(path, data, pictures)
    assert '\\udcff' in path.read_text(encoding='utf-8')
    with pytest.raises(WriteError, match='cannot be written'):
        html_report.write_report(tmp_path, data, pictures)
