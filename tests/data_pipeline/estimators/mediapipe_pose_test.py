"""MediaPipe's files give what MediaPipe's library gives; both are optional, so this runs where they are installed."""

import pathlib

import cv2
import numpy as np
import pytest

from data_pipeline.errors import DataError
from data_pipeline.estimators.mediapipe_pose import MediaPipePose, joints
from data_pipeline.estimators.person_detector import Detection
from data_pipeline.picture_file import read_image
from repose_tf.skeleton import JOINT_NAMES

PEOPLE = pathlib.Path(__file__).parents[3] / 'data' / 'people' / 'images'
PICTURES = [sorted(folder.iterdir())[index % 10] for index, folder in enumerate(sorted(PEOPLE.iterdir()))][:8]


@pytest.fixture(scope='module')
def estimator():
    try:
        return MediaPipePose()
    except DataError:
        pytest.skip('the package mediapipe with its files is not installed')


def test_the_files_give_what_the_library_gives(estimator):
    if np.lib.NumpyVersion(np.__version__) >= '2.0.0':
        pytest.skip('the library mediapipe needs NumPy 1; here are its files alone')
    solutions = pytest.importorskip('mediapipe').solutions
    library = solutions.pose.Pose(static_image_mode=True, model_complexity=1, enable_segmentation=True)
    apart_px, apart_mm, apart_mask = [], [], []
    for path in PICTURES:
        image = read_image(path)
        person, _ = estimator.find_person(image)
        expected = library.process(image)
        px = [[point.x * image.shape[1], point.y * image.shape[0]] for point in expected.pose_landmarks.landmark]
        mm = [[1000 * point.x, 1000 * point.y, 1000 * point.z] for point in expected.pose_world_landmarks.landmark]
        apart_px.append(np.hypot(*(person.joints_px - joints(np.array(px))).T))
        apart_mm.append(np.linalg.norm(person.joints_mm - joints(np.array(mm)), axis=1))
        is_person = expected.segmentation_mask > 0.5
        apart_mask.append(np.mean((person.mask == 255) != is_person) / np.mean(is_person))
    # The library samples and rounds a little differently, which a hidden joint may answer to at length.
    assert np.median(apart_px) < 0.5 and np.mean(np.array(apart_px) < 2) > 0.95
    assert np.median(apart_mm) < 15 and max(apart_mask) < 0.05


def test_a_picture_without_people_has_none(estimator):
    assert estimator.find_person(np.full((300, 500, 3), 128, np.uint8)) == (None, 0)


def test_two_people_are_counted_and_the_larger_one_is_taken(estimator):
    image = read_image(PICTURES[0])
    alone, _ = estimator.find_person(image)
    far = cv2.resize(image, (200, 200), interpolation=cv2.INTER_AREA)
    both = np.full((256, 456, 3), 90, np.uint8)
    both[:, :256] = image
    both[56:, 256:] = far
    person, count = estimator.find_person(both)
    assert count == 2 and np.median(np.hypot(*(person.joints_px - alone.joints_px).T)) < 3


def test_a_turned_picture_gives_a_turned_pose(estimator):
    image = read_image(PICTURES[0])
    upright, _ = estimator.find_person(image)
    turned, _ = estimator.find_person(np.ascontiguousarray(np.rot90(image)))
    x, y = upright.joints_px.T
    assert np.median(np.hypot(*(turned.joints_px - np.stack([y, 256 - x], axis=1)).T)) < 3
    x, y, _ = upright.joints_mm.T
    assert np.median(np.hypot(*(turned.joints_mm[:, :2] - np.stack([y, -x], axis=1)).T)) < 60


@pytest.mark.parametrize('columns, rows, left, top', [(640, 500, 340, 200), (1500, 600, 900, 200), (500, 1500, 0, 900)])
def test_small_people_are_found_where_they_are(columns, rows, left, top, estimator):
    image = read_image(PICTURES[0])
    alone, _ = estimator.find_person(image)
    wide = np.full((rows, columns, 3), 90, np.uint8)
    wide[top:top + 256, left:left + 256] = image
    person, _ = estimator.find_person(wide)
    apart = np.hypot(*(person.joints_px - [left, top] - alone.joints_px).T)
    assert person.score > 0.9 and np.median(apart) < 4 and np.mean(wide[person.mask == 255] == 90) < 0.02


class BrightDetector(MediaPipePose):
    """Detects what is bright, if that fills a tenth of the picture's larger side; needs no files."""

    def __init__(self):
        self.shapes = []

    def _detect(self, image):
        self.shapes.append(image.shape[:2])
        ys, xs = np.nonzero(image[..., 0] > 100)
        if not len(ys) or np.ptp(ys) < 0.1 * max(image.shape[:2]):
            return []
        middle, top = xs.mean(), ys.min()
        return [Detection(np.array([middle, ys.mean()]), np.array([middle, float(top)]), 1.0)]


def test_nobody_in_the_whole_picture_is_looked_for_in_its_parts():
    image = np.zeros((300, 1000, 3), np.uint8)
    image[100:160, 800:820] = 200
    detector = BrightDetector()
    assert detector._detect(image) == []
    [found] = detector._detect_in_parts(image)
    np.testing.assert_allclose(found.hips_px, [809.5, 129.5])
    assert set(detector.shapes[1:]) == {(300, 300)} and len(detector.shapes) == 7
    assert detector._detect_in_parts(np.zeros((300, 1000, 3), np.uint8)) == []


def test_small_people_get_a_closer_look_wherever_they_are():
    image = np.zeros((1000, 1000, 3), np.uint8)
    image[5:205, 900:950] = 200
    detector = BrightDetector()
    first, second = detector._look_closer(image, *detector._detect(image))
    np.testing.assert_allclose(first.hips_px, second.hips_px)
    assert max(detector.shapes[-1]) < 300
    large = Detection(np.array([500.0, 500.0]), np.array([500.0, 100.0]), 1.0)
    outside = Detection(np.array([500.0, 1400.0]), np.array([500.0, 1250.0]), 1.0)
    assert detector._look_closer(image, large) == [large] and detector._look_closer(image, outside) == [outside]


def test_missing_and_broken_files_are_said_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(DataError, match='expected the package mediapipe, found none. pip install --no-deps -r'):
        MediaPipePose()
    with pytest.raises(DataError, match='--model_dir: expected a folder'):
        MediaPipePose(str(tmp_path / 'none'))
    with pytest.raises(DataError, match='expected pose_detection.tflite below .*, found none'):
        MediaPipePose(str(tmp_path))
    for name in ('pose_detection.tflite', 'pose_landmark_heavy.tflite'):
        (tmp_path / name).write_bytes(b'none')
    with pytest.raises(DataError, match='pose_detection.tflite: expected a TensorFlow Lite model'):
        MediaPipePose(str(tmp_path), 'heavy')


def test_landmarks_become_joints_of_the_same_side():
    landmarks = np.arange(33.0)[:, np.newaxis]
    found = dict(zip(JOINT_NAMES, joints(landmarks)[:, 0]))
    assert found['nose'] == 0 and (found['leye'], found['rear']) == (2, 8)
    assert (found['lwri'], found['rank']) == (15, 28)  # of the person's own left and right
    assert (found['neck'], found['pelv']) == (11.5, 23.5)
