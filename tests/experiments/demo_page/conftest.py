"""The page in a browser, for the tests of this folder: the server, one tab, and a backend of the same model."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import pytest

from data_pipeline.estimators.mediapipe_pose import MediaPipePose
from experiments.demo_page.backend import Backend
from experiments.demo_page.samples import load_samples
from experiments.models.opening import open_model
from experiments.models.sizes import sized
from tests.support.chromium import open_browser
from tests.support.page_in_browser import ESTIMATOR
from tests.support.programs import ROOT
from tests.support.tiny import tiny_run


@pytest.fixture(scope='package')
def run_path(tmp_path_factory):
    return os.environ.get('DEMO_TEST_MODEL') or tiny_run(tmp_path_factory.mktemp('runs')).path


# Tells, inside of the server, of every file that Python opens for writing.
WITNESS = """import os, sys
log = os.open(os.environ['WITNESS_LOG'], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def look(event, arguments):
    if event == 'open' and not isinstance(arguments[0], int):
        if (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            os.write(log, os.fsencode(arguments[0]) + b'\\n')
sys.addaudithook(look)
"""


def files_below(folder):
    """Returns the files below a folder, but for caches of Python and of tests."""
    found = set()
    for root, names, files in os.walk(folder):
        names[:] = [name for name in names if name not in ('__pycache__', '.pytest_cache', '.git')]
        found |= {os.path.join(root, name) for name in files}
    return found


@pytest.fixture(scope='package')
def server(run_path, tmp_path_factory):
    """Runs the program; yields its address and the folder in which alone it may write."""
    base = tmp_path_factory.mktemp('temporary')
    folder, home, log = base / 'tmp', base / 'home', base / 'opened'
    folder.mkdir()
    home.mkdir()
    (base / 'sitecustomize.py').write_text(WITNESS)
    before = files_below(ROOT)
    process = subprocess.Popen(
        [sys.executable, '-m', 'experiments.demo', f'--model={run_path}', '--port=0', '--samples=data/people',
         f'--model_dir={ESTIMATOR or "/nowhere"}'], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, 'TMPDIR': str(folder), 'HOME': str(home), 'WITNESS_LOG': str(log),
             'PYTHONPATH': os.pathsep.join(filter(None, (str(base), os.environ.get('PYTHONPATH'))))})
    address = next(match[1] for line in process.stdout if (match := re.search(r'Open (\S+)', line)))
    yield address, folder
    process.send_signal(2)
    assert process.wait(60) == 0
    assert [path for path in folder.rglob('*') if path.is_file()] == []  # nothing is kept
    opened = set(log.read_text().split('\n')) - {''}
    assert any(path.startswith(str(folder)) for path in opened)  # the witness sees
    assert [path for path in opened if not path.startswith((str(folder), '/dev/', '/proc/self/'))
            and '__pycache__' not in path] == []
    assert files_below(home) | (files_below(ROOT) - before) == set()  # also what is not Python's


@pytest.fixture(scope='package')
def tab(server):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, open_browser(pathlib.Path(profile)) as tab:
        tab.send('Page.navigate', url=server[0])
        tab.wait("!!document.querySelector('#result img')")
        yield tab


@pytest.fixture(scope='package')
def backend(run_path):
    return Backend(sized(open_model(run_path), None))


@pytest.fixture(scope='package')
def samples(backend):
    return load_samples('data/people', backend.image_size)


@pytest.fixture(scope='package')
def finder(run_path):
    """A backend that takes photos and videos."""
    return Backend(sized(open_model(run_path), None), None, MediaPipePose(ESTIMATOR))
