"""The data of a report: scores of several systems on the same pairs, facts on them and statistics."""

import dataclasses
import functools

import numpy as np

from experiments.reporting import score_statistics

BEST_AT_ZERO = frozenset({'flicker'})  # metrics that have a sign
_NUM_BINS = 6
_MIN_PAIRS_IN_BIN = 4
_FEW_PERSONS = 20


@dataclasses.dataclass(frozen=True)
class ReportData:
    """Scores to report. Its texts may hold anything, also HTML and Markdown.

    Attributes:
      title: one line.
      facts: dict, name -> text: protocol, split, number of pairs, data version, weights' hash, versions, command.
      metrics: names in the order of the tables.
      lower_is_better: names of the metrics of which a low score is good.
      groups: [N], the person of each pair.
      pairs: [N] of (source id, target id).
      scores: dict, system -> dict, metric -> float [N], NaN where a pair has no score.
      main: the system under test, a key of scores; the others are what it is compared with.
      pose_changes: dict, name with unit -> float [N], how far the pose changes.
      notes: sentences shown above the scores: what is missing, skipped, not measured.
      missing: how many pairs of the protocol lack scores of a system; above 0, report and table say so in bold.
      expected: how many pairs the protocol has.
      lacking: dict, pair of the protocol that cannot be scored of any system -> why.
      labels: dict, such as 'sex' -> [N] texts, by which the scores are grouped.
    """
    title: str
    facts: dict
    metrics: tuple
    lower_is_better: frozenset
    groups: list
    pairs: list
    scores: dict
    main: str
    pose_changes: dict
    notes: list
    missing: int
    expected: int
    lacking: dict = dataclasses.field(default_factory=dict)
    labels: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        """Raises ValueError if the parts do not go together: a bug of the caller, not a user's mistake."""
        num_pairs = len(self.pairs)
        if self.main not in self.scores:
            raise ValueError(f'report: expected main to be one of {list(self.scores)}, found {self.main!r}.')
        columns = {'groups': self.groups, **self.labels, **{f'pose change {name}': values
                                             for name, values in self.pose_changes.items()}}
        for system, scores in self.scores.items():
            if set(scores) != set(self.metrics):
                raise ValueError(f'report: expected scores {sorted(self.metrics)} of {system}, found {sorted(scores)}.')
            columns |= {f'{metric} of {system}': values for metric, values in scores.items()}
        wrong = {name: np.shape(values) for name, values in columns.items() if np.shape(values) != (num_pairs,)}
        if wrong:
            raise ValueError(f'report: expected one value for each of {num_pairs} pairs, found {wrong}.')
        if not max(0, self.expected - num_pairs) <= self.missing <= self.expected or num_pairs > self.expected:
            raise ValueError(f'report: {num_pairs} pairs of {self.expected} expected ones do not go with '
                             f'{self.missing} missing ones.')

    @property
    def systems(self):
        """The names of the systems, the main one first."""
        return [self.main, *self.others]

    @property
    def others(self):
        """The names of the systems that the main one is compared with."""
        return [name for name in self.scores if name != self.main]

    @functools.cached_property
    def persons(self):
        """The groups as numbers, int [N]: quicker to tell apart than texts."""
        return np.unique(np.asarray(self.groups, dtype=str), return_inverse=True)[1].reshape(-1)

    @property
    def num_persons(self):
        """How many persons the pairs show."""
        return len(np.unique(self.persons))

    def arrow(self, metric):
        """Returns the direction in which a metric is good."""
        return '→0' if metric in BEST_AT_ZERO else '↓' if metric in self.lower_is_better else '↑'

    def values(self, system, metric):
        """Returns the scores of a system, float64 [N]."""
        return np.asarray(self.scores[system][metric], np.float64)

    def interval(self, system, metric, among=slice(None)):
        """Returns the mean score with its `Interval`, of all pairs or of those where `among`, bool [N], is true."""
        return score_statistics.mean_interval(self.values(system, metric)[among], self.persons[among])

    def difference(self, system, metric):
        """Returns the `Interval` of the paired difference main - system."""
        return score_statistics.difference_interval(
            self.values(self.main, metric), self.values(system, metric), self.persons)

    def verdict(self, system, metric):
        """Returns 'better' or 'worse' of the main system where the difference's interval excludes 0, else ''.

        Metrics that have a sign have no verdict: less is not better.
        """
        difference = self.difference(system, metric)
        if metric in BEST_AT_ZERO or not difference.excludes(0.0):
            return ''
        return 'better' if (difference.mean < 0.0) == (metric in self.lower_is_better) else 'worse'

    def curve(self, system, metric, change):
        """Mean score against how far the pose changes, in bins that hold about equally many pairs.

        Returns:
          list of (mean pose change of the bin, `Interval` of the score); bins without a score are left out.
        """
        changes = np.asarray(self.pose_changes[change], np.float64)
        num_bins = min(_NUM_BINS, np.count_nonzero(np.isfinite(changes)) // _MIN_PAIRS_IN_BIN)
        bins = score_statistics.equal_bins(changes, max(1, num_bins))
        values, points = self.values(system, metric), []
        for number in range(bins.max(initial=-1) + 1):
            interval = score_statistics.mean_interval(np.where(bins == number, values, np.nan), self.persons)
            if interval.count:
                points.append((changes[bins == number].mean(), interval))
        return points

    def ranking(self):
        """Returns the metric by which pairs are ranked and their indices, best first, or (None, []) without scores.

        The metric is ssim_fg, else ssim, else the first one of which the main system has a score.
        """
        for metric in sorted(self.metrics, key=lambda name: (name != 'ssim_fg', name != 'ssim')):
            values = self.values(self.main, metric)
            order = np.argsort(values if metric in self.lower_is_better else -values, kind='stable')
            order = [int(index) for index in order if not np.isnan(values[index])]
            if order:
                return metric, order
        return None, []

    def examples(self, count=4):
        """Returns `count` of the best, median and worst pairs of the main system, or a third of its scores of each.

        Returns:
          dict, 'best', 'median' and 'worst' -> list of indices, without repeats; of the worst, the worst comes first.
        """
        _, order = self.ranking()
        count = min(count, max(1, len(order) // 3))
        best, rest = order[:count], order[count:]
        worst, between = rest[::-1][:count], rest[:-count]
        first = max(0, (len(between) - count) // 2)
        return {'best': best, 'median': between[first:][:count], 'worst': worst}

    def partial_warning(self):
        """Returns the sentence that a reader of a partial result must not miss, or ''."""
        if not self.missing:
            return ''
        return (f'Partial result: {self.missing} of {self.expected} pairs are missing. These scores are not those of '
                'the protocol and must not stand beside complete ones.')

    def lacking_lines(self):
        """Returns a line for each pair of the protocol that cannot be scored."""
        return [f'{" -> ".join(pair)} ({why})' for pair, why in self.lacking.items()]

    def few_persons(self):
        """Returns a sentence on intervals that are missing or too narrow, or ''."""
        if self.num_persons == 1:
            return ('All pairs show one person: nothing is known of how scores vary among persons, so there are no '
                    'intervals.')
        if 1 < self.num_persons < _FEW_PERSONS:
            return (f'Only {self.num_persons} persons: the intervals are too narrow. Of 5 persons they hold the truth '
                    'for about 85 of 100 samples, of 10 for 90, instead of 95.')
        return ''
