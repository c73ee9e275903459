"""Quaternions against SciPy's rotations and NumPy's singular value decomposition."""

import numpy as np
import pytest
import scipy.spatial.transform
import tensorflow as tf

from repose_tf.warp import rotations
from tests.support import cases

COUNT = 10_000


def random_quaternions(rng, count):
    quaternions = rng.normal(size=(count, 4))
    return quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)


def unit_vectors(rng, count):
    vectors = rng.normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def referee(quaternions):
    """SciPy's rotations; it writes the real part last."""
    return scipy.spatial.transform.Rotation.from_quat(np.roll(quaternions, -1, axis=1))


def matrices(quaternions):
    return rotations.matrix_from_quaternion(tf.constant(quaternions)).numpy()


def test_matrix_and_product_equal_scipy():
    rng = np.random.default_rng(0)
    left, right = random_quaternions(rng, COUNT), random_quaternions(rng, COUNT)
    np.testing.assert_allclose(matrices(left), referee(left).as_matrix(), atol=1e-12)
    product = rotations.multiply(tf.constant(left), tf.constant(right)).numpy()
    np.testing.assert_allclose(
        matrices(product), (referee(left) * referee(right)).as_matrix(), atol=1e-12)


def best_rotation_by_svd(covariance):
    """Kabsch's proper rotation R that maximises tr(R covariance)."""
    u, _, vt = np.linalg.svd(covariance)
    sign = np.ones((len(covariance), 3))
    sign[:, 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    return np.einsum('nji,nj,nkj->nik', vt, sign, u)


@pytest.mark.parametrize('num_points', [3, 4, 8])
def test_best_rotation_equals_the_svd(num_points):
    rng = np.random.default_rng(num_points)
    source = rng.normal(size=(COUNT, num_points, 3))
    turned = np.einsum('nij,npj->npi', cases.rotation_matrices(rng, COUNT), source)
    target = turned + 0.2 * rng.normal(size=source.shape)
    source -= source.mean(1, keepdims=True)
    target -= target.mean(1, keepdims=True)
    covariance = np.einsum('npi,npj->nij', source, target)
    found = matrices(rotations.best_rotation(tf.constant(covariance)).numpy())
    singular = np.linalg.svd(covariance)[1]
    sign = np.sign(np.linalg.det(covariance))
    # Where the two smallest (signed) singular values cancel, more than one rotation is best.
    clear = (singular[:, 1] + sign * singular[:, 2]) > 1e-4 * singular[:, 0]
    assert clear.mean() > 0.999
    np.testing.assert_allclose(found[clear], best_rotation_by_svd(covariance)[clear], atol=1e-4)
    np.testing.assert_allclose(np.linalg.det(found), 1.0, atol=1e-9)


def test_best_rotation_of_mirrored_points_is_still_a_rotation():
    rng = np.random.default_rng(1)
    source = rng.normal(size=(COUNT, 5, 3))
    source -= source.mean(1, keepdims=True)
    mirrored = source * [-1.0, 1.0, 1.0]
    covariance = np.einsum('npi,npj->nij', source, mirrored)
    found = matrices(rotations.best_rotation(tf.constant(covariance)).numpy())
    np.testing.assert_allclose(np.linalg.det(found), 1.0, atol=1e-9)
    best = np.einsum('nij,nji->n', best_rotation_by_svd(covariance), covariance)
    np.testing.assert_allclose(np.einsum('nij,nji->n', found, covariance), best, rtol=1e-7, atol=1e-7)


def test_best_rotation_of_nothing_is_the_identity():
    found = matrices(rotations.best_rotation(tf.zeros([1, 3, 3], tf.float64)).numpy())
    np.testing.assert_allclose(found[0], np.eye(3), atol=1e-9)


def test_swing_turns_start_to_end_by_the_angle_between_them():
    rng = np.random.default_rng(2)
    start, end, fallback = (unit_vectors(rng, COUNT) for _ in range(3))
    found = rotations.swing(*map(tf.constant, (start, end, fallback))).numpy()
    np.testing.assert_allclose(np.einsum('nij,nj->ni', matrices(found), start), end, atol=1e-6)
    angle = np.arccos(np.clip(np.sum(start * end, axis=1), -1, 1))
    np.testing.assert_allclose(referee(found).magnitude(), angle, atol=1e-5)


@pytest.mark.parametrize('start', np.concatenate([np.eye(3), unit_vectors(np.random.default_rng(3), 5)]))
@pytest.mark.parametrize('fallback', ['across', 'parallel', 'zero'])
def test_swing_survives_half_turns_and_no_turns(start, fallback):
    across = np.cross(start, [0.6, 0.0, 0.8])
    axis = {'across': across / np.linalg.norm(across), 'parallel': start, 'zero': 0 * start}[fallback]
    for end in (start, -start):
        found = matrices(rotations.swing(*(tf.constant(x[None]) for x in (start, end, axis))).numpy())[0]
        np.testing.assert_allclose(found @ start, end, atol=1e-6)
        np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-9)


def test_blend_is_an_arc_from_the_second_to_the_first():
    rng = np.random.default_rng(4)
    first, second = random_quaternions(rng, 1000), random_quaternions(rng, 1000)
    blended = [referee(rotations.blend(tf.constant(first), tf.constant(second),
                                       tf.fill([1000], tf.constant(weight, tf.float64))).numpy())
               for weight in (0.0, 0.25, 0.5, 0.75, 1.0)]
    arc = (referee(first).inv() * referee(second)).magnitude()
    from_second = np.array([(rotation.inv() * referee(second)).magnitude() for rotation in blended])
    np.testing.assert_allclose(from_second[0], 0, atol=1e-6)
    np.testing.assert_allclose(from_second[4], arc, atol=1e-6)
    np.testing.assert_allclose(from_second[2], arc / 2, atol=1e-6)
    assert np.all(np.diff(from_second, axis=0) >= -1e-6)


def test_dominant_eigenvector_equals_numpy():
    rng = np.random.default_rng(5)
    roots = rng.normal(size=(500, 4, 4))
    matrix = roots @ np.swapaxes(roots, 1, 2)
    found = rotations.dominant_eigenvector(tf.constant(matrix)).numpy()
    expected = np.linalg.eigh(matrix)[1][..., -1]
    np.testing.assert_allclose(np.abs(np.sum(found * expected, axis=1)), 1.0, atol=1e-9)
