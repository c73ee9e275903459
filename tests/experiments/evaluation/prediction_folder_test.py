"""Result pictures of others are found by the names of their pairs; what is missing or too much is said."""

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.errors import DataError
from experiments.evaluation.prediction_folder import PredictionFolder, key_of
from tests.support.people_folders import write_image

PAIRS = [('p0/00', 'p0/01'), ('p0/01', 'p0/00'), ('p1/00', 'p1/02')]
FASHION = ('WOMEN_BlousesShirts_id_00000015_02/1_front', 'WOMEN_BlousesShirts_id_00000015_02/2_side')
SIZE = 8


def grey(value, width=SIZE):
    return np.full((SIZE, width, 3), value, np.uint8)


def batch_of(pairs):
    sources, targets = zip(*pairs, strict=True)
    return {'source_id': tf.constant(sources), 'target_id': tf.constant(targets)}


def write(root, names, width=SIZE):
    for value, name in enumerate(names, 1):
        write_image(root / name, grey(value, width))


@pytest.mark.parametrize('name', [
    'fashionWOMENBlouses_Shirtsid0000001502_1front.jpg___fashionWOMENBlouses_Shirtsid0000001502_2side.jpg_vis',
    'fashionWOMENBlouses_Shirtsid0000001502_1front___fasionWOMENBlouses_Shirtsid0000001502_2side',
    'fashionWOMENBlouses_Shirtsid0000001502_1front_2_fashionWOMENBlouses_Shirtsid0000001502_2side_vis',
    'WOMEN-Blouses_Shirts-id_00000015-02_1_front_2_WOMEN-Blouses_Shirts-id_00000015-02_2_side_vis',
    'WOMEN-Blouses_Shirts-id_00000015-02_1_front.jpg_to_WOMEN-Blouses_Shirts-id_00000015-02_2_side.jpg',
    'WOMEN-Blouses_Shirts-id_00000015-02_1_front___WOMEN-Blouses_Shirts-id_00000015-02_2_side',
    'WOMEN_BlousesShirts_id_00000015_02.1_front___WOMEN_BlousesShirts_id_00000015_02.2_side',
    'WOMEN_BlousesShirts_id_00000015_02/1_front/WOMEN_BlousesShirts_id_00000015_02/2_side'])
def test_the_fields_spellings_are_one_pair(tmp_path, name):
    assert key_of(name) == key_of('___'.join(FASHION))
    write_image(tmp_path / f'{name}.png', grey(7))
    folder = PredictionFolder(tmp_path, [FASHION])
    assert (folder.missing, folder.extra, folder.complaint()) == ([], [], '')
    assert np.array_equal(folder(batch_of([FASHION])), [grey(7)])


def test_a_pair_and_its_reverse_are_told_apart_and_missing_and_extra_are_listed(tmp_path):
    write(tmp_path, ['p0.01___p0.00.png', 'p0_00_p0_01.png', 'other.png'])
    folder = PredictionFolder(tmp_path, PAIRS)
    assert np.array_equal(folder(batch_of(PAIRS[:2])), [grey(2), grey(1)])
    assert folder.missing == PAIRS[2:] and folder.extra == ['other.png']
    assert folder.complaint() == '1 missing (p1/00 -> p1/02); 1 of no pair (other.png)'
    assert folder.listing() == 'missing: p1/00 -> p1/02\nof no pair: other.png\n'
    other = PredictionFolder(tmp_path, PAIRS[:1], others=PAIRS)
    assert other.missing == [] and other.extra == ['other.png']  # the reverse is of the protocol, and not scored


def test_the_digest_is_of_the_contents(tmp_path):
    write(tmp_path, ['p0.00___p0.01.png'])
    first = PredictionFolder(tmp_path, PAIRS).digest
    assert PredictionFolder(tmp_path, PAIRS).digest == first
    write_image(tmp_path / 'p0.00___p0.01.png', grey(9))
    assert PredictionFolder(tmp_path, PAIRS).digest != first


def test_the_digest_is_of_what_is_taken_of_the_files(tmp_path):
    write(tmp_path, ['a.png', 'b.png'], 2 * SIZE)
    rows, digests = tmp_path / 'list.csv', set()
    for files in ('ab', 'ba'):
        rows.write_text(f'source,target,file\np0/00,p0/01,{files[0]}.png\np1/00,p1/02,{files[1]}.png\n')
        digests |= {PredictionFolder(tmp_path, PAIRS, str(rows), part).digest for part in (1, 2)}
    assert len(digests) == 4


def test_a_list_names_pictures_of_any_name(tmp_path):
    write(tmp_path, ['a.png', 'b.png'])
    rows = tmp_path / 'list.csv'
    rows.write_text('source,target,file\np0/00,p0/01,b.png\np1/00,p1/02,a.png\n')
    folder = PredictionFolder(tmp_path, PAIRS, str(rows))
    assert np.array_equal(folder(batch_of([PAIRS[0], PAIRS[2]])), [grey(2), grey(1)])
    for line, words in (('p0/00,p9/01,b.png', 'p9/01'), ('p0/00,p0/01,c.png', 'c.png'),
                        ('p0/00,p0/01,../x.png', 'x.png'), ('p0/00,b.png', 'expected a pair')):
        rows.write_text(f'source,target,file\n{line}\n')
        with pytest.raises(DataError, match=f'list.csv: row 2: .*{words}'):
            PredictionFolder(tmp_path, PAIRS, str(rows))


def test_strips_give_the_part_that_is_asked_for(tmp_path):
    strip = np.concatenate([grey(1), grey(2), grey(3)], axis=1)
    write_image(tmp_path / 'p0.00___p0.01.png', strip)
    for part, value in ((1, 1), (2, 2), (-1, 3)):
        assert np.array_equal(PredictionFolder(tmp_path, PAIRS, part=part)(batch_of(PAIRS[:1])), [grey(value)])
    with pytest.raises(DataError, match=f'found {3 * SIZE} x {SIZE} px'):
        PredictionFolder(tmp_path, PAIRS)(batch_of(PAIRS[:1]))
    with pytest.raises(DataError, match='4 or more of them side by side'):
        PredictionFolder(tmp_path, PAIRS, part=4)(batch_of(PAIRS[:1]))


def test_the_scored_columns_alone_are_enough(tmp_path):
    write_image(tmp_path / 'p0.00___p0.01.png', grey(5, SIZE // 2))
    folder = PredictionFolder(tmp_path, PAIRS, scored_columns=lambda size: slice(size // 4, 3 * size // 4))
    assert np.array_equal(folder(batch_of(PAIRS[:1])), [grey(5, SIZE // 2)])


@pytest.mark.parametrize('names, words', [
    ([], 'found 0 pictures and none of the 3 pairs'), (['x.png'], 'the first is x.png'),
    (['p0.00___p0.01.png', 'p0_00_p0_01.png'], 'expected one picture of p0/00 -> p0/01')])
def test_folders_that_cannot_be_used_are_refused(tmp_path, names, words):
    write(tmp_path, names)
    with pytest.raises(DataError, match=words):
        PredictionFolder(tmp_path, PAIRS)
    with pytest.raises(DataError, match='expected a folder'):
        PredictionFolder(tmp_path / 'none', PAIRS)


def test_pictures_are_found_whatever_the_case_of_their_suffix_and_behind_links(tmp_path):
    root, elsewhere = tmp_path / 'root', tmp_path / 'elsewhere'
    for name in ('00.JPG___p0.01.png', '01___p0.00.png', '._00___p0.01.png'):
        write_image(elsewhere / name, grey(9))
    (elsewhere / '01___p0.00.png').rename(elsewhere / '01___p0.00.PNG')
    root.mkdir()
    (root / 'p0').symlink_to(elsewhere)
    folder = PredictionFolder(root, PAIRS[:2])
    assert (folder.missing, folder.extra) == ([], [])
    listed = tmp_path / 'list.csv'
    listed.write_bytes('source,target,file\r\np0/00,p0/01,p0/01___p0.00.PNG\r\n'.encode('utf-16'))
    assert PredictionFolder(root, PAIRS[:1], str(listed)).missing == []


@pytest.mark.parametrize('name, expected', [
    ('deepfashionWOMENBlouses_Shirtsid0000001502_1front.JPG___deepfashionWOMENBlouses_Shirtsid0000001502_2side.Jpg_vis',
     '___'.join(FASHION)),
    ('Zoe\u0308', 'Zo\u00eb')])
def test_a_key_is_of_the_letters_however_they_are_written(name, expected):
    assert key_of(name) == key_of(expected)
