"""Listing and checking a folder with iPER, as frames or videos; iper/README.md says where each file goes."""

import dataclasses
import pathlib
import re

from data_pipeline.errors import DataError, PictureError
from data_pipeline.finding import files_below, natural_key
from data_pipeline.poses import reference_poses
from data_pipeline.records import folder
from data_pipeline.text_file import read_text
from data_pipeline.video_file import VideoReader

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
_BROKEN = 'a video that cannot be read'


@dataclasses.dataclass(frozen=True)
class Film:
    """A video of the data set.

    Attributes:
      path: its file.
      name: `person_clothing_action`, as its file is called.
      num_announced: frames that its header announces, 0 where it does not say.
    """

    path: pathlib.Path
    name: str
    num_announced: int


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
    left_out = {}
    images = _list_pictures(root, left_out)
    films = _list_films(root, images, left_out)
    if not (images or films):
        unusable = ''.join(f' that can be used: {name} is {reason}' for name, reason in list(left_out.items())[:1])
        raise DataError(f'{root}: expected iPER, images/001/1/1/0000.jpg or 001_1_1.mp4, found none{unusable}; '
                        'data_pipeline/iper/README.md says where each file goes.')
    poses, unusable, pose_files = reference_poses.read(root, parse_key)
    for film in films:
        for index in range(_num_frames(film, poses, is_exact=not allow_missing_poses)):
            _add(images, parse_name(f'{film.name}_{index}'), film.path, None, index)
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
    splits = {split: tuple(sorted(names, key=natural_key)) for split, names in splits.items() if names}
    if 'train' not in splits:
        raise DataError(f'{root}: expected outfits to train on, found none among {len(persons)}.')
    name = folder.content_name(root, [*pose_files, *lists.values()], persons)
    return folder.Folder(root, name, persons, splits, left_out)


def _listed_outfits(lists, images, left_out):
    """Returns dict, 'train' and 'test' -> outfits in train.txt and val.txt; adds what is not there to `left_out`."""
    outfits = {}
    for split, path in lists.items():
        outfits[split] = set()
        for number, line in enumerate(read_text(path, 'a list of videos').splitlines(), 1):
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


def _list_pictures(root, left_out):
    """Returns dict, person -> dict, frame -> `Picture`, of the frames that are files; adds others to `left_out`."""
    images = {}
    places = [place for place in (root / 'images', root / 'images_HD') if place.is_dir()]
    for path in folder.picture_files(places[0], ('.mp4', '.pkl'), left_out) if places else ():
        name = path.relative_to(places[0]).with_suffix('').as_posix()
        _add(images, parse_name(name), path, folder.find_mask(root, name))
    return images


def _list_films(root, images, left_out):
    """Returns the list of `Film`s whose frames are no files; adds those that cannot be used to `left_out`."""
    films, filmed = [], {_film_of(person, frame) for person, frames in images.items() for frame in frames}
    for path in files_below(root):
        if path.suffix.lower() != '.mp4' or len(path.relative_to(root).parts) > 2:
            continue
        match = _VIDEO.fullmatch(path.name)
        if match is None:
            raise DataError(f'{path}: expected a video named as 001_1_1.mp4, found {path.name!r}.')
        name = '_'.join(match.groups())
        if _film_of(*parse_name(f'{name}_0')) in filmed:
            left_out[name] = _DOUBLE
            continue
        try:
            with VideoReader(path) as video:
                (columns, rows), num_read = video.size, video.count(at_most=2)
        except PictureError:
            num_read = 0
        if not num_read:
            left_out[name] = _BROKEN
        elif columns != rows:
            left_out[name] = f'a video of {columns} x {rows} px, not square'
        else:
            films.append(Film(path, name, video.num_announced if num_read == 2 else num_read))
    return films


def _film_of(person, frame):
    return person, frame.split('_')[0]


def _num_frames(film, poses, is_exact):
    """Returns how many frames of a film are listed.

    Its header's count is an estimate, and to count truly takes long. So those that have a pose are listed too, and what
    then cannot be read is left out of the records. If every frame must have a pose, the count must be true where one
    seems to lack it.
    """
    person, action = _film_of(*parse_name(f'{film.name}_0'))
    prefix = f'{person}/{action}_'
    posed = {int(frame_id.removeprefix(prefix)) for frame_id in poses if frame_id.startswith(prefix)}
    if not film.num_announced or (is_exact and not posed.issuperset(range(film.num_announced))):
        with VideoReader(film.path) as video:
            return video.count()
    return max(film.num_announced, 1 + max(posed, default=-1))


def _add(images, parsed, path, mask_path, video_index=None):
    if parsed is None:
        raise DataError(f'{path}: expected a frame person/clothing/action/number as 001/1/1/0000.jpg, '
                        f'found {path.name!r} in {path.parent.name!r}.')
    folder.add_picture(images, *parsed, folder.Picture(path, mask_path, video_index))
