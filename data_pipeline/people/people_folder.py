"""Listing and checking a folder in the `people` layout, which data/people/README.md describes."""

from data_pipeline.errors import DataError
from data_pipeline.finding import composed, folders_in, names_in, natural_key, what_is
from data_pipeline.people.joining import join
from data_pipeline.poses import pose_file
from data_pipeline.records import folder

_SHARES = {'test': 0.15, 'validation': 0.10}  # of the persons, if there is no splits.json


def open_folder(source, allow_missing_poses=False):
    """Lists and checks a folder in the people layout, or several with commas between, which are joined to one.

    Args and Returns: as of `RecordBuilder.read_folder`.

    Raises:
      DataError: see there; or persons of one name in two folders of one name.
    """
    folders = [_open_one(root, allow_missing_poses) for root in folders_in(source)]
    return folders[0] if len(folders) == 1 else join(source, folders)


def _open_one(root, allow_missing_poses):
    images = _list_pictures(root)
    poses_path, splits_path = root / 'poses.json', root / 'splits.json'
    persons, left_out = folder.match_poses(images, pose_file.read_poses(poses_path), poses_path, allow_missing_poses)
    for person, frames in persons.items():
        if len(frames) < 2:
            raise DataError(f'{root / "images" / person}: expected two or more pictures with a pose, '
                            f'found {len(frames)}.')
    splits = _read_splits(splits_path, persons) if splits_path.exists() else _draw_splits(persons)
    text_files = [path for path in (poses_path, splits_path) if path.exists()]
    return folder.Folder(root, folder.content_name(root, text_files, persons), persons, splits, left_out)


def _list_pictures(root):
    """Returns dict, person -> dict, frame -> `Picture`. Names that begin with a dot are ignored."""
    place = root / 'images'
    if not place.is_dir():
        raise DataError(f'{place}: expected a folder of pictures, <person>/<frame>.jpg or .png, found none.')
    images = {}
    for person in (place / name for name in names_in(place)):
        if not person.is_dir():
            raise DataError(f'{person}: expected a folder for every person, found '
                            f'{"a file" if person.is_file() else what_is(person)}.')
        frames = images[composed(person.name)] = {}
        for path in (person / name for name in names_in(person)):
            if not path.is_file():
                raise DataError(f'{path}: expected a picture, found {what_is(path)}.')
            if path.suffix.lower() not in folder.IMAGE_SUFFIXES:
                raise DataError(f'{path}: expected a picture, {", ".join(folder.IMAGE_SUFFIXES)}, found {path.name!r}.')
            name = composed(path.stem)
            if name in frames:
                raise DataError(f'{path}: expected one picture of a name, found {frames[name].path.name} too.')
            frames[name] = folder.Picture(path, folder.find_mask(root, f'{person.name}/{path.stem}'))
    if not images:
        raise DataError(f'{place}: expected a folder for every person, found none.')
    return images


def _read_splits(path, persons):
    """Reads splits.json; checks that every split has persons, that they exist and are in one split only."""
    content = pose_file.read_json(path, 'the splits')
    split_of, splits = {}, {}
    for split, names in content.items():
        if split not in folder.SPLITS:
            raise DataError(f'{path}: expected splits among {", ".join(folder.SPLITS)}, found {split!r}.')
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise DataError(f'{path}: "{split}": expected a list of one person or more, found {names!r}.')
        names = [composed(person) for person in names]
        for person in names:
            if person not in persons:
                raise DataError(f'{path}: "{split}": expected persons of {path.parent / "images"}, found {person!r}.')
            if person in split_of:
                raise DataError(f'{path}: "{split}": expected every person in one split and once, '
                                f'found {person!r} in "{split_of[person]}" too.')
            split_of[person] = split
        splits[split] = tuple(names)
    if not splits:
        raise DataError(f'{path}: expected one split or more of {", ".join(folder.SPLITS)}, found none.')
    return splits


def _draw_splits(persons):
    """Splits by person in the order of a hash: always the same, and a new person moves few others.

    If there are fewer than three persons, all are for training.
    """
    order = folder.order_by_hash(persons)
    splits = {}
    if len(order) >= 3:
        for split, share in _SHARES.items():
            count = max(1, round(share * len(persons)))
            splits[split], order = tuple(sorted(order[:count], key=natural_key)), order[count:]
    return {'train': tuple(sorted(order, key=natural_key)), **splits}
