"""The surface warp against a referee that follows ray after ray, and what must hold of it."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.detail import source_pixels, surfaces
from repose_tf.detail.surface_warp import warp
from repose_tf.shapes import ShapeError
from repose_tf.skeleton import MIRROR_JOINTS, MIRROR_PARTS, NUM_PARTS, PART_NAMES
from repose_tf.warp import body_parts
from tests.support import cases, gpu_kernels, ray_by_ray
from tests.support.programs import one_stack

SIZE = 24
HEAD = PART_NAMES.index('head')
# (static shapes, compiled by XLA)
FORMS = [(False, False), (True, False), one_stack((True, True))]


def pictures(batch=2, sources=1, channels=3, size=SIZE, seed=0):
    return np.random.default_rng(seed).uniform(size=(batch, sources, size, size, channels)).astype(np.float32)


def people(batch=2, seed=1, size=SIZE):
    return cases.person_poses(np.random.default_rng(seed), batch, size)


@functools.cache
def referee():
    """Two pairs of poses, each as the referee warps it: images, sources, targets, upstream, results, gradients."""
    images, sources, targets = pictures(), people(seed=3), people(seed=4)
    upstream = np.random.default_rng(5).normal(size=(2, SIZE, SIZE, 2, 2, 3)).astype(np.float32)
    results = [ray_by_ray.surface_warp(*pair) for pair in zip(images[:, 0], sources, targets, upstream, strict=True)]
    return images, sources[:, None], targets, upstream[:, None], *zip(*results, strict=True)


@pytest.mark.parametrize('form', FORMS)
def test_equals_the_referee_in_value_and_gradient(form):
    images, sources, targets, upstream, results, gradients = referee()

    def both(images, sources, targets):
        with tf.GradientTape() as tape:
            tape.watch(images)
            result = warp(images, sources, targets, form[0])
        return result, tape.gradient(result['values'], images, upstream)

    both = tf.function(both, autograph=False, jit_compile=form[1])
    found, gradient = both(*map(tf.constant, (images, sources, targets)))
    for name in results[0]:
        tensor = found[name][:, 0] if name in ('values', 'visible', 'facing') else found[name]
        np.testing.assert_allclose(tensor, [result[name] for result in results], atol=1e-4, err_msg=name)
    np.testing.assert_allclose(gradient[:, 0], gradients, atol=1e-4)
    assert (found['part'].numpy()[..., 1] >= 0).sum() > 30 and len(np.unique(found['ring'])) == 4


def test_the_same_pose_returns_the_picture():
    images, poses = pictures(), people()
    found = warp(images, poses[:, None], poses)
    covered = found['part'].numpy() >= 0
    own = found['values'].numpy()[:, 0, ..., 0, :]  # [B, H, W, L, C]
    expected = np.repeat(images[:, 0, :, :, None], 2, axis=3)
    np.testing.assert_allclose(own[covered], expected[covered], atol=1e-3)
    assert not own[~covered].any() and covered[..., 0].mean() > 0.1
    assert found['visible'].numpy()[:, 0, ..., 0, 0][covered[..., 0]].all()
    towards_camera = np.maximum(-found['normal'].numpy()[..., 2], 0)
    np.testing.assert_allclose(found['facing'][:, 0, ..., 0], towards_camera, atol=1e-4)


def test_what_lies_behind_is_never_trusted():
    poses = people(8)
    found = warp(pictures(8), poses[:, None], poses)
    front, behind = np.moveaxis(found['depth_px'].numpy(), -1, 0)
    tolerance = 0.04 * body_parts.torso_size(poses).numpy()[:, None, None]
    is_two = (found['part'].numpy()[..., 1] >= 0) & (found['ring'].numpy()[..., 0] == 0)
    hidden = is_two & (behind > front + tolerance + 1e-3)
    visible = found['visible'].numpy()[:, 0, ..., 1, 0]
    assert hidden.sum() > 30 and not visible[hidden].any()
    assert visible[is_two & (behind < front + tolerance - 1e-3)].all()


def test_a_half_turn_shows_the_silhouette_mirrored_and_hardly_anything_visible():
    images, poses = pictures(), people()
    turned = poses * np.float32([-1, 1, -1]) + np.float32([SIZE, 0, 0])
    found, same = warp(images, poses[:, None], turned), warp(images, poses[:, None], poses)
    covered, capsules = (found['part'].numpy()[..., 0] >= 0), found['ring'].numpy()[..., 0] == 0
    np.testing.assert_array_equal(covered, same['part'].numpy()[:, :, ::-1, 0] >= 0)
    own = found['values'].numpy()[:, 0, ..., 0, 0, :]
    np.testing.assert_allclose(own[covered], images[:, 0, :, ::-1][covered], atol=1e-3)
    assert found['visible'].numpy()[:, 0, ..., 0, 0][capsules].mean() < 0.1
    assert not found['facing'].numpy()[:, 0, ..., 0, 0][capsules].any()


def mirrored(poses):
    return poses[..., list(MIRROR_JOINTS), :] * np.float32([-1, 1, 1]) + np.float32([SIZE, 0, 0])


def test_mirrored_pictures_and_poses_give_the_mirrored_result():
    assert [PART_NAMES[MIRROR_PARTS[PART_NAMES.index(name)]] for name in ('torso', 'left_lower_arm')] == [
        'torso', 'right_lower_arm']
    # Limbs between straight and bent aside: the fits of these are not quite those of their mirror images.
    images, sources, targets = pictures(), people(seed=1)[:, None], people(seed=2)
    found = warp(images, sources, targets)
    other = warp(images[:, :, :, ::-1], mirrored(sources), mirrored(targets))
    parts = np.array([*MIRROR_PARTS, -1])[other['part'].numpy()[:, :, ::-1]]
    np.testing.assert_array_equal(found['part'], parts)
    np.testing.assert_allclose(found['normal'], other['normal'].numpy()[:, :, ::-1] * [-1, 1, 1], atol=1e-3)
    # What is sampled second for a target is sampled first for its mirror image, but for heads.
    swapped = warp(images, sources, mirrored(targets))
    is_body = found['part'].numpy() != HEAD
    for name in ('values', 'visible', 'facing'):
        (first, second), (other_first, other_second) = (
            np.moveaxis(values, 5, 0) for values in (found[name].numpy(), other[name].numpy()[:, :, :, ::-1]))
        np.testing.assert_allclose(first, other_first, atol=1e-3, err_msg=name)
        for there, expected in ((is_body, swapped[name].numpy()[:, :, :, ::-1, :, 0]), (~is_body, other_second)):
            np.testing.assert_allclose(second[:, 0][there], expected[:, 0][there], atol=1e-3, err_msg=name)


def test_the_second_sample_is_of_the_other_side():
    poses = (cases.STANDING_POSE_PX * (SIZE / 256))[None]
    poses = (poses + mirrored(poses)) / 2  # left and right alike
    images = pictures(1)
    found = warp(images, poses[:, None], poses)
    covered = (found['part'].numpy()[..., 0] >= 0) & (found['part'].numpy()[..., 0] != HEAD)
    np.testing.assert_allclose(found['values'].numpy()[:, 0, ..., 0, 1, :][covered], images[:, 0, :, ::-1][covered],
                               atol=1e-3)
    assert found['visible'].numpy()[:, 0, ..., 0, 1][covered].mean() > 0.95


def test_several_sources_are_warped_like_each_alone():
    images, targets = pictures(sources=2), people(seed=4)
    sources = np.stack([people(seed=3), people(seed=5)], axis=1)
    together = warp(images, sources, targets)
    for number in range(2):
        alone = warp(images[:, number:number + 1], sources[:, number:number + 1], targets)
        for name in ('values', 'visible', 'facing'):
            np.testing.assert_allclose(together[name][:, number], alone[name][:, 0], atol=1e-6, err_msg=name)
        np.testing.assert_array_equal(together['part'], alone['part'])


@pytest.mark.parametrize('is_static', [False, True])
def test_poses_out_of_the_picture_and_worse_give_no_nan(is_static):
    standing = people(1)
    bad = np.concatenate([standing + np.float32([shift, 0, 0]) for shift in (0, 15, 40, 1e6, 1e30)] + [
        np.full_like(standing, 10.5), standing * np.float32([1, 1, 0]), standing + np.float32([0, 0, np.nan]),
        np.full_like(standing, np.nan), np.full_like(standing, np.inf)])
    good, images = np.repeat(standing, len(bad), axis=0), tf.constant(pictures(len(bad)))
    for source, target in ((bad, good), (good, bad)):
        with tf.GradientTape() as tape:
            tape.watch(images)
            found = warp(images, source[:, None], target, is_static)
        gradient = tape.gradient(found['values'], images).numpy()
        assert np.isfinite(gradient).all() and gradient[0].any() and not gradient[[3, 4, 8, 9]].any()
        for name in ('values', 'visible', 'facing', 'normal', 'depth_px'):
            assert np.isfinite(found[name]).all(), name
            assert name not in ('values', 'visible') or not found[name].numpy()[[2, 3, 4, 8, 9]].any(), name


@pytest.mark.parametrize('dtype, atol', [(tf.float64, 1e-6), (tf.bfloat16, 0.01)])
def test_any_floating_type(dtype, atol):
    images, sources, targets = pictures(), people(seed=3), people(seed=4)
    found = warp(tf.cast(images, dtype), sources[:, None], targets)['values']
    assert found.dtype == dtype
    np.testing.assert_allclose(tf.cast(found, tf.float32), warp(images, sources[:, None], targets)['values'], atol=atol)


@pytest.mark.parametrize('is_static', [False, True])
def test_surfaces_of_the_parts_equal_the_referee(is_static):
    pose = people(1)
    found = surfaces.part_surfaces(pose, (SIZE, SIZE), is_static)[0]
    np.testing.assert_allclose(found, ray_by_ray.part_surfaces(pose[0], (SIZE, SIZE)), atol=1e-4)
    assert np.isfinite(found).any(axis=(0, 1)).sum() == NUM_PARTS
    np.testing.assert_array_equal(surfaces.surface(pose, (SIZE, SIZE), is_static)[0], np.min(found, axis=-1))


@pytest.mark.parametrize('changed, word', [
    ({'images': np.zeros([1, SIZE, SIZE, 3], np.float32)}, 'images'),
    ({'images': np.zeros([1, 1, SIZE, SIZE, 3], np.int32)}, 'images'),
    ({'source_poses_px': np.zeros([1, 2, 19, 3], np.float32)}, 'source_poses_px'),
    ({'target_pose_px': np.zeros([1, 18, 3], np.float32)}, 'target_pose_px'),
    ({'target_pose_px': np.zeros([2, 19, 3], np.float32)}, 'target_pose_px'),
])
def test_shapes_that_do_not_fit_are_refused(changed, word):
    pose = people(1)
    arguments = {'images': pictures(1), 'source_poses_px': pose[:, None], 'target_pose_px': pose}
    with pytest.raises(ShapeError, match=word):
        warp(**{**arguments, **changed})


def test_gpus_have_a_kernel_for_every_operation():
    specs = [tf.TensorSpec(shape, tf.float32) for shape in ([None, 1, SIZE, SIZE, 3], [None, 1, 19, 3], [None, 19, 3])]

    def both(images, sources, targets):
        with tf.GradientTape() as tape:
            tape.watch(images)
            result = warp(images, sources, targets)
        return result, tape.gradient(result['values'], images)

    assert gpu_kernels.lacking(tf.function(both, autograph=False).get_concrete_function(*specs).graph)[0] == set()


def test_pixels_are_sampled_between_their_centres():
    pixels = np.float32([[0], [10], [20], [30]] * 2)  # two rows alike
    places = np.float32([1.75, 4.0, 0.25, 9.0])
    found = source_pixels.corners(np.zeros(4, np.int32), np.full(4, 1.0, np.float32), places, (2, 4))
    slots = tf.constant([2, 0, 1, 4])
    for is_static in (False, True):
        values = source_pixels.carried(pixels, *found, slots, 5, is_static)
        np.testing.assert_allclose(values[:, 0], [15, 0, 12.5, 0, 0])
