"""Made-up reports of evaluations."""

import dataclasses

import numpy as np

from experiments.reporting.report_data import ReportData


def _scores_of(rng, num_pairs, level):
    ssim = np.clip(level + 0.1 * rng.normal(size=num_pairs), 0.0, 1.0)
    return {'ssim_fg': ssim, 'ssim': 0.5 + 0.5 * ssim, 'l1_fg': 0.3 * (1.0 - ssim)}


def made_up_report(num_pairs=40, num_persons=8, systems=('ours', 'copy'), **changes):
    """A report of made-up scores; each system is worse than the one before."""
    rng = np.random.default_rng(0)
    data = ReportData(
        title='A report', facts={'protocol': 'people', 'pairs': str(num_pairs)}, metrics=('ssim', 'ssim_fg', 'l1_fg'),
        lower_is_better=frozenset({'l1_fg'}), groups=[f'p{index % num_persons}' for index in range(num_pairs)],
        pairs=[(f'p{index % num_persons}/{index}', f'p{index % num_persons}/x') for index in range(num_pairs)],
        scores={name: _scores_of(rng, num_pairs, 0.7 - 0.3 * number) for number, name in enumerate(systems)},
        main=systems[0], pose_changes={'turn (degrees)': rng.uniform(0.0, 180.0, num_pairs)}, notes=['A note.'],
        missing=0, expected=num_pairs)
    return dataclasses.replace(data, **changes)
