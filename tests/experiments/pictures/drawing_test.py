"""Skeletons land on their joints, sheets show what they were given."""

import cv2
import numpy as np
import pytest

from experiments.pictures import drawing
from repose_tf.shapes import ShapeError
from repose_tf.skeleton import BONES, JOINT_INDEX, MIRROR_JOINTS


def scattered_pose(size=128, seed=3):
    """Joints far from one another, all at the same depth."""
    rng = np.random.default_rng(seed)
    cells = rng.permutation(25)[:19]
    centres = (np.stack([cells % 5, cells // 5], axis=1) + 0.5) * size / 5
    return np.concatenate([centres, np.zeros((19, 1))], axis=1)


def one_bone_pose(name_a, name_b, ends_px):
    """A pose of which only one bone is known."""
    pose = np.full((19, 3), np.nan)
    pose[[JOINT_INDEX[name_a], JOINT_INDEX[name_b]]] = ends_px
    return pose


def photo(size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)


def black(size=128):
    return np.zeros((size, size, 3), np.uint8)


def test_skeleton_is_drawn_at_its_joints_and_leaves_its_arguments_alone():
    image, pose = black(), scattered_pose()
    drawn = drawing.draw_skeleton(image, pose)
    assert not image.any() and drawn.dtype == np.uint8
    for x, y, _ in pose:
        assert drawn[int(y), int(x)].max() > 100
    assert (drawn.max(-1) == 0).mean() > 0.4


def test_line_is_centred_on_the_bone():
    drawn = drawing.draw_skeleton(black(), one_bone_pose('lhip', 'lkne', [(20, 64.0, 0), (100, 64.0, 0)]))
    rows = drawn[:, 60].astype(float).sum(-1)
    centre = (rows * (np.arange(128) + 0.5)).sum() / rows.sum()
    assert centre == pytest.approx(64.0, abs=0.25)  # half a pixel off would be a wrong convention


def test_left_and_right_have_their_own_colours():
    for side, colour in (('l', drawing.LEFT_COLOUR), ('r', drawing.RIGHT_COLOUR)):
        for first, second in (('sho', 'elb'), ('kne', 'ank')):
            pose = one_bone_pose(side + first, side + second, [(20, 64.5, 0), (100, 64.5, 0)])
            np.testing.assert_array_equal(drawing.draw_skeleton(black(), pose)[64, 60], colour)
    pose = one_bone_pose('neck', 'pelv', [(20, 64.5, 0), (100, 64.5, 0)])
    np.testing.assert_array_equal(drawing.draw_skeleton(black(), pose)[64, 60], drawing.MIDDLE_COLOUR)


def test_mirroring_the_pose_swaps_the_colours():
    pose = scattered_pose()
    mirrored = pose[list(MIRROR_JOINTS)] * (-1, 1, 1) + (128, 0, 0)
    drawn, drawn_mirrored = (drawing.draw_skeleton(black(), p) for p in (pose, mirrored))
    for a, b in BONES:
        # Halfway along a bone lies its own colour or that of a bone that crosses there.
        x, y = (pose[JOINT_INDEX[a], :2] + pose[JOINT_INDEX[b], :2]).astype(int) // 2
        assert drawn[y, x].any() and drawn_mirrored[y, 127 - x].any()
    warm, cool = (lambda image: image[..., 0] > 200), (lambda image: image[..., 2] > 200)
    assert (warm(drawn) & ~cool(drawn)).sum() == pytest.approx(
        (cool(drawn_mirrored) & ~warm(drawn_mirrored)).sum(), rel=0.1)


@pytest.mark.parametrize('near_side', ['l', 'r'])
def test_the_nearer_bone_covers_the_farther_one(near_side):
    pose = np.full((19, 3), np.nan)
    for side, ends in (('l', [(20, 64.5), (108, 64.5)]), ('r', [(64.5, 20), (64.5, 108)])):
        depth = -10.0 if side == near_side else 10.0  # z points away from the camera
        pose[[JOINT_INDEX[side + 'sho'], JOINT_INDEX[side + 'elb']]] = [(*end, depth) for end in ends]
    crossing = drawing.draw_skeleton(black(), pose)[64, 64]
    colour = drawing.LEFT_COLOUR if near_side == 'l' else drawing.RIGHT_COLOUR
    np.testing.assert_array_equal(crossing, colour)


def test_joints_outside_the_image_are_no_trouble():
    pose = scattered_pose()
    pose[:4, 0] = (-1e9, 1e9, -50, 500)
    assert drawing.draw_skeleton(black(), pose).shape == (128, 128, 3)


def test_a_pose_of_wrong_shape_is_named():
    with pytest.raises(ShapeError, match=r'pose to draw: expected shape \[19, 3\], found \[17, 3\]'):
        drawing.draw_skeleton(black(), np.zeros((17, 3)))


@pytest.mark.parametrize(('size', 'shown'), [(32, 128), (64, 128), (96, 192), (128, 128), (256, 256)])
def test_small_images_are_enlarged_by_repeating_pixels(size, shown):
    enlarged = drawing.enlarge(photo(size))
    assert enlarged.shape == (shown, shown, 3)
    np.testing.assert_array_equal(enlarged[::shown // size, ::shown // size], photo(size))
    np.testing.assert_array_equal(
        enlarged, cv2.resize(photo(size), (shown, shown), interpolation=cv2.INTER_NEAREST))


def find_images(sheet, images):
    """Top left corners (row, column) at which the images appear unchanged."""
    corners = []
    for image in images:
        difference = cv2.matchTemplate(sheet, drawing.enlarge(image), cv2.TM_SQDIFF)
        corner = np.unravel_index(difference.argmin(), difference.shape)
        np.testing.assert_array_equal(
            sheet[corner[0]:, corner[1]:][:image.shape[0] * 2, :image.shape[1] * 2], drawing.enlarge(image))
        corners.append(tuple(int(value) for value in corner))
    return corners


def test_grid_holds_every_image_in_its_row_and_column():
    images = [photo(64, seed) for seed in range(6)]
    sheet = drawing.grid([images[:3], images[3:]], headers=('a', 'b', 'c'), captions=('one', 'two'))
    corners = find_images(sheet, images)
    assert len({row for row, _ in corners[:3]}) == len({row for row, _ in corners[3:]}) == 1
    assert corners[3][0] >= corners[0][0] + 128
    assert [column for _, column in corners[:3]] == [column for _, column in corners[3:]]
    assert corners[1][1] >= corners[0][1] + 128 and corners[2][1] >= corners[1][1] + 128


def test_texts_appear_and_long_ones_stay_in_their_column():
    images = [[np.full((128, 128, 3), 255, np.uint8)] * 2]
    plain = drawing.grid(images, headers=('', ''))
    left = drawing.grid(images, headers=('a very long header that would run over its column', ''))
    changed = np.flatnonzero((plain != left).any(axis=(0, 2)))
    assert plain.shape == left.shape
    assert len(changed) > 100 and changed.max() < 132


@pytest.mark.parametrize('arguments', [
    {'rows': []},
    {'rows': [[photo(64)], [photo(64), photo(64)]]},
    {'rows': [[photo(64), photo(32)]]},
    {'rows': [[photo(64)]], 'headers': ('a', 'b')},
    {'rows': [[photo(64)]], 'captions': ('a', 'b')},
])
def test_a_grid_that_does_not_go_together_is_an_error(arguments):
    with pytest.raises(ValueError, match='grid: expected'):
        drawing.grid(**arguments)


def test_contact_sheet_shows_source_pose_result_and_truth_in_this_order():
    source, result, truth = (photo(64, seed) for seed in range(3))
    pose = scattered_pose(64)
    sheet = drawing.contact_sheet([(source, pose, result, truth)], captions=['p1/00 -> p1/05'])
    corners = find_images(sheet, [source, result, truth])
    columns = [column for _, column in corners]
    assert columns == sorted(columns)
    row, left = corners[0][0], columns[0] + (columns[1] - columns[0]) // 2
    drawn = sheet[row:row + 128, left:left + 128]
    for x, y, _ in pose:
        at_joint = drawn[int(2 * y), int(2 * x)].astype(int)
        assert np.ptp(at_joint) > 100 or at_joint.min() > 200  # orange, blue or nearly white on grey
