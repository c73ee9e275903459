"""Spans of lines in capsules, against the distance of every single voxel."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.warp import occupancy, scanlines
from repose_tf.warp.scanlines import Capsules
from tests.support import cases

SHAPE = (9, 7, 11)


def capsules(rng, batch, number, linear=None):
    """Capsules anywhere in the grid and beyond, some without length, seen through maps of any kind."""
    starts, ends = (rng.uniform(-2, 11, size=(batch, number, 3)) for _ in range(2))
    ends[:, 0] = starts[:, 0]
    if linear is None:
        linear = cases.rotation_matrices(rng, batch * number).reshape(batch, number, 3, 3)
        linear *= rng.uniform(0.3, 3.0, size=(batch, number, 1, 1))
    offset = starts - np.einsum('bnij,bnj->bni', linear, rng.uniform(0, 8, size=(batch, number, 3)))
    return starts, ends, rng.uniform(0.5, 4.0, size=(batch, number, 3)), linear, offset


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
    fields = capsules(rng, 3, 8, make_maps and make_maps(rng, 3, 8))
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
def test_an_occupancy_ends_where_it_is_told_and_may_be_wider(everywhere):
    some = Capsules(*map(tf.constant, capsules(np.random.default_rng(1), 2, 5)))
    spans = scanlines.spans(some, SHAPE, everywhere)
    whole = occupancy.of_volume(spans, range(5), SHAPE, SHAPE).numpy()
    found = occupancy.of_volume(spans, range(5), (8, 6, 9), (11, 9, 12)).numpy()
    expected = np.pad(whole[:, :8, :6, :9], [(0, 0), (0, 3), (0, 3), (0, 3)])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize('everywhere', [False, True])
def test_capsules_of_one_part_are_joined(everywhere):
    some = Capsules(*map(tf.constant, capsules(np.random.default_rng(2), 2, 8, np.tile(0.3 * np.eye(3), (2, 8, 1, 1)))))
    spans = scanlines.spans(some, SHAPE, everywhere)
    parts = [0, 1, 2, 0, 0, 2, 1, 0]
    alone = occupancy.of_volume(spans, range(8), SHAPE, SHAPE).numpy()[..., None] >> np.arange(8) & 1
    expected = np.stack([alone[..., np.array(parts) == part].any(-1) for part in range(3)], axis=-1)
    assert alone.sum() > 1.1 * expected.sum()  # they do overlap
    bits = occupancy.of_volume(spans, parts, SHAPE, SHAPE).numpy()
    np.testing.assert_array_equal(bits[..., None] & occupancy.part_bits(parts) != 0, expected)


@pytest.mark.parametrize('everywhere', [False, True])
def test_what_is_not_a_number_is_nowhere(everywhere):
    fields = capsules(np.random.default_rng(3), 1, 6)
    for number, field in enumerate(fields):
        field[0, number] = np.nan
    fields[0][0, 5] = np.inf
    spans = scanlines.spans(Capsules(*map(tf.constant, fields)), SHAPE, everywhere)
    assert not np.any(occupancy.of_volume(spans, range(6), SHAPE, SHAPE))


def test_lines_far_from_all_capsules_are_not_looked_at():
    fields = capsules(np.random.default_rng(4), 1, 4, np.tile(np.eye(3), (1, 4, 1, 1)))
    starts = np.full((1, 4, 3), 4.0)
    small = Capsules(*map(tf.constant, (starts, starts, np.full((1, 4, 3), 1.0), fields[3], 0 * starts)))
    assert len(scanlines.spans(small, SHAPE).place) == 4 * 9
    assert len(scanlines.spans(small, SHAPE, everywhere=True).place) == 4 * 63


def test_every_part_has_bits_to_count_its_capsules():
    np.testing.assert_array_equal(occupancy.part_bits([0, 0, 2, 1]), [0b11, 0b100, 0b1000])
    occupancy.part_bits(range(16))
    with pytest.raises(ValueError, match='16 bits in all, found 17'):
        occupancy.part_bits(range(17))
