"""The program that scores: a run, its pictures and its SavedModel score alike; what is not whole never looks whole."""

import json

import numpy as np
import pytest
import tensorflow as tf

from experiments import datasets
from experiments.pair_sources import DataPairs
from experiments.prediction_folder import pair_name
from experiments.settings import DataSettings
from experiments.systems import RunSystem
from repose_tf.serving import Reposer
from tests.people_folders import write_image, write_people
from tests.programs import assert_one_error, run_program
from tests.tiny import TINY, tiny_generator, tiny_run

SIZE = TINY.image_size


@pytest.fixture(scope='module')
def places(tmp_path_factory):
    """A run, its pictures of all pairs, its SavedModel, and the flags of the data."""
    root = tmp_path_factory.mktemp('evaluate')
    write_people(root / 'people', {'a': 2, 'b': 3, 'c': 3}, {'train': ['a'], 'test': ['b', 'c']}, size=SIZE)
    generator = tiny_generator()
    folder = tiny_run(root / 'runs', generator)
    Reposer(generator).save(str(root / 'saved_model'))
    data = [f'--source_dir={root}/people', f'--data_dir={root}/records']
    source = DataPairs(datasets.Data(DataSettings('people', f'{root}/people', f'{root}/records', False)), 'test', 0, SIZE)
    system = RunSystem(folder.path)
    for batch in source.batches(source.pairs, 4):
        for pair, image in zip(zip(batch['source_id'].numpy(), batch['target_id'].numpy()), system(batch).numpy()):
            write_image(root / 'pictures' / f'{pair_name([name.decode() for name in pair])}.png', image)
    return root, folder, data, source


def test_a_run_its_saved_model_and_its_pictures_score_alike(places):
    root, folder, data, source = places
    process = run_program('evaluate', f'--run_dir={folder.path}', *data, f'--against={root}/pictures',
                          f'--against={root}/saved_model', '--vgg16_distance=false', f'--output={root}/out')
    assert process.returncode == 0, process.stderr
    line = json.loads(process.stdout.splitlines()[-1])
    assert line == json.loads((root / 'out/evaluation.json').read_text()) and line['complete']
    assert (line['protocol'], line['pairs']) == ('people', f'{len(source.pairs)} of {len(source.pairs)}')
    scores = line['scores']
    assert set(scores) == {'tiny-0001', 'pictures', 'saved_model', 'copy of the source', 'mean of the others'}
    for metric, found in scores['tiny-0001'].items():
        assert found['count'] == len(source.pairs) and found['low'] <= found['mean'] <= found['high']
        assert scores['pictures'][metric] == found
        assert scores['saved_model'][metric]['mean'] == pytest.approx(found['mean'], abs=1e-3)
    assert 'LPIPS was not measured' in process.stdout and 'ssim_fg' in (root / 'out/table.md').read_text()
    assert '<html' in (root / 'out/report.html').read_text() and (root / 'out/contact_sheet.png').exists()


def test_what_was_scored_is_not_scored_again(places):
    root, folder, data, _ = places
    arguments = ['evaluate', f'--run_dir={folder.path}', *data, f'--output={root}/again', '--sheet_rows=1']
    first = run_program(*arguments)
    path, = (root / 'again/scores').glob('tiny_0001-*.jsonl')
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(''.join(lines[:3]) + lines[3][:9])  # as a kill leaves it
    second = run_program(*arguments)
    assert f'tiny-0001: 2 of {len(lines) - 1} pairs were scored before' in second.stdout
    assert path.read_text().splitlines()[1:3] == [line.rstrip() for line in lines[1:3]]
    assert sorted(map(_rounded, path.read_text().splitlines()[1:])) == sorted(map(_rounded, lines[1:]))
    assert json.loads(first.stdout.splitlines()[-1])['scores'].keys() == json.loads(
        second.stdout.splitlines()[-1])['scores'].keys()


def _rounded(line):
    return str({name: round(value, 5) if isinstance(value, float) else value for name, value in json.loads(line).items()})


def test_missing_and_extra_pictures_are_listed_and_never_overlooked(places):
    root, _, data, source = places
    files = sorted((root / 'pictures').iterdir())
    part = root / 'part'
    for file in files[1:]:
        (part / file.name).parent.mkdir(exist_ok=True)
        (part / file.name).write_bytes(file.read_bytes())
    write_image(part / 'zzz.png', np.zeros((SIZE, SIZE, 3), np.uint8))
    arguments = ['evaluate', f'--predictions={part}', *data, f'--output={root}/part_out']
    assert_one_error(run_program(*arguments), '1 missing', '1 of no pair (zzz.png)', 'part-incomplete.txt',
                     '--allow_incomplete')
    assert (root / 'part_out/part-incomplete.txt').read_text().count('\n') == 2
    process = run_program(*arguments, '--allow_incomplete')
    assert process.returncode == 0, process.stderr
    line = json.loads(process.stdout.splitlines()[-1])
    assert not line['complete'] and line['pairs'] == f'{len(source.pairs) - 1} of {len(source.pairs)}'
    assert line['scores']['part']['ssim']['count'] == len(source.pairs) - 1
    assert '1 missing' in process.stdout


def test_pictures_against_pictures_need_no_data_set(places):
    root = places[0]
    process = run_program('evaluate', f'--predictions={root}/pictures', f'--truth={root}/pictures',
                          f'--output={root}/files')
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout.splitlines()[-1])['scores']['pictures']['ssim']['mean'] == 1


def test_mistakes_are_one_line(places, tmp_path):
    root, folder, data, _ = places

    class Other(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32, name='image')])
        def call(self, image):
            return {'image': image}

    other = Other()
    tf.saved_model.save(other, str(tmp_path / 'other'), {'serving_default': other.call})
    for arguments, words in (
            ([f'--run_dir={folder.path}', f'--saved_model={root}/saved_model'], ('expected one of them',)),
            ([f'--saved_model={tmp_path}/other', *data, f'--output={tmp_path}/x'],
             ('signature repose', 'found serving_default'))):
        assert_one_error(run_program('evaluate', *arguments), *words)
