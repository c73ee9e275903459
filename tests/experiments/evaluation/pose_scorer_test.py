"""Poses by estimators: pictures come in the size that the estimator wants, and nobody is NaN."""

import cv2
import numpy as np
import pytest

from data_pipeline.errors import DataError
from data_pipeline.estimators.person import PersonEstimate
from data_pipeline.picture_file import resized
from experiments.evaluation import pose_scorer
from experiments.metric_networks import joint_regressor


def test_the_regressor_sees_pictures_of_its_size(tmp_path):
    regressor = joint_regressor.JointRegressor(joint_regressor.build_network(16), 16, 'people-0')
    regressor.save(tmp_path / 'weights.npz')
    _, digest = joint_regressor.load_regressor(tmp_path / 'weights.npz')
    images = np.random.default_rng(2).integers(0, 256, (3, 32, 32, 3), np.uint8)
    scorer = pose_scorer.open_pose_scorer('regressor', tmp_path / 'weights.npz')
    seen = np.stack([resized(image, 16, cv2.INTER_CUBIC) for image in images]) / 127.5 - 1
    np.testing.assert_allclose(scorer.poses_mm(images), regressor.joints_mm(seen), atol=1e-2)
    assert digest in scorer.description and 'people-0' in scorer.description
    assert scorer.poses_mm(images[:0]).shape == (0, 19, 3)
    with pytest.raises(DataError, match='expected the weights'):
        pose_scorer.open_pose_scorer('regressor')


def test_estimators_see_enlarged_pictures_and_nobody_is_nan(monkeypatch):
    class Estimator:
        origin = 'an estimator'

        def find_person(self, image):
            assert image.shape == (256, 256, 3)
            return (PersonEstimate(None, np.full((19, 3), 7.0), 1.0), 1) if image.any() else (None, 0)

    monkeypatch.setattr(pose_scorer, 'open_estimator', lambda *arguments: Estimator())
    scorer = pose_scorer.open_pose_scorer('mediapipe')
    poses = scorer.poses_mm(np.stack([np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 9, np.uint8)]))
    np.testing.assert_array_equal(np.isnan(poses[:, 0, 0]), [True, False])
    assert poses.dtype == np.float32 and 'an estimator' in scorer.description
    with pytest.raises(ValueError, match='expected uint8'):
        scorer.poses_mm(np.zeros((1, 64, 64, 3), np.float32))
