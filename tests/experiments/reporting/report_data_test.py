"""The data of a report: rankings, examples, verdicts and curves; parts that do not go together are refused."""

import dataclasses

import numpy as np
import pytest

from experiments.reporting.score_tables import markdown_table
from tests.support.reports import made_up_report


@pytest.mark.parametrize('metric, ascending', [('ssim_fg', False), ('l1_fg', True)])
def test_examples_are_the_best_median_and_worst_pairs(metric, ascending):
    data = made_up_report(num_pairs=41)
    data = dataclasses.replace(data, metrics=(metric,), scores={'ours': {metric: data.scores['ours'][metric]}})
    values = data.scores['ours'][metric].copy()
    data.scores['ours'][metric][7] = values[7] = np.nan
    order = [index for index in np.argsort(values if ascending else -values) if index != 7]
    assert data.ranking() == (metric, order)
    assert data.examples() == {'best': order[:4], 'median': order[18:22], 'worst': order[:-5:-1]}


def test_pairs_are_ranked_by_ssim_fg_else_ssim_else_what_there_is():
    data = made_up_report()
    assert data.ranking()[0] == 'ssim_fg'
    data.scores['ours']['ssim_fg'][:] = np.nan
    assert data.ranking()[0] == 'ssim'
    data.scores['ours']['ssim'][:] = np.nan
    assert data.ranking()[0] == 'l1_fg'


@pytest.mark.parametrize('num_pairs, expected', [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (7, (2, 2, 2)),
                                                 (11, (3, 3, 3)), (12, (4, 4, 4))])
def test_no_pair_is_shown_twice(num_pairs, expected):
    examples = made_up_report(num_pairs=num_pairs).examples()
    shown = sum(examples.values(), [])
    assert tuple(map(len, examples.values())) == expected and len(set(shown)) == len(shown)


def test_verdict_needs_an_interval_without_zero_and_knows_the_direction():
    data = made_up_report()
    assert [data.verdict('copy', metric) for metric in data.metrics] == ['better'] * 3
    turned = dataclasses.replace(data, main='copy')
    assert [turned.verdict('ours', metric) for metric in data.metrics] == ['worse'] * 3
    noise = np.tile([0.1, -0.1], 20)
    data.scores['copy'] = {metric: values + noise for metric, values in data.scores['ours'].items()}
    assert [data.verdict('copy', metric) for metric in data.metrics] == [''] * 3


def test_a_metric_with_a_sign_says_so_and_has_no_verdict():
    data = made_up_report()
    scores = {name: {'flicker': -values['l1_fg']} for name, values in data.scores.items()}
    data = dataclasses.replace(data, metrics=('flicker',), scores=scores)
    assert data.difference('copy', 'flicker').excludes(0.0) and data.verdict('copy', 'flicker') == ''
    assert '| flicker →0 |' in markdown_table(data) and '→0 nearer to 0' in markdown_table(data)
    assert '→0' not in markdown_table(made_up_report())


def test_curve_follows_the_scores_and_leaves_out_what_is_unknown():
    turn = np.r_[np.linspace(0.0, 180.0, 59), np.nan]
    data = made_up_report(num_pairs=60, pose_changes={'turn (degrees)': turn})
    data.scores['ours']['ssim'][:] = 1.0 - turn / 360.0
    data.scores['ours']['ssim'][-1] = 0.0
    points = data.curve('ours', 'ssim', 'turn (degrees)')
    changes, means = zip(*[(change, interval.mean) for change, interval in points])
    assert len(points) == 6 and sum(interval.count for _, interval in points) == 59
    assert max(interval.count for _, interval in points) - min(interval.count for _, interval in points) <= 1
    np.testing.assert_allclose(means, 1.0 - np.array(changes) / 360.0)


@pytest.mark.parametrize('changes, message', [
    ({'main': 'nobody'}, 'main'), ({'groups': ['a']}, 'groups'), ({'metrics': ('ssim',)}, 'expected scores'),
    ({'pose_changes': {'turn': np.zeros(3)}}, 'pose change turn'), ({'expected': 39}, '40 pairs of 39'),
    ({'expected': 52, 'missing': 3}, 'do not go with'), ({'missing': -1}, 'do not go with')])
def test_parts_that_do_not_go_together_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        made_up_report(**changes)
