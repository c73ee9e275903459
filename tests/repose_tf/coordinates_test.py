"""The spaces of the one page on coordinates, by numbers worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf import coordinates
from repose_tf.coordinates import VolumeGrid

REFERENCE = VolumeGrid()
SMALL = VolumeGrid(image_size=64, volume_size=33, depth_size=17)
OLDER = VolumeGrid(registration='reference')


@pytest.mark.parametrize('grid, point_px, point_vox', [
    (REFERENCE, (128.5, 64.5, 0), (16, 32, 16)),
    (REFERENCE, (0.5, 0.5, -128), (0, 0, 0)),
    (REFERENCE, (256.5, 256.5, 128), (64, 64, 32)),
    (REFERENCE, (2.5, 6.5, 4), (1.5, 0.5, 16.5)),
    (SMALL, (10.5, 4.5, 8), (2, 5, 10)),
    (OLDER, (128, 64, 0), (16, 32, 16)),
    (OLDER, (256, 256, 128), (64, 64, 32)),
])
def test_worked_numbers(grid, point_px, point_vox):
    for convert in (np.float32, tf.constant):
        np.testing.assert_allclose(grid.vox_from_px(convert(np.float32(point_px))), point_vox)
        np.testing.assert_allclose(grid.px_from_vox(convert(np.float32(point_vox))), point_px)


@pytest.mark.parametrize('grid', [REFERENCE, SMALL])
def test_there_and_back(grid):
    points = np.random.default_rng(0).uniform(-100, 300, size=(5, 7, 3)).astype(np.float32)
    np.testing.assert_allclose(grid.px_from_vox(grid.vox_from_px(points)), points, atol=1e-3)
    np.testing.assert_allclose(grid.vox_from_px(tf.constant(points)), grid.vox_from_px(points), atol=1e-5)


@pytest.mark.parametrize('grid', [REFERENCE, SMALL, OLDER])
def test_axes_are_the_cells_of_the_converter(grid):
    x, y, z = grid.axes_px()
    row, column, depth = 3, 7, 5
    np.testing.assert_allclose(grid.px_from_vox(np.float32([row, column, depth])),
                               [x[column], y[row], z[depth]])
    assert (len(y), len(x), len(z)) == grid.shape
    assert x[-1] - x[0] == y[-1] - y[0] == grid.image_size and z[0] == -z[-1] == -grid.image_size / 2


def test_poses_scale_in_all_three_coordinates():
    np.testing.assert_array_equal(
        coordinates.scale_pose(np.float32([[10, 20, -30]]), 0.5), [[5, 10, -15]])


@pytest.mark.parametrize('sizes, word', [
    ((256, 64, 33), 'volume_size'), ((256, 65, 32), 'depth_size'), ((100, 65, 33), 'image_size'),
    ((256, 65, 33, 'corner'), "registration: .*'corner'")])
def test_sizes_and_words_that_do_not_fit_are_named(sizes, word):
    with pytest.raises(ValueError, match=word):
        VolumeGrid(*sizes)
