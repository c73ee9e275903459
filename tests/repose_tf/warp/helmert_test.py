"""The part fits against NumPy's singular value decomposition, and what they do where it says nothing."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.shapes import ShapeError
from repose_tf.skeleton import HEAD_JOINTS, JOINT_INDEX, LIMB_FIT_JOINTS, NUM_PARTS, TORSO_JOINTS
from repose_tf.warp import helmert
from tests.support import cases
from tests.support.cases import STANDING_POSE_PX

COUNT = 10_000


def fit(source, target):
    return helmert.part_transforms(tf.constant(source, tf.float32), tf.constant(target, tf.float32)).numpy()


def fit_by_svd(source, target):
    """Umeyama's similarity of points [N, K, 3], target -> source; [N, 4, 4]."""
    source_centre, target_centre = source.mean(1), target.mean(1)
    s, t = source - source_centre[:, None], target - target_centre[:, None]
    u, singular, vt = np.linalg.svd(np.einsum('nki,nkj->nij', s, t))
    sign = np.ones((len(s), 3))
    sign[:, 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    linear = np.einsum('nij,nj,njk->nik', u, sign, vt)
    linear *= (np.sum(singular * sign, 1) / np.sum(t * t, (1, 2)))[:, None, None]
    result = np.tile(np.eye(4), (len(s), 1, 1))
    result[:, :3, :3] = linear
    result[:, :3, 3] = source_centre - np.einsum('nij,nj->ni', linear, target_centre)
    return result


def limb_points(pose, names):
    a, b, c = (pose[:, JOINT_INDEX[name]].astype(np.float64) for name in names)
    normal = np.cross(b - a, c - b)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return np.stack([a, b, b + normal * np.linalg.norm(c - b, axis=1, keepdims=True)], axis=1)


def sines(pose):
    """Sine of the bend of every limb, [N, 8]."""
    indices = np.array([[JOINT_INDEX[name] for name in limb] for limb in LIMB_FIT_JOINTS])
    a, b, c = np.moveaxis(pose[:, indices].astype(np.float64), 2, 0)
    lengths = np.linalg.norm(b - a, axis=2) * np.linalg.norm(c - b, axis=2)
    return np.linalg.norm(np.cross(b - a, c - b), axis=2) / lengths


@pytest.mark.parametrize('make_poses', [
    cases.person_poses, pytest.param(cases.random_poses, marks=pytest.mark.long)])
def test_fits_equal_the_svd_on_ten_thousand_pose_pairs(make_poses):
    rng = np.random.default_rng(0)
    source, target = make_poses(rng, COUNT), make_poses(rng, COUNT)
    found = fit(source, target)
    clear = np.ones((COUNT, NUM_PARTS), bool)
    clear[:, 2:] = np.minimum(sines(source), sines(target)) > np.sin(np.radians(15.1))
    points = [[pose[:, [JOINT_INDEX[name] for name in names]].astype(np.float64) for pose in (source, target)]
              for names in (TORSO_JOINTS, HEAD_JOINTS)]
    points += [[limb_points(pose, names) for pose in (source, target)] for names in LIMB_FIT_JOINTS]
    assert clear.mean() > 0.6
    for part, (source_points, target_points) in enumerate(points):
        expected = fit_by_svd(source_points, target_points)
        # Joints of random poses may lie so that two rotations fit equally well; then neither is wrong.
        covariance = np.einsum('nki,nkj->nij', source_points - source_points.mean(1, keepdims=True),
                               target_points - target_points.mean(1, keepdims=True))
        singular = np.linalg.svd(covariance)[1]
        gap = singular[:, 1] + np.sign(np.linalg.det(covariance)) * singular[:, 2]
        sure = clear[:, part] & (gap > 1e-3 * singular[:, 0])
        assert sure.sum() > 0.98 * clear[:, part].sum()
        # Relative to what moves a point of the image: 1e-4 of the image's size.
        np.testing.assert_allclose(found[sure, part, :3, :3], expected[sure, :3, :3], atol=1e-4)
        np.testing.assert_allclose(found[sure, part, :3, 3] / 256, expected[sure, :3, 3] / 256, atol=1e-4)


@pytest.mark.parametrize('make_poses', [cases.person_poses, cases.random_poses])
def test_every_fit_is_a_scaled_proper_rotation(make_poses):
    rng = np.random.default_rng(1)
    found = fit(make_poses(rng, 1000), make_poses(rng, 1000))
    linear = found[..., :3, :3].astype(np.float64)
    scale = np.cbrt(np.linalg.det(linear))
    assert np.all(scale > 0)
    square = linear @ np.swapaxes(linear, -1, -2)
    np.testing.assert_allclose(
        square / np.square(scale)[..., None, None], np.broadcast_to(np.eye(3), square.shape), atol=1e-4)
    np.testing.assert_array_equal(found[..., 3, :], np.broadcast_to([0, 0, 0, 1], found[..., 3, :].shape))


def test_the_same_pose_gives_the_identity():
    poses = cases.person_poses(np.random.default_rng(2), 100)
    identity = np.broadcast_to(np.eye(4), (100, NUM_PARTS, 4, 4))
    np.testing.assert_allclose(fit(poses, poses), identity, atol=1e-3)


@pytest.mark.parametrize('scale', [0.3, 1.0, 3.0])
def test_a_person_moved_as_a_whole_gives_that_motion_to_every_part(scale):
    rng = np.random.default_rng(3)
    target = cases.person_poses(rng, 50)
    rotation = cases.rotation_matrices(rng, 50)
    shift = rng.uniform(-50, 50, size=(50, 1, 3))
    source = scale * np.einsum('bij,bkj->bki', rotation, target) + shift
    expected = np.tile(np.eye(4), (50, NUM_PARTS, 1, 1))
    expected[..., :3, :3] = scale * rotation[:, None]
    expected[..., :3, 3] = shift
    found = fit(source, target)
    np.testing.assert_allclose(found[..., :3, :3], expected[..., :3, :3], atol=2e-4 * scale)
    np.testing.assert_allclose(found[..., :3, 3], expected[..., :3, 3], atol=2e-2 * scale)


def bent_arms(degrees, away_from_torso=(0.3, 0.2, -0.9)):
    """Standing people whose left elbow is bent by the given angles, 0 = straight; [N, J, 3]."""
    shoulder, elbow = (STANDING_POSE_PX[JOINT_INDEX[name]].astype(np.float64) for name in ('lsho', 'lelb'))
    bone = elbow - shoulder
    side = np.cross(bone, away_from_torso)
    side *= np.linalg.norm(bone) / np.linalg.norm(side)
    radians = np.radians(degrees)[:, None]
    poses = np.tile(STANDING_POSE_PX.astype(np.float64), (len(degrees), 1, 1))
    poses[:, JOINT_INDEX['lwri']] = elbow + 0.8 * (np.cos(radians) * bone + np.sin(radians) * side)
    return poses


@pytest.mark.parametrize('seed', range(4))
def test_a_limb_bent_through_straight_moves_smoothly(seed):
    rng = np.random.default_rng(seed)
    # From 30 degrees one way to 30 degrees the other way, where the normal of the arm's plane flips.
    poses = bent_arms(np.linspace(-30, 30, 1201), rng.normal(size=3))
    target = np.repeat(cases.person_poses(rng, 1), len(poses), axis=0)
    arms = slice(2, 4)
    for source, other in ((poses, target), (target, poses)):
        found = fit(source, other)[:, arms]
        assert np.all(np.isfinite(found))
        # What the fit does to points of the arm, px.
        ends = other[:, [JOINT_INDEX[name] for name in ('lsho', 'lelb', 'lwri')]]
        points = np.concatenate([ends, ends + [0, 0, 8.0], ends + [8.0, 0, 0]], axis=1)
        moved = np.einsum('npij,nkj->npki', found[..., :3, :3], points) + found[:, :, None, :3, 3]
        steps = np.linalg.norm(np.diff(moved, axis=0), axis=-1)
        # 0.05 degrees a step; a jump of the roll would move the points beside the bone by some 8 px at once.
        assert steps.max() < 1.0
        # Halving the step must halve the movement: that is what continuous means.
        assert steps.reshape(600, 2, -1).sum(1).max() > 1.7 * steps.max()


def test_a_straight_limb_rolls_with_the_torso():
    source = bent_arms(np.zeros(1))
    rotation = cases.rotation_matrices(np.random.default_rng(5), 1)[0]
    target = source @ rotation.T
    found = fit(source, target)[0, 2:4, :3, :3]
    np.testing.assert_allclose(found, np.broadcast_to(rotation.T, found.shape), atol=1e-3)


def degenerate_poses():
    coincident = np.full_like(STANDING_POSE_PX, 100.0)
    line = np.linspace(0, 1, len(STANDING_POSE_PX))[:, None] * [60.0, 120.0, 30.0] + [20.0, 30.0, -10.0]
    arm_folded = STANDING_POSE_PX.copy()
    arm_folded[JOINT_INDEX['lwri']] = arm_folded[JOINT_INDEX['lsho']]
    no_forearm = STANDING_POSE_PX.copy()
    no_forearm[JOINT_INDEX['rwri']] = no_forearm[JOINT_INDEX['relb']]
    half_turn = (STANDING_POSE_PX - 128) * [-1, 1, -1] + 128
    upside_down = (STANDING_POSE_PX - 128) * [-1, -1, 1] + 128
    arms_up = bent_arms(np.zeros(1))[0]
    shoulder = arms_up[JOINT_INDEX['lsho']].copy()
    for name in ('lelb', 'lwri'):
        arms_up[JOINT_INDEX[name]] = 2 * shoulder - arms_up[JOINT_INDEX[name]]
    return np.stack([STANDING_POSE_PX, coincident, line, arm_folded, no_forearm, half_turn, upside_down,
                     bent_arms(np.zeros(1))[0], arms_up]).astype(np.float32)


def test_no_pose_gives_nan_or_a_huge_transform():
    poses = degenerate_poses()
    source, target = (np.reshape(x, (-1, *poses.shape[1:])) for x in
                      np.broadcast_arrays(poses[:, None], poses[None]))
    found = fit(source, target)
    assert np.all(np.isfinite(found))
    linear = found[..., :3, :3].astype(np.float64)
    square = linear @ np.swapaxes(linear, -1, -2)
    scale = np.sqrt(np.trace(square, axis1=-2, axis2=-1) / 3)
    assert scale.max() < 20
    np.testing.assert_allclose(
        square, np.square(scale)[..., None, None] * np.eye(3), atol=1e-4 * max(1, scale.max() ** 2))


def test_poses_get_no_gradient():
    source, target = (tf.constant(pose) for pose in cases.person_poses(np.random.default_rng(6), 2)[:, None])
    with tf.GradientTape() as tape:
        tape.watch([source, target])
        result = helmert.part_transforms(source, target)
    assert tape.gradient(result, [source, target]) == [None, None]


def test_wrong_shapes_are_named():
    pose = tf.constant(STANDING_POSE_PX[None])
    with pytest.raises(ShapeError, match=r'target_pose_px.*19, 3.*18, 3'):
        helmert.part_transforms(pose, pose[:, :18])
    with pytest.raises(ShapeError, match='Batch sizes differ'):
        helmert.part_transforms(pose, tf.tile(pose, [2, 1, 1]))
