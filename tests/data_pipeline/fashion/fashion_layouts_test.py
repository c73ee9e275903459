"""DeepFashion is read as other projects have it on disk: their folders, names and lists; their other files are counted.

The layouts are those of Pose-Transfer (train/, test/ and their .lst), of the high-resolution pictures, and of papers
that call the pictures deepfashion...
"""

import numpy as np
import pytest

from data_pipeline.errors import DataError
from data_pipeline.fashion import fashion_lists
from data_pipeline.fashion.fashion_folder import open_folder
from tests.support.data_set_folders import (
    FASHION_OUTFITS,
    VIEWS,
    fashion_id,
    flat_name,
    tree_name,
    write_fashion,
    write_json_poses,
    write_picture,
)

PERSONS = [fashion_id(outfit, '').rstrip('/') for outfit in FASHION_OUTFITS]
SIDE_OF = {outfit: 'test' if outfit in FASHION_OUTFITS[:2] else 'train' for outfit in FASHION_OUTFITS}


def in_sides(outfit, view):
    return f'{SIDE_OF[outfit]}/{flat_name(outfit, view)}'


def write_names(path, split, prefix=''):
    path.write_text(''.join(f'{prefix}{flat_name(outfit, view)}\n' for outfit, side in SIDE_OF.items()
                            for view in VIEWS if side == split))


@pytest.mark.parametrize('name', [
    'fashion_data/train/fashionMENDenimid0000008001_1front.jpg',
    'deepfashionMENDenimid0000008001_1front.jpg',
    './img_highres/MEN/Denim/id_00000080/01_1_front.jpg',
    '/data/EXPERIMENTS/WOMEN_and_MEN/fasionMENDenimid00000080011front.JPEG',
    'Img/img/MEN/Denim/id_00000080/01/1_front',
])
def test_whatever_stands_before_a_name_is_no_part_of_it(name):
    assert fashion_lists.parse_name(name) == ('MEN_Denim_id_00000080_01', '1_front')
    assert fashion_lists.parse_name(f'{name}___fashionWOMENDenimid0000008001_1front.jpg') is None


@pytest.mark.parametrize('name', [
    in_sides,
    lambda outfit, view: tree_name(outfit, view).replace('img', 'img_highres'),
    lambda outfit, view: 'Img/' + tree_name(outfit, view),
    lambda outfit, view: flat_name(outfit, view, 'deepfashion').replace('.jpg', '.JPG'),
    lambda outfit, view: f'fashion_resize/{in_sides(outfit, view)}',
])
def test_every_layout_gives_the_same_ids(tmp_path, name):
    ids = write_fashion(tmp_path, name)
    write_json_poses(tmp_path, ids)
    folder = open_folder(tmp_path)
    assert sorted(frame.id for frames in folder.persons.values() for frame in frames) == sorted(ids)
    assert folder.left_out == {}


@pytest.mark.parametrize('lists_in, prefix', [('', ''), ('train', 'fashion_data/train/'), ('Eval', '')])
def test_train_lst_and_test_lst_split(tmp_path, lists_in, prefix):
    write_json_poses(tmp_path, write_fashion(tmp_path, in_sides))
    (tmp_path / lists_in).mkdir(exist_ok=True)
    write_names(tmp_path / lists_in / 'train.lst', 'train', prefix)
    assert open_folder(tmp_path).splits['test'] == tuple(PERSONS[:2])
    write_names(tmp_path / lists_in / 'TEST.LST', 'test', prefix)
    folder = open_folder(tmp_path)
    assert folder.splits['test'] == tuple(PERSONS[:2]) and folder.left_out == {}
    assert {*folder.splits['train'], *folder.splits['validation']} == set(PERSONS[2:])
    (tmp_path / lists_in / 'train.lst').write_text('\n')
    with pytest.raises(DataError, match='train.lst: expected a picture a row, found none'):
        open_folder(tmp_path)


@pytest.mark.parametrize('lists_in', ['', 'fashion_data', 'fashion_data/train'])
def test_lists_are_found_beside_the_pictures_and_above_them(tmp_path, lists_in):
    write_json_poses(tmp_path, write_fashion(tmp_path, lambda *name: f'fashion_data/{in_sides(*name)}'))
    (tmp_path / lists_in / 'fasion-resize-pairs-test.csv').write_text('from,to\n' + ','.join(
        flat_name(FASHION_OUTFITS[1], view) for view in VIEWS))
    folder = open_folder(tmp_path)
    assert folder.splits['test'] == (PERSONS[1],) and list(folder.pairs) == ['patn-8570']


def test_the_folders_train_and_test_split_where_no_list_does(tmp_path):
    write_json_poses(tmp_path, write_fashion(tmp_path, in_sides))
    for root in (tmp_path, tmp_path / 'train'):  # the poses lie above the pictures
        assert open_folder(root).splits['test'] == tuple(PERSONS[:2])
    (tmp_path / 'fashion-pairs-test.csv').write_text('from,to\n' + ','.join(
        flat_name(FASHION_OUTFITS[2], view) for view in VIEWS))
    folder = open_folder(tmp_path)
    assert folder.splits['test'] == (PERSONS[2],) and PERSONS[2] not in folder.splits['train']


def test_files_that_are_no_pictures_are_counted(tmp_path):
    write_json_poses(tmp_path, write_fashion(tmp_path, in_sides))
    for name in ('notes.docx', 'heat.npy', 'Thumbs.db'):
        (tmp_path / 'train' / name).write_bytes(b'')
    folder = open_folder(tmp_path)
    assert set(folder.left_out) == {'notes.docx', 'heat.npy', 'Thumbs.db'}
    assert folder.summary() == '3 x no picture by its suffix, .jpg, .jpeg, .png'


def test_masks_may_have_any_suffix_in_capitals(tmp_path):
    write_json_poses(tmp_path, write_fashion(tmp_path))
    mask = tmp_path / 'masks' / 'WOMEN' / 'Blouses_Shirts' / 'id_00000001' / '01_1_front.PNG'
    write_picture(mask, np.random.default_rng(0))
    frames = [frame for frames in open_folder(tmp_path).persons.values() for frame in frames]
    assert [frame.mask_path for frame in frames if frame.mask_path] == [mask]


def test_one_list_twice_is_one_list(tmp_path):
    (tmp_path / 'train').mkdir()
    for place in (tmp_path, tmp_path / 'train'):
        write_names(place / 'train.lst', 'train')
    assert fashion_lists.find_lists(tmp_path, tmp_path / 'train') == {('names', 'train'): tmp_path / 'train.lst'}
