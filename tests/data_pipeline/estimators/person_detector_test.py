"""The detector's answers become people: each once, where they are, the largest first."""

import numpy as np
import pytest

from data_pipeline.estimators import landmark_model
from data_pipeline.estimators.person_detector import SIZE, Detection, fit_into_square, linear_map, read_detections

NUM_CELLS = 2254


def answers(*people):
    """Answers with people (cell, centre x and y of the box, its size, hips, rim, logit), px of the square."""
    boxes, logits = np.zeros((NUM_CELLS, 12), np.float32), np.full(NUM_CELLS, -9, np.float32)
    for cell, centre, size, hips, rim, logit in people:
        middle = centre_of(cell)
        boxes[cell, :8] = np.concatenate([np.array(centre) - middle, [size, size], np.array(hips) - middle,
                                          np.array(rim) - middle])
        logits[cell] = logit
    return boxes, logits


def centre_of(cell):
    """The centre of a cell of the finest grid: two answers a cell, row by row."""
    return (np.array([cell // 2 % 28, cell // 2 // 28]) + 0.5) * 8


def test_people_come_once_and_the_largest_first():
    boxes, logits = answers(
        (0, (30, 30), 20, (30, 40), (30, 20), 2.0), (57, (150, 100), 60, (150, 130), (150, 60), 1.0),
        (58, (152, 100), 60, (154, 130), (154, 60), 1.0), (300, (90, 90), 50, (90, 90), (90, 0), -1.0))
    found = read_detections(boxes, logits, np.eye(2, 3))
    assert [round(person.radius_px, 4) for person in found] == [70, 20]
    np.testing.assert_allclose(found[0].hips_px, [152, 130], atol=1e-4)  # the mean of the two answers
    assert found[1].score == pytest.approx(1 / (1 + np.exp(-2)))
    assert read_detections(*answers(), np.eye(2, 3)) == []


def test_boxes_without_area_end_too():
    boxes, logits = answers((0, (30, 30), 0, (30, 40), (30, 20), 2.0), (1, (30, 30), 0, (30, 40), (30, 20), 1.0))
    assert len(read_detections(boxes, logits, np.eye(2, 3))) == 2


@pytest.mark.parametrize('columns, rows', [(640, 360), (100, 700), (224, 224), (20_000, 40), (1, 1)])
def test_a_picture_is_fitted_into_the_square_and_back(columns, rows):
    image = np.full((rows, columns, 3), 200, np.uint8)
    square, image_from_square = fit_into_square(image)
    assert square.shape == (SIZE, SIZE, 3)
    ys, xs = np.nonzero(square[..., 0])
    corners = np.array([[xs.min(), ys.min()], [xs.max() + 1, ys.max() + 1]])
    np.testing.assert_allclose(linear_map(image_from_square, corners), [[0, 0], [columns, rows]], atol=1e-6)


@pytest.mark.parametrize('rim, angle', [
    ((50, 20), 0.0), ((80, 50), np.pi / 2), ((50, 90), np.pi), ((20, 50), -np.pi / 2)])
def test_the_square_stands_on_the_person_head_up(rim, angle):
    detection = Detection(np.array([50.0, 50.0]), np.array(rim, float), 1.0)
    found, image_from_square = landmark_model.square_around(detection)
    assert np.isclose(np.cos(found), np.cos(angle)) and np.isclose(np.sin(found), np.sin(angle), atol=1e-12)
    np.testing.assert_allclose(linear_map(image_from_square, np.array([128.0, 128.0])), [50, 50])
    head = linear_map(image_from_square, np.array([128.0, 128 - 128 / 1.25]))
    np.testing.assert_allclose(head, rim, atol=1e-9)


def network_answers(points=None, metres=None, mask=None):
    return {'points': np.zeros((39, 5)) if points is None else points, 'score': 0.75,
            'heatmaps': np.full((64, 64, 39), -9.0), 'metres': np.zeros((39, 3)) if metres is None else metres,
            'mask': np.full((256, 256), -5.0) if mask is None else mask}


def test_landmarks_and_mask_are_turned_back_into_the_picture():
    detection = Detection(np.array([120.0, 90.0]), np.array([200.0, 90.0]), 1.0)  # lying, the head to the right
    angle, image_from_square = landmark_model.square_around(detection)
    points, metres = np.zeros((39, 5)), np.zeros((39, 3))
    points[0, :2], metres[0] = [128, 128 - 51.2], [0, -0.4, 0.1]
    mask = np.full((256, 256), -5.0)
    mask[:128] = 5  # the side of the head
    found = landmark_model.read_landmarks(
        network_answers(points, metres, mask), angle, image_from_square, (180, 300, 3))
    np.testing.assert_allclose(found.px[0], [160, 90], atol=1e-6)
    np.testing.assert_allclose(found.metres[0], [0.4, 0, 0.1], atol=1e-9)
    assert found.score == 0.75 and (found.mask[5:175, 122:215] == 255).all() and not found.mask[:, :118].any()
    assert not found.mask[:, 225:].any()  # beyond what the network saw


def test_a_sure_heatmap_moves_its_landmark_and_an_unsure_one_does_not():
    answers_ = network_answers()
    answers_['points'][:2, :2] = [[100, 60], [100, 60]]
    answers_['heatmaps'][16, 26, 0] = 9
    answers_['heatmaps'][16, 26, 1] = -1
    found = landmark_model.read_landmarks(answers_, 0.0, np.eye(2, 3), (256, 256, 3))
    np.testing.assert_allclose(found.px[:2], [[104, 64], [100, 60]], atol=0.1)


def test_a_large_picture_is_averaged_not_skipped_through():
    image = np.zeros((2048, 2048, 3), np.uint8)
    image[::8] = 255  # sampling every eighth row would show white or black
    cut = landmark_model.cut_out(image, np.array([[8.0, 0, 0], [0, 8.0, 0]]))
    assert cut.shape == (256, 256, 3) and np.abs(cut[2:-2].astype(int) - 32).max() <= 1
