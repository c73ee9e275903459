"""Tables of scores: means, intervals, directions and counts."""

import re

import numpy as np

from experiments.reporting.score_tables import markdown_table
from tests.support.reports import made_up_report


def test_markdown_table_has_means_intervals_directions_and_counts():
    data = made_up_report(num_pairs=40)
    data.scores['ours']['l1_fg'][:4] = np.nan
    lines = markdown_table(data).splitlines()
    assert lines[0].startswith('A report: 40 pairs of 8 persons; mean [95 % interval, bootstrap over persons]; '
                               '↑ higher is better, ↓ lower. Only 8 persons: the intervals are too narrow.')
    assert lines[2] == '| | ssim ↑ | ssim_fg ↑ | l1_fg ↓ |'
    number = r'\d\.\d{3}'
    assert re.fullmatch(rf'\| ours( \| {number} \[{number}, {number}\]){{3}} \(36 pairs\) \|', lines[4])
    assert re.fullmatch(rf'\| copy( \| {number} \[{number}, {number}\]){{3}} \|', lines[5])
