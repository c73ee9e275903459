"""A folder in the `people` layout: which persons, pictures, masks, poses and splits it holds, checked.

The layout is described in data/people/README.md. Nothing is decoded here: that is the builder's work.
"""

import dataclasses
import hashlib
import os
import pathlib
import re

from data_pipeline import pose_file
from data_pipeline.errors import DataError

SPLITS = ('train', 'validation', 'test')
IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png')
_SHARES = {'test': 0.15, 'validation': 0.10}  # of the persons, where splits.json does not say


@dataclasses.dataclass(frozen=True)
class Frame:
    """One picture of a person.

    Attributes:
      id: `person/frame`.
      image_path: the picture.
      mask_path: its foreground mask, or None.
      pose: its `pose_file.Pose`.
    """

    id: str
    image_path: pathlib.Path
    mask_path: pathlib.Path | None
    pose: pose_file.Pose


@dataclasses.dataclass(frozen=True)
class PeopleFolder:
    """What a folder holds.

    Attributes:
      root: the folder.
      name: its name and a digest of what lies in it: another content has another name.
      persons: dict, person -> tuple of `Frame`, two or more, by name.
      splits: dict, split -> tuple of persons; only splits that are there.
      num_missing_poses: pictures left out because they have no pose.
    """

    root: pathlib.Path
    name: str
    persons: dict
    splits: dict
    num_missing_poses: int

    def frame_ids(self, split):
        """Returns dict, person -> list of `person/frame`, of a split; DataError where there is none."""
        if split not in self.splits:
            raise DataError(f'{self.root}: expected one of the splits {", ".join(self.splits)}, '
                            f'found {split!r}.')
        return {person: [frame.id for frame in self.persons[person]] for person in self.splits[split]}


def open_folder(root, allow_missing_poses=False):
    """Lists and checks a folder in the people layout.

    Args:
      root: the folder.
      allow_missing_poses: leave out pictures without a pose, and count them, instead of refusing the folder.

    Returns:
      A `PeopleFolder`.

    Raises:
      DataError: the layout is broken; the message names the file or the person.
    """
    root = pathlib.Path(root)
    images = _list_pictures(root / 'images')
    poses = pose_file.read_poses(root / 'poses.json')
    missing = [f'{person}/{frame}' for person, frames in images.items() for frame in frames
               if f'{person}/{frame}' not in poses]
    if missing and not allow_missing_poses:
        raise DataError(f'{root / "poses.json"}: expected a pose for every picture in {root / "images"}, '
                        f'found none for {len(missing)}, for example {missing[0]!r}.')
    persons = {}
    for person, frames in images.items():
        persons[person] = tuple(
            Frame(key, path, _mask_path(root, key), poses[key])
            for frame, path in sorted(frames.items()) if (key := f'{person}/{frame}') in poses)
        if len(persons[person]) < 2:
            raise DataError(f'{root / "images" / person}: expected two or more pictures with a pose, '
                            f'found {len(persons[person])}.')
    splits_path = root / 'splits.json'
    splits = _read_splits(splits_path, persons) if splits_path.exists() else _draw_splits(persons)
    return PeopleFolder(root, _name(root, persons), persons, splits, len(missing))


def _list_pictures(folder):
    """Returns dict, person -> dict, frame -> path. Names that begin with a dot are none of ours."""
    if not folder.is_dir():
        raise DataError(f'{folder}: expected a folder of pictures, <person>/<frame>.jpg or .png, found none.')
    images = {}
    for person in sorted(folder.iterdir()):
        if person.name.startswith('.'):
            continue
        if not person.is_dir():
            raise DataError(f'{person}: expected a folder for every person, found a file.')
        frames = images[person.name] = {}
        for path in sorted(person.iterdir()):
            if path.name.startswith('.'):
                continue
            if path.suffix.lower() not in IMAGE_SUFFIXES:
                raise DataError(f'{path}: expected a picture, {", ".join(IMAGE_SUFFIXES)}, '
                                f'found {path.name!r}.')
            if path.stem in frames:
                raise DataError(f'{path}: expected one picture of a name, '
                                f'found {frames[path.stem].name} too.')
            frames[path.stem] = path
    if not images:
        raise DataError(f'{folder}: expected a folder for every person, found none.')
    return images


def _mask_path(root, key):
    path = root / 'masks' / f'{key}.png'
    return path if path.is_file() else None


def _read_splits(path, persons):
    """Reads splits.json; checks that every split has persons, that they exist and are in one split only."""
    content = pose_file.read_json(path, 'the splits')
    split_of, splits = {}, {}
    for split, names in content.items():
        if split not in SPLITS:
            raise DataError(f'{path}: expected splits among {", ".join(SPLITS)}, found {split!r}.')
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise DataError(f'{path}: "{split}": expected a list of one person or more, found {names!r}.')
        for person in names:
            if person not in persons:
                raise DataError(f'{path}: "{split}": expected persons of {path.parent / "images"}, '
                                f'found {person!r}.')
            if person in split_of:
                raise DataError(f'{path}: "{split}": expected every person in one split and once, '
                                f'found {person!r} in "{split_of[person]}" too.')
            split_of[person] = split
        splits[split] = tuple(names)
    if 'train' not in splits:
        raise DataError(f'{path}: expected a split "train", found {", ".join(splits) or "nothing"}.')
    return splits


def _draw_splits(persons):
    """Splits by person, always alike: in the order of a hash, so that a new person moves few others.

    Fewer than three persons are all trained on.
    """
    order = sorted(persons, key=lambda person: hashlib.sha256(person.encode()).hexdigest())
    splits = {}
    if len(order) >= 3:
        for split, share in _SHARES.items():
            count = max(1, round(share * len(persons)))
            splits[split], order = tuple(sorted(order[:count])), order[count:]
    return {'train': tuple(sorted(order)), **splits}


def _name(root, persons):
    """Returns the folder's name and a digest: of its text files in full, of pictures by size and time."""
    digest = hashlib.sha256()
    for name in ('poses.json', 'splits.json'):
        if (root / name).exists():
            digest.update(name.encode() + (root / name).read_bytes())
    for frames in persons.values():
        for frame in frames:
            for path in (frame.image_path, frame.mask_path):
                if path is not None:
                    stat = os.stat(path)
                    digest.update(f'{path.relative_to(root)} {stat.st_size} {stat.st_mtime_ns}\n'.encode())
    readable = re.sub(r'[^A-Za-z0-9]+', '_', root.resolve().name) or 'root'
    return f'{readable}-{digest.hexdigest()[:10]}'
