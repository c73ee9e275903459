"""The check of an estimator measures what it says: distances, scale, and sides that are swapped."""

import dataclasses

import numpy as np
import pytest

from data_pipeline.annotation import accuracy
from data_pipeline.annotation.weak_perspective import lift
from data_pipeline.people.people_folder import open_folder
from data_pipeline.poses.pose_file import Pose, write
from repose_tf.skeleton import JOINT_INDEX, MIRROR_JOINTS
from tests.support.fake_estimator import HEIGHT_MM, FakeEstimator, body, picture
from tests.support.people_folders import write_image


def pose(offset_px=0.0, scale=0.1, sway_mm=0.0):
    points = body() * [0.4, 1, 1] * HEIGHT_MM
    mm = points + [0, 0, sway_mm]
    mm[JOINT_INDEX['pelv'], 2] -= sway_mm
    return lift(points[:, :2] * scale + offset_px, mm, scale)


def test_the_same_pose_has_no_error():
    result = accuracy.compare(pose(), dataclasses.replace(pose(), mm=None))  # px over the scale stand for mm
    assert result['px'].max() == 0 and result['mm'].max() < 0.1 and not result['is_swapped'] and result['scale'] == 1


def test_errors_are_px_in_the_picture_and_mm_about_the_pelvis():
    result = accuracy.compare(pose(offset_px=3.0, sway_mm=50), pose())
    np.testing.assert_allclose(result['px'], np.hypot(3, 3), rtol=1e-4)
    assert np.allclose(np.delete(result['mm'], JOINT_INDEX['pelv']), 50, atol=0.01)
    assert accuracy.compare(pose(scale=0.11), pose())['scale'] == pytest.approx(1.1)


def test_swapped_sides_are_seen():
    mirrored = Pose(pose().px[list(MIRROR_JOINTS)], 0.1, pose().mm)
    assert accuracy.compare(mirrored, pose())['is_swapped']


def test_a_folder_is_measured_by_view_and_those_not_found_count(tmp_path):
    box, poses = (40, 20, 48, 120), {}
    for index, yaw_deg in enumerate((-5, 100, 178, -170)):
        write_image(tmp_path / f'images/anna/{index}.png', picture(160, 160, *([] if index == 3 else [box])))
        truth = body() * [48, 120, 120] + [40, 20, 0]
        poses[f'anna/{index}'] = Pose((truth + [2, 0, 0]).astype(np.float32), 0.075, None, {'yaw_deg': yaw_deg})
    write(tmp_path / 'poses.json', poses, 'a test')
    found, seconds = accuracy.measure(open_folder(tmp_path), FakeEstimator())
    assert {view: len(results) for view, results in found.items()} == {'front': 1, 'side': 1, 'back': 2}
    text = accuracy.report(found, seconds, 'rectangles', 'here', ['--output=x y'])
    assert "annotate_check '--output=x y'`" in text
    assert '| back | 2 | 50.0 % | 2.0 | 2.0 | 0 | 0 | 1.000 | 0 (0.0%) |' in text.replace('50.0%', '50.0 %')
    assert '| all | 4 | 75.0% |' in text and '| rank | 2.0 | 0 |' in text
