"""Requests of the page of `experiments.demo`, without the page: uploads and choices in, pictures out.

Every request is checked here, in uploads.py or in videos.py. Whatever comes in, the answer is a picture or a
`RequestError` with one clear message. Nothing is kept between two requests, nor written, but for a film's moment in
clips.py.
"""

import dataclasses
import pathlib
import threading
import time

import numpy as np

from data_pipeline.errors import DataError
from data_pipeline.poses import pose_file
from data_pipeline.program import one_line
from experiments.demo_page import clips, videos
from experiments.demo_page.checks import check_pose, described, is_picture, number
from experiments.demo_page.edits import edited, radians, with_joint_moved
from experiments.demo_page.motions import MOTIONS, motion_poses
from experiments.demo_page.photos import people_in
from experiments.demo_page.samples import PagePerson
from experiments.demo_page.uploads import RequestError, UploadLimits, read_photo
from experiments.demo_page.videos import Video
from experiments.pictures.files import gif_places
from experiments.pictures.marks import watermarked
from experiments.pictures.parts import of_parts
from experiments.reposing.retargeting import fitted
from experiments.reposing.targets import Targets, turntable
from repose_tf.coordinates import scale_pose
from repose_tf.errors import ModelError
from repose_tf.pose_edits import with_proportions
from repose_tf.shapes import ShapeError

_FPS = 11.0  # of movements and of turning round


class Backend:
    """Answers requests with one model.

    Attributes:
      image_size: rows and columns of the model's pictures, px.
      limits: `UploadLimits`.
      num_photos: the most photos of a person that the model takes.
    """

    def __init__(self, reposer, limits=None, estimator=None, no_estimator='', watermark=False):
        """Holds what the requests share.

        Args:
          reposer: `repose_tf.Reposer`.
          limits: `UploadLimits`, or None for the default ones.
          estimator: `person.Estimator` for photos, or None.
          no_estimator: why there is none, for those who upload a photo or video.
          watermark: whether pictures and clips get a mark in their corner.
        """
        self.image_size, self.limits = reposer.image_size, limits or UploadLimits()
        self.num_photos = reposer.num_sources
        self._reposer, self._estimator, self._no_estimator = reposer, estimator, no_estimator
        self._watermark = watermark
        self._estimator_lock = threading.Lock()  # a TensorFlow Lite network takes one picture at a time

    def person_of(self, data, name='your photo'):
        """Finds the largest person in the bytes of a photo file; returns a `PagePerson`, or raises RequestError."""
        return self.people_of(data, name).person

    def people_of(self, data, name='your photo'):
        """Finds the people in the bytes of a photo file; returns a `Photo`, or raises RequestError."""
        image, factor = read_photo(data, self.limits)
        self._check_estimator()
        with self._estimator_lock:
            return people_in(image, factor, self.image_size, self._estimator, name)

    def with_photo(self, person, data):
        """Adds another photo of a `PagePerson`, the bytes of a file; returns them, or raises RequestError."""
        self.check_room(person)
        return dataclasses.replace(person, others=(*person.others, self.person_of(data, 'another photo')))

    def check_room(self, person):
        """Raises RequestError where the model takes no further photo of a `PagePerson`."""
        self._check(person)
        most = self.num_photos
        if len(person.others) + 1 >= most:
            raise RequestError(f'This model takes {most} photo{"s" * (most > 1)} of a person, and {person.name} has as '
                               'many. Choose the person anew to begin with one.')

    def target_pose(self, person, pose_person, edits=None, since=None):
        """Brings a pose to a person.

        Args:
          person: the `PagePerson` who takes the pose.
          pose_person: the `PagePerson` whose pose is taken.
          edits: `Edits`.
          since: the `Edits` that this pose has already, or None.

        Returns:
          [19, 3] float32 px; the bones are as long as those of `person`, unless it is a pose of the same picture.
        """
        self._check(person)
        if not isinstance(pose_person, PagePerson):
            raise RequestError('Choose a person and a pose first.')
        pose_px = pose_person.pose_px
        if pose_person.image is not None:
            check_pose(pose_px, self.image_size)
        if pose_person.image is None or not np.array_equal(person.image, pose_person.image):
            pose_px = with_proportions(pose_px, person.pose_px)
        return edited(pose_px, radians(edits, since))

    def with_joint_moved(self, person, target_pose_px, move):
        """Moves one joint of a pose [19, 3] of a person; see `edits.with_joint_moved`."""
        self._check(person, target_pose_px)
        return with_joint_moved(target_pose_px, self.image_size, move)

    def pose_file(self, person, target_pose_px):
        """Returns a pose [19, 3] as the bytes of a pose file, px of the square of the person's photo, for which
        experiments.repose takes it."""
        self._check(person, target_pose_px)
        px = scale_pose(target_pose_px, person.photo_px / self.image_size)
        try:
            return pose_file.as_text({'page/pose': pose_file.Pose(px, person.px_per_mm)}, 'experiments.demo').encode()
        except DataError as error:
            raise RequestError(one_line(error)) from error

    def picture(self, person, target_pose_px):
        """Returns the person in a pose [19, 3], uint8 [S, S, 3]."""
        self._check(person, target_pose_px)
        return self._reposed(person, target_pose_px[np.newaxis])[0]

    def turntable(self, person, target_pose_px, num_frames, progress=None):
        """Shows the person from all sides in a pose [19, 3]; returns a `Clip`.

        Args:
          person, target_pose_px: as above.
          num_frames: of the clip.
          progress: function of (number of pictures made, of how many), or None; what it raises ends the work.
        """
        self._check(person, target_pose_px)
        return self._clip(person, turntable(target_pose_px, self._num_frames(num_frames)), _FPS, progress)

    def motion(self, person, name, num_frames, edits=None, progress=None):
        """Shows the person in a movement of MOTIONS, all its poses edited; returns a `Clip`."""
        self._check(person)
        if name not in MOTIONS:
            raise RequestError(f'Expected a movement ({", ".join(MOTIONS)}), found {str(name)[:40]!r}.')
        poses = [self._driven(person, pose, edits) for pose in motion_poses(name, self._num_frames(num_frames))]
        return self._clip(person, poses, _FPS, progress)

    def read_film(self, path, progress=None):
        """Reads the poses of a video, motion capture or a pose file; returns a `Video`, or raises RequestError."""
        if pathlib.Path(path).suffix.lower() in videos.POSE_SUFFIXES:
            return videos.read_poses(path, self.limits)
        return self.read_video(path, progress)

    def read_video(self, path, progress=None):
        """Finds the poses in a video file; returns a `Video`, or raises RequestError."""
        self._check_estimator()
        deadline = time.monotonic() + self.limits.seconds
        with self._estimator_lock:
            return videos.read_video(path, self._estimator, self.limits, deadline, progress)

    def follow(self, person, video, edits=None, progress=None):
        """Shows the person in the poses of a `Video`, all edited; returns a `Clip`, with its sound.

        The person goes where the driver goes, as far as the picture allows, see `retargeting.fitted`.
        """
        self._check(person)
        if not isinstance(video, Video):
            raise RequestError('Upload a video first.')
        turn, *others = radians(edits)
        driver = [edited(pose, [0, *others]) for pose in video.poses_px]
        poses_px, notes = fitted(Targets(np.stack(driver), fps=video.fps), person.pose_px, self.image_size, turn=turn)
        note = 'They walk out of the picture in your film, and stay above one spot here.' if notes else ''
        return self._clip(person, poses_px, video.fps, progress, video.sound, note)

    def parts(self, person, target_pose_px):
        """Returns what the model makes on the way: list of (caption, uint8 [H, W, 3])."""
        self._check(person, target_pose_px)
        try:
            found = self._encoded(person).parts(target_pose_px)
        except (ShapeError, ModelError) as error:  # a SavedModel holds no parts
            raise RequestError(one_line(error)) from error
        return of_parts(person.image, found)

    @staticmethod
    def _driven(person, pose, edits):
        """Brings a pose [19, 3] of any unit to a person and edits it."""
        return edited(with_proportions(pose, person.pose_px), radians(edits))

    def _clip(self, person, target_poses_px, fps, progress, sound=b'', note=''):
        for target_pose_px in target_poses_px:
            check_pose(target_pose_px, self.image_size)
        places = gif_places(len(target_poses_px), fps)
        return clips.encoded(self._reposed(person, [target_poses_px[place] for place in places], progress),
                             fps / places.step, sound, note)

    def _num_frames(self, value):
        return int(number('frames', value, 2, self.limits.frames))

    def _check_estimator(self):
        if self._estimator is None:
            raise RequestError('Photos and videos need a model that finds poses, and here is none. '
                               f'{self._no_estimator}')

    def _reposed(self, person, target_poses_px, progress=None):
        deadline = time.monotonic() + self.limits.seconds

        def look_at_the_clock(done, total):
            if time.monotonic() > deadline and done < total:
                raise RequestError(f'This took longer than {self.limits.seconds:g} s; {done} of {total} pictures were '
                                   'done. Ask for fewer.')
            if progress:
                progress(done, total)
        images = self._encoded(person).repose(target_poses_px, look_at_the_clock)
        return np.stack([watermarked(image) for image in images]) if self._watermark else images

    def _encoded(self, person):
        photos = (person, *person.others)
        return self._reposer.source([photo.image for photo in photos], [photo.pose_px for photo in photos],
                                    [photo.mask for photo in photos] if self._reposer.takes_masks else None)

    def _check(self, person, *poses_px):
        """Refuses persons and poses that do not fit: a page in a browser may still hold those of another model."""
        if not isinstance(person, PagePerson):
            raise RequestError('Choose a person and a pose first.')
        if not isinstance(person.others, tuple) or len(person.others) >= self.num_photos:
            raise RequestError(f'Expected a person in at most {self.num_photos} photos; choose the person anew.')
        for pose_px in poses_px:
            check_pose(pose_px, self.image_size)
        for photo in (person, *person.others):
            self._check_photo(photo)

    def _check_photo(self, photo):
        size = self.image_size
        if not isinstance(photo, PagePerson) or not is_picture(photo.image, (size, size, 3)):
            found = photo.image if isinstance(photo, PagePerson) else photo
            raise RequestError(f'Expected a picture of {size} x {size} px, found {described(found)}.')
        if photo.mask is not None and not (is_picture(photo.mask, (size, size)) and photo.mask.any()):
            raise RequestError(f'Expected a mask of {size} x {size} px with a person in it, found '
                               f'{described(photo.mask)}.')
        check_pose(photo.pose_px, size)
