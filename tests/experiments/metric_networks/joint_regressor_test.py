"""The joint regressor: its geometry, its pictures and its file."""

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.errors import DataError, UsageError
from data_pipeline.files import sha256_of_file
from data_pipeline.people import people_folder
from experiments.metric_networks import joint_pictures, joint_regressor
from experiments.metric_networks.regressor_training import make_regressor
from repose_tf.skeleton import JOINT_INDEX, MIRROR_JOINTS
from tests.support.people_folders import write_people

PELVIS = JOINT_INDEX['pelv']


@pytest.fixture(scope='module')
def regressor():
    return joint_regressor.JointRegressor(joint_regressor.build_network(16), 16, 'people-0')


def test_a_joint_lies_at_its_cell_and_its_depth_is_in_mm():
    maps = np.zeros((1, 4, 4, 2, 19), np.float32)
    maps[0, 2, 2, 0] = 100  # the pelvis' and the others' place
    maps[0, :, :, 0, 4] = 0
    maps[0, 1, 3, 0, 4] = 100  # row 1, column 3
    maps[0, 1, 3, 1, 4] = 0.25
    maps[0, 2, 2, 1, PELVIS] = -0.25
    px, mm = joint_regressor.read_joints(tf.constant(maps), tf.fill((1, 1), np.log(np.float32(0.5))), 64)
    np.testing.assert_allclose(px[0, 4], [56, 24, 32], atol=1e-4)
    np.testing.assert_allclose(px[0, PELVIS], [40, 40, 0], atol=1e-4)
    np.testing.assert_allclose(mm[0, 4], [300, -300, 600], atol=1e-2)  # a picture of 1200 mm
    np.testing.assert_array_equal(mm[0, PELVIS], 0)


def test_a_mirrored_picture_gives_the_mirrored_pose(regressor):
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    mirrored = regressor.joints_mm(images[:, :, ::-1])
    np.testing.assert_allclose(mirrored[:, MIRROR_JOINTS] * [-1, 1, 1], regressor.joints_mm(images), atol=1e-2)


def test_distorted_joints_stay_on_the_picture_and_keep_their_lengths():
    size, rng = 64, np.random.default_rng(1)
    px = np.concatenate([rng.uniform(24, 40, (8, 19, 2)), rng.uniform(-5, 5, (8, 19, 1))], axis=2).astype(np.float32)
    mm = 20 * (px - px[:, [PELVIS]])
    images = np.zeros((8, size, size, 3), np.uint8)
    for image, (x, y, _) in zip(images, px[:, 4], strict=True):
        image[int(y) - 1:int(y) + 2, int(x) - 1:int(x) + 2] = 255
    px[:, 4, :2] = np.floor(px[:, 4, :2]) + 0.5
    moved, moved_px, moved_mm = (x.numpy() for x in joint_pictures.distort(tf.constant(images), px, mm, (1, 2)))
    assert np.abs(moved).max() <= 1 and moved.std() > 0
    for image, new, old in zip(moved, moved_px, px, strict=True):
        row, column = np.unravel_index(np.argmax(image.sum(-1)), (size, size))
        nearest = np.abs(new[[4, MIRROR_JOINTS[4]], :2] - (column + 0.5, row + 0.5)).max(-1).min()
        assert nearest < 3, (old[4], new[4])
    lengths, moved_lengths = (np.sort(np.linalg.norm(joints, axis=2)) for joints in (mm, moved_mm))
    np.testing.assert_allclose(moved_lengths, lengths, rtol=1e-4)


def test_pictures_are_read_and_so_are_weights_that_were_written(tmp_path, regressor):
    write_people(tmp_path, {'a': 2, 'b': 2, 'c': 2}, splits={'train': ['a', 'b'], 'test': ['c']})
    folder = people_folder.open_folder(tmp_path)
    pictures = joint_pictures.read_pictures(folder, 'train', 16)
    assert pictures.ids == ['a/00', 'a/01', 'b/00', 'b/01'] and pictures.images.shape == (4, 16, 16, 3)
    np.testing.assert_allclose(pictures.mm, (pictures.px - pictures.px[:, [PELVIS]]) / 0.1, rtol=1e-4, atol=1e-2)
    regressor.save(tmp_path / 'weights.npz')
    read, digest = joint_regressor.load_regressor(tmp_path / 'weights.npz')
    assert read.data == 'people-0' and read.image_size == 16 and sha256_of_file(tmp_path / 'weights.npz')[:12] == digest
    images = np.random.default_rng(2).uniform(-1, 1, (3, 16, 16, 3)).astype(np.float32)
    np.testing.assert_array_equal(read.joints_mm(images), regressor.joints_mm(images))


def test_files_that_are_no_regressor_are_refused(tmp_path):
    path = tmp_path / 'weights.npz'
    with pytest.raises(DataError, match='nothing readable'):
        joint_regressor.load_regressor(path)
    path.write_bytes(b'something else')
    with pytest.raises(DataError, match='expected the weights of a joint regressor .* found one that cannot be read'):
        joint_regressor.load_regressor(path)
    np.savez(path, image_size=16, data='x', first=np.zeros(3))
    with pytest.raises(DataError, match='of another network'):
        joint_regressor.load_regressor(path)
    with pytest.raises(DataError, match='multiple of 16 px, found 40'):
        joint_regressor.build_network(40)
    with pytest.raises(UsageError, match='ends in .npz'):
        make_regressor(tmp_path, 'weights.txt', 16, 1, 1, 0, 1)
