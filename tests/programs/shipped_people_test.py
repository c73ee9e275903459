"""The people that the project ships are in order, by themselves and for the purpose."""

import collections
import pathlib

import cv2
import numpy as np
import pytest

from data_pipeline.batches.pairs import load_pairs
from data_pipeline.people.people_folder import open_folder
from repose_tf.skeleton import JOINT_INDEX

DATA = pathlib.Path(__file__).parents[2] / 'data'
ROOT = DATA / 'people'


@pytest.fixture(scope='module', params=['people', 'valid'])
def folder(request):
    return open_folder(DATA / request.param)


def frames(folder):
    return [frame for frames in folder.persons.values() for frame in frames]


def size_of(root):
    return sum(path.stat().st_size for path in root.rglob('*') if path.is_file())


def test_people_are_small_and_complete():
    folder = open_folder(ROOT)
    assert size_of(ROOT) < 6e6
    assert {split: len(persons) for split, persons in folder.splits.items()} == {
        'train': 24, 'validation': 3, 'test': 5}
    # Splits name every person once: `open_folder` refuses a person in two of them.
    assert {person for persons in folder.splits.values() for person in persons} == set(folder.persons)
    assert {len(frames) for frames in folder.persons.values()} == {10}
    assert len(list((ROOT / 'masks').rglob('*.png'))) == len(frames(folder)) == 320


def test_valid_is_small_and_complete_and_holds_nothing_of_motion_capture():
    folder = open_folder(DATA / 'valid')
    assert size_of(folder.root) < 6e6
    assert {split: len(persons) for split, persons in folder.splits.items()} == {
        'train': 6, 'validation': 2, 'test': 4}
    assert {person for persons in folder.splits.values() for person in persons} == set(folder.persons)
    assert all(frame.mask_path and frame.pose.px_per_mm > 0 for frame in frames(folder)) and not folder.left_out
    assert all({'pose', 'yaw_deg'} <= set(frame.pose.tags) and frame.pose.mm is not None for frame in frames(folder))
    assert not any(frame.pose.tags['pose'].startswith('mocap') for frame in frames(folder))
    assert 'Copyright (c) 2022 Tiffany Do' in (folder.root / 'LICENSE').read_text()


def test_the_faces_of_valid_are_in_one_split_and_of_many_kinds():
    folder = open_folder(DATA / 'valid')
    split_of = {}
    for split, persons in folder.splits.items():
        for person in persons:
            assert split_of.setdefault(person.rpartition('_')[0], split) == split
    kinds, sexes = ({face.split('_')[place] for face in split_of} for place in (0, 1))
    assert len(kinds) >= 6 and sexes == {'F', 'M'}
    for split, count in (('validation', 22), ('test', 42)):
        pairs = load_pairs(folder, split)
        assert len(set(pairs)) == len(pairs) == count
        assert {source.split('/')[0] for source, _ in pairs} == set(folder.splits[split])


def test_pairs_of_people_are_in_their_splits_and_varied():
    folder = open_folder(ROOT)
    for split, count in (('validation', 30), ('test', 80)):
        pairs = load_pairs(folder, split)  # which refuses pairs that cross persons or splits
        assert len(set(pairs)) == len(pairs) == count
        targets = {target for _, target in pairs}
        assert {frame_id for ids in folder.frame_ids(split).values() for frame_id in ids} - targets <= {
            f'{person}/00' for person in folder.splits[split]}
    kinds = {frame.id: frame.pose.tags['pose'].partition(':')[0] for frame in frames(folder)}
    assert len(collections.Counter(kinds[target] for _, target in load_pairs(folder, 'test'))) >= 8


def test_left_is_on_the_right_of_frontal_pictures_and_turned_around_on_the_left(folder):
    for frame in frames(folder):
        side = frame.pose.px[JOINT_INDEX['lsho'], 0] - frame.pose.px[JOINT_INDEX['rsho'], 0]
        if frame.id.endswith('/00'):
            assert frame.pose.tags['pose'] == 'apose_front' and side > 15, frame.id
        if frame.pose.tags['pose'] == 'turn_back':
            assert side < -15, frame.id


def test_joints_lie_on_the_masks(folder):
    on_mask = []
    for frame in frames(folder):
        mask = cv2.imread(str(frame.mask_path), cv2.IMREAD_UNCHANGED)
        assert mask.shape == (256, 256) and set(np.unique(mask)) == {0, 255}
        columns, rows = np.floor(frame.pose.px[:, :2]).astype(int).clip(0, 255).T
        on_mask.append(mask[rows, columns] == 255)
    assert np.mean(on_mask) > 0.97


def test_the_nose_is_before_the_ears_in_frontal_pictures_and_behind_them_in_those_of_the_back(folder):
    for frame in frames(folder):
        kind, z = frame.pose.tags['pose'], frame.pose.px[:, 2]
        if kind in ('apose_front', 'turn_back'):
            is_before = z[JOINT_INDEX['nose']] < (z[JOINT_INDEX['lear']] + z[JOINT_INDEX['rear']]) / 2
            assert is_before == (kind == 'apose_front'), frame.id
