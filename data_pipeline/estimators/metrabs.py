"""The pose estimator MeTRAbs, a SavedModel; it is the successor of the one that the paper's authors used."""

import pathlib

import numpy as np
import tensorflow as tf

from data_pipeline.errors import DataError
from data_pipeline.estimators.person import PersonEstimate, Place, largest
from repose_tf.skeleton import JOINT_NAMES

SKELETON = 'coco_19'
# Its joints have the project's names, in another order.
MODEL_JOINT_NAMES = ('neck', 'nose', 'pelv', *JOINT_NAMES[2:18])
_FROM_MODEL = [MODEL_JOINT_NAMES.index(name) for name in JOINT_NAMES]


class Metrabs:
    """An `Estimator` of a SavedModel with `detect_poses`."""

    def __init__(self, model_dir, fov_deg=55.0):
        """Loads the model.

        Args:
          model_dir: folder of the SavedModel.
          fov_deg: field of view assumed of every picture, degrees along the larger side.

        Raises:
          DataError: there is no such model, or it has other joints.
        """
        if not (pathlib.Path(model_dir) / 'saved_model.pb').is_file():
            raise DataError(f'--model_dir: expected the folder of a MeTRAbs SavedModel, with saved_model.pb in it, '
                            f'found {model_dir!r}.')
        try:
            self._model = tf.saved_model.load(str(model_dir))
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise DataError(f'{model_dir}: expected a SavedModel, found one that does not load ({error}).') from error
        if not hasattr(self._model, 'detect_poses'):
            raise DataError(f'{model_dir}: expected a MeTRAbs model with detect_poses, found a SavedModel without.')
        names = getattr(self._model, 'per_skeleton_joint_names', {})
        found = tuple(name.decode() for name in np.asarray(names[SKELETON])) if SKELETON in names else MODEL_JOINT_NAMES
        if found != MODEL_JOINT_NAMES:
            raise DataError(f'{model_dir}: {SKELETON}: expected the joints {" ".join(MODEL_JOINT_NAMES)}, '
                            f'found {" ".join(found)}.')
        self._fov_deg = fov_deg
        self.origin = (f'MeTRAbs {pathlib.Path(model_dir).resolve().name}, skeleton {SKELETON}, '
                       f'field of view {fov_deg:g} degrees')

    def find_person(self, image, choose=largest):
        """See `person.Estimator`; a person is as large as their box, and there is no mask."""
        found = self._model.detect_poses(
            tf.constant(image), default_fov_degrees=self._fov_deg, skeleton=SKELETON)
        boxes, poses_mm, poses_px = (found[name].numpy() for name in ('boxes', 'poses3d', 'poses2d'))
        order = np.argsort(-boxes[:, 2] * boxes[:, 3], kind='stable')
        chosen = choose([Place(box[:2] + box[2:4] / 2, float(box[2:4].max())) for box in boxes[order]])
        if chosen is None:
            return None, len(boxes)
        index = order[chosen]
        person = PersonEstimate(*(poses[index][_FROM_MODEL].astype(np.float64) for poses in (poses_px, poses_mm)),
                                float(boxes[index, 4]))
        return person, len(boxes)
