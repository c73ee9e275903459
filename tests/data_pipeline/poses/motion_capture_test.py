"""Motion capture: the hierarchy is followed, rigs of several spellings become the 19 joints, mistakes are named."""

import numpy as np
import pytest

from data_pipeline.errors import DataError
from data_pipeline.poses import motion_capture
from repose_tf.skeleton import JOINT_INDEX

# Name, offset, children; Y up, facing +Z, the person's left at +X; cm.
CMU = ('Hips', (0, 0, 0), [
    ('Spine', (0, 20, 0), [('Neck', (0, 35, 0), [('Head', (0, 10, 0), [])]),
                           ('LeftArm', (18, 28, 0), [('LeftForeArm', (28, 0, 0), [('LeftHand', (25, 0, 0), [])])]),
                           ('RightArm', (-18, 28, 0), [('RightForeArm', (-28, 0, 0), [
                               ('RightHand', (-25, 0, 0), [])])])]),
    ('LeftUpLeg', (10, 0, 0), [('LeftLeg', (0, -42, 0), [('LeftFoot', (0, -40, 0), [])])]),
    ('RightUpLeg', (-10, 0, 0), [('RightLeg', (0, -42, 0), [('RightFoot', (0, -40, 0), [])])])])


def text_of(rig, frames, rename=lambda name: name, turn=lambda offset: offset, seconds=0.02):
    """Writes a BVH text; frames are dicts, joint -> angles (z, x, y) in degrees, and '' -> the root's place."""
    order = []

    def part(joint, depth):
        name, offset, children = joint
        order.append(name)
        moves = 'Xposition Yposition Zposition ' if depth == 0 else ''
        inner = ''.join(part(child, depth + 1) for child in children) or 'End Site { OFFSET 0 0 1 }'
        place = ' '.join(map(str, turn(offset)))
        return (f'{"JOINT" if depth else "ROOT"} {rename(name)} {{ OFFSET {place} CHANNELS '
                f'{6 if depth == 0 else 3} {moves}Zrotation Xrotation Yrotation {inner} }}\n')

    head = part(rig, 0)
    rows = [[*frame.get('', (0, 0, 0)), *(angle for name in order for angle in frame.get(name, (0, 0, 0)))]
            for frame in frames]
    numbers = '\n'.join(' '.join(map(str, row)) for row in rows)
    return f'HIERARCHY\n{head}MOTION\nFrames: {len(frames)}\nFrame Time: {seconds}\n{numbers}\n'


def poses(tmp_path, text, every=1):
    path = tmp_path / 'clip.bvh'
    path.write_text(text)
    motion = motion_capture.read(path, every)
    return motion, motion_capture.poses_of(motion, str(path))


def test_a_rig_faces_the_camera_and_bends_as_its_angles_say(tmp_path):
    frames = [{}, {'': (5, 90, 7), 'LeftForeArm': (90, 0, 0), 'Hips': (0, 0, 90)}]
    motion, found = poses(tmp_path, text_of(CMU, frames))
    at = {name: found[:, index] for name, index in JOINT_INDEX.items()}
    assert motion.fps == pytest.approx(50)
    np.testing.assert_allclose(at['lsho'][0], (18, -48, 0), atol=1e-9)  # the left is on the picture's right
    np.testing.assert_allclose(at['rank'][0], (-10, 82, 0), atol=1e-9)
    assert at['nose'][0, 2] < -10 and at['lear'][0, 0] > 0 > at['rear'][0, 0]  # the face is nearer than the neck
    # The left forearm points up, and the whole body is turned to its left, the picture's right.
    np.testing.assert_allclose(at['lwri'][1] - at['lelb'][1], (0, -25, 0), atol=1e-9)
    np.testing.assert_allclose(at['lelb'][1] - at['lsho'][1], (0, 0, 28), atol=1e-9)
    assert at['nose'][1, 0] > 10
    np.testing.assert_allclose(at['pelv'], 0, atol=1e-9)


def test_spellings_and_the_upward_axis_do_not_matter(tmp_path):
    _, expected = poses(tmp_path, text_of(CMU, [{}]))
    poser = {'LeftArm': 'lShldr', 'LeftForeArm': 'lForeArm', 'LeftHand': 'lHand', 'LeftUpLeg': 'lThigh',
             'LeftLeg': 'lShin', 'LeftFoot': 'lFoot'}
    plain = {'Arm': 'Shoulder', 'ForeArm': 'Elbow', 'Hand': 'Wrist', 'UpLeg': 'Hip', 'Leg': 'Knee', 'Foot': 'Ankle'}
    plain = {side + name: side + other for name, other in plain.items() for side in ('Left', 'Right')}
    for rename, turn in ((lambda name: f'mixamorig:{name}', lambda offset: offset),
                         (lambda name: plain.get(name, name), lambda offset: offset),
                         (lambda name: poser.get(name, name), lambda offset: offset),
                         (lambda name: name, lambda offset: (offset[0], -offset[2], offset[1]))):  # Z up
        np.testing.assert_allclose(poses(tmp_path, text_of(CMU, [{}], rename, turn))[1], expected, atol=1e-9)
    assert poses(tmp_path, text_of(CMU, [{}] * 5), every=2)[0].positions.shape[0] == 3


@pytest.mark.parametrize('change, words', [
    (lambda text: text.replace('LeftForeArm', 'Tentacle'), ('clip.bvh', 'lelb (leftforearm', 'Tentacle')),
    (lambda text: text[:-20], ('clip.bvh', 'numbers for 1 frames')),
    (lambda text: text.replace('Frame Time: 0.02', 'Frame Time: 0'), ('clip.bvh', 'and 0 s')),
    (lambda text: text.replace('Zrotation', 'Wrotation'), ("channel 'Wrotation'",)),
    (lambda text: text[:40], ('clip.bvh', 'expected a BVH file')), (lambda text: '', ('expected a BVH file',)),
])
def test_mistakes_are_named(tmp_path, change, words):
    with pytest.raises(DataError) as caught:
        poses(tmp_path, change(text_of(CMU, [{}])))
    assert [word for word in words if word not in str(caught.value)] == []
