"""Listing and checking a folder with DeepFashion In-shop; fashion/README.md says where each file goes."""

import pathlib

from data_pipeline.errors import DataError
from data_pipeline.fashion import fashion_lists
from data_pipeline.poses import reference_poses
from data_pipeline.records import folder

_VALIDATION_SHARE = 0.05  # of the outfits that are not for the test
_TEST_SHARE = 0.15  # of all outfits, if there is no list
_FLAT = 'a garment without a person (6_flat)'
_NOBODY = 'no person by its keypoint list'
_UNLISTED = 'an outfit in no list of a split'
_ABSENT = 'named in a list, no such picture'
_OTHER_SUFFIXES = ('.csv', '.json', '.md', '.pkl', '.txt', '.zip')  # that may lie beside the pictures


def open_folder(root, allow_missing_poses=False):
    """Lists and checks a folder with DeepFashion, or the one above its fashion3d/; see `RecordBuilder.read_folder`.

    With a test list of pairs, the `pairs` of the `Folder` has 'patn-8570'.
    """
    root = pathlib.Path(root)
    root = root / 'fashion3d' if (root / 'fashion3d').is_dir() else root
    images = _list_pictures(root)
    ids = {f'{person}/{frame}' for person, frames in images.items() for frame in frames}
    lists = fashion_lists.find_lists(root)
    left_out = _take_out(images, lambda frame_id: frame_id.endswith('/6_flat'), _FLAT)
    keypoints = {}
    for split in ('train', 'test'):
        if ('keypoints', split) in lists:
            keypoints.update(fashion_lists.read_keypoints(lists['keypoints', split]))
    left_out.update(_take_out(images, lambda frame_id: not any(keypoints.get(frame_id, (True,))), _NOBODY))

    poses, unusable, pose_files = reference_poses.read(root, fashion_lists.parse_key)
    poses = {frame_id: pose for frame_id, pose in poses.items() if frame_id not in left_out}
    persons, without_pose = folder.match_poses(images, poses, pose_files[-1], allow_missing_poses, unusable)
    left_out.update(without_pose)
    persons = folder.drop_small(persons, left_out)
    splits, pairs, listed = _split(root, lists, persons)
    left_out.update({frame_id: _ABSENT for frame_id in {*listed, *keypoints} - ids})
    used = {person for names in splits.values() for person in names}
    left_out.update({person: _UNLISTED for person in sorted(set(persons) - used)})
    name = folder.content_name(root, [*pose_files, *lists.values()], persons)
    return folder.Folder(root, name, persons, splits, left_out, pairs)


def _list_pictures(root):
    """Returns dict, person -> dict, frame -> `Picture`, of img/, images/ or else the folder itself."""
    places = [place for place in (root / 'img', root / 'images') if place.is_dir()] or [root]
    if len(places) > 1:
        raise DataError(f'{root}: expected the pictures in img or in images, found both.')
    images = {}
    for path in folder.picture_files(places[0], _OTHER_SUFFIXES):
        inside = path.relative_to(places[0])
        # A flattened name is complete by itself; others need their folders.
        parsed = fashion_lists.parse_name(path.name) or fashion_lists.parse_name(inside.as_posix())
        if parsed is None:
            raise DataError(f'{path}: expected the name of a DeepFashion picture, as '
                            f'WOMEN/Denim/id_00001367/03_1_front.jpg, found {inside.as_posix()!r}.')
        folder.add_picture(images, *parsed, folder.Picture(path, folder.find_mask(root, inside.with_suffix(''))))
    if not images:
        raise DataError(f'{places[0]}: expected the pictures of DeepFashion, .jpg or .png, found none; '
                        'data_pipeline/fashion/README.md says where each file goes.')
    return images


def _take_out(images, is_out, reason):
    """Takes pictures out of `images` by a function of their ids; returns dict, id -> reason."""
    left_out = {}
    for person, frames in images.items():
        for frame in [frame for frame in frames if is_out(f'{person}/{frame}')]:
            del frames[frame]
            left_out[f'{person}/{frame}'] = reason
    return left_out


def _split(root, lists, persons):
    """Splits by outfit: by the pair lists, else list_eval_partition.txt, else by a fixed rule.

    Pair lists come first, so that no outfit of their test pairs is trained on. A fixed part of the outfits for
    training is kept for validation. Returns dict, split -> persons; dict, protocol -> pairs; ids that the lists name.
    """
    pairs, sides, listed = {}, {}, {}
    if ('pairs', 'test') in lists:
        pairs = {split: fashion_lists.read_pairs(lists['pairs', split])
                 for split in ('train', 'test') if ('pairs', split) in lists}
        listed = {frame_id: split for split in pairs for pair in pairs[split] for frame_id in pair}
        sides = {split: {pair[0].split('/')[0] for pair in pairs[split]} for split in pairs}
        sides.setdefault('train', set(persons) - sides['test'])
    elif ('pairs', 'train') in lists:
        raise DataError(f'{lists["pairs", "train"]}: expected the list of test pairs beside it, found none.')
    elif 'partition' in lists:
        listed = fashion_lists.read_partition(lists['partition'])
        sides = {'train': set(), 'test': set()}
        for frame_id, status in listed.items():
            sides['train' if status == 'train' else 'test'].add(frame_id.split('/')[0])
    else:
        order = folder.order_by_hash(persons)
        num_test = _count(_TEST_SHARE, order)
        sides = {'test': set(order[:num_test]), 'train': set(order[num_test:])}
    if both := sides['train'] & sides['test']:
        raise DataError(f'{root}: expected every outfit in one split, but the lists have {min(both)!r} in train and '
                        f'in test ({len(both)} in all).')
    order = folder.order_by_hash(sides['train'] & set(persons))
    num_validation = _count(_VALIDATION_SHARE, order)
    splits = {'train': order[num_validation:], 'validation': order[:num_validation],
              'test': sides['test'] & set(persons)}
    splits = {split: tuple(sorted(names)) for split, names in splits.items() if names}
    if 'train' not in splits:
        raise DataError(f'{root}: expected outfits to train on, found none of the {len(persons)} in the lists.')
    return splits, {'patn-8570': pairs['test']} if pairs else {}, listed


def _count(share, outfits):
    """Returns the number of outfits in a share: at least one, but none of fewer than three."""
    return max(1, round(share * len(outfits))) if len(outfits) >= 3 else 0
