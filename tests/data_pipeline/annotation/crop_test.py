"""The square has the margin of the training data, holds the person, and moves picture, mask and pose alike."""

import pathlib

import numpy as np
import pytest

from data_pipeline.annotation.crop import CENTRE, SIDE_MM, Square, crop_image, crop_pose, square_around
from data_pipeline.poses.pose_file import Pose, read_poses
from repose_tf.skeleton import NUM_JOINTS

PEOPLE = pathlib.Path(__file__).parents[3] / 'data' / 'people' / 'poses.json'


def body_at(left, top, width, height):
    points = np.random.default_rng(0).uniform(0, 1, (NUM_JOINTS, 2))
    points[:2] = [[0, 0], [1, 1]]
    return points * [width, height] + [left, top]


def test_the_margin_is_that_of_the_shipped_people():
    poses = read_poses(PEOPLE).values()
    shown_mm = np.array([256 / pose.px_per_mm for pose in poses])
    boxes = np.array([[pose.px[:, :2].min(axis=0), pose.px[:, :2].max(axis=0)] for pose in poses]) / 256
    assert np.median(shown_mm) == pytest.approx(SIDE_MM, rel=0.01)
    np.testing.assert_allclose(np.median(boxes.mean(axis=1), axis=0), CENTRE, atol=0.02)


def test_a_person_with_room_around_gets_the_size_and_place_of_the_training_data():
    joints = body_at(900, 700, 120, 330)
    square = square_around(joints, 0.2, (2000, 1800))
    assert square.side == 0.2 * SIDE_MM
    middle = (np.array([960, 865]) - [square.left, square.top]) / square.side
    np.testing.assert_allclose(middle, CENTRE, atol=0.01)


@pytest.mark.parametrize('box, size', [
    ((0, 0, 90, 300), (400, 301)), ((310, 20, 90, 300), (400, 330)), ((0, 100, 1000, 90), (1000, 200)),
    ((3, 4, 5, 6), (40, 50)), ((100, 100, 300, 2900), (500, 3000)), ((0, 0, 1, 1), (33, 60)),
])
def test_all_joints_are_inside_and_the_picture_is_left_as_little_as_can_be(box, size):
    joints = body_at(*box)
    square = square_around(joints, 0.2, size)
    low, high = joints.min(axis=0), joints.max(axis=0)
    corner = np.array([square.left, square.top])
    assert (corner <= low).all() and (high <= corner + square.side).all()
    for start, length in zip(corner, size):
        assert (start >= 0 and start + square.side <= length) or square.side > length
    image = np.zeros((*size[::-1], 3), np.uint8)
    assert square.cut(image).shape == (square.side, square.side, 3)
    outside = 1 - square.cut(np.full(size[::-1], 255, np.uint8)).mean() / 255
    assert square.outside_share(size) == pytest.approx(outside)


def test_a_half_hidden_person_gets_a_square_of_what_is_seen():
    joints = body_at(100, 50, 200, 900)  # the legs are below the picture
    square = square_around(joints, 0.5, (600, 400))
    assert square.side <= 450 and square == square_around(joints[joints[:, 1] <= 400], 0.5, (600, 400))


def test_joints_stay_on_their_pixels():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (300, 260, 3), np.uint8)
    px = np.concatenate([rng.integers(60, 200, (NUM_JOINTS, 2)) + 0.5, rng.normal(0, 9, (NUM_JOINTS, 1))], axis=1)
    pose = Pose(px.astype(np.float32), 0.1, None, {})
    square = Square(-20, 30, 240)
    cut, moved = crop_image(image, square, 500), crop_pose(pose, square, 500)
    for (x, y, z), (new_x, new_y, new_z) in zip(px, moved.px):
        assert (cut[int(new_y), int(new_x)] == image[int(y), int(x)]).all() and new_z == pytest.approx(z, abs=1e-5)
    np.testing.assert_array_equal(cut[:, :20], cut[:, 20:21].repeat(20, axis=1))  # the edge, repeated
    assert not crop_image(np.full((300, 260), 255, np.uint8), square, 500)[:, :20].any()


def test_shrinking_scales_all_three_coordinates_and_the_scale():
    pose = Pose(np.full((NUM_JOINTS, 3), 120, np.float32), 0.3, None, {})
    moved = crop_pose(pose, Square(20, 0, 400), 100)
    np.testing.assert_allclose(moved.px, np.tile([25, 30, 30], (NUM_JOINTS, 1)))
    assert moved.px_per_mm == pytest.approx(0.075)
    mask = np.zeros((400, 440), np.uint8)
    mask[:, 220:] = 255
    shrunk = crop_image(mask, Square(20, 0, 400), 100)
    assert shrunk.shape == (100, 100) and (shrunk[:, 50:] == 255).all() and not shrunk[:, :50].any()
