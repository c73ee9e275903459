"""Photos and videos below a folder: listing them by person and frame, and reading them.

The photos in a folder show one person, who is named after the folder's path with - for /. A video shows one person,
who is named after the file; its frames are numbered. Files and folders whose names begin with a dot are ignored.
"""

import dataclasses
import pathlib

import cv2

from data_pipeline.errors import DataError, PictureError

PHOTO_SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp', '.tif', '.tiff')
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
    """Lists the photos and videos below a folder, in the order of the names.

    Returns:
      list of `PictureSource`, and list of (name, what is wrong) of files that cannot be used.

    Raises:
      DataError: no folder, or no photo and no video in it.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise DataError(f'--images: expected a folder of photos and videos, found {str(folder)!r}, which is none.')
    sources, refused, taken = [], [], {}
    for path in sorted(folder.rglob('*')):
        place = path.relative_to(folder)
        if any(part.startswith('.') for part in place.parts) or path.is_dir():
            continue
        suffix, name = path.suffix.lower(), place.as_posix()
        parents = place.parts[:-1]
        if suffix in PHOTO_SUFFIXES:
            person, frame = '-'.join(parents) or folder.resolve().name or 'person', path.stem
        elif suffix in VIDEO_SUFFIXES:
            person, frame = '-'.join((*parents, path.stem)), ''
        else:
            refused.append((name, 'neither a photo nor a video by its suffix'))
            continue
        other = taken.setdefault((person, frame), name)
        if other != name:
            refused.append((name, f'the same person and frame as {other}'))
        else:
            stat = path.stat()
            sources.append(PictureSource(path, name, person, frame, f'{stat.st_size} {stat.st_mtime_ns}'))
    if not sources:
        raise DataError(f'--images: expected photos or videos below {folder}, found none ({len(refused)} other files).')
    return _without_shared_names(sources, refused), refused


def _without_shared_names(sources, refused):
    """Refuses videos whose person has photos too: their frames would mix."""
    photos = {source.person for source in sources if not source.is_video}
    kept = []
    for source in sources:
        if source.is_video and source.person in photos:
            refused.append((source.name, f'a video named like the folder of photos {source.person}'))
        else:
            kept.append(source)
    return kept


def read_frames(source, every=1, is_wanted=lambda frame: True):
    """Yields the frames of a video.

    Args:
      source: `PictureSource` of a video.
      every: takes frames 0, every, 2 * every, ...
      is_wanted: function of a frame's name; says whether the frame is decoded.

    Yields:
      (name of five digits or more, uint8 [H, W, 3] RGB).

    Raises:
      PictureError: the file is no video, or has fewer frames than it announces; then after the last of them.
    """
    video = cv2.VideoCapture(str(source.path))
    try:
        if not video.isOpened():
            raise PictureError(f'video {source.path}: expected a video that OpenCV can open, found none.')
        count = 0
        while video.grab():
            frame = f'{count:05d}'
            if count % every == 0 and is_wanted(frame):
                is_read, image = video.retrieve()
                if not is_read:
                    break
                yield frame, cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
            count += 1
        announced = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        if count == 0 or count < announced:
            raise PictureError(f'video {source.path}: expected {announced} frames, found {count} that can be read.')
    finally:
        video.release()
