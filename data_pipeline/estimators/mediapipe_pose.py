"""The pose estimator of MediaPipe: its two TensorFlow Lite files, run by TensorFlow itself.

The library mediapipe is not imported, as it needs a certain NumPy and brings its own OpenCV, while the files run on
every Python that the project runs on. mediapipe_pose_test compares with the library if it is installed.
"""

import importlib.util
import pathlib
import warnings

import numpy as np
import tensorflow as tf

from data_pipeline.errors import DataError
from data_pipeline.estimators import landmark_model, person_detector
from data_pipeline.estimators.person import PersonEstimate, Place, largest
from data_pipeline.files import sha256
from repose_tf.skeleton import JOINT_INDEX, NUM_JOINTS

_SMALL = 0.8  # share of the picture's larger side
_ADVICE = ('pip install --no-deps -r requirements-poses.txt brings it (model "full"), or --model_dir names a folder '
           'with pose_detection.tflite and pose_landmark_<lite|full|heavy>.tflite')

# Landmark of each joint; those of neck and pelvis are the points midway. Left and right are the person's own.
_LANDMARKS = {
    'nose': 0, 'leye': 2, 'reye': 5, 'lear': 7, 'rear': 8, 'lsho': 11, 'rsho': 12, 'lelb': 13, 'relb': 14,
    'lwri': 15, 'rwri': 16, 'lhip': 23, 'rhip': 24, 'lkne': 25, 'rkne': 26, 'lank': 27, 'rank': 28,
}
_MIDWAY = {'neck': ('lsho', 'rsho'), 'pelv': ('lhip', 'rhip')}


class MediaPipePose:
    """An `Estimator` (see person.py) of MediaPipe's files."""

    def __init__(self, model_dir='', model_size='full'):
        """Loads the networks.

        Args:
          model_dir: folder with the two files in it or anywhere below; '' for those of the installed package.
          model_size: 'lite', 'full' or 'heavy'.

        Raises:
          DataError: there are no such files, or they hold something else.
        """
        files = [_find_file(model_dir, name)
                 for name in ('pose_detection.tflite', f'pose_landmark_{model_size}.tflite')]
        self._detector, self._landmarks = (_Network(path) for path in files)
        digest = sha256(path.read_bytes() for path in files)[:8]
        self.origin = (f'MediaPipe Pose, model {model_size}, files {digest}; neck and pelvis are the points midway '
                       'between the shoulders and between the hips')

    def find_person(self, image, choose=largest):
        """See `person.Estimator`; `mask` is the network's segmentation."""
        people = self._detect(image) or self._detect_in_parts(image)
        chosen = choose([Place(person.hips_px, 2 * person.radius_px) for person in people])
        if chosen is None:
            return None, len(people)
        detections = self._look_closer(image, people[chosen])
        landmarks = max((self._find_landmarks(image, detection) for detection in detections),
                        key=lambda found: found.score)
        person = PersonEstimate(joints(landmarks.px), 1000 * joints(landmarks.metres), landmarks.score, landmarks.mask)
        return person, len(people)

    def _detect(self, image):
        """Returns the people in a picture, a list of `Detection`, the largest first."""
        square, image_from_square = person_detector.fit_into_square(image)
        answers = self._detector.run(square / np.float32(127.5) - 1)
        return person_detector.read_detections(
            _answer(answers, (2254, 12)), _answer(answers, (2254, 1))[:, 0], image_from_square)

    def _detect_in_parts(self, image):
        """Looks for people who are too small in the whole picture in squares along it; returns those of one."""
        rows, columns = image.shape[:2]
        side, longer = sorted((rows, columns))
        found = [[]]
        for start in np.linspace(0, longer - side, int(np.ceil(2 * longer / side)) - 1).astype(int):
            left, top = (start, 0) if columns > rows else (0, start)
            part = np.ascontiguousarray(image[top:top + side, left:left + side])
            found.append([person.moved((left, top)) for person in self._detect(part)])
        return max(found, key=lambda people: people[0].radius_px if people else 0.0)

    def _look_closer(self, image, detection):
        """Returns one `Detection` of a person, or two if the person is small: the second of the part around them.

        The detector sees the whole picture at 224 px, where it takes small people for larger than they are.
        """
        reach = detection.radius_px * landmark_model.MARGIN
        if 2 * reach > _SMALL * max(image.shape[:2]):
            return [detection]
        left, top = np.floor((detection.hips_px - reach).clip(0)).astype(int)
        right, bottom = np.ceil(detection.hips_px + reach).astype(int)
        around = np.ascontiguousarray(image[top:bottom, left:right])
        closer = self._detect(around) if around.size else []  # the hips may lie far outside of the picture
        closer = [found.moved((left, top)) for found in closer]
        return [detection, *sorted(closer, key=lambda found: np.hypot(*(found.hips_px - detection.hips_px)))[:1]]

    def _find_landmarks(self, image, detection):
        """Returns the `Landmarks` of a detected person."""
        angle, image_from_square = landmark_model.square_around(detection)
        answers = self._landmarks.run(landmark_model.cut_out(image, image_from_square) / np.float32(255))
        return landmark_model.read_landmarks({
            'points': _answer(answers, (195,)).reshape(39, 5), 'score': _answer(answers, (1,))[0],
            'mask': _answer(answers, (256, 256, 1))[..., 0], 'heatmaps': _answer(answers, (64, 64, 39)),
            'metres': _answer(answers, (117,)).reshape(39, 3)}, angle, image_from_square, image.shape)


def joints(landmarks):
    """Converts landmarks [33, K] to the project's joints [19, K]; neck and pelvis lie midway."""
    found = np.empty((NUM_JOINTS, landmarks.shape[1]))
    for name, index in _LANDMARKS.items():
        found[JOINT_INDEX[name]] = landmarks[index]
    for name, ends in _MIDWAY.items():
        found[JOINT_INDEX[name]] = found[[JOINT_INDEX[end] for end in ends]].mean(axis=0)
    return found


class _Network:
    """One TensorFlow Lite file."""

    def __init__(self, path):
        try:
            # One thread: a picture takes 12 + 20 ms, more threads gain little, and on a busy machine cost tenfold.
            with warnings.catch_warnings():
                # TensorFlow 2.21 announces that a later one will go without; requirements.txt holds to 2.21.
                warnings.filterwarnings('ignore', message=r'\s*Warning: tf.lite.Interpreter is deprecated')
                self._interpreter = tf.lite.Interpreter(str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise DataError(f'{path}: expected a TensorFlow Lite model, found something else ({error}).') from error
        self._path = path

    def run(self, image):
        """Runs it on one image [H, W, 3] float32; returns dict, shape without the batch -> answer."""
        [argument] = self._interpreter.get_input_details()
        if tuple(argument['shape']) != (1, *image.shape):
            raise DataError(f'{self._path}: expected a network for [1, {", ".join(map(str, image.shape))}], '
                            f'found {list(argument["shape"])}.')
        self._interpreter.set_tensor(argument['index'], image[np.newaxis])
        self._interpreter.invoke()
        answers = [self._interpreter.get_tensor(answer['index'])[0]
                   for answer in self._interpreter.get_output_details()]
        return {answer.shape: answer for answer in answers}


def _answer(answers, shape):
    """Returns the answer of a shape; names and order differ between versions of the files."""
    if shape not in answers:
        raise DataError(f"MediaPipe's files: expected an answer of shape {list(shape)}, found {sorted(answers)}.")
    return answers[shape]


def _find_file(model_dir, name):
    """Finds a file below a folder, or inside the installed package."""
    if model_dir:
        root = pathlib.Path(model_dir)
        if not root.is_dir():
            raise DataError(f'--model_dir: expected a folder, found {model_dir!r}, which is none.')
    else:
        spec = importlib.util.find_spec('mediapipe')
        if spec is None or not spec.submodule_search_locations:
            raise DataError(f"MediaPipe's pose model: expected the package mediapipe, found none. {_ADVICE}.")
        root = pathlib.Path(spec.submodule_search_locations[0])
    found = sorted(root.rglob(name))
    if not found:
        raise DataError(f"MediaPipe's pose model: expected {name} below {root}, found none. {_ADVICE}.")
    return found[0]
