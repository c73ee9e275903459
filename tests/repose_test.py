"""Reposing: inputs are found and brought to the model's size; what does not fit is said in one line."""

import json

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.errors import DataError
from data_pipeline.picture_file import read_image
from experiments import repose, repose_inputs, run_folder
from experiments.program import UsageError
from repose_tf.serving import reposed_pixels
from repose_tf.skeleton import JOINT_INDEX, JOINT_NAMES, NUM_JOINTS
from tests.programs import assert_one_error, run_program
from tests.tiny import TINY, tiny_generator, tiny_run

SIZE = TINY.image_size


def write_layout(root, sizes, poses=None):
    """Writes a people layout of person `p` with a frame of each size; returns key -> pose px."""
    rng = np.random.default_rng(0)
    px = {}
    (root / 'images' / 'p').mkdir(parents=True)
    for frame, (rows, columns) in sizes.items():
        image = rng.integers(0, 256, (rows, columns, 3)).astype(np.uint8)
        cv2.imwrite(str(root / 'images' / 'p' / f'{frame}.png'), image)
        joints = rng.uniform(0, rows, (NUM_JOINTS, 3)).round(2)
        joints[:, 2] -= joints[JOINT_INDEX['pelv'], 2]
        px[f'p/{frame}'] = joints
    entries = {key: {'px': (poses or {}).get(key, pose.tolist()), 'px_per_mm': 0.1}
               for key, pose in px.items()}
    (root / 'poses.json').write_text(json.dumps(
        {'version': 1, 'joints': JOINT_NAMES, 'origin': 'random numbers', 'poses': entries}))
    return px


@pytest.fixture
def layout(tmp_path):
    px = write_layout(tmp_path, {'00': (2 * SIZE, 2 * SIZE), '01': (SIZE, SIZE), 'wide': (SIZE, 2 * SIZE)})
    return tmp_path, px


def source(root, frame='00'):
    return str(root / 'images' / 'p' / f'{frame}.png')


def test_poses_are_found_by_the_pictures_place_and_scaled(layout):
    root, px = layout
    inputs = repose_inputs.load_inputs(source(root), '', '#p/01', SIZE)
    np.testing.assert_allclose(inputs['source_pose'][0], px['p/00'] / 2, rtol=1e-6)
    np.testing.assert_allclose(inputs['target_pose'][0], px['p/01'], rtol=1e-6)  # has the model's size
    blocks = read_image(source(root)).reshape(SIZE, 2, SIZE, 2, 3).mean(axis=(1, 3))
    assert np.abs(inputs['source_image'][0] - blocks).max() <= 1


def test_poses_of_another_file_are_in_px_of_the_source(layout, tmp_path_factory):
    root, px = layout
    alone = tmp_path_factory.mktemp('alone') / 'mine.json'
    alone.write_text((root / 'poses.json').read_text())
    inputs = repose_inputs.load_inputs(source(root), f'{alone}#p/00', f'{alone}#p/01', SIZE)
    np.testing.assert_allclose(inputs['target_pose'][0], px['p/01'] / 2, rtol=1e-6)


@pytest.mark.parametrize('frame, source_pose, target_pose, words', [
    ('none', '', '#p/01', ('none.png', 'no such file')),
    ('wide', '', '#p/01', ('expected a square picture', f'found {2 * SIZE} x {SIZE}')),
    ('00', '', '#p/77', ('--target_pose', "found 'p/77'", 'poses.json')),
    ('00', '', 'p/01', ('--target_pose', 'expected POSES.json#person/frame', "found 'p/01'")),
    ('00', 'no.json#p/00', '#p/01', ('no.json',)),
])
def test_bad_inputs_are_named(layout, frame, source_pose, target_pose, words):
    with pytest.raises((UsageError, DataError)) as caught:
        repose_inputs.load_inputs(source(layout[0], frame), source_pose, target_pose, SIZE)
    assert [word for word in words if word not in str(caught.value)] == []


def test_a_picture_elsewhere_needs_its_pose(tmp_path):
    cv2.imwrite(str(tmp_path / 'photo.png'), np.zeros((SIZE, SIZE, 3), np.uint8))
    with pytest.raises(UsageError, match='--source_pose.*found nothing'):
        repose_inputs.load_inputs(tmp_path / 'photo.png', '', 'poses.json#p/00', SIZE)


@pytest.mark.parametrize('pose', [
    [[0.0, 0.0, 0.0]] * (NUM_JOINTS - 1), [[0.0, 0.0, float('nan')]] + [[0.0, 0.0, 0.0]] * (NUM_JOINTS - 1)])
def test_a_bad_pose_is_named(tmp_path, pose):
    write_layout(tmp_path, {'00': (SIZE, SIZE)}, {'p/00': pose})
    with pytest.raises(DataError, match='p/00'):
        repose_inputs.load_inputs(source(tmp_path), '', '#p/00', SIZE)


def test_the_program_writes_the_models_picture(layout, tmp_path_factory):
    root, _ = layout
    folder, generator = tmp_path_factory.mktemp('runs'), tiny_generator()
    output = folder / 'new' / 'result.png'
    process = run_program('repose', f'--run_dir={tiny_run(folder, generator).path}',
                          f'--source={source(root)}', '--target_pose=#p/01', f'--output={output}')
    assert process.returncode == 0 and str(output) in process.stdout, process.stderr
    inputs = repose_inputs.load_inputs(source(root), '', '#p/01', SIZE)
    expected = reposed_pixels(generator, **inputs).numpy()[0]
    assert np.abs(read_image(output).astype(int) - expected).max() <= 1


class Negative:
    """Stands in for a Reposer."""

    @staticmethod
    def repose(source_image, source_pose, target_pose):
        del source_pose, target_pose
        return {'image': 255 - source_image}


def test_the_sheet_shows_source_pose_result_and_truth_of_every_pair(tmp_path):
    def batch(grey, names):
        def images(value):
            return tf.fill([len(names), SIZE, SIZE, 3], tf.constant(value, tf.uint8))
        poses = tf.random.uniform([len(names), NUM_JOINTS, 3], 0, SIZE)
        return {'source_image': images(grey), 'target_image': images(grey + 1), 'source_pose': poses,
                'target_pose': poses, 'source_id': tf.constant(names), 'target_id': tf.constant(names)}

    batches = [batch(10, ['a/0', 'a/1']), batch(60, ['b/0'])]
    repose.write_contact_sheet(tmp_path / 'sheet.png', Negative, batches)
    sheet = read_image(tmp_path / 'sheet.png')
    cell = sheet.shape[1] // 4
    columns = {name: sheet[:, cell * index + cell // 2, 0].tolist()
               for index, name in enumerate(('source', 'pose', 'result', 'truth'))}
    for name, first, second in (('source', 10, 60), ('result', 245, 195), ('truth', 11, 61)):
        assert columns[name].count(first) == 2 * columns[name].count(second) >= 128


def test_the_program_says_what_is_wrong(layout, tmp_path):
    folder = run_folder.create(str(tmp_path), 'untrained', TINY, '--preset=small\n')
    process = run_program('repose', f'--run_dir={folder.path}', f'--source={source(layout[0], "none")}',
                          '--target_pose=#p/01', f'--output={tmp_path / "result.png"}')
    assert_one_error(process, 'none.png', 'no such file')
    process = run_program('repose', f'--run_dir={folder.path}', f'--source={source(layout[0])}')
    assert_one_error(process, '--output, --contact_sheet', 'expected one of them')
