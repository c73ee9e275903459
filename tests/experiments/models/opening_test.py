"""Models that were made before open as they did, and show the pictures that they showed."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.errors import UsageError
from data_pipeline.picture_file import read_image
from data_pipeline.poses.pose_file import read_poses
from experiments.models import opening
from experiments.training import checkpoints
from experiments.training.trainer import Trainer
from tests.support import tiny as tiny_models
from tests.support.programs import ROOT
from tests.support.tiny import TINY, tiny_settings

OLD_RUN = ROOT / 'tests' / 'support' / 'old_run'
PEOPLE = ROOT / 'data' / 'people'


def assert_alike(picture, name):
    """Compares with a picture of the code before; other CPUs round a little differently."""
    with np.load(OLD_RUN / 'pictures.npz') as pictures:
        difference = np.abs(picture.astype(int) - pictures[name])
    assert difference.max() <= 3 and difference.mean() < 0.1


@pytest.mark.parametrize('path, name', [
    (OLD_RUN, 'run'), (OLD_RUN / 'people_64', 'people_64')])
def test_models_of_before_show_the_same_pictures(path, name):
    poses = read_poses(PEOPLE / 'poses.json')
    reposer = opening.open_model(str(path))
    person = reposer.source(read_image(PEOPLE / 'images' / 'p013' / '00.jpg'), poses['p013/00'].px)
    assert_alike(person.repose(poses['p013/06'].px[np.newaxis])[0], name)
    run = opening.run_of(str(path))
    assert (reposer.kind, run is None) == (('run', False) if name == 'run' else ('packed model', True))


def test_a_run_of_before_goes_on(monkeypatch):
    run = opening.run_of(str(OLD_RUN))
    settings = run.settings()
    assert run.architecture() == dataclasses.replace(TINY, registration='reference')
    assert (settings.train.steps, settings.losses.l1_weight) == (3, 1.0)
    assert settings.data.source_dir == 'data/people' and not run.is_new()
    monkeypatch.setattr(tiny_models, 'LEAST', TINY)  # which was the preset then
    tiny = tiny_settings(adversarial_weight=0.0, registration='reference')
    trainer = Trainer(tiny, tf.distribute.get_strategy())
    assert checkpoints.for_run(run, trainer, tiny).restore_latest().endswith('step-3')
    assert int(trainer.step_counter) == 3


def test_a_generator_is_asked_for_where_a_saved_model_has_none(tmp_path):
    (tmp_path / 'saved_model.pb').write_bytes(b'')
    with pytest.raises(UsageError, match='expected a run folder or a packed model, found a SavedModel'):
        opening.open_generator(str(tmp_path))
