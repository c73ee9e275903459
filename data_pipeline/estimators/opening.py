"""Opening a pose estimator by its name."""

from data_pipeline.errors import DataError


def open_estimator(name, model_dir, model_size, fov_deg):
    """Loads a pose estimator, and TensorFlow only then; returns a `person.Estimator`.

    Args:
      name: 'mediapipe' or 'metrabs'.
      model_dir: folder of its files; '' for MediaPipe's installed package.
      model_size: 'lite', 'full' or 'heavy', of MediaPipe.
      fov_deg: the field of view that MeTRAbs assumes, degrees.

    Raises:
      DataError: there are no such files, or they hold something else.
    """
    if name == 'mediapipe':
        from data_pipeline.estimators.mediapipe_pose import MediaPipePose
        return MediaPipePose(model_dir, model_size)
    if not model_dir:
        raise DataError('--model_dir: expected the folder of a MeTRAbs SavedModel, found nothing.')
    from data_pipeline.estimators.metrabs import Metrabs
    return Metrabs(model_dir, fov_deg)
