"""The occupancy: where it ends, and that the capsules of a part are joined."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.warp import occupancy, scanlines
from repose_tf.warp.scanlines import Capsules
from tests.support import cases

SHAPE = (9, 7, 11)


@pytest.mark.parametrize('everywhere', [False, True])
def test_an_occupancy_ends_where_it_is_told_and_may_be_wider(everywhere):
    some = Capsules(*map(tf.constant, cases.capsules(np.random.default_rng(1), 2, 5)))
    spans = scanlines.spans(some, SHAPE, everywhere)
    whole = occupancy.of_volume(spans, range(5), SHAPE, SHAPE).numpy()
    found = occupancy.of_volume(spans, range(5), (8, 6, 9), (11, 9, 12)).numpy()
    expected = np.pad(whole[:, :8, :6, :9], [(0, 0), (0, 3), (0, 3), (0, 3)])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize('everywhere', [False, True])
def test_capsules_of_one_part_are_joined(everywhere):
    large = np.tile(0.3 * np.eye(3), (2, 8, 1, 1))  # so that they overlap
    some = Capsules(*map(tf.constant, cases.capsules(np.random.default_rng(2), 2, 8, large)))
    spans = scanlines.spans(some, SHAPE, everywhere)
    parts = [0, 1, 2, 0, 0, 2, 1, 0]
    alone = occupancy.of_volume(spans, range(8), SHAPE, SHAPE).numpy()[..., None] >> np.arange(8) & 1
    expected = np.stack([alone[..., np.array(parts) == part].any(-1) for part in range(3)], axis=-1)
    assert alone.sum() > 1.1 * expected.sum()  # they do overlap
    bits = occupancy.of_volume(spans, parts, SHAPE, SHAPE).numpy()
    np.testing.assert_array_equal(bits[..., None] & occupancy.part_bits(parts) != 0, expected)


def test_every_part_has_bits_to_count_its_capsules():
    np.testing.assert_array_equal(occupancy.part_bits([0, 0, 2, 1]), [0b11, 0b100, 0b1000])
    occupancy.part_bits(range(16))
    with pytest.raises(ValueError, match='16 bits in all, found 17'):
        occupancy.part_bits(range(17))
