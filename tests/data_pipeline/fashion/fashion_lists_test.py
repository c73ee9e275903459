"""DeepFashion's names mean the same picture in every spelling; lists are read in full or refused by row."""

import pytest

from data_pipeline.errors import DataError
from data_pipeline.fashion import fashion_lists

FRONT, BACK = ('WOMEN_BlousesShirts_id_00000015_02/' + view for view in ('1_front', '3_back'))
FLAT = 'fashionWOMENBlouses_Shirtsid0000001502_{}.jpg'.format


@pytest.mark.parametrize('name', [
    'img/WOMEN/Blouses_Shirts/id_00000015/02_1_front.jpg',
    'WOMEN/Blouses_Shirts/id_00000015/02/1_front',
    'fashionWOMENBlouses_Shirtsid0000001502_1front.jpg',
    'fasionWOMENBlouses_Shirtsid0000001502_1front.jpg',
    'fasionWOMENBlousesShirtsid00000015021front.JPG',
    'fashionWOMENBlouses_Shirtsid0000001502_1front',
    FRONT,
])
def test_every_spelling_is_one_picture(name):
    assert '/'.join(fashion_lists.parse_name(name)) == FRONT


def test_men_are_not_women_and_other_names_are_none():
    assert fashion_lists.parse_name('fashionMENDenimid0000008001_7additional.jpg') == (
        'MEN_Denim_id_00000080_01', '7_additional')
    assert fashion_lists.parse_name('WOMEN/Denim/id_00001367/03/0042') == ('WOMEN_Denim_id_00001367_03', '0042')
    for name in ('front.jpg', 'WOMEN/Denim/id_0001/03_1_front.jpg', 'WOMEN/id_00001367/03_1_front.jpg', ''):
        assert fashion_lists.parse_name(name) is None


@pytest.mark.parametrize('name', ['fashion-pairs-test.csv', 'fasion-pairs-test.csv', 'fasion-resize-pairs-test.csv',
                                  'fashion-resize-pairs-test.csv'])
def test_lists_are_found_in_every_spelling_and_once(tmp_path, name):
    (tmp_path / 'Eval').mkdir()
    partition = tmp_path / 'Eval' / 'list_eval_partition.txt'
    partition.touch()
    (tmp_path / name).touch()
    assert fashion_lists.find_lists(tmp_path) == {('pairs', 'test'): tmp_path / name, 'partition': partition}
    (tmp_path / 'Eval' / 'fashion-pairs-test.csv').write_text('from,to')
    with pytest.raises(DataError, match='expected this list in one spelling'):
        fashion_lists.find_lists(tmp_path)


def write(tmp_path, text):
    path = tmp_path / 'list'
    path.write_text(text)
    return path


def test_lists_are_read(tmp_path):
    text = f'from,to\n{FLAT("1front")},{FLAT("3back")}\r\n{FLAT("3back")},{FLAT("1front")}\n'
    assert fashion_lists.read_pairs(write(tmp_path, text)) == ((FRONT, BACK), (BACK, FRONT))

    ys, xs = list(range(18)), list(range(20, 38))
    ys[3], xs[3] = -1, -1
    text = f'name:keypoints_y:keypoints_x\n{FLAT("1front")}: {ys}: {xs}\n{FLAT("3back")}: {[-1] * 18}: {[-1] * 18}\n'
    keypoints = fashion_lists.read_keypoints(write(tmp_path, text))
    assert keypoints[FRONT][:4] == ((20, 0), (21, 1), (22, 2), None) and len(keypoints[FRONT]) == 18
    assert keypoints[BACK] == (None,) * 18

    text = ('2\nimage_name item_id evaluation_status\n'
            'img/WOMEN/Blouses_Shirts/id_00000015/02_1_front.jpg    id_00000015  train\n'
            'img/WOMEN/Blouses_Shirts/id_00000015/02_3_back.jpg  id_00000015 gallery\n')
    assert fashion_lists.read_partition(write(tmp_path, text)) == {FRONT: 'train', BACK: 'gallery'}


HEADER, ROW = 'image_name item_id evaluation_status', f'{FLAT("1front")} id_00000015'
KEYPOINTS = 'name:keypoints_y:keypoints_x'


@pytest.mark.parametrize(('read', 'text', 'message'), [
    (fashion_lists.read_pairs, '', "expected the columns 'from,to', found ''"),
    (fashion_lists.read_pairs, 'to,from\na,b\n', "found 'to,from'"),
    (fashion_lists.read_pairs, 'from,to\n', 'expected one row or more'),
    (fashion_lists.read_pairs, f'from,to\n{FLAT("1front")}\n', 'row 2: expected 2 columns, found 1'),
    (fashion_lists.read_pairs, f'from,to\n{FLAT("1front")},b.jpg\n', "row 2: .* DeepFashion picture, found 'b.jpg'"),
    (fashion_lists.read_pairs, f'from,to\n{FLAT("1front")},{FLAT("1front")}\n', 'row 2: expected two different'),
    (fashion_lists.read_pairs, f'from,to\n{FLAT("1front")},fashionMENDenimid0000008001_3back.jpg\n', 'of one outfit'),
    (fashion_lists.read_keypoints, f'{KEYPOINTS}\n{FLAT("1front")}: [1]: [1]\n', 'row 2: expected 18 integers'),
    (fashion_lists.read_keypoints, f'{KEYPOINTS}\n{FLAT("1front")}: {[0.5] * 18}: {[1] * 18}\n', '18 integers'),
    (fashion_lists.read_keypoints, f'{KEYPOINTS}\n{FLAT("1front")}: {[-2] * 18}: {[1] * 18}\n', '18 integers'),
    (fashion_lists.read_keypoints, f'{KEYPOINTS}\n' + 2 * f'{FLAT("1front")}:{[1] * 18}:{[1] * 18}\n', 'row 3.* once'),
    (fashion_lists.read_partition, f'1\n{ROW} train\n', 'expected a count, then'),
    (fashion_lists.read_partition, f'1\n{HEADER}\n{ROW}\n', 'row 3: expected a picture, an item and train'),
    (fashion_lists.read_partition, f'1\n{HEADER}\n{ROW} val\n', "row 3: .* found '.* val'"),
    (fashion_lists.read_partition, f'2\n{HEADER}\n{ROW} train\n{ROW} train\n', 'row 4: expected every picture once'),
    (fashion_lists.read_partition, f'2\n{HEADER}\n{ROW} train\n', 'expected as many rows .*2, found 1'),
])
def test_lists_out_of_order_are_named(tmp_path, read, text, message):
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_list_that_is_no_text_is_named(tmp_path):
    path = tmp_path / 'list'
    path.write_bytes(b'\xff\xfe\x00')
    for found in (path, tmp_path / 'absent'):
        with pytest.raises(DataError, match='expected a list in text'):
            fashion_lists.read_pairs(found)
