"""Pairs: two different pictures of one person of the split; listed ones are checked, others drawn."""

import collections

import pytest

from data_pipeline.batches import pairs
from data_pipeline.batches.pairs import load_pairs, random_pairs, read_pairs
from data_pipeline.errors import DataError
from data_pipeline.fashion import fashion_folder
from data_pipeline.iper import iper_folder
from data_pipeline.people.people_folder import open_folder
from tests.support.data_set_folders import VIEWS, fashion_id, flat_name, write_fashion, write_iper, write_json_poses
from tests.support.people_folders import write_people

SPLITS = {'train': ['a'], 'test': ['b', 'c']}
IDS = {'b': ['b/00', 'b/01', 'b/02'], 'c': ['c/00', 'c/01']}
NUM_PAIRS = 3 * 2 + 2


def folder(tmp_path, pairs=None):
    write_people(tmp_path, {'a': 2, 'b': 3, 'c': 2}, SPLITS, pairs)
    return open_folder(tmp_path)


def test_listed_pairs_come_in_their_order(tmp_path):
    listed = [['c/01', 'c/00'], ['b/00', 'b/02'], ['b/02', 'b/00']]
    opened = folder(tmp_path, {'test': listed})
    assert load_pairs(opened, 'test') == load_pairs(opened, 'test', 9) == [tuple(pair) for pair in listed]
    assert load_pairs(opened, 'test', 2) == [('c/01', 'c/00'), ('b/00', 'b/02')]
    assert set(load_pairs(opened, 'train')) == {('a/00', 'a/01'), ('a/01', 'a/00')}  # not listed: drawn


def test_fewer_pairs_are_spread_over_the_list(tmp_path):
    ids = [f'b/{index:02d}' for index in range(40)]
    pairs = {'test': [['b/40', target] for target in ids]}
    write_people(tmp_path, {'a': 2, 'b': 41}, {'train': ['a'], 'test': ['b']}, pairs)
    some = [int(target[2:]) for _, target in load_pairs(open_folder(tmp_path), 'test', 10)]
    assert some == list(range(0, 40, 4))


def test_random_pairs_are_all_there_are_and_follow_from_the_seed():
    every = random_pairs(IDS, 100)
    assert len(every) == len(set(every)) == NUM_PAIRS
    assert all(source != target and source[0] == target[0] for source, target in every)
    assert random_pairs(IDS, 4, seed=1) == random_pairs(IDS, 4, seed=1)
    assert len({tuple(random_pairs(IDS, 4, seed)) for seed in range(5)}) > 1


def test_persons_share_the_random_pairs():
    ids = {person: [f'{person}/{frame:02d}' for frame in range(4)] for person in 'abcdefg'}
    count = collections.Counter(source[0] for source, _ in random_pairs(ids, 40))
    assert sum(count.values()) == 40 and set(count.values()) == {5, 6}


@pytest.mark.parametrize(('listed', 'message'), [
    ([], 'expected a list of one pair or more'),
    ({'b/00': 'b/01'}, 'expected a list of one pair or more'),
    ([['b/00']], r"found \['b/00'\]"),
    ([['b/00', 1]], r"found \['b/00', 1\]"),
    ([['b/00', 'b/09']], "expected pictures with a pose, of persons of this split, found 'b/09'"),
    ([['a/00', 'a/01']], "of this split, found 'a/00'"),
    ([['b/00', 'c/00']], 'expected two different pictures of one person'),
    ([['b/00', 'b/00']], 'expected two different pictures of one person'),
])
def test_what_is_no_pair_of_the_split_is_named(tmp_path, listed, message):
    opened = folder(tmp_path, {'test': listed})
    with pytest.raises(DataError, match=message) as caught:
        load_pairs(opened, 'test')
    assert 'pairs.json: "test"' in str(caught.value)


def test_a_file_may_list_other_pairs_than_the_folder(tmp_path):
    opened, path = folder(tmp_path, {'test': [['b/00', 'b/01']]}), tmp_path / 'mine.json'
    path.write_text('{"test": [["c/01", "c/00"], ["b/00", "b/02"]]}')
    assert read_pairs(path, opened, 'test') == [('c/01', 'c/00'), ('b/00', 'b/02')]
    for text, message in (('{"train": []}', "expected pairs of the split test, found 'train'"),
                          ('{"test": [["a/00", "a/01"]]}', "of persons of this split, found 'a/00'"),
                          ('{}', 'expected pairs of the split test, found none')):
        path.write_text(text)
        with pytest.raises(DataError, match=f'mine.json.*{message}'):
            read_pairs(path, opened, 'test')


def test_a_split_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="expected one of the splits train, test, found 'validation'"):
        load_pairs(folder(tmp_path), 'validation')


def test_reference_pairs_are_256_or_more_of_the_outfits(tmp_path):
    write_people(tmp_path, {'a': 2, 'b': 20, 'c': 20}, SPLITS, {'test': [['b/00', 'b/01']]}, size=2)
    opened = open_folder(tmp_path)
    reference = load_pairs(opened, 'test', protocol='reference')
    assert len(set(reference)) == 256 and reference == load_pairs(opened, 'test', 256, protocol='reference')
    assert all(source != target and source[0] == target[0] in 'bc' for source, target in reference)
    assert len(set(load_pairs(opened, 'test', 300, protocol='reference'))) == 300
    assert set(load_pairs(opened, 'test', 8, protocol='reference')) < set(reference)
    assert load_pairs(opened, 'test', seed=1, protocol='reference') != reference


def test_listed_test_pairs_are_all_or_none(tmp_path, monkeypatch):
    outfits = [f'MEN/Denim/id_0000000{item}/01' for item in range(3)]
    write_json_poses(tmp_path, write_fashion(tmp_path, outfits=outfits))
    with pytest.raises(DataError, match='protocol patn-8570 is the list fashion-pairs-test.csv, found none'):
        load_pairs(fashion_folder.open_folder(tmp_path), 'test', protocol='patn-8570')
    rows = [','.join(flat_name(outfits[1], view) for view in views) for views in (VIEWS, VIEWS[::-1])]
    path = tmp_path / 'fashion-pairs-test.csv'
    path.write_text('\n'.join(['from,to', *rows]))
    with pytest.raises(DataError, match='patn-8570 has 8570 pairs, found 2'):
        load_pairs(fashion_folder.open_folder(tmp_path), 'test', protocol='patn-8570')
    monkeypatch.setattr(pairs, 'NUM_PATN_PAIRS', 2)
    expected = [tuple(fashion_id(outfits[1], view) for view in views) for views in (VIEWS, VIEWS[::-1])]
    opened = fashion_folder.open_folder(tmp_path)
    assert load_pairs(opened, 'test', protocol='patn-8570') == expected
    with pytest.raises(DataError, match="patn-8570 has pairs of the split test, found 'train'"):
        load_pairs(opened, 'train', protocol='patn-8570')


def test_listed_pairs_without_a_pose_are_left_out_and_named(tmp_path, monkeypatch):
    outfits = [f'MEN/Denim/id_0000000{item}/01' for item in range(3)]
    views = ('1_front', '2_side', '3_back')
    ids = write_fashion(tmp_path, outfits=outfits, views=views)
    lame = fashion_id(outfits[1], '2_side')
    write_json_poses(tmp_path, [frame_id for frame_id in ids if frame_id != lame])
    wanted = [(0, '1_front', '3_back'), (1, '1_front', '2_side'), (1, '2_side', '3_back'), (1, '3_back', '1_front'),
              (0, '1_front', '7_additional')]
    rows = [','.join(flat_name(outfits[outfit], view) for view in sides) for outfit, *sides in wanted]
    (tmp_path / 'fashion-pairs-test.csv').write_text('\n'.join(['from,to', *rows]))
    monkeypatch.setattr(pairs, 'NUM_PATN_PAIRS', len(wanted))
    opened = fashion_folder.open_folder(tmp_path, allow_missing_poses=True)
    every = [tuple(fashion_id(outfits[outfit], view) for view in sides) for outfit, *sides in wanted]
    assert load_pairs(opened, 'test', protocol='patn-8570') == [every[0], every[3]]
    absent = f'{every[4][1]}: named in a list, no such picture'
    assert pairs.unscorable_pairs(opened, 'test', 'patn-8570') == {
        every[1]: f'{lame}: no pose', every[2]: f'{lame}: no pose', every[4]: absent}
    assert pairs.unscorable_pairs(opened, 'test', 'reference') == {}
    (tmp_path / 'fashion-pairs-test.csv').write_text('\n'.join(['from,to', rows[1]]))
    monkeypatch.setattr(pairs, 'NUM_PATN_PAIRS', 1)
    with pytest.raises(DataError, match=rf'found none for any of its 1 pairs, as .*{lame} \({lame}: no pose\)'):
        load_pairs(fashion_folder.open_folder(tmp_path, allow_missing_poses=True), 'test', protocol='patn-8570')


def test_imitation_makes_every_frame_of_a_video_from_three(tmp_path, monkeypatch):
    videos = ('001/1/1', '001/9/1', '001/9/2')
    write_json_poses(tmp_path, write_iper(tmp_path, videos))
    opened = iper_folder.open_folder(tmp_path)
    with pytest.raises(DataError, match='iper-lwb has 42 test videos, found 2 with poses'):
        load_pairs(opened, 'test', protocol='iper-lwb')
    monkeypatch.setattr(pairs, 'NUM_LWB_VIDEOS', 2)
    found = load_pairs(opened, 'test', protocol='iper-lwb')
    ids = {video: [f'001_9/{video}_000{index}' for index in range(3)] for video in '12'}
    assert set(found) == {(source, target) for video in ids.values() for source in video for target in video
                          if source != target}
    monkeypatch.setattr(pairs, 'NUM_LWB_SOURCES', 1)
    assert load_pairs(opened, 'test', protocol='iper-lwb') == [
        (video[0], target) for video in ids.values() for target in video[1:]]


def test_imitated_frames_without_a_pose_are_left_out_and_named(tmp_path, monkeypatch):
    ids = write_iper(tmp_path, ('001/1/1', '001/9/1', '001/9/2'))
    write_json_poses(tmp_path, ids)
    monkeypatch.setattr(pairs, 'NUM_LWB_VIDEOS', 2)
    whole = load_pairs(iper_folder.open_folder(tmp_path), 'test', protocol='iper-lwb')
    lame = {'001_9/1_0001', '001_9/2_0000', '001_9/2_0001', '001_9/2_0002'}
    write_json_poses(tmp_path, [frame_id for frame_id in ids if frame_id not in lame])
    opened = iper_folder.open_folder(tmp_path, allow_missing_poses=True)
    lacking = pairs.unscorable_pairs(opened, 'test', 'iper-lwb')
    assert set(lacking) == {pair for pair in whole if lame & set(pair)}
    assert load_pairs(opened, 'test', protocol='iper-lwb') == [pair for pair in whole if not lame & set(pair)]


def test_a_protocol_that_is_none_is_named(tmp_path):
    with pytest.raises(DataError, match="protocol: expected one of people, reference, .*, found 'mine'"):
        load_pairs(folder(tmp_path), 'test', protocol='mine')
