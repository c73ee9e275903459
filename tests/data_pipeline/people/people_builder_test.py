"""Records hold what lies in the folder, follow its changes, and are made only of a folder in order."""

import os

import cv2
import numpy as np
import pytest

from data_pipeline.errors import DataError
from data_pipeline.people.people_builder import PeopleBuilder
from data_pipeline.people.people_folder import open_folder
from tests.support.people_folders import SIZE, write_image, write_people, write_poses

SPLITS = {'train': ['a'], 'test': ['b', 'c']}
FRAMES = {'a': 3, 'b': 2, 'c': 2}


@pytest.fixture
def root(tmp_path):
    return tmp_path / 'mine'


def build(root):
    return PeopleBuilder.opened(root, root.parent / 'records')


def frames_of(builder, split):
    """Returns dict, id -> dict of one frame's values."""
    records = list(builder.as_dataset(split=split).as_numpy_iterator())
    found = {f'{record["person"].decode()}/{record["name"].decode()}': record for record in records}
    assert len(found) == len(records)
    return found


def test_records_hold_the_files_as_they_are(root):
    content = write_people(root, FRAMES, SPLITS, masked=['b/01'])
    builder = build(root)
    assert builder.name == 'people' and 'knoche2020' in builder.info.citation
    assert builder.info.description.startswith('Pictures of people')
    found = {**frames_of(builder, 'train'), **frames_of(builder, 'test')}
    assert set(found) == set(content) and set(builder.info.splits) == set(SPLITS)
    for frame_id, frame in found.items():
        assert frame['image'] == (root / 'images' / f'{frame_id}.png').read_bytes()
        np.testing.assert_array_equal(frame['pose_px'], content[frame_id][1])
        assert frame['size'] == SIZE and frame['px_per_mm'] == np.float32(0.1)
        has_mask = frame_id == 'b/01'
        assert frame['mask'] == ((root / 'masks' / 'b' / '01.png').read_bytes() if has_mask else b'')


def test_persons_stay_in_their_split(root):
    write_people(root, FRAMES, SPLITS)
    builder = build(root)
    for split, persons in SPLITS.items():
        assert {frame_id[0] for frame_id in frames_of(builder, split)} == set(persons)


def test_unchanged_folders_reuse_their_records_and_changed_ones_do_not(root):
    write_people(root, FRAMES, SPLITS, masked=['b/01'])
    builder = build(root)
    made = os.stat(builder.data_dir).st_mtime_ns
    assert build(root).data_dir == builder.data_dir and os.stat(builder.data_dir).st_mtime_ns == made
    changes = [
        lambda: write_image(root / 'images' / 'a' / '00.png', np.zeros((SIZE, SIZE, 3), np.uint8)),
        lambda: os.utime(root / 'masks' / 'b' / '01.png', ns=(0, 0)),
        lambda: os.remove(root / 'masks' / 'b' / '01.png'),
        lambda: os.remove(root / 'splits.json'),
        lambda: (root / 'poses.json').write_text((root / 'poses.json').read_text().replace('0.1', '0.2')),
    ]
    names = {builder.folder.name}
    for change in changes:
        change()
        names.add(open_folder(root).name)
    assert len(names) == 1 + len(changes)
    changed = build(root)
    assert {frame['px_per_mm'] for frame in frames_of(changed, 'train').values()} == {np.float32(0.2)}


def test_two_that_make_the_same_records_at_once_both_get_them(root, monkeypatch):
    content = write_people(root, FRAMES, SPLITS)
    list_left_out = PeopleBuilder._list_left_out

    def overtaken(builder):
        monkeypatch.setattr(PeopleBuilder, '_list_left_out', list_left_out)
        build(root)
        list_left_out(builder)

    monkeypatch.setattr(PeopleBuilder, '_list_left_out', overtaken)
    builder = build(root)
    assert {name for split in SPLITS for name in frames_of(builder, split)} == set(content)


def test_folders_of_one_name_are_not_confused(tmp_path):
    roots = {2: tmp_path / 'x' / 'mine', 3: tmp_path / 'y' / 'mine'}
    contents = [write_people(root, {'a': count}) for count, root in roots.items()]
    builders = [PeopleBuilder.opened(root, tmp_path / 'records') for root in roots.values()]
    found = [frames_of(builder, 'train') for builder in builders]
    assert [set(frames) for frames in found] == [set(content) for content in contents]


def test_pictures_are_opened_by_content(root):
    content = write_people(root, {'a': 3})
    os.rename(root / 'images' / 'a' / '00.png', root / 'images' / 'a' / '00.jpg')
    os.remove(root / 'images' / 'a' / '01.png')
    write_image(root / 'images' / 'a' / '01.JPEG', content['a/01'][0])
    (root / 'images' / 'a' / '.DS_Store').write_text('not ours')
    found = frames_of(build(root), 'train')
    assert set(found) == set(content)
    assert found['a/00']['image'].startswith(b'\x89PNG') and found['a/01']['image'].startswith(b'\xff\xd8')


def forget_pose(root, content, frame_id):
    poses = {key: pose.tolist() for key, (_, pose) in content.items() if key != frame_id}
    write_poses(root / 'poses.json', poses)


def test_pictures_without_a_pose_are_an_error_or_counted(root):
    content = write_people(root, {'a': 3, 'b': 3})
    forget_pose(root, content, 'a/01')
    with pytest.raises(DataError, match="poses.json: expected a pose for every .* none for 1, .* 'a/01'"):
        PeopleBuilder(root, root.parent)
    builder = PeopleBuilder.opened(root, root.parent / 'records', allow_missing_poses=True)
    assert builder.folder.num_missing_poses == builder.info.metadata['num_missing_poses'] == 1
    assert set(frames_of(builder, 'train')) == set(content) - {'a/01'}


def test_poses_without_a_picture_are_counted_and_listed(root):
    content = write_people(root, {'a': 3, 'b': 3})
    os.remove(root / 'images' / 'a' / '01.png')
    builder = build(root)
    assert builder.folder.left_out == {'a/01': 'a pose without a picture'}
    assert builder.info.metadata['left_out'] == '1 x a pose without a picture'
    found = frames_of(builder, 'train')
    assert set(found) == set(content) - {'a/01'}
    assert {frame['origin'] for frame in found.values()} == {b'random numbers'}


def test_left_out_pictures_may_leave_too_few(root):
    forget_pose(root, write_people(root, {'a': 2, 'b': 3}), 'a/01')
    with pytest.raises(DataError, match='a: expected two or more pictures with a pose, found 1'):
        open_folder(root, allow_missing_poses=True)


def spoil(root, path, data):
    """Replaces a file; `data` is bytes or pixels."""
    if isinstance(data, np.ndarray):
        write_image(root / path, data)
    else:
        (root / path).write_bytes(data)


_PNG = cv2.imencode('.png', np.arange(SIZE * SIZE * 3, dtype=np.uint8).reshape(SIZE, SIZE, 3))[1].tobytes()
_JPEG = cv2.imencode('.jpg', cv2.imdecode(np.frombuffer(_PNG, np.uint8), 1))[1].tobytes()


@pytest.mark.parametrize(('path', 'data', 'message'), [
    ('images/a/00.png', b'no picture', "expected a JPEG or PNG picture, found b'no pictu'"),
    ('images/a/00.png', b'', 'expected a JPEG or PNG picture'),
    ('images/a/00.png', b'GIF89a' + bytes(40), 'expected a JPEG or PNG picture'),
    ('images/a/00.png', _PNG[:len(_PNG) // 2], 'expected a whole picture'),
    ('images/a/00.png', _JPEG[:-20], 'expected a whole picture'),
    ('images/a/00.png', np.zeros((SIZE, SIZE + 1, 3), np.uint8), f'square .* found {SIZE + 1} x {SIZE} px'),
    ('masks/a/00.png', np.zeros((SIZE, SIZE - 1), np.uint8), f'found {SIZE - 1} x {SIZE} px'),
    ('masks/a/00.png', np.full((SIZE, SIZE), 17, np.uint8), 'expected a mask of 0 and 255 only, found 17'),
    ('masks/a/00.png', b'', 'expected a JPEG or PNG picture'),
])
def test_broken_pictures_and_masks_are_named_and_leave_no_records(root, path, data, message):
    write_people(root, {'a': 2}, masked=['a/00'])
    spoil(root, path, data)
    with pytest.raises(DataError, match=message) as caught:
        build(root)
    assert str(root / path) in str(caught.value)
    assert not list(root.parent.glob('records/**/*.tfrecord*'))


def test_a_folder_out_of_order_is_named(root):
    def refused(message):
        with pytest.raises(DataError, match=message):
            open_folder(root)

    refused('images: expected a folder of pictures')
    (root / 'images').mkdir(parents=True)
    refused('images: expected a folder for every person, found none')
    write_people(root, {'a': 2, 'b': 1})
    refused('b: expected two or more pictures with a pose, found 1')
    write_people(root, {'a': 2, 'b': 2})
    write_image(root / 'images' / 'b' / '01.jpg', np.zeros((SIZE, SIZE, 3), np.uint8))
    refused('expected one picture of a name, found 01.jpg too')
    os.rename(root / 'images' / 'b' / '01.jpg', root / 'images' / 'b' / '01.webp')
    refused("01.webp: expected a picture, .jpg, .jpeg, .png, found '01.webp'")
    os.rename(root / 'images' / 'b' / '01.webp', root / 'images' / '01.jpg')
    refused('01.jpg: expected a folder for every person, found a file')
    os.remove(root / 'images' / '01.jpg')
    os.remove(root / 'poses.json')
    refused('poses.json: expected a pose file, found nothing readable')


@pytest.mark.parametrize(('splits', 'message'), [
    ({'train': ['a'], 'test': []}, '"test": expected a list of one person or more'),
    ({'train': 'a'}, '"train": expected a list of one person or more'),
    ({'train': ['a', 'z']}, '"train": expected persons of .*images, found \'z\''),
    ({'train': ['a'], 'test': ['b', 'a']}, '"test": expected every person .* found \'a\' in "train" too'),
    ({'train': ['a', 'a']}, '"train": expected every person in one split and once'),
    ({'train': ['a'], 'val': ['b']}, "expected splits among train, validation, test, found 'val'"),
    ({}, 'expected one split or more of train, validation, test, found none'),
    ([], 'expected a JSON object, found list'),
])
def test_splits_out_of_order_are_named(root, splits, message):
    write_people(root, FRAMES, splits)
    with pytest.raises(DataError, match=message) as caught:
        open_folder(root)
    assert str(root / 'splits.json') in str(caught.value)


def test_without_splits_persons_are_split_alike_every_time(root):
    names = [f'person{index}' for index in range(20)]
    write_people(root, dict.fromkeys(names, 2), size=2)
    splits = open_folder(root).splits
    assert [len(splits[split]) for split in ('train', 'validation', 'test')] == [15, 2, 3]
    assert sorted(person for persons in splits.values() for person in persons) == sorted(names)
    assert open_folder(root).splits == splits


def test_a_folder_may_be_for_measuring_alone(root):
    write_people(root, FRAMES, {'test': ['a']})
    builder = build(root)
    assert set(builder.info.splits) == {'test'} and set(frames_of(builder, 'test')) == {'a/00', 'a/01', 'a/02'}
    with pytest.raises(DataError, match="expected one of the splits test, found 'train'"):
        builder.folder.frame_ids('train')


def test_few_persons_are_all_trained_on(root):
    write_people(root, {'a': 2, 'b': 2})
    assert open_folder(root).splits == {'train': ('a', 'b')}
