"""No pair ever shows two persons, whatever they are called: in training and by every protocol, in every data set."""

import types

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.batches import frames, input_pipeline, pairs
from data_pipeline.fashion import fashion_folder
from data_pipeline.iper import iper_folder
from data_pipeline.people import people_folder
from data_pipeline.records import frame_index
from tests.support.data_set_folders import VIEWS, flat_name, write_fashion, write_json_poses, write_picture
from tests.support.people_folders import write_people

# Names of which one begins another, and goes on with a character before or after the / of the ids.
NAMES = ['anna', *(f'anna{more}' for more in ('-dress', ' dress', '(1)', '.b', '2', '_2', 'ä', '!', "'s", '+', '~')),
         'annaA', 'anna-', 'anna-dress-2', 'änna', 'Anna', '1', '10', '1-0', 'ü', 'ü-', 'u\u0308-2']
OUTFITS = [f'{gender}/{category}/id_0000000{item}/0{outfit}' for gender in ('MEN', 'WOMEN')
           for category in ('Tees', 'Tees_Tanks', 'Tees-Tanks-x') for item in (1, 2) for outfit in (1, 2)]
# Also as older copies have it, without an action.
VIDEOS = ['001/1/1', '001/1/10', '001/10/1', '001/9', '001/11', '010/1/1', '010/2', '100/1/1', '100/2/2', '100/3']


def people(root):
    write_people(root, {name: 2 + place % 3 for place, name in enumerate(NAMES)}, size=1)
    return people_folder.open_folder(root)


def fashion(root):
    ids = write_fashion(root, outfits=OUTFITS, views=('1_front', '2_side', '3_back'))
    write_json_poses(root, ids)
    test = [','.join(flat_name(outfit, view) for view in VIEWS) for outfit in OUTFITS[::3]]
    (root / 'fashion-pairs-test.csv').write_text('\n'.join(['from,to', *test]))
    return fashion_folder.open_folder(root)


def iper(root):
    rng, keys = np.random.default_rng(0), []
    for video in VIDEOS:
        for frame in range(4):
            write_picture(root / f'images/{video}/{frame:04d}.jpg', rng)
            keys.append(f'{video.replace("/", "_")}/{frame:04d}')
    write_json_poses(root, keys)
    return iper_folder.open_folder(root)


@pytest.fixture(params=[people, fashion, iper], ids=lambda write: write.__name__)
def folder(request, tmp_path):
    return request.param(tmp_path)


def persons_of(folder, split):
    return {frame_id: person for person, ids in folder.frame_ids(split).items() for frame_id in ids}


def test_training_pairs_are_of_one_person(folder, monkeypatch):
    person_of = persons_of(folder, 'train')
    # The records of the split, read in any order.
    listed = np.random.default_rng(0).permutation(sorted(person_of)).tolist()
    num_frames = len(listed)
    monkeypatch.setattr(frames, 'open_index', lambda *_: frame_index.FrameIndex(
        np.array([frame_id.encode() for frame_id in listed]), np.zeros((num_frames, 19, 3), np.float32),
        np.ones(num_frames, np.int32), *np.zeros((2, num_frames, 2), np.int64), digest=None))
    split = types.SimpleNamespace(filepaths=['records'], shard_lengths=[1])
    store = frames.FrameStore(types.SimpleNamespace(info=types.SimpleNamespace(
        splits={'train': split}, features=None, full_name='made up')), ['train'])
    numbers = tf.data.Dataset.range(8 * len(store.counts))
    drawn = numbers.map(lambda number: input_pipeline._draw_pair(store.counts, 0, number)).as_numpy_iterator()
    found = [[person_of[store.ids[number]] for number in pair] for pair in drawn]
    assert all(source == target for source, target in found)
    assert {person for person, _ in found} == set(folder.splits['train'])


def test_scored_pairs_are_of_one_person(folder, monkeypatch):
    monkeypatch.setattr(pairs, 'NUM_PATN_PAIRS', len(folder.pairs.get('patn-8570', ())))
    for split in folder.splits:
        person_of = persons_of(folder, split)
        for protocol in ('people', 'reference', *folder.pairs):
            if protocol in folder.pairs and split != 'test':
                continue
            found = pairs.load_pairs(folder, split, protocol=protocol)
            assert found and all(person_of[source] == person_of[target] for source, target in found)


def test_an_imitated_video_is_of_one_person(tmp_path, monkeypatch):
    folder = iper(tmp_path)
    person_of = persons_of(folder, 'test')
    videos = {(person_of[frame_id], frame_id.split('/')[1].rpartition('_')[0]) for frame_id in person_of}
    monkeypatch.setattr(pairs, 'NUM_LWB_VIDEOS', len(videos))
    found = pairs.load_pairs(folder, 'test', protocol='iper-lwb')
    assert len({source for source, _ in found}) == 3 * len(videos)
    assert all(person_of[source] == person_of[target] for source, target in found)
