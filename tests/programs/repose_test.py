"""Reposing: inputs are found and brought to the model's size; what does not fit is said in one line."""

import json

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.errors import DataError, UsageError
from data_pipeline.picture_file import read_image
from experiments import repose
from experiments.pictures import files as picture_outputs
from experiments.reposing import repose_inputs
from experiments.reposing import targets as repose_targets
from experiments.reposing.paste_back import Canvas
from experiments.training import run_folder
from repose_tf.serving import reposed_pixels
from repose_tf.skeleton import JOINT_INDEX, JOINT_NAMES, NUM_JOINTS
from tests.support import fake_estimator
from tests.support.fake_estimator import FakeEstimator
from tests.support.programs import assert_one_error, run_program
from tests.support.tiny import TINY, tiny_generator, tiny_run

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
    px = write_layout(tmp_path, {'00': (2 * SIZE, 2 * SIZE), '01': (SIZE, SIZE)})
    return tmp_path, px


def source(root, frame='00'):
    return str(root / 'images' / 'p' / f'{frame}.png')


def nobody_asked():
    raise AssertionError('the pose is given')


def load(root, frame='00', pose=''):
    return repose_inputs.load_person(source(root, frame), pose, SIZE, nobody_asked)[0]


def targets(argument, root=None, side=2 * SIZE):
    place = root and repose_inputs.place_of(source(root))
    return repose_targets.load_targets(argument, place, side, SIZE, FakeEstimator)


def test_poses_are_found_by_the_pictures_place_and_scaled(layout):
    root, px = layout
    person = load(root)
    np.testing.assert_allclose(person.pose_px, px['p/00'] / 2, rtol=1e-6)
    blocks = read_image(source(root)).reshape(SIZE, 2, SIZE, 2, 3).mean(axis=(1, 3))
    assert np.abs(person.image - blocks).max() <= 1 and not person.is_cropped
    one, many = targets('#p/01', root), targets('#p', root)
    np.testing.assert_allclose(one.poses_px[0], px['p/01'], rtol=1e-6)  # has the model's size
    np.testing.assert_allclose(many.poses_px, [px['p/00'] / 2, px['p/01']], rtol=1e-6)
    assert np.array_equal(many.poses_px, targets(str(root / 'poses.json')).poses_px)


def test_poses_of_another_file_are_in_px_of_the_source(layout, tmp_path_factory):
    root, px = layout
    alone = tmp_path_factory.mktemp('alone') / 'mine.json'
    alone.write_text((root / 'poses.json').read_text())
    np.testing.assert_allclose(load(root, pose=f'{alone}#p/00').pose_px, px['p/00'] / 2, rtol=1e-6)
    np.testing.assert_allclose(targets(f'{alone}#p/01').poses_px[0], px['p/01'] / 2, rtol=1e-6)


@pytest.mark.parametrize('load_it, words', [
    (lambda root: load(root, 'none'), ('none.png', 'no such file')),
    (lambda root: load(root, pose='no.json#p/00'), ('no.json',)),
    (lambda root: targets('#p/77', root), ('--target', "found 'p/77'", 'poses.json')),
    (lambda root: targets('#', root), ('--target', 'expected POSES.json#person/frame', "found '#'")),
    (lambda root: targets('p/01', root), ('--target', 'a photo, a video', "found 'p/01'")),
    (lambda root: targets('no.mp4', root), ('--target', 'found none at no.mp4')),
    (lambda root: targets(source(root), root), ('00.png', 'nobody was found')),
    (lambda root: picture_outputs.check_output('x.tif', 1), ('--output', '.mp4', "'x.tif'")),
    (lambda root: picture_outputs.check_output('x.gif', 1000), ('--output', 'found 1000', '%05d.png')),
])
def test_bad_inputs_are_named(layout, load_it, words):
    (layout[0] / 'images' / 'p' / '00.png').write_bytes(cv2.imencode('.png', np.zeros((64, 64, 3), np.uint8))[1])
    with pytest.raises((UsageError, DataError)) as caught:
        load_it(layout[0])
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize('pose', [
    [[0.0, 0.0, 0.0]] * (NUM_JOINTS - 1), [[0.0, 0.0, float('nan')]] + [[0.0, 0.0, 0.0]] * (NUM_JOINTS - 1)])
def test_a_bad_pose_is_named(tmp_path, pose):
    write_layout(tmp_path, {'00': (SIZE, SIZE)}, {'p/00': pose})
    with pytest.raises(DataError, match='p/00'):
        load(tmp_path)


def test_the_program_writes_the_models_picture(layout, tmp_path_factory):
    root, _ = layout
    folder, generator = tmp_path_factory.mktemp('runs'), tiny_generator()
    output = folder / 'new' / 'result.png'
    process = run_program('repose', f'--run_dir={tiny_run(folder, generator).path}', f'--source={source(root)}',
                          '--target_pose=#p/01', f'--output={output}', '--bodypart')
    assert process.returncode == 0 and str(output) in process.stdout, process.stderr
    person, pose = load(root), targets('#p/01', root).poses_px
    expected = reposed_pixels(generator, person.image[np.newaxis], person.pose_px[np.newaxis], pose).numpy()[0]
    assert np.abs(read_image(output).astype(int) - expected).max() <= 1
    assert read_image(output.with_name('result-parts.png')).std() > 0


def photo_of_someone(path, columns=300, rows=200, box=(180, 50, 40, 120)):
    cv2.imwrite(str(path), fake_estimator.picture(columns, rows, box))


def test_a_photo_gets_its_person_back_and_keeps_the_rest(tmp_path):
    photo_of_someone(tmp_path / 'photo.png')
    person, num_people = repose_inputs.load_person(tmp_path / 'photo.png', '', SIZE, FakeEstimator)
    assert num_people == 1 and person.is_cropped and person.mask is not None
    canvas = Canvas(person)
    joints = canvas.pose(person.pose_px)
    np.testing.assert_allclose(joints[:, 0].mean(), 180 + 40 * fake_estimator.body()[:, 0].mean(), atol=0.5)
    green = np.full((SIZE, SIZE, 3), (0, 255, 0), np.uint8)
    pasted = canvas.paste(green, np.zeros((SIZE, SIZE), np.float32), person.pose_px)
    assert np.abs(pasted[60:160, 185:215].astype(int) - (0, 255, 0)).max() <= 8  # the person who was there
    for elsewhere in (np.s_[:, :100], np.s_[:20]):
        assert np.array_equal(pasted[elsewhere], person.photo[elsewhere])
    assert Canvas(person, 150).photo.shape == (100, 150, 3)


def test_bones_keep_their_length_and_a_turntable_comes_round(tmp_path):
    photo_of_someone(tmp_path / 'photo.png')
    found = targets(str(tmp_path / 'photo.png'))
    own = found.poses_px[0] * 0.25
    fitted = repose_targets.fitted(found, own, None)[0]
    np.testing.assert_allclose(fitted, own, atol=1e-3)  # the same shape at another size
    np.testing.assert_allclose(repose_targets.fitted(found, own, False)[0], own, atol=1e-3)
    turns = repose_targets.turntable(own, 4)
    np.testing.assert_allclose(turns[:, :, 1], np.tile(own[:, 1], (4, 1)), atol=1e-4)
    np.testing.assert_allclose(turns[2] - own[-1], (own - own[-1]) * (-1, 1, -1), atol=1e-4)


@pytest.mark.parametrize('suffix', ['.mp4', '.webm'])
def test_videos_go_in_and_out(tmp_path, suffix):
    path = tmp_path / f'clip{suffix}'
    with picture_outputs.open_output(path, 12.5) as add:
        for index in range(6):
            box = [] if index == 3 else [(40 + 4 * index, 20, 24, 70)]
            add(fake_estimator.picture(161, 120, *box))  # an odd width
    found = targets(str(path))
    assert found.fps == pytest.approx(12.5) and len(found.poses_px) == 6 and 'keep the one before' in found.said[0]
    assert np.array_equal(found.poses_px[3], found.poses_px[2]) and np.ptp(found.poses_px[:, 0, 0]) > 10
    shown = list(found.read_pictures())
    assert [image.shape for image, _ in shown] == [(120, 162, 3)] * 6
    assert np.array_equal([pose for _, pose in shown], found.poses_px)


def test_several_pictures_are_a_grid_a_series_or_a_gif_or_nothing(tmp_path):
    def write(name, count=5):
        with picture_outputs.open_output(tmp_path / name, 10) as add:
            for index in range(count):
                add(np.full((20, 30, 3), 40 * index, np.uint8))
    write('grid.png')
    assert read_image(tmp_path / 'grid.png').shape == (2 * 24, 3 * 34, 3)
    write('out-%02d.png')
    assert [read_image(tmp_path / f'out-0{index}.png')[0, 0, 0] for index in range(5)] == [0, 40, 80, 120, 160]
    write('film.gif')
    from PIL import Image
    with Image.open(tmp_path / 'film.gif') as film:
        assert film.n_frames == 5 and film.info['duration'] == 100
    before = sorted(tmp_path.iterdir())
    for name in ('half.mp4', 'half.gif'):
        with pytest.raises(KeyboardInterrupt), picture_outputs.open_output(tmp_path / name, 10) as add:
            add(np.zeros((20, 30, 3), np.uint8))
            raise KeyboardInterrupt
    assert sorted(tmp_path.iterdir()) == before


class Negative:
    """Stands in for a Reposer."""

    @staticmethod
    def repose_pairs(images, source_poses_px, target_poses_px):
        del source_poses_px, target_poses_px
        return 255 - images


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
    assert_one_error(run_program('repose', f'--model={tmp_path}', f'--source={source(layout[0])}', '--target=#p/01',
                                 '--output=out.png'), 'expected a run folder, a packed model', 'none of them')
