"""The part masks against capsules that plain NumPy measures point by point."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.coordinates import VolumeGrid
from repose_tf.shapes import ShapeError
from repose_tf.skeleton import JOINT_INDEX, MIRROR_JOINTS, NUM_PARTS
from repose_tf.warp import body_parts
from tests.support import cases
from tests.support.cases import STANDING_POSE_PX

REFERENCE = VolumeGrid()
SMALL = VolumeGrid(image_size=64, volume_size=33, depth_size=17)
OLDER = dataclasses.replace(SMALL, registration='reference')


def referee_capsules(pose):
    """(part, start, end, diameter) of every capsule of one pose [J, 3], written down limb by limb."""
    joint = {name: pose[index].astype(np.float64) for name, index in JOINT_INDEX.items()}
    size = max(np.linalg.norm(joint['lsho'] - joint['rhip']), np.linalg.norm(joint['rsho'] - joint['lhip']))
    corners = [joint[name] for name in ('rhip', 'lhip', 'lsho', 'rsho')]
    result = [(0, corners[i], corners[j], 0.3 * size) for i in range(4) for j in range(i)]
    ears = (joint['lear'] + joint['rear']) / 2
    result.append((1, ears - 0.3 * (joint['neck'] - ears), ears + 0.3 * (joint['neck'] - ears), 0.5 * size))
    for side, arm, leg in (('l', 2, 6), ('r', 4, 8)):
        shoulder, elbow, wrist, hip, knee, ankle = (
            joint[side + name] for name in ('sho', 'elb', 'wri', 'hip', 'kne', 'ank'))
        hip = hip + 0.1 * (hip - shoulder)
        wrist = wrist + 0.2 * (wrist - elbow)
        ankle = ankle + 0.2 * (ankle - knee)
        result += [(arm, shoulder, elbow, 0.2 * size), (arm + 1, elbow, wrist, 0.2 * size),
                   (leg, hip, knee, 0.2 * size), (leg + 1, knee, ankle, 0.2 * size),
                   (arm + 1, wrist, wrist, 0.4 * size), (leg + 1, ankle, ankle, 0.4 * size)]
    return result


def referee_distances(pose, grid):
    """Distance of every voxel to every part in units of its semi-axes; [H, W, D, P], the border left out."""
    stride, depth_stride = grid.image_size / (grid.volume_size - 1), grid.image_size / (grid.depth_size - 1)
    x = y = np.arange(grid.volume_size - 1) * stride + (0.5 if grid.registration == 'standard' else 0.0)
    z = np.arange(grid.depth_size - 1) * depth_stride - grid.image_size / 2
    voxels = np.stack(np.broadcast_arrays(x[None, :, None], y[:, None, None], z[None, None]), axis=-1)
    result = np.full((*voxels.shape[:3], NUM_PARTS), np.inf)
    for part, start, end, diameter in referee_capsules(pose):
        semi_axes = diameter / 2 + np.array([stride, stride, depth_stride])
        p, a, b = voxels / semi_axes, start / semi_axes, end / semi_axes
        along = np.clip((p - a) @ (b - a) / max(np.dot(b - a, b - a), 1e-30), 0, 1)
        distance = np.linalg.norm(p - a - along[..., None] * (b - a), axis=-1)
        result[..., part] = np.minimum(result[..., part], distance)
    return result


@pytest.mark.parametrize('grid, scale', [(REFERENCE, 1.0), (OLDER, 1.0), (SMALL, 1.0), (SMALL, 0.3), (SMALL, 2.0)])
def test_masks_equal_plain_capsules(grid, scale):
    rng = np.random.default_rng(0)
    poses = np.concatenate([cases.person_poses(rng, 2, grid.image_size, scale=scale),
                            cases.random_poses(rng, 1, grid.image_size)])
    found = body_parts.part_masks(tf.constant(poses), grid).numpy()
    assert found.shape == (3, *grid.shape, NUM_PARTS) and set(np.unique(found)) == {0.0, 1.0}
    for pose, masks in zip(poses, found, strict=True):
        distance = referee_distances(pose, grid)
        clear = np.abs(distance - 1) > 1e-5  # rounding decides on the surface itself
        assert clear.mean() > 0.9999
        np.testing.assert_array_equal(masks[:-1, :-1, :-1][clear], (distance <= 1)[clear])
        assert not masks[-1].any() and not masks[:, -1].any() and not masks[:, :, -1].any()


def test_even_a_tiny_person_fills_voxels_in_every_part():
    pose = (STANDING_POSE_PX - 128) * 0.01 + np.float32([130, 130, 0])
    masks = body_parts.part_masks(tf.constant(pose[None], tf.float32), REFERENCE).numpy()
    assert np.all(masks.sum((0, 1, 2, 3)) >= 1)


def test_a_person_outside_the_image_has_empty_masks():
    pose = STANDING_POSE_PX[None] + np.float32([1000, 0, 0])
    assert not np.any(body_parts.part_masks(tf.constant(pose), REFERENCE))


def test_coincident_joints_are_balls_and_never_nan():
    pose = np.full((1, 19, 3), 128.0, np.float32) * np.float32([1, 1, 0])
    masks = body_parts.part_masks(tf.constant(pose), REFERENCE).numpy()
    assert np.all(np.isfinite(masks)) and np.all(masks.sum((1, 2, 3)) > 0)


def test_in_the_reference_the_projection_is_where_any_part_is():
    poses = tf.constant(cases.person_poses(np.random.default_rng(1), 2, 64))
    expected = body_parts.part_masks(poses, OLDER).numpy().any((3, 4))[:, :-1, :-1]
    for use_static_shapes in (False, True):
        found = body_parts.image_mask(poses, OLDER, use_static_shapes)[..., 0]
        np.testing.assert_array_equal(found, expected.repeat(2, 1).repeat(2, 2))


@pytest.mark.parametrize('use_static_shapes', [False, True])
@pytest.mark.parametrize('grid', [SMALL, VolumeGrid(image_size=64, volume_size=17, depth_size=9)])
def test_a_block_of_the_projection_is_the_person_if_its_centre_is(grid, use_static_shapes):
    size, stride = grid.image_size, grid.image_size // (grid.volume_size - 1)
    poses = cases.person_poses(np.random.default_rng(1), 2, size)
    found = body_parts.image_mask(tf.constant(poses), grid, use_static_shapes)[..., 0].numpy()
    assert found.shape == (2, size, size)
    blocks = found[:, ::stride, ::stride]
    np.testing.assert_array_equal(found, blocks.repeat(stride, 1).repeat(stride, 2))
    # Moved so that the centres of the blocks lie where the cells of the volume are.
    moved = poses - np.float32([1, 1, 0]) * (stride / 2 - 0.5)
    for pose, mask in zip(moved, blocks, strict=True):
        distance = referee_distances(pose, grid).min((2, 3))
        clear = np.abs(distance - 1) > 1e-5
        np.testing.assert_array_equal(mask[clear], (distance <= 1)[clear])


@pytest.mark.parametrize('size', [256, 64])
def test_a_projected_mask_is_centred_on_its_bone_and_mirrors_with_the_person(size):
    pose = np.zeros((1, 19, 3), np.float32)
    pose[0, :, :2] = [0.3 * size, 0.4 * size]  # a ball; a mask of whole blocks may be off by less than half of one
    pose[0, JOINT_INDEX['lwri']] = [0.3 * size, 0.7 * size, 0]
    mirrored = (pose * [-1, 1, 1] + [size, 0, 0]).astype(np.float32)[:, list(MIRROR_JOINTS)]
    batch = {'target_mask': tf.zeros([2, size, size, 1]), 'has_target_mask': tf.constant([False, False]),
             'target_pose': tf.constant(np.concatenate([pose, mirrored]))}
    mask, in_mirror = body_parts.person_mask(batch).numpy()[..., 0]
    np.testing.assert_array_equal(in_mirror, mask[:, ::-1])
    columns = np.flatnonzero(mask[round(0.5 * size)]) + 0.5
    assert len(columns) and abs(columns.mean() - 0.3 * size) < size / 64 / 2 and columns.max() < 0.5 * size


def test_wrong_shapes_are_named():
    with pytest.raises(ShapeError, match=r'pose_px.*19, 3.*19, 2'):
        body_parts.part_masks(tf.zeros([1, 19, 2]), SMALL)
