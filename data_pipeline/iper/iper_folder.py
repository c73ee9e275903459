"""Listing and checking a folder with iPER, as frames or videos; iper/README.md says where each file goes."""

import pathlib
import re

import cv2

from data_pipeline.errors import DataError
from data_pipeline.poses import reference_poses
from data_pipeline.records import folder

# Person -> outfits: those of the usual test videos, and the validation outfits of the paper's authors.
_TEST = {'001': '9 11 18 19 31', '004': '1', '007': '1', '009': '5', '010': '1 2 3', '011': '1', '012': '2',
         '017': '1', '019': '2', '023': '3', '024': '7 8', '025': '1', '026': '1', '029': '1'}
_VALIDATION = {'001': '2 4 5 6 14 16 21 29', '004': '2', '006': '1', '009': '4 7', '012': '1', '015': '2 3',
               '018': '1', '019': '1 3', '021': '1', '024': '2', '028': '1'}
TEST_OUTFITS, VALIDATION_OUTFITS = (
    frozenset(f'{person}_{clothing}' for person, clothings in table.items() for clothing in clothings.split())
    for table in (_TEST, _VALIDATION))
_NUMBERS = re.compile(r'\d+([/_]\d+){2,3}')
_VIDEO = re.compile(r'(\d+)_(\d+)_(\d+)\.mp4', re.IGNORECASE)
_UNLISTED = 'an outfit in neither train.txt nor val.txt'
_ABSENT = 'a video named in a list, not there'
_DOUBLE = 'a video whose frames lie in images'


def parse_name(name):
    """Returns (person, frame) of `001/1/1/0000`, also with `_` for `/` and with any number of digits.

    The person is an outfit: `001_1`, and the frame `1_0000`, its action and its number. None for other names.
    """
    if not _NUMBERS.fullmatch(name):
        return None
    person, clothing, *action, frame = (int(number) for number in re.split('[/_]', name))
    return f'{person:03d}_{clothing}', '_'.join([*map(str, action), f'{frame:04d}'])


def parse_key(key):
    """Parses the key of a pose as `parse_name` does; also with `-` for `/`, and with folders above before it."""
    return parse_name(re.sub(r'^.*[A-Za-z]\w*[/-]', '', key).replace('-', '_'))


def open_folder(root, allow_missing_poses=False):
    """Lists and checks a folder with iPER, or the one above its iPER/; see `RecordBuilder.read_folder`."""
    root = pathlib.Path(root)
    root = root / 'iPER' if (root / 'iPER').is_dir() else root
    images, left_out = _list_pictures(root)
    poses, unusable, pose_files = reference_poses.read(root, parse_key)
    persons, without_pose = folder.match_poses(images, poses, pose_files[-1], allow_missing_poses, unusable)
    left_out.update(without_pose)
    persons = folder.drop_small(persons, left_out)
    lists = {split: root / name for split, name in (('train', 'train.txt'), ('test', 'val.txt'))
             if (root / name).is_file()}
    if len(lists) == 1:
        raise DataError(f'{root}: expected train.txt and val.txt, or neither, found one of them.')
    outfits = {'train': set(persons) - TEST_OUTFITS, 'test': TEST_OUTFITS}
    if lists:
        outfits = _listed_outfits(lists, images, left_out)
        left_out.update({person: _UNLISTED for person in sorted(set(persons) - set().union(*outfits.values()))})
    train = outfits['train'] & set(persons)
    splits = {'train': train - VALIDATION_OUTFITS, 'validation': train & VALIDATION_OUTFITS,
              'test': outfits['test'] & set(persons)}
    splits = {split: tuple(sorted(names)) for split, names in splits.items() if names}
    if 'train' not in splits:
        raise DataError(f'{root}: expected outfits to train on, found none among {len(persons)}.')
    name = folder.content_name(root, [*pose_files, *lists.values()], persons)
    return folder.Folder(root, name, persons, splits, left_out)


def _listed_outfits(lists, images, left_out):
    """Returns dict, 'train' and 'test' -> outfits in train.txt and val.txt; adds what is not there to `left_out`."""
    outfits = {}
    for split, path in lists.items():
        outfits[split] = set()
        for number, line in enumerate(path.read_text(encoding='utf-8-sig').splitlines(), 1):
            if not line.strip():
                continue
            parsed = parse_name(f'{line.strip()}/0')
            if parsed is None or '_' not in parsed[1]:
                raise DataError(f'{path}: row {number}: expected a video, person/clothing/action as 001/1/1, '
                                f'found {line.strip()!r}.')
            person, frame = parsed
            outfits[split].add(person)
            action = frame.split('_')[0]
            if not any(name.startswith(f'{action}_') for name in images.get(person, ())):
                left_out[f'{person}/{action}'] = _ABSENT
    if both := outfits['train'] & outfits['test']:
        raise DataError(f'{lists["test"]}: expected every outfit in one split, found {min(both)!r} in {lists["train"]} '
                        f'too ({len(both)} in all).')
    return outfits


def _list_pictures(root):
    """Returns dict, person -> dict, frame -> `Picture`, and what was left out."""
    images, left_out = {}, {}
    places = [place for place in (root / 'images', root / 'images_HD') if place.is_dir()]
    for path in folder.picture_files(places[0], ('.pkl',)) if places else ():
        name = path.relative_to(places[0]).with_suffix('').as_posix()
        _add(images, parse_name(name), path, folder.find_mask(root, name))
    filmed = {(person, frame.split('_')[0]) for person, frames in images.items() for frame in frames}
    for path in sorted([*root.glob('*.mp4'), *root.glob('*/*.mp4')]):
        match = _VIDEO.fullmatch(path.name)
        if match is None:
            raise DataError(f'{path}: expected a video named as 001_1_1.mp4, found {path.name!r}.')
        video = '_'.join(match.groups())
        person, frame = parse_name(f'{video}_0')
        if (person, frame.split('_')[0]) in filmed:
            left_out[video] = _DOUBLE
            continue
        for index in range(num_frames(path)):
            _add(images, parse_name(f'{video}_{index}'), path, None, index)
    if not images:
        raise DataError(f'{root}: expected iPER, images/001/1/1/0000.jpg or 001_1_1.mp4, found none; '
                        'data_pipeline/iper/README.md says where each file goes.')
    return images, left_out


def _add(images, parsed, path, mask_path, video_index=None):
    if parsed is None:
        raise DataError(f'{path}: expected a frame person/clothing/action/number as 001/1/1/0000.jpg, '
                        f'found {path.name!r} in {path.parent.name!r}.')
    folder.add_picture(images, *parsed, folder.Picture(path, mask_path, video_index))


def num_frames(path):
    """Returns how many frames a video has, as its file says; raises DataError if it is no video."""
    video = cv2.VideoCapture(str(path))
    count = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
    video.release()
    if count < 1:
        raise DataError(f'{path}: expected a video, found none that OpenCV can read.')
    return count
