"""Motion capture: whatever a file's names, axes and rest pose are, the same body does the same before the camera."""

import pathlib
import re

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from data_pipeline.errors import DataError
from data_pipeline.poses import motion_capture
from repose_tf.skeleton import BONES, JOINT_INDEX, LIMB_BONES, joint_indices
from tests.support.motion_files import BODY, FRAMES, T_POSE, body, expected, names_of, text_of, turns

PLACES = joint_indices(*BODY)
UPWARDS = {'y': 0, 'z': 90, '-y': 180, '-z': -90}  # degrees about x


def poses(tmp_path, text, every=1, given=None):
    """Returns the poses about their pelvis."""
    path = tmp_path / 'clip.bvh'
    path.write_text(text)
    found = motion_capture.poses_of(motion_capture.read(path, every), str(path), given)
    return found - found[:, [JOINT_INDEX['pelv']]]


def world(up, facing):
    return Rotation.from_euler('XY', (UPWARDS[up], facing), degrees=True)


def lying(*angle):
    return {**turns(pelvis=angle), 'move': (0, -85, 0)}


ON_ALL_FOURS = turns(pelvis=('x', 90), lhip=('x', -90), rhip=('x', -90), lkne=('x', 90), rkne=('x', 90))


def check_body(found, frames, turn=0, but=()):
    places = [place for place in PLACES if place not in joint_indices(*but)]
    np.testing.assert_allclose(found[:, places], expected(frames, turn)[:, places], atol=1e-4)


@pytest.mark.parametrize('rest, up, facing, order, scale', [
    ('T', 'y', 0, 'ZXY', 1), ('T', 'z', 120, 'XYZ', 0.01), ('A', 'y', 180, 'YXZ', 1), ('A', '-y', 77, 'ZYX', 2.54),
    ('file', 'z', -90, 'ZYX', 1), ('file', '-z', 45, 'XZY', 100), ('lying', 'y', 30, 'ZXY', 1),
    ('lying', 'z', 180, 'YZX', 1), ('along x', 'y', -135, 'ZYX', 1), ('along x', 'z', 10, 'XYZ', 1),
    ('random', 'y', 60, 'ZXY', 0.0254), ('random', '-y', 200, 'YXZ', 1)])
def test_the_person_stands_and_faces_us_in_any_axes_and_rest_pose(tmp_path, rest, up, facing, order, scale):
    found = poses(tmp_path, text_of(FRAMES, world=world(up, facing), rest=rest, order=order, scale=scale)) / scale
    check_body(found, FRAMES)
    at = {name: found[:, index] for name, index in JOINT_INDEX.items()}
    assert at['lank'][0, 1] > at['neck'][0, 1] + 50 and at['lwri'][0, 0] > 50 > -50 > at['rwri'][0, 0]
    assert at['nose'][0, 2] < -10 and at['lear'][0, 0] > 5 > -5 > at['rear'][0, 0]
    assert at['leye'][0, 1] < at['neck'][0, 1] - 5
    lengths = np.linalg.norm([at[first] - at[second] for first, second in (*LIMB_BONES, *BONES[:5])], axis=-1)
    np.testing.assert_allclose(lengths, lengths[:, :1].repeat(len(FRAMES), axis=1), rtol=1e-4)


@pytest.mark.parametrize('up, facing', [('y', 0), ('z', 120)])
def test_the_way_of_the_pelvis_is_kept(tmp_path, up, facing):
    frames = [{**turns(), 'move': move} for move in ((0, 0, 0), (30, 5, 0), (60, 0, 20))]  # left, up, forwards
    (tmp_path / 'clip.bvh').write_text(text_of(frames, world=world(up, facing)))
    found = motion_capture.poses_of(motion_capture.read(tmp_path / 'clip.bvh'), 'clip.bvh')
    np.testing.assert_allclose(found[:, JOINT_INDEX['pelv']], [(0, 0, 0), (30, -5, 0), (60, 0, -20)], atol=1e-4)


@pytest.mark.parametrize('rig', ['3ds Max', 'SMPL', 'Blender'])
def test_names_do_not_matter(tmp_path, rig):
    check_body(poses(tmp_path, text_of(FRAMES, names_of(rig))), FRAMES)


def test_a_face_follows_the_head_however_it_rests(tmp_path):
    frames = [turns(), turns(neck=('y', 40)), turns(neck=('y', -40)), turns(pelvis=('y', 90))]
    standing, lying = (poses(tmp_path, text_of(frames, rest=rest)) for rest in ('T', 'along x'))
    np.testing.assert_allclose(standing, lying, atol=1.5)  # cm; the spine leans a little
    nose = standing[:, JOINT_INDEX['nose']] - standing[:, JOINT_INDEX['neck']]
    assert nose[1, 0] > 8 and nose[2, 0] < -8 and nose[3, 0] > 12  # to the left is to the picture's right


@pytest.mark.parametrize('rest, up, odd', [
    ('file', 'y', turns(pelvis=('x', 180))), ('along x', 'z', turns(pelvis=('z', 180))),  # handstands
    ('along x', 'y', lying('x', -90)), ('file', 'z', lying('x', 90)), ('T', 'z', lying('z', 90)),  # back, face, side
    ('along x', 'z', ON_ALL_FOURS), ('file', 'y', ON_ALL_FOURS)])
def test_a_clip_may_begin_upside_down_or_on_the_floor(tmp_path, rest, up, odd):
    frames = [odd] * 2 + FRAMES
    check_body(poses(tmp_path, text_of(frames, world=world(up, 50), rest=rest)), frames)


def test_where_the_rest_pose_stands_most_of_a_clip_may_lie(tmp_path):
    frames = [lying('x', -90)] * 3 + FRAMES[:2]
    check_body(poses(tmp_path, text_of(frames)), frames)


def test_the_camera_looks_at_the_face_of_the_first_frame(tmp_path):
    frames = [turns(pelvis=('y', 160)), *FRAMES]
    check_body(poses(tmp_path, text_of(frames)), frames, -160)


def test_rigs_without_neck_or_head(tmp_path):
    for lacking in (('neck',), ('head',), ('neck', 'head')):
        names = {joint: name for joint, name in names_of('CMU').items() if joint not in lacking}
        found, truth = poses(tmp_path, text_of(FRAMES, names)), expected(FRAMES)
        at = found[:, JOINT_INDEX['neck']]
        if 'neck' in lacking:
            np.testing.assert_allclose(at, truth[:, joint_indices('lsho', 'rsho')].mean(axis=1), atol=1e-4)
        check_body(found, FRAMES, but=['neck'] * ('neck' in lacking))
        assert found[0, JOINT_INDEX['nose'], 2] < at[0, 2] - 10


def test_given_names_come_before_known_ones(tmp_path):
    names = {**names_of('CMU'), 'lank': 'Paw', 'toe': ''}
    check_body(poses(tmp_path, text_of(FRAMES, names), given={'lank': 'Paw'}), FRAMES)
    found = poses(tmp_path, text_of(FRAMES, names_of('CMU')), given={'lank': 'LeftToeBase', 'nose': 'Head'})
    np.testing.assert_allclose(found[0, joint_indices('lank', 'nose')], [(12, 89, -13), (0, -72, 0)], atol=1e-4)


def test_places_of_joints_stand_for_offsets_or_are_none(tmp_path):
    text = text_of(FRAMES, rest='A')
    head, numbers = re.split(r'(?<=Frame Time: 0.02\n)', text)
    rows = [row.split() for row in numbers.splitlines()]
    offsets = [offset.split() for offset in re.findall(r'OFFSET (.*)\nCHANNELS', head)]
    head = head.replace('CHANNELS 3 ', 'CHANNELS 6 Xposition Yposition Zposition ')
    for moves in (offsets, [['0'] * 3] * len(offsets)):
        longer = [row[:6] + sum((moves[joint] + row[3 + 3 * joint:6 + 3 * joint] for joint in range(1, len(moves))), [])
                  for row in rows]
        check_body(poses(tmp_path, head + '\n'.join(map(' '.join, longer))), FRAMES)


def test_files_of_places_without_angles(tmp_path):
    text, (places, _) = text_of(FRAMES), body(FRAMES)
    parents = {joint: parent for joint, (parent, _) in T_POSE.items()}
    head = re.sub(r'CHANNELS .*', 'CHANNELS 3 Xposition Yposition Zposition', text[:text.index('Frame Time')])
    words = {name: joint for joint, name in names_of('CMU').items()}
    order = [words[name] for name in re.findall(r'(?:ROOT|JOINT) (.*)', head)]
    rows = np.concatenate([places[joint] - places.get(parents[joint], 0) for joint in order], axis=1)
    found = poses(tmp_path, f'{head}Frame Time: 0.1\n' + '\n'.join(' '.join(map(str, row)) for row in rows))
    check_body(found, FRAMES)
    nose = found[:, JOINT_INDEX['nose']] - found[:, JOINT_INDEX['neck']]
    assert nose[0, 2] < -10 and nose[2, 0] > 10  # turned to the left in the third


def test_of_two_bodies_one_is_taken_and_this_is_said(tmp_path):
    text = text_of(FRAMES)
    head, rows = text[:text.index('MOTION')], text.split('0.02\n')[1]
    other = re.sub('OFFSET .*', 'OFFSET 1 2 3', head.removeprefix('HIERARCHY'))
    text = f'{head}{other}MOTION\nFrames: 5\nFrame Time: 0.02\n' + re.sub('(.*)\n', r'\1 \1\n', rows)
    check_body(poses(tmp_path, text), FRAMES)
    assert 'holds 2 bodies' in motion_capture.read(tmp_path / 'clip.bvh').notes[0]


@pytest.mark.parametrize('spoil, words', [
    (lambda text: re.sub(r'OFFSET \S+ (\S+) \S+', r'OFFSET 0 \1 0', text), 'in a line or in a point'),
    (lambda text: re.sub(r'OFFSET .*', 'OFFSET 0 0 0', text), 'in a line or in a point'),
    (lambda text: re.sub(r'(JOINT LeftHand\n{\n)OFFSET .*', r'\1OFFSET 0 0 0', text), r'lelb \(LeftForeArm\) and lwri'),
    (lambda text: text.replace('LeftForeArm', 'Tentacle'), r'lelb \(leftelbow or .*Tentacle.*--joint_names=FILE')])
def test_bodies_without_a_side_or_a_limb_are_refused(tmp_path, spoil, words):
    with pytest.raises(DataError, match=words) as caught:
        poses(tmp_path, spoil(text_of([turns(), turns()])))
    assert 'clip.bvh' in str(caught.value) and '\n' not in str(caught.value)


def test_a_real_file_stands_and_walks():
    """Of the CMU motion capture database, 131_02 as BVH: every 150th frame. It is free for all uses."""
    path = pathlib.Path(__file__).with_name('cmu_131_02.bvh')
    motion = motion_capture.read(path)
    found = motion_capture.poses_of(motion, str(path))
    at = {name: found[:, index] for name, index in JOINT_INDEX.items()}
    heights = np.stack([-at[name][:, 1] for name in ('lank', 'lkne', 'lhip', 'lsho')])
    assert len(found) == 9 and np.all(np.diff(heights, axis=0) > 0)
    assert at['lwri'][0, 0] > at['lhip'][0, 0] > at['rhip'][0, 0] > at['rwri'][0, 0]
    assert at['nose'][0, 2] < at['neck'][0, 2]
