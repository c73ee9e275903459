"""Joints that are dragged in a real browser, keys, names for screen readers, work that is ended; see page_test.py."""

import base64
import json
import subprocess
import sys
import types

import numpy as np
import pytest

from data_pipeline.picture_file import read_image
from experiments.demo_page.uploads import RequestError
from repose_tf.skeleton import JOINT_INDEX, JOINT_NAMES
from tests.support.page_in_browser import NEEDS_BROWSER, PEOPLE, decoded, shown_is
from tests.support.programs import ROOT

pytest.importorskip('gradio', reason='the page needs requirements-demo.txt')
pytest.importorskip('websocket', reason='driving the browser needs the package websocket-client')
pytestmark = NEEDS_BROWSER
POSE = "document.querySelector('#result').dataset.pose"
PLACES = "[...document.querySelectorAll('.joint')].map(one => [one.style.left, one.style.top].map(parseFloat))"


def pose_of(tab):
    return np.array(json.loads(tab.run(POSE)))


def after(tab, change):
    """Returns the pose that the server answers to a change."""
    before = tab.run(POSE)
    change()
    return np.array(json.loads(tab.wait(f'{POSE} !== {json.dumps(before)} && {POSE}')))


def begin(tab, samples, backend):
    tab.click('#persons button', 1)
    tab.click('#poses button', 5)
    pose = backend.target_pose(samples.persons[1], samples.poses[5])
    assert shown_is(tab, backend.picture(samples.persons[1], pose))


def test_dragging_a_wrist_changes_the_picture_as_the_command_does(tab, backend, run_path, samples, tmp_path):
    """By the pose file that the page offers; its numbers are rounded, so pixels may differ by little."""
    begin(tab, samples, backend)
    before, old = pose_of(tab), decoded(tab.picture('#result img'))
    pose = after(tab, lambda: tab.drag('.joint[data-joint=lwri]', 40, 60))
    elbow, wrist = JOINT_INDEX['lelb'], JOINT_INDEX['lwri']
    assert np.flatnonzero(np.abs(pose - before).max(axis=1) > 0.01).tolist() == [wrist]
    lengths = [np.linalg.norm(one[wrist] - one[elbow]) for one in (pose, before)]
    assert lengths[0] == pytest.approx(lengths[1], rel=1e-3) and np.abs(pose - before).max() > 1
    link = tab.run("document.querySelector('#result a[download=\"pose.json\"]').href")
    (tmp_path / 'pose.json').write_bytes(base64.b64decode(link.partition('base64,')[2]))
    subprocess.run([sys.executable, '-m', 'experiments.repose', f'--model={run_path}', f'--output={tmp_path}/out.png',
                    f'--size={backend.image_size}',
                    f'--source={PEOPLE}/images/{samples.persons[1].name}/00.jpg',
                    f'--target={tmp_path}/pose.json#page/pose'], cwd=ROOT, check=True)
    shown, made = (image.astype(int) for image in (decoded(tab.picture('#result img')),
                                                   read_image(tmp_path / 'out.png')))
    assert np.abs(shown - made).max() <= 2 < np.abs(shown - old).max()


def test_what_is_drawn_while_dragging_is_where_the_server_puts_it(tab, backend, samples):
    for joint, x_px, y_px in (('relb', -30, 50), ('nose', 25, 10), ('lsho', 5, 30), ('pelv', 20, -10), ('rank', 99, 0)):
        drawn = []

        def drag(joint=joint, x_px=x_px, y_px=y_px, drawn=drawn):
            tab.drag(f'.joint[data-joint={joint}]', x_px, y_px)
            drawn.append(tab.run(PLACES))
        pose = after(tab, drag)
        np.testing.assert_allclose(np.array(drawn[0]) * backend.image_size / 100, pose[:, :2], atol=0.02)


def test_undo_takes_every_step_back(tab, backend, samples):
    begin(tab, samples, backend)
    before = pose_of(tab)
    after(tab, lambda: tab.drag('.joint[data-joint=lkne]', 20, -10))
    after(tab, lambda: tab.drag('.joint[data-joint=rwri]', 20, 30))
    after(tab, lambda: tab.click('#undo'))
    assert np.array_equal(after(tab, lambda: tab.click('#undo')), before)


def test_keys_move_a_joint_and_its_depth(tab, backend, samples):
    begin(tab, samples, backend)
    before, wrist = pose_of(tab), JOINT_INDEX['rwri']
    tab.run("document.querySelector('.joint[data-joint=rwri]').focus()")
    tilted = after(tab, lambda: tab.press('PageUp'))
    assert tilted[wrist, 2] > before[wrist, 2]
    moved = after(tab, lambda: tab.press('ArrowLeft'))
    assert moved[wrist, 0] < tilted[wrist, 0]
    assert tab.run('document.activeElement.dataset.joint') == 'rwri'  # though the picture was exchanged


def test_who_is_dragged_out_of_the_picture_stays(tab, backend, samples):
    begin(tab, samples, backend)
    before = tab.run(POSE)
    tab.drag('.joint[data-joint=pelv]', 3000, 0)
    assert 'nobody is left in the picture' in tab.wait("(document.querySelector('.message.error') || {}).innerText")
    assert tab.run(POSE) == before
    places = np.array(tab.wait(f'{PLACES}')) * backend.image_size / 100
    np.testing.assert_allclose(places, np.array(json.loads(before))[:, :2], atol=0.02)


def test_everything_has_a_name(tab, samples):
    found = tab.names('button', 'slider', 'checkbox', 'radio', 'tab', 'image', 'img', 'link', 'spinbutton')
    assert len(found) > 30 and [one for one in found if not one[1].strip()] == []
    names = {name for _, name in found}
    assert {'left wrist', 'pelvis', 'right ear'} <= names and f'Person {samples.persons[1].name}' in names
    assert len(JOINT_NAMES) == tab.run("document.querySelectorAll('.joint').length")


def test_work_ends_when_the_visitor_wants_it(samples):
    from experiments.demo_page.answers import Answers
    from experiments.demo_page.choice import Choice

    def turntable(person, pose_px, num_frames, tell):
        for done in range(1, num_frames + 1):
            if done == 3:
                answers.end(visitor)
            tell(done, num_frames)
        raise RequestError('It was not ended.')
    visitor = types.SimpleNamespace(session_hash='somebody')
    answers = Answers(types.SimpleNamespace(turntable=turntable, target_pose=lambda *_: None), samples)
    told = list(answers.make_clip(visitor, Choice(samples.persons[0], samples.poses[0]), 'turn round', 9, 0, 0, 0, 0))
    assert ['2 of 9 pictures' in one[2] for one in told].count(True) == 1 and '<progress' in told[0][2]
    assert 'Cancelled: 3 of 9 pictures were done.' in told[-1][0] and told[-1][2] == ''
