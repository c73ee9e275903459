"""Records and poses come out alike however many workers make them, and a run that was killed goes on."""

import functools
import os
import signal
import sys

import pytest

from data_pipeline.annotation.finder import FinderWorker, finder_tasks
from data_pipeline.annotation.journal import AnnotationJournal
from data_pipeline.annotation.run import annotate
from data_pipeline.annotation.sources import list_sources
from data_pipeline.errors import DataError, WorkerError
from data_pipeline.iper.iper_builder import IperBuilder
from data_pipeline.people.people_builder import PeopleBuilder
from data_pipeline.records.record_parts import RecordParts
from data_pipeline.workers.opening import open_workers
from experiments.configuration.data import Data
from experiments.configuration.settings import DataSettings
from tests.support.data_set_folders import IPER_VIDEOS, NUM_VIDEO_FRAMES, write_film, write_pickled_poses
from tests.support.fake_estimator import FakeEstimator, KilledAfter, KilledError, picture
from tests.support.people_folders import SIZE, annotated_files, write_image, write_people, write_video
from tests.support.programs import run_program

TWO = 'direct_num_workers=2,direct_running_mode=multi_processing'


class OneWorker:
    """Runs tasks as `BeamWorkers` does, in this process and in reverse; dies after some."""

    def __init__(self, num_tasks=1000):
        self.num_left, self.num_done = num_tasks, 0

    def run(self, open_worker, tasks, work_dir):
        work = open_worker()
        for task in reversed(list(tasks)):
            if self.num_left == 0:
                raise WorkerError('killed')
            work(task)
            self.num_left, self.num_done = self.num_left - 1, self.num_done + 1


def beam_workers():
    pytest.importorskip('apache_beam')
    return open_workers(TWO)


@pytest.fixture
def films(tmp_path):
    """iPER as videos, with one outfit of more frames than a record holds."""
    lengths = {'002/1/1': 40}
    for video in IPER_VIDEOS:
        write_film(tmp_path / 'source' / f'{video.replace("/", "_")}.mp4', lengths.get(video, NUM_VIDEO_FRAMES))
    write_pickled_poses(tmp_path / 'source', [f'{video}/{index:04d}' for video in IPER_VIDEOS
                                              for index in range(lengths.get(video, NUM_VIDEO_FRAMES))])
    return tmp_path / 'source'


@pytest.fixture
def photos(tmp_path):
    """Two people in photos, one photo of nobody, one that is none, and a video."""
    for person, left in {'anna': 120, 'ben': 40}.items():
        for index in range(3):
            write_image(tmp_path / 'photos' / person / f'{index}.png', picture(400, 300, (left + index, 60, 50, 150)))
    write_image(tmp_path / 'photos/anna/nobody.png', picture(200, 200))
    (tmp_path / 'photos/anna/text.jpg').write_text('no picture')
    write_video(tmp_path / 'photos/walk.avi', [picture(400, 300, (100 + 2 * index, 60, 50, 150)) for index in range(5)])
    return tmp_path / 'photos'


def assert_same_records(one, other):
    """The same records in the same order in files of the same sizes; the order of fields protobuf leaves open."""
    assert list(one.info.splits) == list(other.info.splits)
    for split in one.info.splits:
        assert one.info.splits[split].shard_lengths == other.info.splits[split].shard_lengths
        assert one.info.splits[split].num_bytes == other.info.splits[split].num_bytes
        pair = [list(builder.as_dataset(split=split).as_numpy_iterator()) for builder in (one, other)]
        assert repr(pair[0]) == repr(pair[1]) and len(pair[0]) > 0
    assert sorted(os.listdir(one.data_dir)) == sorted(os.listdir(other.data_dir))


@pytest.mark.parametrize('make_workers', [OneWorker, pytest.param(beam_workers, marks=pytest.mark.long)])
def test_records_are_the_same_with_and_without_workers(films, make_workers):
    spread = IperBuilder.opened(films, films.parent / 'spread', workers=make_workers())
    assert sum(info.num_examples for info in spread.info.splits.values()) == 40 + 4 * NUM_VIDEO_FRAMES
    assert_same_records(IperBuilder.opened(films, films.parent / 'records'), spread)
    assert [path.name for path in (films.parent / 'spread/iper').glob('*/*')] == ['3.0.0']  # no parts are left


def test_shards_are_cut_as_tfds_cuts_them(tmp_path, monkeypatch):
    write_people(tmp_path / 'source', {f'person {index}': 2 for index in range(9)}, {
        'train': [f'person {index}' for index in range(9)]}, size=64)
    monkeypatch.setattr('tensorflow_datasets.core.utils.shard_utils.ShardConfig.min_shard_size', 40_000)
    one, other = (PeopleBuilder.opened(tmp_path / 'source', tmp_path / name, workers=workers)
                  for name, workers in (('one', None), ('other', OneWorker())))
    assert len(one.info.splits['train'].shard_lengths) > 1
    assert_same_records(one, other)


def test_a_killed_build_goes_on(films):
    with pytest.raises(WorkerError):
        IperBuilder.opened(films, films.parent / 'spread', workers=OneWorker(3))
    again = OneWorker()
    spread = IperBuilder.opened(films, films.parent / 'spread', workers=again)
    assert again.num_done == 1
    assert_same_records(IperBuilder.opened(films, films.parent / 'records'), spread)


def test_a_part_without_its_index_is_made_again(films):
    builder = IperBuilder(films, films.parent / 'records')
    root = films.parent / 'parts'
    parts = RecordParts(root, builder.folder)
    parts.make(OneWorker(), builder.info.features)
    (root / '000001.json').unlink()  # killed between the two files
    (root / '000001.records').write_bytes(b'half')
    again = OneWorker()
    parts.make(again, builder.info.features)
    assert again.num_done == 1 and (root / '000001.records').stat().st_size > 4


def test_a_split_without_records_is_said_by_workers_and_leaves_nothing(films):
    data = (films / '001_2_1.mp4').read_bytes()
    builder = IperBuilder(films, films.parent / 'records', workers=OneWorker())
    (films / '001_2_1.mp4').write_bytes(data[:len(data) // 2])
    with pytest.raises(DataError, match='expected frames that can be read in every split, found none in validation'):
        builder.download_and_prepare()
    assert [path for path in (films.parent / 'records').rglob('*') if path.is_file()] == []


def annotated(photos, name, workers=None, open_again=FakeEstimator):
    annotate(photos, photos.parent / name / 'poses.json', FakeEstimator(), smoothing=1.0, workers=workers,
             open_again=open_again)
    return annotated_files(photos.parent / name)


@pytest.mark.parametrize('make_workers', [OneWorker, pytest.param(beam_workers, marks=pytest.mark.long)])
def test_poses_are_the_same_with_and_without_workers(photos, make_workers):
    expected = annotated(photos, 'alone')
    assert annotated(photos, 'spread', make_workers()) == expected and 'images/walk/00004.png' in expected
    assert list((photos.parent / 'spread/annotation').glob('journal-*')) == []
    again = OneWorker()
    assert annotated(photos, 'spread', again) == expected
    assert again.num_done == 1 + 3  # what cannot be read is tried again; the crops of three persons


def test_a_killed_annotation_goes_on_without_loss_or_doubles(photos, monkeypatch):
    expected = annotated(photos, 'alone')
    for num_calls in (3, 4):  # in the video, which comes first here, and in the photos
        with pytest.raises(KilledError):
            annotated(photos, 'spread', OneWorker(), functools.partial(KilledAfter, num_calls))
    again = FakeEstimator()
    assert annotated(photos, 'spread', OneWorker(), lambda: again) == expected
    assert again.num_calls == 12 - 7
    lines = (photos.parent / 'spread/annotation/journal.jsonl').read_text().splitlines()
    assert len(set(lines)) == len(lines) == 1 + 12 + 1 + 1  # settings, findings, the video's end, what is no picture


def test_half_a_line_of_a_worker_is_not_taken_in(photos):
    sources, _ = list_sources(photos)
    settings, root = {'estimator': FakeEstimator().origin}, photos.parent
    with AnnotationJournal(root / 'journal.jsonl', settings) as journal:
        worker = FinderWorker(FakeEstimator, root / 'journal.jsonl', settings, root / 'masks', 1, True)
        for task in finder_tasks(sources, journal):
            worker(task)
        worker.close()
        [path] = root.glob('journal-*.jsonl')
        path.write_bytes(path.read_bytes()[:-10])  # the last line is the video's end
        journal.take_in()
        video = next(source for source in sources if source.is_video)
        [[(source, known)]] = finder_tasks(sources, journal)
        assert source == video and list(known) == [f'{index:05d}' for index in range(5)]


def test_workers_with_another_model_are_refused(photos):
    with pytest.raises(DataError, match="--estimator: expected the same in every worker, 'bright rect.*'dark ones'"):
        annotated(photos, 'spread', OneWorker(), lambda: FakeEstimator('dark ones'))


def test_what_a_worker_refuses_is_the_users_mistake(tmp_path):
    def work(task):
        if task == 3:
            raise DataError('tasks: expected less than 3, found 3.')
        (tmp_path / str(task)).touch()

    pytest.importorskip('apache_beam')
    workers = open_workers('direct_num_workers=1')
    with pytest.raises(DataError, match='^tasks: expected less than 3, found 3.$'):
        workers.run(lambda: work, range(4), tmp_path / 'tasks')
    workers.run(lambda: work, range(3), tmp_path / 'tasks')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['0', '1', '2', 'tasks']
    assert list((tmp_path / 'tasks').iterdir()) == []
    with pytest.raises((KeyError, RuntimeError), match='a bug'):
        workers.run(lambda: lambda task: {}['a bug'], range(3), tmp_path / 'tasks')


def test_a_killed_worker_ends_the_run_with_one_line(tmp_path):
    workers = beam_workers()
    with pytest.raises(WorkerError, match='one that did not .*137.*the same command goes on'):
        workers.run(lambda: lambda task: os.kill(os.getpid(), signal.SIGKILL), [0], tmp_path)


@pytest.mark.parametrize('options', ['direct_num_workrs=2', 'direct_num_workers=two', 'runner=Sparkle'])
def test_options_that_are_none_are_named(options):
    pytest.importorskip('apache_beam')
    with pytest.raises(DataError, match=f'--beam_options: expected options of Apache Beam.*{options.split("=")[0]}'):
        open_workers(options)


def test_options_are_known_by_the_names_they_are_given_by():
    """As those of Beam's runner for Dask, which Beam keeps under other names."""
    options = pytest.importorskip('apache_beam.options.pipeline_options')

    class Renamed(options.PipelineOptions):
        @classmethod
        def _add_argparse_args(cls, parser):
            parser.add_argument('--given_as', dest='kept_as')

    assert open_workers('given_as=2') is not None and Renamed
    with pytest.raises(DataError, match='given_az'):
        open_workers('given_az=2')


def test_without_beam_one_line_says_what_to_install(monkeypatch):
    assert open_workers('') is None
    monkeypatch.setitem(sys.modules, 'apache_beam', None)
    monkeypatch.delitem(sys.modules, 'data_pipeline.workers.beam_workers', raising=False)
    with pytest.raises(DataError, match='pip install -r requirements.txt -r requirements-scale.txt'):
        open_workers(TWO)


@pytest.mark.long
def test_the_program_makes_the_records_that_the_training_finds(tmp_path, monkeypatch):
    write_people(tmp_path / 'source', {'a': 2, 'b': 3}, {'train': ['a'], 'test': ['b']})
    process = run_program('build', f'--source_dir={tmp_path / "source"}', f'--data_dir={tmp_path / "records"}',
                          package='data_pipeline')
    assert process.returncode == 0 and 'train: 2, test: 3' in process.stdout
    monkeypatch.setattr('data_pipeline.records.record_builder.records_of', None)  # nothing is made any more
    data = Data(DataSettings('people', str(tmp_path / 'source'), str(tmp_path / 'records'), False))
    assert next(iter(data.train_batches(SIZE, 1, seed=0)))['source_id'].numpy()[0].startswith(b'a/')
