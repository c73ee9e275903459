"""Photos and videos below a folder: listing them by person and frame, and reading them.

The photos in a folder show one person, who is named after the folder's path with - for /. A video shows one person,
who is named after the file; its frames are numbered. Where several would have one name, as anna-dress/, anna/dress/
and anna/dress.mp4, all but the first get a number. Files and folders whose names begin with a dot are ignored.
"""

import dataclasses
import itertools
import pathlib

from data_pipeline.errors import DataError
from data_pipeline.files import sha256
from data_pipeline.finding import files_below, what_is

# The reader says what is wrong with those that it cannot read.
PHOTO_SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp', '.tif', '.tiff', '.avif', '.heic', '.heif', '.gif')
_LONGEST_NAME = 240  # bytes, of a person; file systems take 255, and a number may follow
VIDEO_SUFFIXES = ('.mp4', '.mov', '.avi', '.mkv', '.webm', '.m4v')


@dataclasses.dataclass(frozen=True)
class PictureSource:
    """A photo or a video.

    Attributes:
      path: the file.
      name: its path below the folder, with /.
      person: who it shows.
      frame: the photo's name, or '' for a video.
      stamp: size and time of the file, which change with its content.
    """

    path: pathlib.Path
    name: str
    person: str
    frame: str
    stamp: str

    @property
    def is_video(self):
        return not self.frame


def list_sources(folder):
    """Lists the photos and videos below a folder, in natural order; links are followed.

    Returns:
      list of `PictureSource`, and list of (name, what is wrong) of files that cannot be used.

    Raises:
      DataError: no folder, or no photo and no video in it.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise DataError(f'--images: expected a folder of photos and videos, found {str(folder)!r}, which is none.')
    found, refused, taken = [], [], {}
    for path in files_below(folder):
        place = path.relative_to(folder)
        suffix, name = path.suffix.lower(), place.as_posix()
        if not path.is_file():
            refused.append((name, what_is(path)))
            continue
        if suffix not in (*PHOTO_SUFFIXES, *VIDEO_SUFFIXES):
            refused.append((name, 'neither a photo nor a video by its suffix'))
            continue
        is_video, stem = suffix in VIDEO_SUFFIXES, place.with_suffix('')
        other = taken.setdefault((is_video, stem), name)
        if other != name:
            refused.append((name, f'the same person and frame as {other}'))
            continue
        # Who is shown: (is it a video, parts of the path of the folder or video).
        found.append((path, name, (is_video, stem.parts if is_video else stem.parts[:-1])))
    if not found:
        raise DataError(f'--images: expected photos or videos below {folder}, found none ({len(refused)} other files).')
    persons = _name_persons({shown for *_, shown in found}, folder.resolve().name or 'person')
    sources = []
    for path, name, shown in found:
        stat = path.stat()
        sources.append(PictureSource(path, name, persons[shown], '' if shown[0] else path.stem,
                                     f'{stat.st_size} {stat.st_mtime_ns}'))
    return sources, refused


def numbered_persons(sources):
    """Returns dict, path of a folder of photos or of a video -> person, of those that got a number."""
    numbered = {}
    for source in sources:
        path = pathlib.PurePath(source.name)
        place = path.with_suffix('') if source.is_video else path.parent
        if place.parts and source.person != '-'.join(place.parts):  # photos beside the folders keep their name
            numbered[source.name if source.is_video else place.as_posix()] = source.person
    return numbered


def _short(name):
    """Returns a name that a folder can have; the end of a longer one becomes a digest."""
    data = name.encode()
    if len(data) <= _LONGEST_NAME:
        return name
    return f'{data[:_LONGEST_NAME - 9].decode(errors="ignore")}-{sha256([data])[:8]}'


def _name_persons(shown, root_name):
    """Returns dict, (is it a video, parts of its path) -> person, all different."""
    plain = {key: _short('-'.join(key[1])) or root_name for key in shown}
    persons, taken, plain_names = {}, set(), set(plain.values())
    # Photos come before videos, and short paths before long ones: anna-dress/ keeps its name, anna/dress/ does not.
    for key in sorted(shown, key=lambda key: (key[0], len(key[1]), key[1])):
        name = plain[key]
        if name in taken:
            numbered = (f'{name}-{number}' for number in itertools.count(2))
            name = next(other for other in numbered if other not in taken and other not in plain_names)
        taken.add(name)
        persons[key] = name
    return persons


def read_frames(video, every=1, is_wanted=lambda frame: True):
    """Yields (name of five digits or more, uint8 [H, W, 3] RGB) of the frames of a `VideoReader`; see there.

    Args:
      video: `VideoReader`.
      every: takes frames 0, every, 2 * every, ...
      is_wanted: function of a frame's name; says whether the frame is made.
    """
    for index, image in video.frames(every, lambda index: is_wanted(frame_name(index))):
        yield frame_name(index), image


def frame_name(index):
    """Returns the name of a frame of a video by its index."""
    return f'{index:05d}'
