"""Requests of the page of `experiments.demo`, without the page: uploads and choices in, pictures out.

Every request is checked here, in uploads.py or in videos.py. Whatever comes in, the answer is a picture or a
`RequestError` with one clear message. Nothing is kept between two requests, and nothing is written.
"""

import dataclasses
import threading
import time

import numpy as np

from data_pipeline.errors import PictureError
from data_pipeline.poses.pose_file import is_far_outside
from data_pipeline.program import one_line
from experiments.demo_page.motions import MOTIONS, motion_poses
from experiments.demo_page.samples import PagePerson
from experiments.demo_page.uploads import RequestError, UploadLimits, read_photo
from experiments.demo_page.videos import Video, read_video
from experiments.pictures import drawing
from experiments.pictures.files import gif, gif_places
from experiments.pictures.parts import of_parts
from experiments.reposing.source_person import find_person
from experiments.reposing.targets import turntable
from repose_tf.errors import ModelError
from repose_tf.pose_edits import arm_raised, bent, turned, with_proportions
from repose_tf.shapes import ShapeError
from repose_tf.skeleton import NUM_JOINTS

EDIT_BOUNDS_DEG = {'turn_deg': (-180, 180), 'bend_deg': (-30, 60), 'left_arm_deg': (-60, 160),
                   'right_arm_deg': (-60, 160)}
_FPS = 11.0  # of movements and of turning round


@dataclasses.dataclass(frozen=True)
class Edits:
    """How a pose is changed, degrees; see pose_edits.py and EDIT_BOUNDS_DEG."""

    turn_deg: float = 0
    bend_deg: float = 0
    left_arm_deg: float = 0
    right_arm_deg: float = 0


class Backend:
    """Answers requests with one model.

    Attributes:
      image_size: rows and columns of the model's pictures, px.
      limits: `UploadLimits`.
      num_photos: the most photos of a person that the model takes.
    """

    def __init__(self, reposer, limits=None, estimator=None, no_estimator=''):
        """Holds what the requests share.

        Args:
          reposer: `repose_tf.Reposer`.
          limits: `UploadLimits`, or None for the default ones.
          estimator: `person.Estimator` for photos, or None.
          no_estimator: why there is none, for those who upload a photo or video.
        """
        self.image_size, self.limits = reposer.image_size, limits or UploadLimits()
        self.num_photos = reposer.num_sources
        self._reposer, self._estimator, self._no_estimator = reposer, estimator, no_estimator
        self._estimator_lock = threading.Lock()  # a TensorFlow Lite network takes one picture at a time

    def person_of(self, data, name='your photo'):
        """Finds the person in the bytes of a photo file; returns a `PagePerson`, or raises RequestError."""
        photo = read_photo(data, self.limits)
        self._check_estimator()
        try:
            with self._estimator_lock:
                found = find_person('your photo', photo, self.image_size, self._estimator)
        except PictureError as error:
            raise RequestError(one_line(error)) from error
        note = f'{found.num_people} people were found, the largest was taken.' if found.num_people > 1 else ''
        return PagePerson(name, found.image, found.pose_px, note, found.image_mask)

    def with_photo(self, person, data):
        """Adds another photo of a `PagePerson`, the bytes of a file; returns them, or raises RequestError."""
        self._check(person)
        most = self.num_photos
        if len(person.others) + 1 >= most:
            raise RequestError(f'This model takes {most} photo{"s" * (most > 1)} of a person, and {person.name} has as '
                               'many. Choose the person anew to begin with one.')
        return dataclasses.replace(person, others=(*person.others, self.person_of(data, 'another photo')))

    def target_pose(self, person, pose_person, edits=None):
        """Brings a pose to a person.

        Args:
          person: the `PagePerson` who takes the pose.
          pose_person: the `PagePerson` whose pose is taken.
          edits: `Edits`.

        Returns:
          [19, 3] float32 px; the bones are as long as those of `person`, unless it is the person's own pose.
        """
        self._check(person)
        self._check(pose_person)
        pose_px = pose_person.pose_px
        if person.name != pose_person.name:
            pose_px = with_proportions(pose_px, person.pose_px)
        return _edited(pose_px, _radians(edits))

    def picture(self, person, target_pose_px):
        """Returns the person in a pose [19, 3], uint8 [S, S, 3]."""
        self._check(person, target_pose_px)
        return self._reposed(person, target_pose_px[np.newaxis])[0]

    def turntable(self, person, target_pose_px, num_frames):
        """Shows the person from all sides in a pose [19, 3]; returns the bytes of a GIF that repeats."""
        self._check(person, target_pose_px)
        return self._clip(person, turntable(target_pose_px, self._num_frames(num_frames)), _FPS)

    def motion(self, person, name, num_frames, edits=None):
        """Shows the person in a movement of MOTIONS, all its poses edited; returns the bytes of a GIF."""
        self._check(person)
        if name not in MOTIONS:
            raise RequestError(f'Expected a movement ({", ".join(MOTIONS)}), found {str(name)[:40]!r}.')
        return self._follow(person, motion_poses(name, self._num_frames(num_frames)), _FPS, edits)

    def read_video(self, path):
        """Finds the poses in a video file; returns a `Video`, or raises RequestError."""
        self._check_estimator()
        deadline = time.monotonic() + self.limits.seconds
        with self._estimator_lock:
            return read_video(path, self._estimator, self.limits, deadline)

    def follow(self, person, video, edits=None):
        """Shows the person in the poses of a `Video`, all edited; returns the bytes of a GIF."""
        self._check(person)
        if not isinstance(video, Video):
            raise RequestError('Upload a video first.')
        return self._follow(person, video.poses_px, video.fps, edits)

    def parts(self, person, target_pose_px):
        """Returns what the model makes on the way: list of (caption, uint8 [H, W, 3])."""
        self._check(person, target_pose_px)
        try:
            found = self._encoded(person).parts(target_pose_px)
        except (ShapeError, ModelError) as error:  # a SavedModel holds no parts
            raise RequestError(one_line(error)) from error
        return of_parts(person.image, found)

    def skeleton(self, image, pose_px):
        """Draws a pose over an image at the size at which it is shown."""
        shown = drawing.enlarge(image)
        return drawing.draw_skeleton(shown, pose_px * (len(shown) / self.image_size))

    def _follow(self, person, poses, fps, edits):
        """Brings poses [N, 19, 3] of any unit to a person, edits them and shows them."""
        radians = _radians(edits)
        return self._clip(person, [_edited(with_proportions(pose, person.pose_px), radians) for pose in poses], fps)

    def _clip(self, person, target_poses_px, fps):
        for target_pose_px in target_poses_px:
            _check_pose(target_pose_px, self.image_size)
        places = gif_places(len(target_poses_px), fps)
        return gif(self._reposed(person, [target_poses_px[place] for place in places]), fps / places.step)

    def _num_frames(self, value):
        return int(_number('frames', value, 2, self.limits.frames))

    def _check_estimator(self):
        if self._estimator is None:
            raise RequestError('Photos and videos need a model that finds poses, and here is none. '
                               f'{self._no_estimator}')

    def _reposed(self, person, target_poses_px):
        deadline = time.monotonic() + self.limits.seconds

        def look_at_the_clock(done, total):
            if time.monotonic() > deadline and done < total:
                raise RequestError(f'This took longer than {self.limits.seconds:g} s; {done} of {total} pictures were '
                                   'done. Ask for fewer.')
        return self._encoded(person).repose(target_poses_px, look_at_the_clock)

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
            _check_pose(pose_px, self.image_size)
        for photo in (person, *person.others):
            self._check_photo(photo)

    def _check_photo(self, photo):
        size = self.image_size
        if not isinstance(photo, PagePerson) or not _is_picture(photo.image, (size, size, 3)):
            found = photo.image if isinstance(photo, PagePerson) else photo
            raise RequestError(f'Expected a picture of {size} x {size} px, found {_described(found)}.')
        if photo.mask is not None and not (_is_picture(photo.mask, (size, size)) and photo.mask.any()):
            raise RequestError(f'Expected a mask of {size} x {size} px with a person in it, found '
                               f'{_described(photo.mask)}.')
        _check_pose(photo.pose_px, size)


def _radians(edits):
    """Returns the angles of `Edits`, or of none, in the order of EDIT_BOUNDS_DEG; refuses what is out of bounds."""
    edits = edits or Edits()
    return [np.deg2rad(_number(name, getattr(edits, name), *bounds)) for name, bounds in EDIT_BOUNDS_DEG.items()]


def _edited(pose_px, radians):
    turn, bend, left_arm, right_arm = radians
    for side, angle in (('l', left_arm), ('r', right_arm)):
        pose_px = arm_raised(pose_px, side, angle) if angle else pose_px
    pose_px = bent(pose_px, bend) if bend else pose_px
    return turned(pose_px, turn) if turn else np.asarray(pose_px, np.float32)


def _check_pose(pose_px, size):
    if not isinstance(pose_px, np.ndarray) or pose_px.shape != (NUM_JOINTS, 3) or pose_px.dtype.kind not in 'fiu':
        raise RequestError(f'Expected a pose of {NUM_JOINTS} joints (x, y, z), found {_described(pose_px)}.')
    if not np.isfinite(pose_px).all():
        raise RequestError('Expected a pose of finite numbers, found one with others.')
    if is_far_outside(pose_px, size):
        raise RequestError('Expected a pose in the picture, found joints far outside of it.')


def _is_picture(value, shape):
    return isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.shape == shape


def _described(value):
    return f'{value.dtype} {list(value.shape)}' if isinstance(value, np.ndarray) else type(value).__name__


def _number(name, value, least, most):
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:
        raise RequestError(f'{name}: expected a number from {least:g} to {most:g}, found {str(value)[:40]!r}.')
    return float(value)
