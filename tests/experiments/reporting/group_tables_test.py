"""Scores by group are the means of the group's pairs, and stand in table and JSON."""

import json

import numpy as np

from experiments.reporting import score_statistics
from experiments.reporting.group_tables import groups_of, markdown_tables
from experiments.reporting.output import as_json
from tests.support.reports import made_up_report

SEX = ['F' if index % 8 < 3 else 'M' for index in range(40)]  # three of eight persons
REPORT = made_up_report(labels={'sex': SEX, 'hair | long': ['no'] * 39 + ['yes']})


def cells(text, label, system='ours'):
    rows = [[cell.strip() for cell in line.strip('|').split(' | ')] for line in text.splitlines()
            if line.startswith('|')]
    start = next(place for place, row in enumerate(rows) if row[0] == label)
    return next(row for row in rows[start:] if row[3] == system)


def test_a_group_has_the_mean_of_its_pairs_and_the_interval_of_its_persons():
    text = markdown_tables(REPORT)
    values = np.asarray(REPORT.scores['ours']['ssim_fg'])
    for label, persons in (('F', 3), ('M', 5)):
        chosen = np.array([sex == label for sex in SEX])
        row = cells(text, label)
        assert row[1:3] == [str(persons), str(persons * 5)]
        expected = score_statistics.mean_interval(values[chosen], np.asarray(REPORT.groups)[chosen])
        assert row[5] == f'{values[chosen].mean():.3f} [{expected.low:.3f}, {expected.high:.3f}]'
    assert cells(text, 'F', 'copy')[5] != cells(text, 'F')[5]


def test_one_person_has_no_interval_and_hostile_names_stay_in_their_cell():
    text = markdown_tables(REPORT)
    assert '[' not in cells(text, 'yes')[5]
    assert 'By hair \\| long;' in text
    assert len({line.replace('\\|', '').count('|') for line in text.splitlines() if line.startswith('|')}) == 1


def test_all_groups_together_are_all_pairs():
    for kind in REPORT.labels:
        chosen = [among for name, _, among in groups_of(REPORT) if name == kind]
        np.testing.assert_array_equal(np.sum(chosen, axis=0), 1)


def test_the_line_of_json_has_the_same_groups():
    found = json.loads(as_json(REPORT))['groups']
    assert set(found['sex']) == {'F', 'M'}
    assert f'{found["sex"]["F"]["ours"]["ssim_fg"]["mean"]:.3f}' == cells(markdown_tables(REPORT), 'F')[5][:5]
    assert 'groups' not in json.loads(as_json(made_up_report()))
    assert markdown_tables(made_up_report()) == ''
