"""Fashion and iPER go from files to batches; a build that fails leaves nothing that a later one would trust."""

import dataclasses
import os
import pathlib
import resource
import signal
import types

import numpy as np
import pytest
import tensorflow_datasets as tfds

from data_pipeline.errors import DataError
from data_pipeline.fashion.fashion_builder import FashionBuilder
from data_pipeline.iper.iper_builder import IperBuilder
from data_pipeline.people.people_builder import PeopleBuilder
from data_pipeline.records import record_builder
from experiments.configuration import flags
from experiments.configuration.data import Data
from experiments.configuration.settings import DataSettings
from experiments.models import opening
from experiments.reposing import contact_sheet
from tests.data_pipeline.workers.beam_workers_test import OneWorker
from tests.experiments.configuration.flags_test import parsed
from tests.experiments.reposing.contact_sheet_test import Negative
from tests.support.data_set_folders import (
    FASHION_OUTFITS,
    IPER_VIDEOS,
    NUM_VIDEO_FRAMES,
    VIEWS,
    flat_name,
    iper_ids,
    reference_name,
    tree_name,
    write_fashion,
    write_film,
    write_iper,
    write_json_poses,
    write_pickled_poses,
)
from tests.support.films import cut_mp4
from tests.support.people_folders import SIZE, write_people


def frames_of(builder):
    """Returns dict, split -> dict, id -> frame."""
    found = {}
    for split in builder.info.splits:
        found[split] = {}
        for record in builder.as_dataset(split=split).as_numpy_iterator():
            found[split][f'{record["person"].decode()}/{record["name"].decode()}'] = record
    return found


def settings(name, root, **changes):
    return DataSettings(name, str(root / 'source'), str(root / 'records'), **{'allow_missing_poses': False, **changes})


def outfits(ids):
    return {frame_id.split('/')[0] for frame_id in ids}


def check_batches(data):
    """Batches of both kinds come, each pair within an outfit, and no outfit in two splits."""
    batch = next(iter(data.train_batches(SIZE, 2, seed=0)))
    assert batch['source_image'].shape == (2, SIZE, SIZE, 3)
    seen = [outfits(frame_id.decode() for frame_id in batch['source_id'].numpy())]
    for split in ('validation', 'test'):
        pairs = data.pairs(split)
        assert all(source != target and outfits([source]) == outfits([target]) for source, target in pairs)
        seen.append({outfit for pair in pairs for outfit in outfits(pair)})
        batch = next(iter(data.pair_batches(split, SIZE, 2, num_pairs=2)))
        assert batch['target_pose'].shape == (2, 19, 3)
    assert all(seen) and len(set.union(*seen)) == sum(map(len, seen))


@pytest.mark.parametrize('name', [tree_name, pytest.param(flat_name, marks=pytest.mark.long)])
def test_fashion_from_files_to_batches(tmp_path, name):
    ids = write_fashion(tmp_path / 'source', name)
    poses = write_json_poses(tmp_path / 'source', ids, origin='mediapipe')
    data = Data(settings('fashion', tmp_path))
    check_batches(data)
    assert data.protocol == 'reference'
    found = frames_of(FashionBuilder.opened(tmp_path / 'source', tmp_path / 'records'))
    frames = {frame_id: frame for split in found.values() for frame_id, frame in split.items()}
    assert set(frames) == set(ids)
    for frame_id, frame in frames.items():
        np.testing.assert_array_equal(frame['pose_px'], poses[frame_id])
        assert frame['origin'] == b'mediapipe' and frame['px_per_mm'] == np.float32(0.1)
    index = ids.index(next(iter(frames)))
    path = tmp_path / 'source' / name(FASHION_OUTFITS[index // 2], VIEWS[index % 2])
    assert frames[ids[index]]['image'] == path.read_bytes()


@pytest.mark.long
def test_the_reference_layout_and_missing_poses(tmp_path):
    write_fashion(tmp_path / 'source' / 'fashion3d', reference_name)
    paths = [f'{outfit}/{view}' for outfit in FASHION_OUTFITS for view in VIEWS]
    poses = write_pickled_poses(tmp_path / 'source' / 'fashion3d', paths[2:])
    with pytest.raises(DataError, match='found none for 2'):
        Data(settings('fashion', tmp_path))
    check_batches(Data(settings('fashion', tmp_path, allow_missing_poses=True)))
    builder = FashionBuilder.opened(tmp_path / 'source', tmp_path / 'records', allow_missing_poses=True)
    frames = {frame_id: frame for split in frames_of(builder).values() for frame_id, frame in split.items()}
    assert len(frames) == len(poses) == 10
    joints = frames['WOMEN_BlousesShirts_id_00000003_02/3_back']['pose_px']
    np.testing.assert_allclose(joints, poses[paths[-1]] * SIZE / 256, rtol=1e-5)  # px of the stored picture
    assert all(frame['origin'] == b'reference' and np.isnan(frame['px_per_mm']) for frame in frames.values())
    person = 'WOMEN_BlousesShirts_id_00000001_01'
    left_out = pathlib.Path(builder.data_dir, 'left_out.txt').read_text()
    assert left_out == f'{person}/1_front: no pose\n{person}/3_back: no pose\n'
    assert builder.info.metadata['num_missing_poses'] == 2 and builder.info.metadata['left_out'] == '2 x no pose'


def test_iper_from_frames_to_batches(tmp_path):
    write_json_poses(tmp_path / 'source', write_iper(tmp_path / 'source', digits=3))
    check_batches(Data(settings('iper', tmp_path)))
    found = frames_of(IperBuilder.opened(tmp_path / 'source', tmp_path / 'records'))
    assert {split: outfits(frames) for split, frames in found.items()} == {
        'train': {'001_1', '002_1'}, 'validation': {'001_2'}, 'test': {'001_9'}}
    assert found['test']['001_9/1_0002']['image'] == (
        tmp_path / 'source' / 'images' / '001' / '9' / '1' / '002.jpg').read_bytes()


@pytest.mark.long
def test_iper_from_videos_to_batches(tmp_path):
    for video in IPER_VIDEOS:
        write_film(tmp_path / 'source' / f'{video.replace("/", "_")}.mp4')
    paths = [f'{video}/{index:04d}' for video in IPER_VIDEOS for index in range(NUM_VIDEO_FRAMES)]
    write_pickled_poses(tmp_path / 'source', paths)
    check_batches(Data(settings('iper', tmp_path)))
    found = frames_of(IperBuilder.opened(tmp_path / 'source', tmp_path / 'records'))
    assert {frame_id for frames in found.values() for frame_id in frames} == set(iper_ids())
    assert all(frame['size'] == 64 for frame in found['train'].values())


@pytest.mark.parametrize('make_workers', [lambda: None, OneWorker])
def test_frames_that_a_video_only_announces_are_left_out_of_the_build_and_counted(tmp_path, make_workers):
    for video in IPER_VIDEOS:
        write_film(tmp_path / 'source' / f'{video.replace("/", "_")}.mp4', num_frames=5)
    cut_mp4(tmp_path / 'source' / '001_9_1.mp4', 80)  # 2 frames of 40 ms, in the test split
    write_json_poses(tmp_path / 'source', [f'{video.replace("/", "_")}/000{index}' for video in IPER_VIDEOS
                                           for index in range(5)], size=64)
    missing = {f'001_9/1_000{index}' for index in (2, 3, 4)}
    for workers in (make_workers(), None):  # made, and opened again
        builder = IperBuilder.opened(tmp_path / 'source', tmp_path / 'records', True, workers)
        assert builder.folder.summary() == '3 x a frame that its video does not have'
        found = frames_of(builder)
        assert set(found['test']) == {'001_9/1_0000', '001_9/1_0001'} and len(found['train']) == 15
        assert set(builder.folder.left_out) == missing
        listed = pathlib.Path(builder.data_dir, 'left_out.txt').read_text().splitlines()
        assert {line.partition(': ')[0] for line in listed} == missing
        assert builder.folder.frame_ids('test') == {'001_9': ['001_9/1_0000', '001_9/1_0001']}  # no pair of others


def test_pictures_are_read_person_by_person(tmp_path):
    write_json_poses(tmp_path, write_iper(tmp_path))
    builder = IperBuilder(tmp_path, tmp_path / 'records')
    (tmp_path / 'images' / '002' / '1' / '1' / '0000.jpg').unlink()
    found = []
    with pytest.raises(DataError, match='0000.jpg: expected a picture'):
        found.extend(key for key, _ in builder._generate_examples(builder.folder.splits['train']))
    assert set(found) == {key for key in iper_ids() if key.startswith('001_1/')}


def records_in(root):
    return [path for path in root.rglob('*') if path.is_file()]


def test_a_build_that_fails_leaves_nothing_and_can_be_repeated(tmp_path):
    write_json_poses(tmp_path / 'source', write_iper(tmp_path / 'source'))
    last = tmp_path / 'source' / 'images' / '001' / '9' / '1' / '0002.jpg'  # of test, after train is written
    whole = last.read_bytes()
    last.write_bytes(whole[:-30])
    with pytest.raises(DataError, match='0002.jpg: expected a whole picture'):
        IperBuilder.opened(tmp_path / 'source', tmp_path / 'records')
    assert records_in(tmp_path / 'records') == []
    last.write_bytes(whole)
    builder = IperBuilder.opened(tmp_path / 'source', tmp_path / 'records')
    assert sum(map(len, frames_of(builder).values())) == len(iper_ids())


def test_what_a_killed_build_leaves_is_not_trusted(tmp_path, monkeypatch):
    write_json_poses(tmp_path / 'source', write_iper(tmp_path / 'source'))
    builder = IperBuilder(tmp_path / 'source', tmp_path / 'records')
    if not (child := os.fork()):
        try:
            monkeypatch.setattr(record_builder, 'records_of', lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            builder.download_and_prepare()
        finally:
            os._exit(0)  # or a second pytest would go on from here
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert records_in(tmp_path / 'records')  # nobody has cleaned up
    builder = IperBuilder.opened(tmp_path / 'source', tmp_path / 'records')
    assert sum(map(len, frames_of(builder).values())) == len(iper_ids())


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path):
    write_people(tmp_path / 'source', {'a': 20, 'b': 20}, size=64)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))  # no file may grow larger, as if there were no room
    try:
        with pytest.raises(DataError, match='records/people.*: expected room for the records.*nothing of them is kept'):
            PeopleBuilder.opened(tmp_path / 'source', tmp_path / 'records')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert records_in(tmp_path / 'records') == []


def test_the_sheet_shows_pairs_of_the_runs_data(tmp_path, monkeypatch):
    write_people(tmp_path / 'source', {'a': 2, 'b': 3}, {'train': ['a'], 'test': ['b']})
    monkeypatch.setattr(opening, 'open_model', lambda path, weights, size=None: types.SimpleNamespace(
        image_size=SIZE, repose_pairs=Negative.repose_pairs))
    run = types.SimpleNamespace(settings=lambda: types.SimpleNamespace(data=settings('people', tmp_path)))
    monkeypatch.setattr(opening, 'run_of', lambda path: run)
    contact_sheet.repose_test_pairs(tmp_path / 'sheet.png', 'run', 'latest', lambda saved: saved, 2)
    assert (tmp_path / 'sheet.png').is_file()


def test_a_split_that_is_not_there_is_named_before_anything_is_built(tmp_path):
    write_people(tmp_path / 'source', {'a': 2, 'b': 3}, {'train': ['a'], 'test': ['b']})
    data = Data(settings('people', tmp_path))
    data.check_splits('train', 0)
    with pytest.raises(DataError, match="train, test, found 'validation'. --num_validation_pairs=0 does without"):
        data.check_splits('train', 8)
    with pytest.raises(DataError, match="found 'validation'"):
        data.check_splits('train+validation', 0)


def test_tfds_knows_the_builders_and_where_files_go():
    for name, builder_class in (('fashion', FashionBuilder), ('iper', IperBuilder)):
        assert tfds.builder_cls(name) is builder_class
    assert 'img/WOMEN' in FashionBuilder.MANUAL_DOWNLOAD_INSTRUCTIONS
    assert 'list_eval_partition.txt' in FashionBuilder.MANUAL_DOWNLOAD_INSTRUCTIONS
    assert '001_1_1.mp4' in IperBuilder.MANUAL_DOWNLOAD_INSTRUCTIONS


def test_flags_say_whether_poses_may_be_missing():
    assert not flags.settings_from_flags(parsed()).data.allow_missing_poses
    found = flags.settings_from_flags(parsed('--dataset=iper', '--allow_missing_poses'))
    assert found.data.allow_missing_poses
    assert '--allow_missing_poses=True\n' in flags.flags_text(found)
    assert dataclasses.asdict(found.data)['dataset'] == 'iper'


@pytest.mark.parametrize('name', ['fashion', 'iper'])
def test_an_empty_folder_says_what_belongs_there(tmp_path, name):
    with pytest.raises(DataError, match=f'found none; data_pipeline/{name}/README.md says where each file goes'):
        Data(settings(name, tmp_path))
