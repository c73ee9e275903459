"""DeepFashion is read alike from every layout; nothing is left out unsaid, no outfit crosses a split."""

import numpy as np
import pytest

from data_pipeline.errors import DataError
from data_pipeline.fashion.fashion_folder import open_folder
from tests.support.data_set_folders import (
    FASHION_OUTFITS,
    VIEWS,
    fashion_id,
    flat_name,
    reference_name,
    tree_name,
    write_fashion,
    write_json_poses,
    write_pickled_poses,
    write_picture,
)

PERSONS = [fashion_id(outfit, '').rstrip('/') for outfit in FASHION_OUTFITS]


def names(folder):
    return [frame.id for frames in folder.persons.values() for frame in frames]


@pytest.mark.parametrize('name', [
    tree_name,
    reference_name,
    flat_name,
    lambda outfit, view: 'img/' + flat_name(outfit, view, 'fasion'),
    lambda outfit, view: f'{view}/' + flat_name(outfit, view, 'fasion', gap=''),
])
@pytest.mark.parametrize('key', [
    fashion_id,
    lambda outfit, view: f'{outfit.replace("/", "_")}/{view}',
    lambda outfit, view: f'fashion/{flat_name(outfit, view)}'[:-4],  # as annotating a flat folder names them
    lambda outfit, view: f'img-{outfit.rpartition("/")[0].replace("/", "-")}/{outfit[-2:]}_{view}',  # and the tree
])
def test_every_layout_gives_the_same_ids_and_poses(tmp_path, name, key):
    ids = write_fashion(tmp_path, name)
    keys = [key(outfit, view) for outfit in FASHION_OUTFITS for view in VIEWS]
    poses = write_json_poses(tmp_path, keys)
    folder = open_folder(tmp_path)
    assert sorted(names(folder)) == sorted(ids) and folder.left_out == {}
    frames = {frame.id: frame for frames in folder.persons.values() for frame in frames}
    for frame_id, written in zip(ids, keys, strict=True):
        np.testing.assert_array_equal(frames[frame_id].pose.px, poses[written])
        assert frames[frame_id].pose.origin == 'metrabs'
    # Three outfits or more: every split has some, none has the same.
    splits = [set(persons) for persons in folder.splits.values()]
    assert list(folder.splits) == ['train', 'validation', 'test']
    assert sum(map(len, splits)) == len(set.union(*splits)) == len(PERSONS) and all(splits)
    assert open_folder(tmp_path).splits == folder.splits


@pytest.mark.parametrize('above', ['', 'fashion3d'])
@pytest.mark.parametrize('pickle_in', ['', 'images'])
@pytest.mark.parametrize('prefix', ['', 'images/'])
def test_the_reference_layout_with_its_pickle(tmp_path, above, pickle_in, prefix):
    write_fashion(tmp_path / above, reference_name)
    paths = {f'{prefix}{outfit}/{view}': fashion_id(outfit, view) for outfit in FASHION_OUTFITS for view in VIEWS}
    poses = write_pickled_poses(tmp_path / above / pickle_in, paths)
    folder = open_folder(tmp_path)
    for frame in (frame for frames in folder.persons.values() for frame in frames):
        path = next(path for path, frame_id in paths.items() if frame_id == frame.id)
        np.testing.assert_allclose(frame.pose.px, poses[path], rtol=1e-6)
        assert (frame.pose.origin, frame.pose.image_size) == ('reference', 256)
        assert np.isnan(frame.pose.px_per_mm)  # nobody knows


def test_own_poses_fill_what_the_pickle_lacks(tmp_path):
    ids = write_fashion(tmp_path, reference_name)
    paths = [f'{outfit}/{view}' for outfit in FASHION_OUTFITS for view in VIEWS]
    write_pickled_poses(tmp_path, paths[:-2], {paths[0]: np.full((19, 3), np.nan)})
    write_json_poses(tmp_path, [ids[0], ids[1], *ids[-2:]])
    frames = {frame.id: frame.pose.origin for frames in open_folder(tmp_path).persons.values() for frame in frames}
    assert frames == {frame_id: 'metrabs' if frame_id in (ids[0], *ids[-2:]) else 'reference' for frame_id in ids}


@pytest.mark.parametrize(('joints', 'reason'), [
    (np.full((19, 3), np.inf), 'joints that are no numbers'),
    (np.full((19, 3), 600.0) * [1, 1, 0], 'joints far outside of the picture'),
    (np.full((19, 3), 128.0), 'depths that are not centred on 0'),
])
def test_poses_that_cannot_be_used_are_refused_or_listed(tmp_path, joints, reason):
    ids = write_fashion(tmp_path, reference_name)
    paths = [f'{outfit}/{view}' for outfit in FASHION_OUTFITS for view in VIEWS]
    write_pickled_poses(tmp_path, paths[:-1], {paths[0]: joints})
    with pytest.raises(DataError, match=f'found none for 2, for example .* .no pose: {reason}.*allow_missing_poses'):
        open_folder(tmp_path)
    folder = open_folder(tmp_path, allow_missing_poses=True)
    assert folder.num_missing_poses == 2
    alone = 'fewer than two pictures with a pose in the outfit'
    assert folder.left_out == {ids[0]: f'no pose: {reason}', ids[-1]: 'no pose', ids[1]: alone, ids[-2]: alone}
    assert set(folder.persons) == set(PERSONS[1:-1])
    assert f'2 x {alone}' in folder.summary()


def write_pairs(root, split, outfits, prefix='fashion'):
    rows = [','.join(flat_name(outfit, view, prefix) for view in views)
            for outfit in outfits for views in (VIEWS, VIEWS[::-1])]
    (root / f'{prefix}-pairs-{split}.csv').write_text('\n'.join(['from,to', *rows]))
    return tuple(tuple(fashion_id(outfit, view) for view in views)
                 for outfit in outfits for views in (VIEWS, VIEWS[::-1]))


def write_partition(root, status_of):
    rows = [f'{tree_name(outfit, view)} id {status}' for outfit, status in status_of.items() for view in VIEWS]
    (root / 'Eval').mkdir()
    text = '\n'.join([str(len(rows)), 'image_name item_id evaluation_status', *rows])
    (root / 'Eval' / 'list_eval_partition.txt').write_text(text)


def write_keypoints(root, split, xs_of):
    rows = [f'{name}: {[-1 if x < 0 else 5 for x in xs]}: {xs}' for name, xs in xs_of.items()]
    (root / f'fasion-resize-annotation-{split}.csv').write_text('\n'.join(['name:keypoints_y:keypoints_x', *rows]))


@pytest.fixture
def root(tmp_path):
    write_json_poses(tmp_path, write_fashion(tmp_path))
    return tmp_path


def test_the_partition_splits(root):
    statuses = ('train', 'train', 'train', 'query', 'gallery')
    write_partition(root, dict(zip(FASHION_OUTFITS, statuses)))
    folder = open_folder(root)
    assert folder.splits['test'] == (PERSONS[3], PERSONS[4])
    assert set(folder.splits['train']) | set(folder.splits['validation']) == set(PERSONS[:3])
    assert folder.left_out == {PERSONS[5]: 'an outfit in no list of a split'} and folder.pairs == {}


def test_pair_lists_split_and_go_before_the_partition(root):
    write_partition(root, dict.fromkeys(FASHION_OUTFITS, 'train'))
    pairs = write_pairs(root, 'test', FASHION_OUTFITS[:2], 'fasion')
    folder = open_folder(root)
    assert folder.splits['test'] == tuple(PERSONS[:2]) and folder.pairs == {'patn-8570': pairs}
    assert {*folder.splits['train'], *folder.splits['validation']} == set(PERSONS[2:])
    write_pairs(root, 'train', FASHION_OUTFITS[2:4])
    folder = open_folder(root)
    assert folder.splits == {'train': tuple(PERSONS[2:4]), 'test': tuple(PERSONS[:2])}
    assert set(folder.left_out) == set(PERSONS[4:])


def test_outfits_that_cross_splits_are_named(root):
    write_pairs(root, 'test', FASHION_OUTFITS[:2])
    write_pairs(root, 'train', FASHION_OUTFITS[1:])
    with pytest.raises(DataError, match=f"one split, but the lists have '{PERSONS[1]}' in train and in test .1 in all"):
        open_folder(root)


def test_train_pairs_alone_are_refused(root):
    write_pairs(root, 'train', FASHION_OUTFITS)
    with pytest.raises(DataError, match='expected the list of test pairs beside it'):
        open_folder(root)


def test_pictures_without_a_person_are_left_out(root):
    outfit = FASHION_OUTFITS[0]
    write_picture(root / tree_name(outfit, '6_flat'), np.random.default_rng(0))
    write_picture(root / tree_name(outfit, '2_side'), np.random.default_rng(0))
    write_keypoints(root, 'train', {tree_name(outfit, '2_side'): [-1] * 18})
    # One joint that is seen is a person; and a picture that is not there.
    write_keypoints(root, 'test', {
        flat_name(outfit, '1_front'): [-1] * 17 + [3], flat_name(outfit, '7_full'): [1] * 18})
    assert open_folder(root).left_out == {
        fashion_id(outfit, '6_flat'): 'a garment without a person (6_flat)',
        fashion_id(outfit, '2_side'): 'no person by its keypoint list',
        fashion_id(outfit, '7_full'): 'named in a list, no such picture'}


def test_poses_without_a_picture_are_listed(root):
    (root / tree_name(FASHION_OUTFITS[0], VIEWS[0])).unlink()
    folder = open_folder(root)
    assert folder.left_out[fashion_id(FASHION_OUTFITS[0], VIEWS[0])] == 'a pose without a picture'


def test_masks_are_found_by_the_pictures_name(root):
    mask = root / 'masks' / 'WOMEN' / 'Blouses_Shirts' / 'id_00000001' / '01_1_front.png'
    write_picture(mask, np.random.default_rng(0))
    frames = [frame for frames in open_folder(root).persons.values() for frame in frames]
    assert [frame.mask_path for frame in frames if frame.mask_path] == [mask]


def test_the_name_follows_pictures_poses_and_lists(root):
    found = {open_folder(root).name}
    write_picture(root / tree_name(FASHION_OUTFITS[0], VIEWS[0]), np.random.default_rng(5))
    found.add(open_folder(root).name)
    write_json_poses(root, [fashion_id(outfit, view) for outfit in FASHION_OUTFITS for view in VIEWS], origin='x')
    found.add(open_folder(root).name)
    write_pairs(root, 'test', FASHION_OUTFITS[:1])
    found.add(open_folder(root).name)
    assert len(found) == 4


def test_folders_out_of_order_are_named(tmp_path):
    def refused(message):
        with pytest.raises(DataError, match=message):
            open_folder(tmp_path)

    refused('expected the pictures of DeepFashion, .* found none; .*README.md')
    ids = write_fashion(tmp_path)
    refused('expected poses.pkl .* or poses.json, found neither')
    write_json_poses(tmp_path, [*ids, 'someone/else'])
    refused("poses.json: expected the name of a picture of this data set, found 'someone/else'")
    spelled = FASHION_OUTFITS[0].replace('/', '_')
    write_json_poses(tmp_path, [*ids, f'{spelled}/1_front'])
    refused(f"expected one pose of a picture, found '{ids[0]}' and '{spelled}/1_front'")
    write_json_poses(tmp_path, ids)
    double = tmp_path / 'img' / flat_name(FASHION_OUTFITS[0], VIEWS[0])
    write_picture(double, np.random.default_rng(0))
    refused('expected every picture once')
    double.rename(tmp_path / 'img' / 'me.jpg')
    refused("me.jpg: expected the name of a DeepFashion picture, .* found 'me.jpg'")
    (tmp_path / 'img' / 'me.jpg').unlink()
    (tmp_path / 'images').mkdir()
    refused('expected the pictures in img or images or img_highres or train/ and test, found both .*img and .*images')
