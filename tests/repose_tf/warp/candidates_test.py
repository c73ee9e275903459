"""Candidates: the docstring's example, and that they suffice for any number of parts."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.coordinates import VolumeGrid
from repose_tf.warp import body_parts, candidates, helmert, sparse_warp
from repose_tf.warp.scanlines import Capsules
from repose_tf.warp.volumetric_warp import vox_transforms
from tests.support import cases
from tests.support.dense_warp import dense_volume_warp, source_points

GRID = VolumeGrid(image_size=64, volume_size=17, depth_size=9)


def one_voxel(voxel):
    """A capsule that fills one voxel alone."""
    point = np.reshape(np.float64(voxel), [1, 1, 3])
    return Capsules(*map(tf.constant, (point, point, np.full([1, 1, 3], 0.5), np.eye(3)[None, None], 0 * point)))


@pytest.mark.parametrize('capacity', [None, 64])
def test_the_example_of_the_volume(capacity):
    moved = np.eye(4)
    moved[2, 3] = 0.75
    found = candidates.volume_candidates(
        one_voxel([1, 1, 2]), [0], tf.constant(moved[None, None]), (4, 4, 4), (4, 4, 4), capacity)
    values = np.sum(found.weights * np.float32(found.corners == 22), axis=0)
    assert dict(zip(found.voxels.numpy()[values > 0], values[values > 0], strict=True)) == {21: 0.75, 22: 0.25}
    assert not np.any(found.weights * np.float32(found.corners != 22))
    assert capacity or len(found.voxels) == 2 + 6
    assert found.num_voxels == 64 and found.num_parts == 1


@pytest.mark.parametrize('capacity', [None, 4])
def test_a_plane_takes_the_nearest_cell(capacity):
    moved = np.eye(3)
    moved[:2, 2] = 0.75, -0.25  # target (0, 1) goes to (0.75, 0.75), nearest to (1, 1); no other one does
    found = candidates.plane_candidates(
        one_voxel([1, 1, 2]), [0], tf.constant(moved[None, None]), (4, 4, 4), (4, 4), capacity)
    is_real = found.voxels >= 0
    assert (found.voxels[is_real], found.corners[0][is_real]) == (1, 5)
    np.testing.assert_array_equal(found.weights[0], np.float32(is_real))


@pytest.mark.parametrize('capacity', [None, 3000])
@pytest.mark.parametrize('num_parts', [1, 2, 4])
def test_any_number_of_parts(num_parts, capacity):
    rng = np.random.default_rng(17)
    source, target = (tf.constant(cases.person_poses(rng, 2, GRID.image_size)) for _ in range(2))
    maps_px = helmert.part_transforms(source, target)[:, :num_parts]
    capsules = body_parts.voxel_capsules(source, GRID)
    kept = [number for number, part in enumerate(body_parts.CAPSULE_PARTS) if part < num_parts]
    capsules = Capsules(*(tf.gather(getattr(capsules, field), kept, axis=1) for field in vars(capsules)))
    found = candidates.volume_candidates(
        capsules, [body_parts.CAPSULE_PARTS[number] for number in kept], vox_transforms(maps_px, GRID),
        body_parts.inner_shape(GRID), GRID.shape, capacity)
    volume = tf.constant(np.random.default_rng(0).normal(size=(2, *GRID.shape, 3)).astype(np.float32))
    rows = sparse_warp.warp_rows(tf.reshape(volume, [-1, 3]), found, capacity is not None)
    masks = body_parts.part_masks(source, GRID)[..., :num_parts]
    expected = dense_volume_warp(volume, masks, source_points(maps_px, GRID, GRID.shape))
    assert tf.reduce_min(expected) < 0 or num_parts > 1  # a part alone is all of them
    np.testing.assert_allclose(tf.reshape(rows, volume.shape), expected, atol=1e-5)
