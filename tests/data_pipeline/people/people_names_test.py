"""Names in the people layout: natural order, suffixes in capitals, letters composed or not, links."""

import pytest

from data_pipeline.batches.pairs import load_pairs
from data_pipeline.errors import DataError
from data_pipeline.people.people_folder import open_folder
from experiments.reposing.source_person import picture_side, place_of
from tests.support.people_folders import SIZE, write_people

COMPOSED, APART = 'Zo\u00eb', 'Zoe\u0308'  # macOS writes the latter


@pytest.mark.parametrize('person, on_disk', [(COMPOSED, APART), (APART, COMPOSED), ('a #1%d', 'a #1%d')])
def test_a_person_is_one_however_the_letters_are_written(tmp_path, person, on_disk):
    ids = [f'{person}/{index:02d}' for index in (0, 1)]
    write_people(tmp_path, {person: 2, 'b': 2}, {'train': ['b'], 'test': [person]}, {'test': [ids]}, masked=ids[:1])
    for folder in ('images', 'masks'):
        (tmp_path / folder / person).rename(tmp_path / folder / on_disk)
    folder = open_folder(tmp_path)
    [found] = folder.splits['test']
    assert len(folder.persons[found]) == 2 and folder.left_out == {}
    assert [bool(frame.mask_path) for frame in folder.persons[found]] == [True, False]
    assert load_pairs(folder, 'test') == [tuple(frame.id for frame in folder.persons[found])]
    place = place_of(tmp_path / 'images' / 'b' / '..' / on_disk / '00.png')
    assert place.key == folder.persons[found][0].id and picture_side(place.poses_path, place.key) == SIZE


def test_frames_are_in_natural_order_with_suffixes_in_any_case(tmp_path):
    write_people(tmp_path, {'a': 12}, masked=['a/02'])
    for path in [*(tmp_path / 'images/a').iterdir(), *(tmp_path / 'masks/a').iterdir()]:
        path.rename(path.with_suffix('.PNG'))
    text = (tmp_path / 'poses.json').read_text()
    for index in range(10):
        (tmp_path / f'images/a/{index:02d}.PNG').rename(tmp_path / f'images/a/{index}.Png')
        text = text.replace(f'"a/{index:02d}"', f'"a/{index}"')
    (tmp_path / 'poses.json').write_text(text)
    (tmp_path / 'masks/a/02.PNG').rename(tmp_path / 'masks/a/2.PNG')
    frames = open_folder(tmp_path).persons['a']
    assert [frame.id for frame in frames] == [f'a/{index}' for index in range(12)]
    assert [index for index, frame in enumerate(frames) if frame.mask_path] == [2]


def test_persons_are_in_natural_order(tmp_path):
    write_people(tmp_path, {f'p{index}': 2 for index in (10, 9, 1, 2, 11)})
    folder = open_folder(tmp_path)
    for persons in (tuple(folder.persons), *folder.splits.values()):
        assert list(persons) == sorted(persons, key=lambda person: int(person[1:]))


def test_links_are_followed_and_those_to_nothing_are_named(tmp_path):
    root = tmp_path / 'mine'
    write_people(root, {'a': 2, 'b': 2})
    (root / 'images/a').rename(tmp_path / 'elsewhere')
    (root / 'images/a').symlink_to(tmp_path / 'elsewhere')
    assert set(open_folder(root).persons) == {'a', 'b'}
    (root / 'images/b/02.png').symlink_to(tmp_path / 'absent.png')
    with pytest.raises(DataError, match='b/02.png: expected a picture, found a link to nothing'):
        open_folder(root)
