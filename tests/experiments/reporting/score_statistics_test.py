"""Intervals hold the truth as often as they say, agree with a plain bootstrap, and make nothing up."""

import numpy as np
import pytest

from experiments.reporting import score_statistics
from experiments.reporting.score_statistics import difference_interval, mean_interval


def clustered(rng, num_persons=40, spread_between=1.0, spread_within=1.0):
    """Scores around 0 of persons with 2 to 6 pairs each: values [N], persons [N]."""
    persons = np.repeat(np.arange(num_persons), rng.integers(2, 7, num_persons))
    between = rng.normal(scale=spread_between, size=num_persons)
    return between[persons] + rng.normal(scale=spread_within, size=len(persons)), persons


def width(interval):
    return interval.high - interval.low


def test_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    samples = [clustered(rng) for _ in range(250)]
    by_person = [not mean_interval(values, persons).excludes(0.0) for values, persons in samples]
    assert 0.88 <= np.mean(by_person) <= 0.99
    # Why persons are drawn: drawing single pairs would promise too much.
    by_pair = [not mean_interval(values, np.arange(len(values)), num_resamples=200).excludes(0.0)
               for values, _ in samples]
    assert np.mean(by_pair) < 0.85


def test_level_sets_the_width():
    values, persons = clustered(np.random.default_rng(1))
    widths = [width(mean_interval(values, persons, level)) for level in (0.5, 0.8, 0.95, 0.99)]
    assert widths == sorted(widths) and widths[0] < 0.5 * widths[-1]


def test_agrees_with_a_bootstrap_in_plain_loops():
    values, persons = clustered(np.random.default_rng(2), num_persons=9)
    values[3] = np.nan
    ours = mean_interval(values + 100.0, persons * 7, num_resamples=300, seed=5)
    draws = np.random.default_rng(5)
    means = []
    for _ in range(300):
        drawn = [value for person in draws.integers(9, size=9) for value in values[persons == person] + 100.0]
        means.append(np.nanmean(drawn))
    assert ours.mean == pytest.approx(np.nanmean(values) + 100.0, abs=1e-12)
    assert [ours.low, ours.high] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=1e-6)
    assert ours.count == len(values) - 1


def test_paired_difference_is_surer_than_two_means_of_correlated_scores():
    rng = np.random.default_rng(3)
    values, persons = clustered(rng, spread_between=3.0)
    better = values + 0.5 + rng.normal(scale=0.2, size=len(values))
    difference = difference_interval(better, values, persons)
    assert difference.excludes(0.0) and not difference.excludes(0.5)
    assert width(difference) < 0.2 * width(mean_interval(values, persons))
    # One pair of systems, seen from the other side.
    turned = difference_interval(values, better, persons)
    assert [turned.low, turned.high] == pytest.approx([-difference.high, -difference.low], abs=1e-6)


def test_systems_are_compared_on_the_same_resamples():
    values, persons = clustered(np.random.default_rng(4))
    first, moved = mean_interval(values, persons), mean_interval(values + 2.0, persons)
    assert [moved.low, moved.high] == pytest.approx([first.low + 2.0, first.high + 2.0], abs=1e-6)
    assert mean_interval(values, persons) == first
    assert mean_interval(values, persons, seed=1) != first
    # However the persons are named, as long as their order is one.
    for names in (persons * 3 + 5, persons - 9, np.char.zfill(persons.astype(str), 3)):
        assert mean_interval(values, names) == first


def test_difference_counts_pairs_where_both_are_defined():
    persons = np.arange(4)
    found = difference_interval([1.0, np.nan, 3.0, np.inf], [0.5, 1.0, np.nan, np.inf], persons)
    assert (found.mean, found.count) == (0.5, 1) and np.isnan([found.low, found.high]).all()


def test_constant_values_leave_no_doubt():
    found = mean_interval(np.full(30, 0.7), np.arange(30) % 6)
    assert found.mean == pytest.approx(0.7) and width(found) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize('values, persons, mean, count', [
    ([1.0, 2.0, 3.0], ['a', 'a', 'a'], 2.0, 3),                     # one person
    ([1.0, 2.0, np.nan, np.nan], ['a', 'a', 'b', 'c'], 1.5, 2),     # one person with values
    ([1.0, np.inf, 2.0], ['a', 'b', 'c'], np.inf, 3),
    ([np.nan, np.nan], ['a', 'b'], np.nan, 0),
    ([], [], np.nan, 0),
])
def test_no_interval_is_made_up(values, persons, mean, count):
    found = mean_interval(np.array(values), np.array(persons))
    np.testing.assert_equal([found.mean, found.low, found.high, found.count], [mean, np.nan, np.nan, count])
    assert not found.excludes(0.0)


def test_persons_without_values_take_part_in_the_draws_only():
    values = np.r_[np.full(5, np.nan), 1.0, 2.0, 3.0]
    found = mean_interval(values, np.arange(8))
    assert np.isfinite([found.low, found.high]).all() and 1.0 <= found.low < found.high <= 3.0 and found.count == 3


@pytest.mark.parametrize('arguments', [
    ([1.0, 2.0], ['a']), ([[1.0]], [['a']]), ([1.0], ['a'], 1.0), ([1.0], ['a'], 0.95, 0)])
def test_arguments_that_do_not_fit_are_refused(arguments):
    with pytest.raises(ValueError, match='bootstrap: expected'):
        mean_interval(*arguments)
    with pytest.raises(ValueError, match='same pairs'):
        difference_interval([1.0], [1.0, 2.0], ['a'])


def test_draws_are_kept_and_cannot_be_changed():
    draws = score_statistics._draws(7, 50, 0)
    assert draws is score_statistics._draws(7, 50, 0) and not draws.flags.writeable
    np.testing.assert_array_equal(draws.sum(axis=1), 7)


@pytest.mark.parametrize('values, expected', [
    ([5.0, 1.0, np.nan, 3.0, 2.0, 4.0, 6.0, np.inf], [2, 0, -1, 1, 0, 1, 2, -1]),
    ([0.0, 0.0, 0.0, 0.0], [0, 0, 0, 0]),
    ([0.0, 0.0, 0.0, 0.0, 0.0, 9.0], [0, 0, 0, 0, 0, 1]),
    ([9.0, 9.0, 0.0, 9.0, 9.0, 9.0], [1, 1, 0, 1, 1, 1]),
    ([np.nan], [-1]),
])
def test_bins_hold_equally_many_but_keep_ties_together(values, expected):
    np.testing.assert_array_equal(score_statistics.equal_bins(values, 3), expected)
