"""The program that scores: what is not whole never looks whole, and what was scored is not scored again."""

import json

import numpy as np
import pytest
from absl import flags as absl_flags

from data_pipeline.errors import DataError, UsageError
from experiments import evaluate
from experiments.configuration import flags
from experiments.configuration.data import Data
from experiments.configuration.settings import DataSettings
from experiments.evaluation.pair_sources import DataPairs
from experiments.evaluation.prediction_folder import pair_name
from experiments.evaluation.systems import ModelSystem
from experiments.models import exporting
from repose_tf.errors import ModelError
from tests.support.people_folders import write_image, write_people
from tests.support.tiny import TINY, TINY_DETAIL, tiny_generator, tiny_run

SIZE = TINY.image_size
PAIRS = [[f'{person}/{source:02d}', f'{person}/{target:02d}']
         for person in 'bc' for source in range(3) for target in range(3) if source != target]


@pytest.fixture(scope='module')
def run_evaluate():
    """A function that runs the program in this process and returns what it prints, the line of JSON as a dict last."""
    values = absl_flags.FLAGS
    before = set(values)
    for define in (flags.define_model_path, flags.define_size, flags.define_data, evaluate.define_systems,
                   evaluate.define_pairs, flags.define_metrics, evaluate.define_output):
        define()
    defined = set(values) - before

    def run(capsys, *arguments):
        for name in defined:
            values[name].unparse()
        values(['evaluate', *map(str, arguments)])
        evaluate.main()
        *said, line = capsys.readouterr().out.splitlines()
        return '\n'.join(said), json.loads(line)

    yield run
    for name in defined:
        delattr(values, name)


@pytest.fixture(scope='module')
def places(tmp_path_factory):
    """A folder with people and noise as somebody's results for all test pairs, and the flags that name the people."""
    root = tmp_path_factory.mktemp('evaluate')
    write_people(root / 'people', {'a': 2, 'b': 3, 'c': 3}, {'train': ['a'], 'test': ['b', 'c']}, {'test': PAIRS},
                 size=SIZE)
    rng = np.random.default_rng(0)
    for pair in PAIRS:
        write_image(root / 'pictures' / f'{pair_name(pair)}.png', rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8))
    return root, [f'--source_dir={root}/people', f'--data_dir={root}/records']


@pytest.mark.long
def test_the_outcome_is_a_table_a_page_and_a_line_of_json(places, run_evaluate, capsys):
    root, data = places
    said, line = run_evaluate(capsys, f'--predictions={root}/pictures', *data, f'--output={root}/out', '--sheet_rows=2')
    assert line == json.loads((root / 'out/evaluation.json').read_text()) and line['complete']
    assert (line['protocol'], line['split'], line['pairs']) == ('people', 'test', '12 of 12')
    assert set(line['scores']) == {'pictures', 'copy of the source', 'carried', 'mean of the others'}
    for values in line['scores'].values():
        assert {'ssim', 'ssim_gauss', 'ssim_fg', 'psnr', 'l1', 'l1_fg'} <= set(values)
        assert all(found['low'] <= found['mean'] <= found['high'] for found in values.values())
    assert 'LPIPS was not measured' in said and 'ssim_fg ↑' in (root / 'out/table.md').read_text()
    assert '</html>' in (root / 'out/report.html').read_text() and (root / 'out/contact_sheet.png').exists()


@pytest.mark.long
def test_what_was_scored_is_not_scored_again(places, run_evaluate, capsys):
    root, data = places
    arguments = [f'--predictions={root}/pictures', *data, f'--output={root}/again', '--sheet_rows=1']
    _, first = run_evaluate(capsys, *arguments)
    path, = (root / 'again/scores').glob('pictures-*.jsonl')
    lines = path.read_text().splitlines(keepends=True)
    edited = lines[1].replace('"ssim": ', '"ssim": 1')
    path.write_text(lines[0] + edited + lines[2] + lines[3][:9])  # as a kill leaves it
    said, second = run_evaluate(capsys, *arguments)
    assert 'pictures: 2 of 12 pairs were scored before' in said and len(path.read_text().splitlines()) == len(lines)
    ours, before = (found['scores']['pictures']['ssim']['mean'] for found in (second, first))
    assert ours - before > 0.05  # the first pair's score is the one that stood there
    write_image(root / 'pictures' / f'{pair_name(PAIRS[0])}.png', np.zeros((SIZE, SIZE, 3), np.uint8))
    assert 'scored before' not in run_evaluate(capsys, *arguments)[0]  # other pictures


@pytest.mark.long
def test_missing_and_extra_pictures_are_listed_and_never_overlooked(places, run_evaluate, capsys):
    root, data = places
    part = root / 'part'
    part.mkdir()
    for file in sorted((root / 'pictures').iterdir())[1:]:
        (part / file.name).write_bytes(file.read_bytes())
    write_image(part / 'zzz.png', np.zeros((SIZE, SIZE, 3), np.uint8))
    arguments = [f'--predictions={part}', *data, f'--output={root}/part_out', '--sheet_rows=1']
    with pytest.raises(DataError, match=r'1 missing .*1 of no pair \(zzz.png\).*part-incomplete.txt.*allow_incomplete'):
        run_evaluate(capsys, *arguments)
    assert (root / 'part_out/part-incomplete.txt').read_text().count('\n') == 2
    said, line = run_evaluate(capsys, *arguments, '--allow_incomplete')
    assert not line['complete'] and line['pairs'] == '11 of 12' and '1 missing' in said
    assert line['scores']['part']['ssim']['count'] == 11
    for name in ('table.md', 'report.html'):
        assert 'Partial result: 1 of 12 pairs' in (root / 'part_out' / name).read_text()
    _, line = run_evaluate(capsys, f'--predictions={root}/pictures', *data, '--num_pairs=5', f'--output={root}/sample')
    assert not line['complete'] and line['pairs'] == '5 of 12'


def test_pictures_against_pictures_need_no_data_set(places, run_evaluate, capsys):
    root, _ = places
    folder = f'{root}/pictures'
    _, line = run_evaluate(capsys, f'--predictions={folder}', f'--truth={folder}', f'--output={root}/files')
    assert line['scores']['pictures']['ssim']['mean'] == 1


def test_a_run_and_the_pictures_that_it_wrote_score_alike(places, run_evaluate, capsys):
    root, data = places
    generator = tiny_generator()
    folder = tiny_run(root / 'runs', generator)
    exporting.pack(generator, root / 'packed')
    settings = DataSettings('people', f'{root}/people', f'{root}/records', False)
    source = DataPairs(Data(settings), 'test', 4, SIZE)
    system = ModelSystem(folder.path)
    for batch in source.batches(source.pairs, 4):
        names = zip(batch['source_id'].numpy(), batch['target_id'].numpy(), strict=True)
        for pair, image in zip(names, system(batch).numpy(), strict=True):
            write_image(root / 'own' / f'{pair_name([name.decode() for name in pair])}.png', image)
    _, line = run_evaluate(capsys, f'--run_dir={root}/runs/tiny', *data, '--num_pairs=4', f'--against={root}/own',
                           f'--against={root}/packed', '--sheet_rows=1')
    assert line['scores']['tiny-0001'] == line['scores']['own'] and line['differences']['own']['ssim']['mean'] == 0
    assert 0 < abs(line['differences']['packed']['ssim']['mean']) < 0.01  # half precision
    assert (root / 'runs/tiny-0001/evaluation-people-test-4/report.html').exists()


def test_larger_pictures_are_scored_against_larger_ones(places, run_evaluate, capsys):
    root, data = places
    exporting.pack(tiny_generator(TINY_DETAIL), root / 'detail')
    asked = [f'--model={root}/detail', *data, '--num_pairs=2', '--sheet_rows=1', f'--output={root}/larger']
    _, line = run_evaluate(capsys, *asked, '--size=128')
    assert line['image size'].startswith('128 px') and 0 < line['scores']['detail']['ssim']['mean'] < 1
    with pytest.raises(ModelError, match='detail: image_size: expected 64 or 128 or 256 px'):
        run_evaluate(capsys, *asked, '--size=100')


@pytest.mark.parametrize('arguments, words', [
    ([], 'expected one of them, found none'),
    (['--run_dir=a', '--saved_model=b'], '--model=b: already defined as a'),
    (['--run_dir=a', '--predictions=b'], 'found --model and --predictions'),
    (['--run_dir=a', '--truth=b'], '--truth: expected --predictions beside it'),
    (['--run_dir=a', '--predictions_list=b'], '--predictions_list: expected --predictions beside it'),
    (['--run_dir=a', '--video_every=2'], 'expected --protocol=video-self or video-other beside them, found none'),
    (['--run_dir=a', '--video_source=b/1', '--protocol=people'], '--video_source, .* found people'),
    (['--predictions=a', '--masks=b'], '--masks: expected --truth beside it'),
    (['--predictions=a', '--truth_part=2'], '--truth_part: expected --truth beside it'),
    (['--predictions=a', '--source_photos=2'], '--source_photos=2: expected --model beside it'),
    (['--predictions=a', '--size=512'], '--size=512: expected --model beside it'),
    (['--predictions=a', '--truth=b', '--true_parts'], '--true_parts: expected a data set'),
    (['--predictions=none', '--truth=none'], 'found 0 pictures'),
    (['--saved_model=none'], 'none: expected a run folder, found none')])
def test_mistakes_are_named(run_evaluate, capsys, arguments, words):
    with pytest.raises((UsageError, DataError, absl_flags.Error), match=words):
        run_evaluate(capsys, *arguments)


def test_sizes_that_differ_are_named(places, run_evaluate, capsys):
    root, data = places
    write_image(root / 'large' / f'{pair_name(PAIRS[0])}.png', np.zeros((2 * SIZE, 2 * SIZE, 3), np.uint8))
    with pytest.raises(UsageError, match=f'large: expected pictures of {SIZE} px .* found {2 * SIZE} px'):
        run_evaluate(capsys, f'--predictions={root}/pictures', *data, f'--against={root}/large', f'--output={root}/x')
