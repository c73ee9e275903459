"""The warp against the dense one, for which other libraries vouch (tests/support/dense_warp_test.py)."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.coordinates import VolumeGrid
from repose_tf.shapes import ShapeError
from repose_tf.skeleton import JOINT_INDEX
from repose_tf.warp import helmert, volumetric_warp
from repose_tf.warp.volumetric_warp import warp
from tests.support import cases
from tests.support.cases import STANDING_POSE_PX
from tests.support.dense_warp import dense_warp
from tests.support.programs import one_stack

GRID = VolumeGrid(image_size=64, volume_size=17, depth_size=9)
FINER = VolumeGrid(image_size=64, volume_size=33, depth_size=17)
OLDER = VolumeGrid(image_size=64, volume_size=17, depth_size=9, registration='reference')
MODES = pytest.mark.parametrize('mode', ['3d', '2d'])
# (capacity, jit_compile): as many voxels as there are; static shapes; static shapes compiled by XLA.
FORMS = [(None, False), one_stack((4000, False)), (4000, True)]
SHORTER_MODES = pytest.mark.parametrize('mode', ['3d', one_stack('2d')])


def random_volume(grid, channels=3, batch=2, seed=0, padded=True):
    shape = grid.shape if padded else tuple(size - 1 for size in grid.shape)
    return np.random.default_rng(seed).normal(size=(batch, *shape, channels)).astype(np.float32)


def value_and_gradient(function, volume, upstream):
    with tf.GradientTape() as tape:
        tape.watch(volume)
        result = function(volume)
    return result, tape.gradient(result, volume, upstream)


def assert_equals_dense(volume, source, target, grid, mode='3d', form=(None, False), atol=1e-5, in_graph=False):
    """Compares value and gradient; returns the value."""
    capacity, jit_compile = form
    volume, source, target = (tf.constant(x) for x in (volume, source, target))
    upstream = tf.random.stateless_normal(volume.shape, [1, 2], dtype=volume.dtype)

    def fast(volume, source, target):
        return value_and_gradient(lambda x: warp(x, source, target, grid, mode, capacity), volume, upstream)

    if in_graph or jit_compile:  # building a graph takes some hundred times as long as this computes
        fast = tf.function(fast, jit_compile=jit_compile, autograph=False)
    found, found_gradient = fast(volume, source, target)
    expected, gradient = value_and_gradient(
        lambda x: dense_warp(x, source, target, grid, mode), volume, upstream)
    assert found.dtype == volume.dtype and found.shape == volume.shape
    np.testing.assert_allclose(found, expected, atol=atol)
    np.testing.assert_allclose(found_gradient, gradient, atol=atol)
    return found.numpy()


@SHORTER_MODES
@pytest.mark.parametrize('form', FORMS)
def test_equals_the_dense_warp_in_value_and_gradient(mode, form):
    rng = np.random.default_rng(0)
    source, target = (cases.person_poses(rng, 2, GRID.image_size) for _ in range(2))
    found = assert_equals_dense(random_volume(GRID), source, target, GRID, mode, form, in_graph=True)
    assert np.count_nonzero(found) > 1000 and found.min() == 0.0


@MODES
def test_equals_the_dense_warp_in_the_registration_of_the_reference(mode):
    rng = np.random.default_rng(0)
    source, target = (cases.person_poses(rng, 2, OLDER.image_size) for _ in range(2))
    found = assert_equals_dense(random_volume(OLDER), source, target, OLDER, mode)
    assert not np.allclose(found, warp(random_volume(OLDER), source, target, GRID, mode), atol=0.1)


@SHORTER_MODES
@pytest.mark.parametrize('scale', [0.3, one_stack(0.6), one_stack(1.7), one_stack(3.0)])
@pytest.mark.parametrize('grows', [one_stack(False), True])
def test_people_who_come_closer_or_go_away(mode, scale, grows):
    rng = np.random.default_rng(1)
    poses = [cases.person_poses(rng, 2, FINER.image_size, scale=s) for s in (1.0, scale)]
    assert_equals_dense(random_volume(FINER), *(poses if grows else poses[::-1]), FINER, mode)


@SHORTER_MODES
@pytest.mark.parametrize('form', FORMS[:2])
def test_joints_anywhere(mode, form):
    rng = np.random.default_rng(2)
    source, target = (cases.random_poses(rng, 2, GRID.image_size) for _ in range(2))
    assert_equals_dense(random_volume(GRID), source, target, GRID, mode, form)


@SHORTER_MODES
def test_parts_partly_and_wholly_outside_the_volume(mode):
    rng = np.random.default_rng(3)
    source, target = (cases.person_poses(rng, 4, GRID.image_size) for _ in range(2))
    shifts = np.float32([[40, 0, 0], [0, -35, 20], [-30, 30, -30], [400, 0, 0]])[:, None]
    volume = random_volume(GRID, batch=4)
    assert_equals_dense(volume, source + shifts, target, GRID, mode)
    found = assert_equals_dense(volume, source, target + shifts, GRID, mode)
    assert found[0].any() and not found[3].any()
    found = assert_equals_dense(volume, source + shifts, target + shifts[::-1], GRID, mode)
    assert not found[3].any()  # its source is nowhere in the volume: all masks are empty


@SHORTER_MODES
def test_coincident_joints_and_flat_people(mode):
    coincident = np.full_like(STANDING_POSE_PX, 128.0)
    flat = STANDING_POSE_PX * np.float32([1, 1, 0])
    folded = STANDING_POSE_PX.copy()
    folded[JOINT_INDEX['lwri']] = folded[JOINT_INDEX['lsho']]
    poses = np.stack([STANDING_POSE_PX, coincident, flat, folded]) / 4
    source, target = (x.reshape(-1, 19, 3) for x in np.broadcast_arrays(poses[:, None], poses[None]))
    assert_equals_dense(random_volume(GRID, channels=1, batch=16), source, target, GRID, mode)


@SHORTER_MODES
def test_the_same_pose_leaves_the_person_where_it_is(mode):
    poses = cases.person_poses(np.random.default_rng(4), 2, FINER.image_size)
    volume = np.abs(random_volume(FINER))
    found = assert_equals_dense(volume, poses, poses, FINER, mode)
    inside = found[(found > 0) & (np.abs(found - volume) < 1e-3)]
    assert len(inside) > 0.2 * np.count_nonzero(found)


@SHORTER_MODES
@pytest.mark.parametrize('form', FORMS[:2])
def test_negative_values_win_only_where_all_parts_are(mode, form):
    # Everybody in one ball in the middle: all ten parts cover it.
    pose = np.full((1, 19, 3), 32.0, np.float32) * [1, 1, 0]
    volume = -np.abs(random_volume(GRID, batch=1))
    found = assert_equals_dense(volume, pose, pose, GRID, mode, form)
    assert found.min() < 0
    # A person whose parts lie side by side: the masked zeros win everywhere.
    pose = cases.person_poses(np.random.default_rng(5), 1, GRID.image_size)
    assert not assert_equals_dense(volume, pose, pose, GRID, mode, form).any()


@pytest.mark.parametrize('channels', [one_stack(1), one_stack(5), 40])
@pytest.mark.parametrize('padded', [False, one_stack(True)])
@MODES
def test_any_number_of_channels_with_or_without_the_padding(channels, padded, mode):
    rng = np.random.default_rng(6)
    source, target = (cases.person_poses(rng, 3, GRID.image_size) for _ in range(2))
    assert_equals_dense(random_volume(GRID, channels, 3, padded=padded), source, target, GRID, mode)


@pytest.mark.parametrize('dtype, atol', [(tf.float64, 1e-6), (tf.bfloat16, 0.05), (tf.float16, 0.005)])
@SHORTER_MODES
def test_any_floating_type(dtype, atol, mode):
    rng = np.random.default_rng(7)
    source, target = (cases.person_poses(rng, 2, GRID.image_size) for _ in range(2))
    volume = tf.cast(random_volume(GRID), dtype)
    upstream = tf.ones_like(volume)
    found, gradient = value_and_gradient(lambda x: warp(x, source, target, GRID, mode), volume, upstream)
    exact = [tf.cast(x, tf.float64) for x in (volume, upstream)]
    expected, expected_gradient = value_and_gradient(
        lambda x: dense_warp(x, source, target, GRID, mode), *exact)
    assert found.dtype == gradient.dtype == dtype
    np.testing.assert_allclose(tf.cast(found, tf.float64), expected, atol=atol)
    # Poses and weights are not rounded to the type of the features: the gradient is the exact one, rounded.
    np.testing.assert_allclose(tf.cast(gradient, tf.float64), expected_gradient, rtol=0.01, atol=atol)


@MODES
def test_gradient_equals_the_numeric_jacobian(mode):
    grid = VolumeGrid(image_size=16, volume_size=5, depth_size=3)
    rng = np.random.default_rng(8)
    source, target = (tf.constant(cases.person_poses(rng, 1, 16)) for _ in range(2))
    volume = tf.constant(rng.normal(size=(1, *grid.shape, 1)))
    # One sample of the batch for each entry of the volume.
    num_entries, delta = int(tf.size(volume)), 1e-4
    steps = np.eye(num_entries).reshape(-1, *volume.shape[1:])
    many = [tf.repeat(pose, num_entries, axis=0) for pose in (source, target)]
    _, theoretical = value_and_gradient(
        lambda x: warp(x, *many, grid, mode), tf.repeat(volume, num_entries, axis=0), tf.constant(steps))
    above, below = (warp(volume + sign * delta * steps, *many, grid, mode).numpy() for sign in (1, -1))
    numeric = ((above - below) / (2 * delta)).reshape(num_entries, -1)  # of the entry: what all outputs become
    theoretical = theoretical.numpy().reshape(num_entries, -1)  # of an output: what all entries do to it
    assert np.count_nonzero(theoretical) > 20
    np.testing.assert_allclose(theoretical, numeric.T, atol=1e-6)


def test_equal_values_of_several_parts_pass_the_gradient_once():
    # The same pose and whole numbers: parts that overlap take the very same values.
    pose = tf.constant(cases.person_poses(np.random.default_rng(9), 1, GRID.image_size))
    volume = tf.constant(np.random.default_rng(9).integers(1, 3, (1, *GRID.shape, 2)).astype(np.float32))
    upstream = tf.ones_like(volume)
    for capacity in (None, 4000):
        found, gradient = value_and_gradient(
            lambda x, c=capacity: warp(x, pose, pose, GRID, '2d', c), volume, upstream)
        assert float(tf.reduce_sum(gradient)) == np.count_nonzero(found)


def test_poses_get_no_gradient():
    source, target = (tf.constant(x) for x in cases.person_poses(np.random.default_rng(10), 2, 64)[:, None])
    with tf.GradientTape() as tape:
        tape.watch([source, target])
        result = warp(random_volume(GRID, batch=1), source, target, GRID)
    assert tape.gradient(result, [source, target]) == [None, None]


@SHORTER_MODES
def test_too_little_room_is_an_error_and_never_a_cut(mode):
    source, target = (tf.constant(x) for x in cases.person_poses(np.random.default_rng(11), 2, 64)[:, None])
    volume = tf.constant(random_volume(GRID, batch=1))
    arguments = volume, source, target, GRID, mode
    with pytest.raises(tf.errors.InvalidArgumentError, match=r'capacity: .* 10;'):
        warp(*arguments, capacity=10)
    with pytest.raises(tf.errors.InvalidArgumentError, match='capacity'):
        tf.function(lambda: warp(*arguments, capacity=10), autograph=False)()
    if mode == '3d':
        compiled = tf.function(lambda: warp(*arguments, capacity=10), jit_compile=True, autograph=False)()
        assert np.all(np.isnan(compiled))


def test_bad_input_is_named():
    rng = np.random.default_rng(12)
    volume, pose = tf.constant(random_volume(GRID)), tf.constant(cases.person_poses(rng, 2, 64))
    infinite = tf.where(tf.range(19)[:, None] == 4, np.inf, pose)
    for arguments, message in [
            ((volume[0], pose, pose), r'volume: expected shape \[B, 17, 17, 9, C\], found \[17, 17, 9, 3\]'),
            ((volume[:, 1:], pose, pose), r'volume: .*16, 17, 9'),
            ((tf.cast(volume, tf.int32), pose, pose), 'volume: .*int32'),
            ((volume, pose[:, :17], pose), r'source_pose_px: .*2, 17, 3'),
            ((volume, pose, pose[..., :2]), r'target_pose_px: .*2, 19, 2'),
            ((volume, pose, pose[:1]), "Batch sizes differ: .*'target_pose_px': 1"),
            ((volume, pose * np.nan, pose), r'source_pose_px \[2, 19, 3\]: expected finite'),
            ((volume, pose, infinite), r'target_pose_px \[2, 19, 3\]: expected finite')]:
        with pytest.raises(ShapeError, match=message):
            warp(*arguments, GRID)


@SHORTER_MODES
@pytest.mark.parametrize('capacity', [None, one_stack(4000)])
def test_poses_that_are_not_finite_in_a_graph(mode, capacity):
    pose = tf.constant(cases.person_poses(np.random.default_rng(13), 2, 64))
    broken = pose * np.float32([[[1]], [[np.nan]]])
    volume = tf.constant(random_volume(GRID))
    quiet = tf.function(lambda s, t: warp(volume, s, t, GRID, mode, capacity), autograph=False)
    for source, target in ((broken, pose), (pose, broken)):
        found = quiet(source, target).numpy()
        np.testing.assert_array_equal(found[0], warp(volume, pose, pose, GRID, mode, capacity)[0])
        assert not found[1].any()
    checked = tf.function(lambda s, t: warp(volume, s, t, GRID, mode, capacity, debug=True), autograph=False)
    checked(pose, pose)
    with pytest.raises(tf.errors.InvalidArgumentError, match='source_pose_px'):
        checked(broken, pose)


def test_vox_transforms_of_nothing_is_nothing():
    identity = np.eye(4, dtype=np.float32)[None, None]
    found = volumetric_warp.vox_transforms(tf.constant(identity), GRID)
    np.testing.assert_allclose(found, identity, atol=1e-6)


def test_transforms_in_voxels_do_what_those_in_px_do():
    rng = np.random.default_rng(1)
    source, target = (tf.constant(cases.person_poses(rng, 2, GRID.image_size)) for _ in range(2))
    in_px = helmert.part_transforms(source, target)
    in_vox = volumetric_warp.vox_transforms(in_px, GRID).numpy()
    points = rng.uniform(0, 64, size=(20, 3)).astype(np.float32)
    in_px = in_px.numpy()
    moved_px = np.einsum('bpij,nj->bpni', in_px[..., :3, :3], points) + in_px[..., None, :3, 3]
    moved_vox = (np.einsum('bpij,nj->bpni', in_vox[..., :3, :3], GRID.vox_from_px(points))
                 + in_vox[..., None, :3, 3])
    np.testing.assert_allclose(moved_vox, GRID.vox_from_px(moved_px), atol=1e-3)


def test_in_the_reference_plane_transforms_divide_the_shift_by_image_over_volume_size():
    matrix = np.float32([[1, 2, 34], [3, 4, 68], [0, 0, 1]])
    expected = np.float32([[4, 3, 68 * 17 / 64], [2, 1, 34 * 17 / 64], [0, 0, 1]])
    found = volumetric_warp.plane_vox_transforms(tf.constant(matrix[None, None]), OLDER)
    np.testing.assert_allclose(found[0, 0], expected)
