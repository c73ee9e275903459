"""A folder of pictures as its reader lists it for the builder: persons, pictures with poses, splits, pairs.

A person is one person in one outfit: any two of the pictures may be paired. Nothing is decoded here. What is left
out is kept by name with its reason, so that it can be counted and reported.
"""

import collections
import dataclasses
import os
import pathlib
import re

from data_pipeline.errors import DataError
from data_pipeline.files import sha256
from data_pipeline.finding import files_below, find_file, natural_key, what_is
from data_pipeline.poses import pose_file

SPLITS = ('train', 'validation', 'test')
IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png')
_LONGEST_NAME = 100  # of a folder, in the name of its records, which have some more to it
NO_POSE = 'no pose'
_NO_PICTURE = 'a pose without a picture'
TOO_FEW = 'fewer than two pictures with a pose in the outfit'
NOT_IN_FILM = 'a frame that its video does not have'


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """The place of a picture.

    Attributes:
      path: its file, or the video that it is in.
      mask_path: its foreground mask, or None.
      video_index: its number in the video, from 0; None for a file of its own.
    """

    path: pathlib.Path
    mask_path: pathlib.Path | None = None
    video_index: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a person with its pose.

    Attributes:
      id: `person/frame`.
      picture: its `Picture`.
      pose: its `pose_file.Pose`.
    """

    id: str
    picture: Picture
    pose: pose_file.Pose

    @property
    def image_path(self):
        return self.picture.path

    @property
    def mask_path(self):
        return self.picture.mask_path


@dataclasses.dataclass(frozen=True)
class Folder:
    """The contents of a folder; raises DataError if a person is in two splits.

    Attributes:
      root: the folder.
      name: its name and a digest of its contents: when they change, so does the name.
      persons: dict, person -> tuple of `Frame`, two or more, in natural order.
      splits: dict, split -> tuple of persons; only splits that the folder has.
      left_out: dict, id of a picture or name of something else that was left out -> reason.
      pairs: dict, protocol -> tuple of (source id, target id), from the folder's own lists.
      parts: tuple of (`Folder`, dict, person there -> person here) that it was joined of; empty for a single one.
    """

    root: pathlib.Path
    name: str
    persons: dict
    splits: dict
    left_out: dict
    pairs: dict = dataclasses.field(default_factory=dict)
    parts: tuple = ()

    def __post_init__(self):
        split_of = {}
        for split, persons in self.splits.items():
            for person in persons:
                if person in split_of:
                    raise DataError(f'{self.root}: expected every person in one split, '
                                    f'found {person!r} in "{split_of[person]}" and "{split}".')
                split_of[person] = split

    @property
    def num_missing_poses(self):
        """How many pictures are left out because they have no usable pose."""
        return sum(reason.startswith(NO_POSE) for reason in self.left_out.values())

    def without(self, left_out):
        """Returns the folder without some frames; `left_out` is a dict, id -> reason. Persons may go with them."""
        persons = {person: tuple(frame for frame in frames if frame.id not in left_out)
                   for person, frames in self.persons.items()}
        persons = {person: frames for person, frames in persons.items() if frames}
        splits = {split: tuple(name for name in names if name in persons) for split, names in self.splits.items()}
        return dataclasses.replace(self, persons=persons, splits=splits, left_out={**self.left_out, **left_out})

    def summary(self):
        """Returns a text that says how much was left out and why; '' if nothing was."""
        counts = collections.Counter(self.left_out.values())
        return ', '.join(f'{count} x {reason}' for reason, count in counts.most_common())

    def frame_ids(self, split):
        """Returns dict, person -> list of `person/frame`, of a split; raises DataError if there is no such split."""
        if split not in self.splits:
            raise DataError(f'{self.root}: expected one of the splits {", ".join(self.splits)}, found {split!r}.')
        return {person: [frame.id for frame in self.persons[person]] for person in self.splits[split]}


def renamed(name, new):
    """Returns `person` or `person/frame` with the person's name in a joined folder; `new`: dict, name -> name there."""
    person, slash, frame = name.partition('/')
    return f'{new[person]}{slash}{frame}'


def match_poses(images, poses, where, allow_missing_poses, unusable=()):
    """Combines pictures and poses.

    Args:
      images: dict, person -> dict, frame -> `Picture`.
      poses: dict, `person/frame` -> `pose_file.Pose`.
      where: what the message calls the pictures and the poses.
      allow_missing_poses: leave out pictures without a pose instead of refusing them.
      unusable: dict, `person/frame` -> why its pose cannot be used.

    Returns:
      dict, person -> tuple of `Frame`, in natural order, maybe empty; dict, id -> why it was left out.

    Raises:
      DataError: there are pictures without a pose, and they are not allowed.
    """
    unusable, persons, left_out = dict(unusable), {}, {}
    for person, pictures in images.items():
        frames = []
        for name in sorted(pictures, key=natural_key):
            key = f'{person}/{name}'
            if key in poses:
                frames.append(Frame(key, pictures[name], poses[key]))
            else:
                left_out[key] = f'{NO_POSE}: {unusable[key]}' if key in unusable else NO_POSE
        persons[person] = tuple(frames)
    if left_out and not allow_missing_poses:
        key = min(left_out, key=lambda key: left_out[key] == NO_POSE)  # one that says more, if there is any
        raise DataError(f'{where}: expected a pose for every picture, found none for {len(left_out)}, for example '
                        f'{key!r} ({left_out[key]}); allow_missing_poses leaves them out.')
    used = {frame.id for frames in persons.values() for frame in frames}
    left_out.update({key: _NO_PICTURE for key in poses if key not in used})
    return persons, left_out


def drop_small(persons, left_out):
    """Returns the persons with two or more frames; the others' frames are added to `left_out`."""
    for frames in persons.values():
        if len(frames) == 1:
            left_out[frames[0].id] = TOO_FEW
    return {person: frames for person, frames in persons.items() if len(frames) > 1}


def picture_files(place, beside, left_out):
    """Yields the pictures below a folder, in natural order, without hidden ones and those in masks/.

    Args:
      place: `pathlib.Path` of the folder.
      beside: suffixes of files that may lie beside the pictures.
      left_out: dict, name -> reason, to which all other files are added.
    """
    for path in files_below(place):
        name, suffix = path.relative_to(place), path.suffix.lower()
        if 'masks' in name.parts[:-1] or suffix in beside:
            continue
        if not path.is_file():
            left_out[name.as_posix()] = what_is(path)
        elif suffix in IMAGE_SUFFIXES:
            yield path
        else:
            left_out[name.as_posix()] = f'no picture by its suffix, {", ".join(IMAGE_SUFFIXES)}'


def add_picture(images, person, frame, picture):
    """Adds a `Picture` to dict, person -> dict, frame -> `Picture`; raises DataError if the frame is there already."""
    frames = images.setdefault(person, {})
    if frame in frames:
        raise DataError(f'{picture.path}: expected every picture once, found {frames[frame].path} too.')
    frames[frame] = picture


def find_mask(root, key):
    """Returns the path of a picture's mask, <root>/masks/<key>.png, or None if there is none."""
    return find_file(root / 'masks' / key, ('.png',))


def order_by_hash(names):
    """Returns names in an order that is always the same and that a new name hardly changes."""
    return sorted(names, key=lambda name: sha256([name.encode()]))


def content_name(root, text_files, persons):
    """Returns the folder's name and a digest of its text files and of its pictures' sizes and times."""
    def parts():
        for path in text_files:
            yield path.relative_to(root).as_posix().encode() + path.read_bytes()
        for path in dict.fromkeys(path for frames in persons.values() for frame in frames
                                  for path in (frame.image_path, frame.mask_path) if path is not None):
            stat = os.stat(path)
            yield f'{path.relative_to(root)} {stat.st_size} {stat.st_mtime_ns}\n'.encode()

    readable = re.sub(r'[^A-Za-z0-9]+', '_', root.resolve().name) or 'root'
    return f'{readable[:_LONGEST_NAME]}-{sha256(parts())[:10]}'
