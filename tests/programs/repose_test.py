"""The program that reposes writes the model's picture, and says in one line what is wrong."""

import numpy as np
import pytest

from data_pipeline.picture_file import read_image
from experiments.training import run_folder
from repose_tf.serving import reposed_pixels
from tests.support.programs import assert_one_error, run_program
from tests.support.source_people import load, photo_path, targets, write_layout
from tests.support.tiny import LEAST, tiny_generator, tiny_run


def test_the_program_writes_the_models_picture(tmp_path, tmp_path_factory):
    write_layout(tmp_path)
    folder, generator = tmp_path_factory.mktemp('runs'), tiny_generator()
    output = folder / 'new' / 'result.png'
    process = run_program('repose', f'--run_dir={tiny_run(folder, generator).path}', f'--source={photo_path(tmp_path)}',
                          '--target_pose=#p/01', f'--output={output}', '--bodypart')
    assert process.returncode == 0 and str(output) in process.stdout, process.stderr
    source, pose_px = load(tmp_path), targets('#p/01', tmp_path).poses_px
    expected = reposed_pixels(generator, source.image[np.newaxis], source.pose_px[np.newaxis], pose_px).numpy()[0]
    assert np.abs(read_image(output).astype(int) - expected).max() <= 1
    assert read_image(output.with_name('result-parts.png')).std() > 0


@pytest.mark.long
def test_the_program_says_what_is_wrong(tmp_path):
    write_layout(tmp_path)
    folder = run_folder.create(str(tmp_path / 'runs'), 'untrained', LEAST, '--preset=small\n')
    process = run_program('repose', f'--run_dir={folder.path}', f'--source={photo_path(tmp_path, "none")}',
                          '--target_pose=#p/01', f'--output={tmp_path / "result.png"}')
    assert_one_error(process, 'none.png', 'no such file')
    process = run_program('repose', f'--run_dir={folder.path}', f'--source={photo_path(tmp_path)}')
    assert_one_error(process, '--output, --contact_sheet', 'expected one of them')
    assert_one_error(run_program('repose', f'--model={tmp_path}', f'--source={photo_path(tmp_path)}', '--target=#p/01',
                                 '--output=out.png'), 'expected a run folder, a packed model', 'none of them')
