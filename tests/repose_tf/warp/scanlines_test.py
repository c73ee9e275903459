"""Spans of lines in capsules, against the distance of every single voxel."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.warp import occupancy, scanlines
from repose_tf.warp.scanlines import Capsules
from tests.support import cases

SHAPE = (9, 7, 11)


def brute_force(starts, ends, semi_axes, linear, offset):
    """Distance of all voxels to all capsules in units of the semi-axes, [B, N, H, W, D]."""
    voxels = np.moveaxis(np.indices(SHAPE, float), 0, -1)
    points = np.einsum('bnij,hwdj->bnhwdi', linear, voxels) + offset[:, :, None, None, None]
    p, a, b = (x / semi_axes[:, :, None, None, None] for x in (
        points, starts[:, :, None, None, None], ends[:, :, None, None, None]))
    along = np.sum((p - a) * (b - a), -1) / np.maximum(np.sum((b - a) ** 2, -1), 1e-30)
    return np.linalg.norm(p - a - np.clip(along, 0, 1)[..., None] * (b - a), axis=-1)


def flat_maps(rng, batch, number):
    """Maps that lose a dimension or all of them, and the one that changes nothing."""
    some = rng.normal(size=(batch, number, 3, 3))
    some[:, 0] = 0.0
    some[:, 1, :, 2] = 0.0  # a line along depth stays on one point
    some[:, 2, 0] = some[:, 2, 1]
    some[:, 3] = np.eye(3)
    return some


@pytest.mark.parametrize('everywhere', [False, True])
@pytest.mark.parametrize('make_maps', [None, flat_maps])
def test_spans_are_the_voxels_within_the_distance(everywhere, make_maps):
    rng = np.random.default_rng(0)
    fields = cases.capsules(rng, 3, 8, make_maps and make_maps(rng, 3, 8))
    spans = scanlines.spans(Capsules(*map(tf.constant, fields)), SHAPE, everywhere)
    bits = occupancy.of_volume(spans, range(8), SHAPE, SHAPE).numpy()
    found = np.moveaxis(bits[..., None] >> np.arange(8) & 1, -1, 1)
    distance = brute_force(*fields)
    clear = np.abs(distance - 1) > 1e-6  # rounding decides on the surface itself
    assert clear.mean() > 0.99 and 0.01 < found.mean() < 0.9
    np.testing.assert_array_equal(found[clear], (distance <= 1)[clear])
    plane = occupancy.of_plane(spans, range(8), SHAPE, SHAPE[:2]).numpy()
    np.testing.assert_array_equal(plane, np.bitwise_or.reduce(bits, axis=3))


@pytest.mark.parametrize('everywhere', [False, True])
def test_what_is_not_a_number_is_nowhere(everywhere):
    fields = cases.capsules(np.random.default_rng(3), 1, 6)
    for number, field in enumerate(fields):
        field[0, number] = np.nan
    fields[0][0, 5] = np.inf
    spans = scanlines.spans(Capsules(*map(tf.constant, fields)), SHAPE, everywhere)
    assert not np.any(occupancy.of_volume(spans, range(6), SHAPE, SHAPE))


def test_lines_far_from_all_capsules_are_not_looked_at():
    fields = cases.capsules(np.random.default_rng(4), 1, 4, np.tile(np.eye(3), (1, 4, 1, 1)))
    starts = np.full((1, 4, 3), 4.0)
    small = Capsules(*map(tf.constant, (starts, starts, np.full((1, 4, 3), 1.0), fields[3], 0 * starts)))
    assert len(scanlines.spans(small, SHAPE).place) == 4 * 9
    assert len(scanlines.spans(small, SHAPE, everywhere=True).place) == 4 * 63


def test_ranges_follow_each_other_whatever_their_lengths():
    starts = np.array([3, 7, 2_000_000_000, 5, 100, 4, 9], np.int32)
    limits = np.array([6, 7, 2_000_000_002, 1, 101, 8, 9], np.int32)  # empty ones between others and at the end
    expected = np.concatenate([np.arange(*pair) for pair in zip(starts, limits, strict=True)])
    found = scanlines.ragged_ranges(tf.constant(starts), tf.constant(limits))
    assert found.dtype == tf.int32
    np.testing.assert_array_equal(found, expected)
    assert scanlines.ragged_ranges(tf.zeros([0], tf.int32), tf.zeros([0], tf.int32)).shape == [0]
    assert scanlines.ragged_ranges(tf.constant([4]), tf.constant([4])).shape == [0]
