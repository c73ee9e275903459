"""The page in a real browser: what it shows is what the model gives, and it asks for nothing from outside.

Needs Gradio, the package websocket-client and Chromium: docs/demo.md.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np
import pytest

from experiments import demo_samples, model_source
from experiments.demo_backend import Backend, Edits
from tests.chromium import find_chromium, open_browser
from tests.programs import ROOT
from tests.tiny import tiny_run

pytest.importorskip('gradio', reason='the page needs requirements-demo.txt')
pytest.importorskip('websocket', reason='driving the browser needs the package websocket-client')
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not find_chromium(), reason='there is no Chromium')]


@pytest.fixture(scope='module')
def run_path(tmp_path_factory):
    return os.environ.get('DEMO_TEST_MODEL') or tiny_run(tmp_path_factory.mktemp('runs')).path


@pytest.fixture(scope='module')
def server(run_path, tmp_path_factory):
    """Runs the program; yields its address, the folder in which it may write, and what it may not."""
    folder = tmp_path_factory.mktemp('temporary')
    process = subprocess.Popen([sys.executable, '-m', 'experiments.demo', f'--model={run_path}', '--port=0',
                                '--model_dir=' + os.environ.get('DEMO_TEST_ESTIMATOR', '/nowhere')], cwd=ROOT,
                               env={**os.environ, 'TMPDIR': str(folder)},
                               stdout=subprocess.PIPE, text=True)
    address = next(match[1] for line in process.stdout if (match := re.search(r'Open (\S+)', line)))
    yield address, folder
    process.send_signal(2)
    assert process.wait(60) == 0
    left = [path for path in folder.rglob('*') if path.is_file()]
    assert left == [], left  # nothing is kept


@pytest.fixture(scope='module')
def tab(server):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, open_browser(pathlib.Path(profile)) as tab:
        tab.send('Page.navigate', url=server[0])
        tab.wait("!!document.querySelector('#result img')")
        yield tab


@pytest.fixture(scope='module')
def backend(run_path):
    return Backend(model_source.load(run_path))


@pytest.fixture(scope='module')
def samples(backend):
    return demo_samples.load_samples('data/people', backend.image_size)


def decoded(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def shown_is(tab, expected, seconds=60):
    """Waits until the page shows this very picture."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if np.array_equal(decoded(tab.picture('#result img')), expected):
            return True
        time.sleep(0.3)
    return False


def test_the_picture_is_the_models(tab, backend, samples):
    for person_index, pose_index in ((0, 1), (3, 5)):
        tab.click('#persons button', person_index)
        tab.click('#poses button', pose_index)
        person = samples.persons[person_index]
        pose = backend.target_pose(person, samples.poses[pose_index])
        assert shown_is(tab, backend._model.repose(person.image, person.pose, pose[np.newaxis])[0])


def test_a_slider_turns_the_person(tab, backend, samples):
    tab.run("""(() => { const number = document.querySelector('#turn_deg input[type=number]');
        number.value = 90; number.dispatchEvent(new Event('input', {bubbles: true}));
        number.dispatchEvent(new Event('change', {bubbles: true})); number.dispatchEvent(new Event('blur')); })()""")
    person, pose = samples.persons[3], samples.poses[5]
    assert shown_is(tab, backend.picture(person, backend.target_pose(person, pose, Edits(turn_deg=90))))


def test_clip_and_parts_are_shown(tab):
    tab.run("[...document.querySelectorAll('button[role=tab]')].find(b => b.innerText.includes('round')).click()")
    tab.click('#make-clip')
    assert tab.picture('#turntable img').startswith(b'GIF89a')
    tab.run("[...document.querySelectorAll('button[role=tab]')].find(b => b.innerText.includes('Inside')).click()")
    tab.click('#make-parts')
    tab.wait("document.querySelectorAll('#parts img').length == 6")


@pytest.mark.skipif(not os.environ.get('DEMO_TEST_ESTIMATOR'), reason='DEMO_TEST_ESTIMATOR names no pose model')
def test_an_uploaded_file_is_answered_and_not_kept(tab, server, tmp_path):
    (tmp_path / 'broken.png').write_bytes(b'no picture at all')
    tab.upload('input[type=file]', tmp_path / 'broken.png')
    assert 'JPEG, PNG or WebP' in tab.wait("(document.querySelector('.message.error') || {}).innerText")
    assert list(server[1].rglob('broken*')) == []


def test_nothing_is_asked_for_from_outside(tab, server):
    tab.run('1')
    outside = {url for url in tab.requested if not url.startswith((server[0], 'data:', 'blob:'))}
    assert len(tab.requested) > 10 and outside == set()


@pytest.mark.parametrize('width', (390, 1200))
def test_it_fits_its_width(tab, width, tmp_path):
    tab.screenshot(tmp_path / 'page.png', width, 900)
    assert tab.run('document.documentElement.scrollWidth') <= width
