"""Which estimator finds the poses, by flags."""

from absl import flags

from data_pipeline.errors import DataError


def define_estimator():
    """Defines which model finds the poses."""
    flags.DEFINE_enum('estimator', 'mediapipe', ('mediapipe', 'metrabs'), 'Model that finds the poses.')
    flags.DEFINE_string('model_dir', '', "Folder of the model's files: MediaPipe's two .tflite files (without it those "
                                         'of the installed package mediapipe), or the SavedModel of MeTRAbs.')
    flags.DEFINE_enum('model_size', 'full', ('lite', 'full', 'heavy'), "Which of MediaPipe's models.")
    flags.DEFINE_float('fov_deg', 55, 'Field of view that MeTRAbs assumes, degrees.', lower_bound=1, upper_bound=170)


def open_estimator(name, model_dir, model_size, fov_deg):
    """Loads an estimator by its flags; returns a `person.Estimator`."""
    if name == 'mediapipe':
        from data_pipeline.estimators.mediapipe_pose import (
            MediaPipePose,  # TensorFlow loads after the flags are checked
        )
        return MediaPipePose(model_dir, model_size)
    if not model_dir:
        raise DataError('--model_dir: expected the folder of a MeTRAbs SavedModel, found nothing.')
    from data_pipeline.estimators.metrabs import Metrabs
    return Metrabs(model_dir, fov_deg)
