"""Several folders are one data set: all of their persons, each in its own split, and all of their pairs."""

import pathlib

import numpy as np
import pytest

from data_pipeline.batches.pairs import load_pairs
from data_pipeline.data_sets import open_data_set
from data_pipeline.errors import DataError, UsageError
from data_pipeline.people.people_folder import open_folder
from tests.support.people_folders import write_people, write_poses

TEST_PAIRS = [['b/01', 'b/00'], ['b/00', 'b/01']]


@pytest.fixture
def roots(tmp_path):
    """Two folders that both have a person `a`; and both as the user names them."""
    one, two = tmp_path / 'one', tmp_path / 'two'
    contents = (write_people(one, {'a': 2, 'b': 2}, {'train': ['a'], 'test': ['b']}, {'test': TEST_PAIRS}),
                write_people(two, {'a': 3, 'c': 2, 'd': 2}, {'train': ['d'], 'validation': ['c'], 'test': ['a']},
                             {'test': [['a/02', 'a/00']]}))
    return f'{one},{two}', contents


def test_all_persons_are_there_each_in_its_split_with_its_own_files(roots, tmp_path):
    source, contents = roots
    builder = open_data_set('people', source, tmp_path / 'records')
    folder = builder.folder
    assert folder.splits == {'train': ('one-a', 'd'), 'validation': ('c',), 'test': ('b', 'two-a')}
    found = {f'{record["person"].decode()}/{record["name"].decode()}': record for split in folder.splits
             for record in builder.as_dataset(split=split).as_numpy_iterator()}
    assert set(found) == {frame.id for frames in folder.persons.values() for frame in frames}
    for frame_id, record in found.items():
        part = int(frame_id.startswith(('two-', 'c', 'd')))
        own_id = frame_id.removeprefix('one-').removeprefix('two-')
        assert record['image'] == (tmp_path / ('one', 'two')[part] / 'images' / f'{own_id}.png').read_bytes()
        np.testing.assert_array_equal(record['pose_px'], contents[part][own_id][1])


def test_the_pairs_of_all_are_joined_listed_or_drawn(roots):
    folder = open_folder(roots[0])
    listed = [('b/01', 'b/00'), ('b/00', 'b/01'), ('two-a/02', 'two-a/00')]
    assert load_pairs(folder, 'test') == listed and load_pairs(folder, 'test', 2) == listed[:2]
    assert set(load_pairs(folder, 'train')) == {
        (f'{person}/0{one}', f'{person}/0{1 - one}') for person in ('one-a', 'd') for one in (0, 1)}
    with pytest.raises(DataError, match="expected one of the splits train, validation, test, found 'tests'"):
        load_pairs(folder, 'tests')


def test_the_name_follows_all_folders_and_no_person_is_renamed_without_need(roots, tmp_path):
    name = open_folder(roots[0]).name
    assert name.startswith('one_two-') and open_folder(roots[0]).name == name
    assert open_folder(','.join(reversed(roots[0].split(',')))).name != name
    content = write_people(tmp_path / 'three', {'e': 2})
    assert set(open_folder(f'{tmp_path / "one"},{tmp_path / "three"}').persons) == {'a', 'b', 'e'}
    write_poses(tmp_path / 'three' / 'poses.json', {**{key: pose.tolist() for key, (_, pose) in content.items()},
                                                    'a/07': content['e/00'][1].tolist()})
    changed = open_folder(f'{tmp_path / "one"},{tmp_path / "three"}')
    assert changed.left_out == {'three-a/07': 'a pose without a picture'}  # told apart, too


def test_a_folder_may_have_a_comma_in_its_name(tmp_path):
    write_people(tmp_path / 'one,two', {'a': 2})
    assert set(open_folder(tmp_path / 'one,two').persons) == {'a'}


def test_what_cannot_be_joined_is_named(roots, tmp_path):
    source = roots[0]
    write_people(tmp_path / 'x' / 'two', {'a': 2})
    with pytest.raises(DataError, match='x/two: expected persons of other names than those of .*two, or a folder of'):
        open_folder(f'{source},{tmp_path / "x" / "two"}')
    with pytest.raises(DataError, match='found one that is empty'):
        open_folder(f'{source},')
    with pytest.raises(DataError, match='none: expected a folder of pictures|none/images: expected a folder'):
        open_folder(f'{source},{tmp_path / "none"}')
    for name in ('fashion', 'iper'):
        with pytest.raises(UsageError, match=f'expected one folder with --dataset={name}'):
            open_data_set(name, source, pathlib.Path(tmp_path))
