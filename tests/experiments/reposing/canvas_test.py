"""A photo gets its person back and keeps the rest, as fast as a large photo needs it."""

import time

import cv2
import numpy as np
import pytest

from data_pipeline.annotation.crop import Square
from data_pipeline.picture_file import resized
from experiments.reposing.canvas import Canvas, dilated
from experiments.reposing.source_person import SourcePerson, load_source_person
from repose_tf.skeleton import BONES, JOINT_INDEX, NUM_JOINTS, joint_indices
from tests.support import fake_estimator
from tests.support.source_people import SIZE, write_photo


def test_a_photo_gets_its_person_back_and_keeps_the_rest(tmp_path):
    write_photo(tmp_path / 'photo.png')
    source = load_source_person(tmp_path / 'photo.png', '', SIZE, fake_estimator.FakeEstimator)
    canvas = Canvas(source)
    joints = canvas.pose(source.pose_px)
    np.testing.assert_allclose(joints[:, 0].mean(), 180 + 40 * fake_estimator.body()[:, 0].mean(), atol=0.5)
    green = np.full((SIZE, SIZE, 3), (0, 255, 0), np.uint8)
    pasted = canvas.paste(green, np.zeros((SIZE, SIZE), np.float32), source.pose_px)
    assert np.abs(pasted[60:160, 185:215].astype(int) - (0, 255, 0)).max() <= 8  # the person who was there
    for elsewhere in (np.s_[:, :100], np.s_[:20]):
        assert np.array_equal(pasted[elsewhere], source.photo[elsewhere])
    assert Canvas(source, 150).photo.shape == (100, 150, 3)


def smooth(rng, columns, rows):
    return resized(rng.integers(0, 256, (8, 8, 3), np.uint8), (columns, rows))


def person(rng, columns, rows, square, has_mask=False):
    """Returns a `SourcePerson` in a photo, and a result for them: picture, share and pose."""
    poses_px = [np.float32(rng.normal(SIZE / 2, SIZE / 6, (NUM_JOINTS, 3))) for _ in range(2)]
    mask = cv2.circle(np.zeros((rows, columns), np.uint8), (columns // 2, rows // 2), square.side // 3, 255, -1)
    source = SourcePerson(smooth(rng, columns, rows), square, smooth(rng, SIZE, SIZE), poses_px[0],
                          mask if has_mask else None)
    alpha = resized(rng.random((6, 6), np.float32), SIZE)
    return source, smooth(rng, SIZE, SIZE), alpha, poses_px[1]


def plainly_pasted(source, factor, image, alpha, pose_px):
    """Does what `Canvas.paste` says on the whole photo, with no regard to time."""
    size = [round(length * factor) for length in source.photo.shape[1::-1]]
    photo, side = resized(source.photo, size), source.square.side * factor
    corner, scale = np.array([source.square.left, source.square.top]) * factor, side / SIZE

    def over(picture, interpolation, border):
        matrix = np.column_stack([np.eye(2) * scale, corner + (scale - 1) / 2])
        return cv2.warpAffine(picture, matrix, size, flags=interpolation, borderMode=border)

    def body(pose_px):
        points, mask = pose_px[:, :2] * np.float64(scale) + corner, np.zeros(size[::-1], np.float32)
        trunk = points[joint_indices('lsho', 'rsho', 'rhip', 'lhip')]
        length = max(np.linalg.norm(trunk[0] - trunk[2]), np.linalg.norm(trunk[1] - trunk[3]))
        for ends in BONES:
            first, second = (tuple(np.int32(np.round(points[JOINT_INDEX[name]])).tolist()) for name in ends)
            cv2.line(mask, first, second, 1, max(1, round(0.25 * length)))
        cv2.fillConvexPoly(mask, cv2.convexHull(np.int32(np.round(trunk))), 1)
        head = points[joint_indices('nose', 'leye', 'reye', 'lear', 'rear')].mean(axis=0)
        return cv2.circle(mask, tuple(np.int32(head).tolist()), max(1, round(0.28 * length)), 1, -1)

    was = body(source.pose_px)
    if source.mask is not None:
        was = np.maximum(was, resized(source.mask, size) > 127)
    now = body(pose_px) if alpha is None else over(np.clip(2 * alpha, 0, 1), cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
    reach = max(1, round(0.02 * side))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    weight = cv2.GaussianBlur(cv2.dilate(np.float32(np.maximum(was, now)), disc), (0, 0), reach / 2)
    for axis, length in enumerate(size):
        at, first, stop = np.arange(length) + 0.5, corner[axis], corner[axis] + side
        near = np.minimum(at - first if first > 0.5 else at * np.inf, stop - at if stop < length - 0.5 else at * np.inf)
        weight = weight * np.expand_dims(np.clip(near / (0.04 * side), 0, 1), axis)
    whole = over(image, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)
    return np.round(photo + weight[..., np.newaxis] * (np.float32(whole) - photo))


@pytest.mark.parametrize('columns, rows, square, max_side, has_alpha, has_mask', [
    (400, 300, Square(100, 20, 260), None, True, True),
    (400, 300, Square(140, 0, 300), None, False, False),  # at three of the photo's borders but for the left
    (260, 300, Square(-30, 10, 320), None, True, False),  # beyond two of them
    (400, 300, Square(71, 13, 261), 233, True, True),  # not on whole px of the shrunken photo
    (1600, 900, Square(-300, -600, 1550), None, True, True),  # large enough to fade at a lower resolution
])
def test_only_what_changes_is_computed_and_is_equal(columns, rows, square, max_side, has_alpha, has_mask):
    source, image, alpha, pose_px = person(np.random.default_rng(0), columns, rows, square, has_mask)
    alpha = alpha if has_alpha else None
    canvas = Canvas(source, max_side)
    expected = plainly_pasted(source, min(1, (max_side or np.inf) / columns), image, alpha, pose_px)
    found = canvas.paste(image, alpha, pose_px)
    errors = np.abs(found - expected)  # OpenCV 4 warps to 1/32 px
    assert errors.max() <= 3 and errors.mean() < 0.25
    assert np.mean(np.any(expected != canvas.photo, axis=2)) > 0.2


@pytest.mark.parametrize('reach', [1, 2, 9, 33])
def test_a_disc_widens_as_opencv_does(reach):
    rng = np.random.default_rng(reach)
    mask = np.uint8(rng.random((1100, 90)) > 0.999) * rng.integers(1, 256, (1100, 90), np.uint8)
    mask[400:] = 0  # a strip with nothing, and one that ends early
    mask[1090, 3] = 200
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    assert np.array_equal(dilated(mask, reach), cv2.dilate(mask, disc))


def test_a_photo_of_twelve_megapixels_takes_no_longer_than_it_must():
    source, *result = person(np.random.default_rng(0), 4000, 3000, Square(500, 0, 3000))
    start = time.process_time()
    Canvas(source).paste(*result)
    assert time.process_time() - start < 5  # 0.3 s where nothing else runs; on the whole photo it were 20
