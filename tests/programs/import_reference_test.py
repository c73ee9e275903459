"""An imported checkpoint makes a run folder that the other programs take for one of a training run."""

import json
import os

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.errors import WriteError
from experiments.configuration.flags import settings_from_file
from experiments.models import opening
from experiments.models.importing import import_checkpoint
from experiments.training import checkpoints, run_folder
from experiments.training.trainer import Trainer
from repose_tf.architecture import PRESETS
from repose_tf.reference.loading import CheckpointError
from repose_tf.reference.names import discriminator_names, generator_names
from tests.repose_tf.reference.loading_test import altered, networks, prefix, shapes  # noqa: F401  (fixtures)
from tests.support.programs import ROOT, assert_one_error, run_program
from tests.support.reference_files import made_up_values, reference_shapes, write_checkpoint
from tests.support.tiny import TINY, raw_batch


@pytest.fixture(scope='module', autouse=True)
def tiny_preset():
    """The reference is tiny."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, 'reference', TINY)
        yield


@pytest.fixture(scope='module')
def run(tiny_preset, prefix, tmp_path_factory):  # noqa: F811
    """A run folder imported from a tiny checkpoint."""
    folder = tmp_path_factory.mktemp('runs')
    import_checkpoint(prefix, str(folder / 'imported-0001'), '3d', '2d')
    return run_folder.open_existing(str(folder / 'imported'))


def assert_made_up(names):
    for name, variable in names.items():
        np.testing.assert_array_equal(variable, made_up_values(name, tuple(variable.shape)), name)


def test_the_run_has_the_checkpoints_generator(run):
    generator = opening.load_generator(run)
    assert (generator.architecture.pose, generator.architecture.crop) == ('2d', 'start')
    assert_made_up(generator_names(generator))


def test_the_saved_flags_make_the_saved_model(run):
    architecture = run.settings().model.architecture()
    assert architecture == run.architecture()
    place = run.settings().run
    assert os.path.join(place.runs_dir, place.run_name) == run.path


@pytest.mark.usefixtures('eagerly')
def test_training_goes_on_from_it(run):
    settings = settings_from_file(run.flags_path, perceptual_weight=0.0)
    trainer = Trainer(settings, tf.distribute.get_strategy())
    saved = checkpoints.Checkpoints(run.checkpoints_dir, **trainer.checkpoint_parts())
    saved.restore_latest()
    assert int(trainer.step_counter) == 0
    assert_made_up(generator_names(trainer.generator))
    assert_made_up(discriminator_names(trainer.discriminator))
    assert np.isfinite(float(trainer.step(raw_batch(2))['loss/generator']))
    saved.save(1)
    assert saved.prefixes[0].endswith('step-1')


@pytest.mark.long
def test_a_checkpoint_without_discriminator_is_imported(shapes, tmp_path, capsys):  # noqa: F811
    path = altered(tmp_path, {name: shape for name, shape in shapes.items() if 'Discriminator' not in name})
    import_checkpoint(path, str(tmp_path / 'run'), '3d', '3d')
    assert 'no discriminator' in capsys.readouterr().out
    run_folder.open_existing(str(tmp_path / 'run'))


def test_a_checkpoint_that_is_not_there_is_told():
    with pytest.raises(CheckpointError, match='no/such/model.*expected a checkpoint'):
        import_checkpoint('no/such/model', 'no/such/run', '3d', '3d')


@pytest.mark.long
def test_a_refused_checkpoint_leaves_nothing_behind(shapes, tmp_path):  # noqa: F811
    (tmp_path / 'in').mkdir()
    path = altered(tmp_path / 'in', {**shapes, 'GAN/Generator/surprise': (1,)})
    with pytest.raises(CheckpointError, match='surprise'):
        import_checkpoint(path, str(tmp_path / 'runs' / 'run'), '3d', '3d')
    assert [file.name for file in tmp_path.iterdir()] == ['in']


@pytest.mark.long
def test_a_place_that_cannot_be_written_is_told(prefix, tmp_path):  # noqa: F811
    (tmp_path / 'file').touch()
    with pytest.raises(WriteError, match='file/run: cannot be written'):
        import_checkpoint(prefix, str(tmp_path / 'file' / 'run'), '3d', '2d')


@pytest.mark.parametrize('arguments, words', [
    (['--output=x'], ['--checkpoint=... must be given']),
    (['--checkpoint=x', '--output=tests'], ['tests: expected a folder', 'does not exist yet']),
    (['--checkpoint=x', '--output=y', '--warp=4d'], ['warp', '4d']),
])
def test_mistakes_are_one_line(arguments, words):
    assert_one_error(run_program('import_reference', *arguments), *words)


@pytest.mark.slow
@pytest.mark.long
def test_a_full_size_model_is_imported_and_reposes_a_picture(tmp_path):
    write_checkpoint(tmp_path / 'model.ckpt-150000', reference_shapes())
    run = tmp_path / 'authors-0001'
    process = run_program('import_reference', f'--checkpoint={tmp_path}', f'--output={run}')
    assert process.returncode == 0 and f'Imported: {run}' in process.stdout, process.stderr

    pose = min(json.loads((ROOT / 'data/people/poses.json').read_text())['poses'])
    picture, = ROOT.glob(f'data/people/images/{pose}.*')
    process = run_program('repose', f'--run_dir={run}', f'--source={picture}', f'--target_pose=#{pose}',
                          f'--output={tmp_path / "result.png"}')
    assert process.returncode == 0, process.stderr
    result = cv2.imread(str(tmp_path / 'result.png'))
    assert result.shape == (256, 256, 3) and result.std() > 1.0
