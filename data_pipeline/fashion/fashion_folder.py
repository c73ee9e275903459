"""Listing and checking a folder with DeepFashion In-shop; fashion/README.md says where each file goes."""

import pathlib

from data_pipeline.errors import DataError
from data_pipeline.fashion import fashion_lists
from data_pipeline.finding import natural_key
from data_pipeline.poses import reference_poses
from data_pipeline.records import folder

_VALIDATION_SHARE = 0.05  # of the outfits that are not for the test
_TEST_SHARE = 0.15  # of all outfits, if there is no list
_FLAT = 'a garment without a person (6_flat)'
_NOBODY = 'no person by its keypoint list'
_UNLISTED = 'an outfit in no list of a split'
_ABSENT = 'named in a list, no such picture'
_OTHER_SUFFIXES = ('.csv', '.json', '.lst', '.md', '.pkl', '.txt', '.zip')  # that may lie beside the pictures
_PLACES = (('img',), ('images',), ('img_highres',), ('train', 'test'))  # of the pictures, if not the folder itself


def open_folder(root, allow_missing_poses=False):
    """Lists and checks a folder with DeepFashion, or the one above its fashion3d/; see `RecordBuilder.read_folder`.

    With a test list of pairs, the `pairs` of the `Folder` has 'patn-8570'.
    """
    root = _root(pathlib.Path(root))
    images, sides, near, left_out = _list_pictures(root, _picture_places(root))
    ids = {f'{person}/{frame}' for person, frames in images.items() for frame in frames}
    lists = fashion_lists.find_lists(root, *near)
    left_out.update(_take_out(images, lambda frame_id: frame_id.endswith('/6_flat'), _FLAT))
    keypoints = {}
    for split in ('train', 'test'):
        if ('keypoints', split) in lists:
            keypoints.update(fashion_lists.read_keypoints(lists['keypoints', split]))
    left_out.update(_take_out(images, lambda frame_id: not any(keypoints.get(frame_id, (True,))), _NOBODY))

    poses, unusable, pose_files = reference_poses.read(root, fashion_lists.parse_name)
    poses = {frame_id: pose for frame_id, pose in poses.items() if frame_id not in left_out}
    persons, without_pose = folder.match_poses(images, poses, pose_files[-1], allow_missing_poses, unusable)
    left_out.update(without_pose)
    persons = folder.drop_small(persons, left_out)
    splits, pairs, listed = _split(root, lists, sides, persons)
    left_out.update({frame_id: _ABSENT for frame_id in {*listed, *keypoints} - ids})
    used = {person for names in splits.values() for person in names}
    left_out.update({person: _UNLISTED for person in sorted(set(persons) - used)})
    name = folder.content_name(root, [*pose_files, *lists.values()], persons)
    return folder.Folder(root, name, persons, splits, left_out, pairs)


def _root(root):
    """Returns the folder that has the poses: this one, fashion3d/ in it, or the one above a folder of pictures."""
    if (root / 'fashion3d').is_dir():
        return root / 'fashion3d'
    has_poses = [any((place / name).is_file() for name in ('poses.pkl', 'poses.json'))
                 for place in (root, root.absolute().parent)]
    is_place = any(root.absolute().name in names for names in _PLACES)
    return root.absolute().parent if is_place and has_poses == [False, True] else root


def _picture_places(root):
    """Returns the folders with pictures: one or two of `_PLACES`, also in Img/, or else the folder itself."""
    found = [places for above in (root, root / 'Img') for names in _PLACES
             if (places := [above / name for name in names if (above / name).is_dir()])]
    if len(found) > 1:
        raise DataError(f'{root}: expected the pictures in {" or ".join("/ and ".join(names) for names in _PLACES)}, '
                        f'found both {found[0][0]} and {found[1][0]}.')
    return found[0] if found else [root]


def _list_pictures(root, places):
    """Lists the pictures below some folders.

    Returns:
      dict, person -> dict, frame -> `Picture`; dict, 'train' and 'test' -> outfits in folders of that name; the folders
      in which lists may be, those of flattened names and the ones above; dict, name of another file -> why it is left
      out.
    """
    images, sides, near, left_out = {}, {}, set(), {}
    for place in places:
        for path in folder.picture_files(place, _OTHER_SUFFIXES, left_out):
            inside = path.relative_to(place)
            # A flattened name is complete by itself; others need their folders.
            parsed = fashion_lists.parse_name(path.name)
            near |= {path.parent, path.parent.parent} if parsed else {place}
            parsed = parsed or fashion_lists.parse_name(inside.as_posix())
            if parsed is None:
                raise DataError(f'{path}: expected the name of a DeepFashion picture, as '
                                f'WOMEN/Denim/id_00001367/03_1_front.jpg, found {inside.as_posix()!r}.')
            folder.add_picture(images, *parsed, folder.Picture(path, folder.find_mask(root, inside.with_suffix(''))))
            for split in {'train', 'test'} & set(path.relative_to(root).parts[:-1]):
                sides.setdefault(split, set()).add(parsed[0])
    if not images:
        raise DataError(f'{root}: expected the pictures of DeepFashion, .jpg or .png, found none; '
                        'data_pipeline/fashion/README.md says where each file goes.')
    return images, sides, sorted(path for path in near if path.is_relative_to(root)), left_out


def _take_out(images, is_out, reason):
    """Takes pictures out of `images` by a function of their ids; returns dict, id -> reason."""
    left_out = {}
    for person, frames in images.items():
        for frame in [frame for frame in frames if is_out(f'{person}/{frame}')]:
            del frames[frame]
            left_out[f'{person}/{frame}'] = reason
    return left_out


def _split(root, lists, sides, persons):
    """Splits by outfit: by the pair lists, else train.lst and test.lst, else the folders train and test, else
    list_eval_partition.txt, else by a fixed rule.

    Pair lists come first, so that no outfit of their test pairs is trained on. A fixed part of the outfits for
    training is kept for validation. `sides` are the outfits in the folders train and test. Returns dict, split ->
    persons; dict, protocol -> pairs; ids that the lists name.
    """
    pairs, listed = {}, {}
    for split in ('train', 'test'):
        if ('names', split) in lists:
            names = fashion_lists.read_names(lists['names', split])
            listed.update(dict.fromkeys(names, split))
            sides[split] = {name.split('/')[0] for name in names}
    if ('pairs', 'test') in lists:
        pairs = {split: fashion_lists.read_pairs(lists['pairs', split])
                 for split in ('train', 'test') if ('pairs', split) in lists}
        listed.update({frame_id: split for split in pairs for pair in pairs[split] for frame_id in pair})
        sides.update({split: {pair[0].split('/')[0] for pair in pairs[split]} for split in pairs})
        if 'train' in sides and 'train' not in pairs:
            sides['train'] -= sides['test']
    elif ('pairs', 'train') in lists:
        raise DataError(f'{lists["pairs", "train"]}: expected the list of test pairs beside it, found none.')
    elif sides:
        pass
    elif 'partition' in lists:
        listed = fashion_lists.read_partition(lists['partition'])
        sides = {'train': set(), 'test': set()}
        for frame_id, status in listed.items():
            sides['train' if status == 'train' else 'test'].add(frame_id.split('/')[0])
    else:
        order = folder.order_by_hash(persons)
        num_test = _count(_TEST_SHARE, order)
        sides = {'test': set(order[:num_test]), 'train': set(order[num_test:])}
    for split, other in (('train', 'test'), ('test', 'train')):
        sides.setdefault(split, set(persons) - sides.get(other, set()))
    if both := sides['train'] & sides['test']:
        raise DataError(f'{root}: expected every outfit in one split, but the lists have {min(both)!r} in train and '
                        f'in test ({len(both)} in all).')
    order = folder.order_by_hash(sides['train'] & set(persons))
    num_validation = _count(_VALIDATION_SHARE, order)
    splits = {'train': order[num_validation:], 'validation': order[:num_validation],
              'test': sides['test'] & set(persons)}
    splits = {split: tuple(sorted(names, key=natural_key)) for split, names in splits.items() if names}
    if 'train' not in splits:
        raise DataError(f'{root}: expected outfits to train on, found none of the {len(persons)} in the lists.')
    return splits, {'patn-8570': pairs['test']} if pairs else {}, listed


def _count(share, outfits):
    """Returns the number of outfits in a share: at least one, but none of fewer than three."""
    return max(1, round(share * len(outfits))) if len(outfits) >= 3 else 0
