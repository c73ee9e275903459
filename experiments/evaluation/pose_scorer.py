"""3D poses that an estimator sees in generated and true pictures, for pose AUC.

Two figures follow from them, see `repose_tf/metrics/pose_auc.py`:
  `pose_auc`: the pose seen in the generated picture against that seen in the true one. The estimator's own errors
    count less, as they are in both; it needs no scale, as both sides have the same.
  `pose_auc_true`: the pose seen in the generated picture against the true joints. The estimator's errors and its idea
    of people's height count in full: the true picture itself does not reach the best value, so show that beside.
All joints are mm along the camera's axes: x right, y down, z forward, at the estimator's own scale.

Where the estimator finds nobody, the pose is NaN. A pair has no `pose_auc` (NaN) if nobody is found in the true
picture, and 0 if nobody is found in the generated one.
"""

import cv2
import numpy as np

from data_pipeline.errors import DataError
from data_pipeline.estimators.opening import open_estimator
from data_pipeline.files import sha256_of_folder
from data_pipeline.picture_file import resized
from experiments.metric_networks.joint_regressor import load_regressor
from repose_tf.picture_codec import image_from_pixels
from repose_tf.skeleton import NUM_JOINTS

_FIELD_OF_VIEW_DEG = 55  # that MeTRAbs assumes, as in data_pipeline.annotate
_MIN_SIZE = 256  # px that pictures are brought to for estimators that want to find the person first


class PoseScorer:
    """An estimator of poses in square pictures with one person.

    Attributes:
      description: which model of which files, for a report: with the start of their SHA-256.
    """

    def __init__(self, description, poses_mm):
        """`poses_mm` is a function of uint8 [B, S, S, 3], B at least 1, that gives float [B, 19, 3] mm."""
        self.description, self._poses_mm = description, poses_mm

    def poses_mm(self, images):
        """Finds the poses in pictures, uint8 [B, S, S, 3] RGB.

        Returns:
          float32 [B, 19, 3] mm, camera axes, any origin; NaN where nobody was found.
        """
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise ValueError(f'images: expected uint8 [B, S, S, 3], found {images.dtype} {list(images.shape)}.')
        if not len(images):
            return np.zeros((0, NUM_JOINTS, 3), np.float32)
        return np.asarray(self._poses_mm(images), np.float32)


def open_pose_scorer(name, model_path=''):
    """Loads an estimator; returns a `PoseScorer`.

    Args:
      name: 'mediapipe', 'metrabs' or 'regressor'.
      model_path: of 'mediapipe' the folder of its two files, or '' for those of the installed package; of 'metrabs' the
        folder of the SavedModel; of 'regressor' the .npz of experiments.train_joint_regressor.

    Raises:
      DataError: there is no such file, or it holds something else.
    """
    if name == 'regressor':
        if not model_path:
            raise DataError('Pose AUC by regressor: expected the weights that experiments.train_joint_regressor writes '
                            '(.npz), found nothing.')
        return _open_regressor(model_path)
    estimator = open_estimator(name, model_path, 'full', _FIELD_OF_VIEW_DEG)
    files = f', files {sha256_of_folder(model_path)[:8]}' if name == 'metrabs' else ''  # MediaPipe tells its own
    return PoseScorer(f'{estimator.origin}{files}; pictures below {_MIN_SIZE} px enlarged to it',
                      lambda images: np.stack([_pose_of_largest(estimator, image) for image in images]))


def _open_regressor(path):
    regressor, digest = load_regressor(path)

    def poses_mm(images):
        seen = np.stack([resized(image, regressor.image_size, cv2.INTER_CUBIC) for image in images])
        return regressor.joints_mm(image_from_pixels(seen))

    return PoseScorer(f'joint regressor of {regressor.image_size} px, trained on {regressor.data}, weights {digest}',
                      poses_mm)


def _pose_of_largest(estimator, image):
    """Returns the joints [19, 3] mm of the largest person; NaN where there is none or a joint is not finite."""
    person, _ = estimator.find_person(resized(image, max(len(image), _MIN_SIZE), cv2.INTER_CUBIC))
    if person is None or not np.isfinite(person.joints_mm).all():
        return np.full((NUM_JOINTS, 3), np.nan)
    return person.joints_mm
