"""Bad requests to the SavedModel are refused or answered, and whoever counts them notices when they are not."""

import collections

import numpy as np
import pytest

from data_pipeline.errors import UsageError
from experiments.serving import bad_requests, fuzz
from tests.support import served_models


@pytest.mark.slow
@pytest.mark.long
def test_every_kind_of_request_is_answered_or_refused():
    table = fuzz.fuzz(served_models.saved_model(), len(bad_requests.kinds(32)))
    assert 'as before, to the bit' in table and '| decompression bomb | 0 | 1 |' in table


@pytest.mark.parametrize('kind, found, last_bytes, is_same, words', [
    ('no picture', 'InternalError: out', 100, True, 'no picture: InternalError'),
    (bad_requests.GOOD_KINDS[0], 'refused', 100, True, 'refused'),
    ('no picture', 'refused', 106, True, r'\+6.0 %'),
    ('no picture', 'refused', 100, False, 'DIFFERENTLY')])
def test_what_must_not_be_is_an_error(kind, found, last_bytes, is_same, words):
    with pytest.raises(UsageError, match=words):
        fuzz.report({kind: collections.Counter({found: 1})}, 1, 100, last_bytes, is_same)


def test_the_bombs_are_small():
    rng = np.random.default_rng(0)
    make = bad_requests.kinds(32)['decompression bomb']
    assert all(len(make(rng)[1]['image_bytes'][0]) < 3000 for _ in range(10))
