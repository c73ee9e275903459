"""Pose files come back as they were written, and every mistake in one is named with the file and the key."""

import json

import numpy as np
import pytest

from data_pipeline.errors import DataError
from data_pipeline.poses import pose_file
from repose_tf.skeleton import JOINT_INDEX, JOINT_NAMES, NUM_JOINTS
from tests.support.people_folders import random_pose, write_poses


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'poses.json'


@pytest.fixture
def rows():
    return random_pose(np.random.default_rng(0))


def test_what_is_written_is_read_again(path, rows):
    px = np.array(rows, np.float32)
    poses = {'b/01': pose_file.Pose(px, 0.123456, 8 * px, {'pose': 'walk'}),
             'a/00': pose_file.Pose(px + [1, 2, 0], 2.0)}
    pose_file.write(path, poses, origin='a test')
    again = pose_file.read_poses(path)
    assert list(again) == ['a/00', 'b/01'] and json.loads(path.read_text())['origin'] == 'a test'
    for key, pose in poses.items():
        np.testing.assert_allclose(again[key].px, pose.px, atol=0.0051)
        assert again[key].px_per_mm == pose.px_per_mm and again[key].tags == pose.tags
    np.testing.assert_allclose(again['b/01'].mm, 8 * px, atol=0.051)
    assert again['a/00'].mm is None and not list(path.parent.glob('*.unfinished'))
    read = pose_file.read(path)
    assert read['a/00'].dtype == np.float32 and np.array_equal(read['a/00'], again['a/00'].px)


def test_a_bad_pose_is_not_written_and_the_old_file_stays(path, rows):
    path.write_text('as it was')
    px = np.array(rows, np.float32)
    px[3, 1] = np.nan
    with pytest.raises(DataError, match='"p/00": "px": expected finite numbers, found nan as y of lelb'):
        pose_file.write(path, {'p/00': pose_file.Pose(px, 1.0)}, 'a test')
    assert path.read_text() == 'as it was'


@pytest.mark.parametrize(('text', 'message'), [
    ('{"version": 1,', 'expected a pose file in JSON'),
    ('[1]', 'expected a JSON object, found list'),
    ('\x00', 'expected a pose file in JSON'),
    ('{"version": 1, "poses": {"p/00": {}, "p/01": {}, "p/00": {}}}', "found something else .'p/00' twice"),
])
def test_what_is_no_json_object_is_refused(path, text, message):
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        pose_file.read(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(path, tmp_path):
    for place in (path, tmp_path):
        with pytest.raises(DataError, match=f'^{place}: expected a pose file, found nothing readable'):
            pose_file.read(place)


_SWAPPED = [{'lsho': 'rsho', 'rsho': 'lsho'}.get(name, name) for name in JOINT_NAMES]


@pytest.mark.parametrize(('change', 'message'), [
    ({'version': 2}, '"version": expected 1, found 2'),
    ({'version': None}, '"version": expected 1, found None'),
    ({'joints': JOINT_NAMES[:17]}, '"joints": expected the 19 names neck nose .* pelv, found 17'),
    ({'joints': None}, '"joints": expected the 19 names .* found None'),
    ({'joints': _SWAPPED}, '"joints": expected \'lsho\' at place 2, found \'rsho\''),
    ({'poses': [1]}, '"poses": expected an object of "person/frame" entries, found list'),
])
def test_a_head_of_another_kind_is_refused(path, rows, change, message):
    write_poses(path, {'p/00': rows}, change)
    with pytest.raises(DataError, match=message) as caught:
        pose_file.read(path)
    assert str(path) in str(caught.value)


def _changed(rows, joint, axis, value):
    rows = [list(row) for row in rows]
    rows[JOINT_INDEX[joint]][axis] = value
    return rows


@pytest.mark.parametrize(('change', 'message'), [
    (lambda rows: {'px': rows[:18], 'px_per_mm': 1}, r'"px": expected 19 joints .* found shape \[18, 3\]'),
    (lambda rows: {'px': [row[:2] for row in rows], 'px_per_mm': 1}, r'found shape \[19, 2\]'),
    (lambda rows: {'px': [*rows[:18], [1, 2]], 'px_per_mm': 1}, '"px": expected 19 joints of 3 numbers'),
    (lambda rows: {'px': _changed(rows, 'rkne', 0, 'a'), 'px_per_mm': 1}, 'expected 19 joints of 3 numbers'),
    (lambda rows: {'px': _changed(rows, 'rkne', 2, float('nan')), 'px_per_mm': 1}, 'found nan as z of rkne'),
    (lambda rows: {'px': _changed(rows, 'nose', 0, float('inf')), 'px_per_mm': 1}, 'found inf as x of nose'),
    (lambda rows: {'px': rows, 'mm': rows[1:], 'px_per_mm': 1}, r'"mm": .* found shape \[18, 3\]'),
    (lambda rows: {'px': rows}, '"px_per_mm": expected a number above 0, found None'),
    (lambda rows: {'px': rows, 'px_per_mm': 0}, '"px_per_mm": expected a number above 0, found 0'),
    (lambda rows: {'px': rows, 'px_per_mm': float('nan')}, '"px_per_mm": .* above 0, found nan'),
    (lambda rows: {'px_per_mm': 1}, 'found no "px"'),
    (lambda rows: {'px': [[x, y, z + 128] for x, y, z in rows], 'px_per_mm': 1}, 'z is 0, found 128 there'),
    (lambda rows: {'px': _changed(rows, 'lank', 2, 301.5), 'px_per_mm': 0.1},
     'expected z in px .* found 301.5 at lank, which would be 3015 mm away'),
])
def test_a_broken_pose_is_named(path, rows, change, message):
    write_poses(path, {'p/00': rows})
    content = json.loads(path.read_text())
    content['poses']['p/01'] = change(rows)
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=message) as caught:
        pose_file.read(path)
    assert f'{path}: "p/01"' in str(caught.value)


def test_the_origin_is_that_of_the_pose_or_else_of_the_file(path, rows):
    def origins(head, of_first):
        write_poses(path, {'p/00': rows, 'p/01': rows}, {'origin': head})
        content = json.loads(path.read_text())
        content['poses']['p/00'].update(of_first)
        path.write_text(json.dumps(content))
        return tuple(pose.origin for pose in pose_file.read_poses(path).values())

    assert origins('metrabs', {}) == ('metrabs', 'metrabs')
    assert origins('metrabs', {'origin': 'reference'}) == ('reference', 'metrabs')
    assert origins(None, {}) == ('given', 'given')
    for head, of_first in ((3, {}), ('metrabs', {'origin': 3})):
        with pytest.raises(DataError, match='"p/00": "origin": expected a text, found 3'):
            origins(head, of_first)


@pytest.mark.parametrize('key', ['00', 'p/', '/00', 'p/q/00'])
def test_a_key_that_is_no_person_and_frame_is_named(path, rows, key):
    write_poses(path, {key: rows})
    with pytest.raises(DataError, match=f'expected a key "person/frame", found \'{key}\''):
        pose_file.read(path)


def test_joints_outside_of_the_picture_are_fine(path, rows):
    write_poses(path, {'p/00': _changed(rows, 'rwri', 0, -7.25)})
    assert pose_file.read(path)['p/00'].shape == (NUM_JOINTS, 3)
    assert pose_file.read_poses(path)['p/00'].tags == {'mood': 'cheerful'}


@pytest.mark.parametrize('content, words', [
    ({'version': 1.3, 'people': [{'pose_keypoints_2d': [1, 2, 3]}]}, "OpenPose's key points, which are 2D"),
    ([{'people': [], 'canvas_width': 512}], "OpenPose's key points"),
    ({'images': [], 'annotations': [], 'categories': []}, "COCO's annotations"),
    ([{'image_id': '1.jpg', 'keypoints': [1, 2, 3], 'score': 1}], 'AlphaPose'),
    ({'meta_info': {}, 'instance_info': []}, "MMPose's key points"),
])
def test_the_files_of_other_programs_are_told(path, content, words):
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match='expected 3D poses in the format of poses.json, found .*annotate') as caught:
        pose_file.read(path)
    assert words in str(caught.value)


@pytest.mark.parametrize('form', ['utf-8-sig', 'utf-16', 'utf-16-le'])
def test_a_pose_file_may_be_in_any_form_of_unicode(path, rows, form):
    write_poses(path, {'Zo\u00eb/00': rows})
    path.write_bytes(path.read_text().encode(form))
    assert list(pose_file.read(path)) == ['Zo\u00eb/00']


def test_json_nested_too_deep_is_none(path):
    path.write_text('[' * 10 ** 5)
    with pytest.raises(DataError, match='expected a pose file in JSON, found something else'):
        pose_file.read(path)


def test_poses_are_written_in_natural_order(path, rows):
    keys = ['p2/1', 'p2/9', 'p2/10', 'p10/1']
    pose = pose_file.Pose(np.float32(rows['px'] if isinstance(rows, dict) else rows), 0.1)
    pose_file.write(path, dict.fromkeys(keys[::-1], pose), 'made up')
    assert list(pose_file.read(path)) == keys
