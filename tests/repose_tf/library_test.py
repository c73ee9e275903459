"""The library by itself: what it names, what it loads, and that it can be installed without the rest."""

import re
import shutil
import site
import subprocess
import sys

import numpy as np
import pytest

import repose_tf
from data_pipeline.picture_file import read_image
from data_pipeline.poses.pose_file import read_poses
from tests.support.programs import ROOT

PEOPLE = ROOT / 'data' / 'people'
BLOCK = re.search('```python\n(.*?)```', (ROOT / 'README.md').read_text(), re.DOTALL)[1]


@pytest.fixture(scope='module')
def given():
    """What the README's example begins with."""
    poses = read_poses(PEOPLE / 'poses.json')
    return {'image': read_image(PEOPLE / 'images' / 'p013' / '00.jpg'), 'pose_px': poses['p013/00'].px,
            'target_poses_px': np.stack([poses[f'p013/{index:02d}'].px for index in (1, 2, 3, 4, 7, 6)])}


def checked(arguments, **options):
    process = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, check=False, **options)
    assert process.returncode == 0, process.stderr[-3000:]


def test_the_example_of_the_readme_runs_as_it_stands(given, monkeypatch):
    monkeypatch.chdir(ROOT)
    names = dict(given)
    exec(BLOCK, names)
    assert names['pictures'].shape == (6, 256, 256, 3) and names['pictures'].dtype == np.uint8
    # Where nobody stands in any of the pictures, all show the background of the photo.
    corner = names['pictures'][:, :24, :24].astype(int)
    assert np.abs(corner - given['image'][:24, :24]).mean() < 4


def test_importing_it_loads_no_tensorflow_until_it_is_needed():
    checked([sys.executable, '-c', """
import sys
import repose_tf
assert repose_tf.skeleton.NUM_JOINTS == 19 and issubclass(repose_tf.UserError, Exception)
assert repose_tf.Architecture().image_size == 256 and set(repose_tf.__all__) <= set(dir(repose_tf))
assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules
"""], cwd=ROOT)


def test_every_name_is_there_and_no_other():
    assert all(getattr(repose_tf, name) for name in repose_tf.__all__)
    assert repose_tf.load.__module__ == repose_tf.Reposer.__module__ == 'repose_tf.reposer'
    with pytest.raises(AttributeError, match='no attribute'):
        repose_tf.nothing  # noqa: B018


@pytest.mark.slow
@pytest.mark.long
def test_the_installed_library_runs_the_example_without_the_rest_of_the_project(given, tmp_path):
    source = tmp_path / 'source'
    for name in ('repose_tf', 'data_pipeline', 'experiments'):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('pyproject.toml', 'LICENSE', 'docs/library.md'):
        (source / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, '-m', 'pip', '--disable-pip-version-check']
    checked([*pip, 'wheel', '--no-deps', '--no-build-isolation', '--no-index', '-w', tmp_path / 'dist', source])
    wheel, = (tmp_path / 'dist').iterdir()
    assert wheel.name == f'repose_tf-{repose_tf.__version__}-py3-none-any.whl'

    checked([sys.executable, '-m', 'venv', '--without-pip', tmp_path / 'env'])
    packages, = (tmp_path / 'env' / 'lib').glob('python*/site-packages')
    checked([*pip, 'install', '--no-deps', '--no-index', '--target', packages, wheel])
    (packages / 'tensorflow.pth').write_text('\n'.join(site.getsitepackages()))  # instead of installing it once more
    np.savez(tmp_path / 'given.npz', **given)
    (tmp_path / 'example.py').write_text(f"""
import importlib.metadata
import importlib.util
import numpy as np
globals().update(np.load({str(tmp_path / 'given.npz')!r}))
{BLOCK.replace("'models/people-256'", repr(str(ROOT / 'models' / 'people-256')))}
assert pictures.shape == (6, 256, 256, 3)
assert repose_tf.__file__.startswith({str(packages)!r}), repose_tf.__file__
assert importlib.metadata.version('repose_tf') == repose_tf.__version__
assert not any(importlib.util.find_spec(name) for name in ('data_pipeline', 'experiments', 'tests'))
""")
    checked([tmp_path / 'env' / 'bin' / 'python', '-I', tmp_path / 'example.py'], cwd=tmp_path)
