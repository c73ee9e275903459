"""Writing a folder in the people layout: cropped pictures, masks and poses.json.

Everything is written beside its place and moved there at the end, poses.json last: a folder with poses.json is whole.
"""

import dataclasses
import os
import shutil

import cv2
import numpy as np

from data_pipeline.annotation.crop import Square, crop_image, crop_pose, square_around
from data_pipeline.annotation.finder import mask_path
from data_pipeline.annotation.sources import PictureSource, read_frames
from data_pipeline.errors import DataError, PictureError
from data_pipeline.files import writing
from data_pipeline.picture_file import read_image, write_png
from data_pipeline.poses import pose_file
from data_pipeline.video_file import VideoReader

CROPS = ('auto', 'picture', 'person', 'none')
_STILL = 1.5  # one square for a whole video may be this much larger than those of its frames


class PeopleWriter:
    """Writes the folder of one run.

    Attributes:
      num_moving_videos: number of videos in which the person moves too far for one square.
    """

    def __init__(self, root, work_dir, crop='auto', size=512):
        """Begins a new folder.

        Args:
          root: pathlib.Path of the folder, which gets images/, masks/ and poses.json.
          work_dir: where `CropWriter` puts the pictures until all are there; emptied.
          crop: 'picture': a square for every picture. 'person': one for all pictures of a person, which must have
            one size. 'auto': one for a video in which the person stays about in place, else one for every picture.
            'none': the pictures stay where and as they are, only poses.json is written.
          size: larger squares are shrunk to this, px.
        """
        self._root, self._work_dir, self._crop, self._size = root, work_dir, crop, size
        self._poses, self.num_moving_videos = {}, 0
        shutil.rmtree(work_dir, ignore_errors=True)

    def add(self, accepted):
        """Takes the poses of one person, a list of `Accepted`; returns the list of `Crop`s that they need."""
        if self._crop == 'none':
            self._poses |= {_key(item): item.pose for item in accepted}
            return []
        squares = self._squares(accepted)
        for item in accepted:
            square = squares[item.frame]
            pose = crop_pose(item.pose, square, self._size)
            pose.tags['outside'] = round(square.outside_share(item.size), 3)
            self._poses[_key(item)] = pose
        return [Crop(item.source, item.frame, squares[item.frame]) for item in accepted]

    def finish(self, origin):
        """Moves everything to its place; `origin` is for poses.json. Raises WriteError."""
        path = self._root / 'poses.json'
        with writing(self._root):
            if self._crop != 'none':
                path.unlink(missing_ok=True)  # from here on until the last line the folder is not whole
                for name in ('images', 'masks'):
                    shutil.rmtree(self._root / name, ignore_errors=True)
                    if (self._work_dir / name).is_dir():
                        os.replace(self._work_dir / name, self._root / name)
                shutil.rmtree(self._work_dir, ignore_errors=True)
            pose_file.write(path, self._poses, origin)

    @property
    def num_poses(self):
        return len(self._poses)

    @property
    def num_several(self):
        """Pictures that show several people."""
        return sum(pose.tags['people'] > 1 for pose in self._poses.values())

    @property
    def num_persons(self):
        return len({key.partition('/')[0] for key in self._poses})

    def _squares(self, accepted):
        """Returns dict, frame -> `Square`."""
        own = {item.frame: square_around(item.pose.px[:, :2], item.pose.px_per_mm, item.size) for item in accepted}
        is_video = accepted[0].source.is_video
        if self._crop == 'picture' or (self._crop == 'auto' and not is_video):
            return own
        sizes = {item.size for item in accepted}
        if len(sizes) > 1:
            raise DataError(f'--crop=person: expected pictures of one size of every person, found '
                            f'{sorted(sizes)[:3]} of {accepted[0].source.person!r}. Take --crop=picture.')
        joints = np.concatenate([item.pose.px[:, :2] for item in accepted])
        shared = square_around(joints, np.median([item.pose.px_per_mm for item in accepted]), accepted[0].size)
        if self._crop == 'auto' and shared.side > _STILL * np.median([square.side for square in own.values()]):
            self.num_moving_videos += 1
            return own
        return dict.fromkeys(own, shared)


@dataclasses.dataclass(frozen=True)
class Crop:
    """The square to cut out of a picture.

    Attributes:
      source: its `PictureSource`.
      frame: its name among the person's pictures.
      square: `crop.Square`.
    """

    source: PictureSource
    frame: str
    square: Square


class CropWriter:
    """Cuts pictures and their masks, in this process or a worker.

    Attributes:
      work_dir: pathlib.Path of the folder for the results.
      mask_dir: where `finder` keeps the masks.
      size: larger squares are shrunk to this, px.
      every: takes every so many frames of a video.
    """

    def __init__(self, work_dir, mask_dir, size=512, every=1):
        self.work_dir, self.mask_dir, self.size, self.every = work_dir, mask_dir, size, every

    def __call__(self, crops, progress=lambda name: None):
        """Writes the `Crop`s of one person, a list."""
        for crop, image in _read(crops, self.every):
            path = f'{_key(crop)}.png'
            write_png(self.work_dir / 'images' / path, crop_image(image, crop.square, self.size))
            mask = mask_path(self.mask_dir, crop.source, crop.frame)
            if mask.is_file():
                pixels = cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE)
                write_png(self.work_dir / 'masks' / path, crop_image(pixels, crop.square, self.size))
            progress(_key(crop))


def _key(item):
    return f'{item.source.person}/{item.frame}'


def _read(crops, every):
    """Yields (crop, image) of one person's pictures."""
    source = crops[0].source
    if not source.is_video:
        for crop in crops:
            yield crop, read_image(crop.source.path)
        return
    wanted = {crop.frame: crop for crop in crops}
    with VideoReader(source.path) as video:
        for frame, image in read_frames(video, every, wanted.__contains__):
            yield wanted.pop(frame), image
    if wanted:
        raise PictureError(f'video {source.path}: expected the frames that were looked at, found that it ends before '
                           f'{min(wanted)} now.')
