"""The place of a target film or photo, its own person taken out, into which the reposed person is put."""

import dataclasses

import cv2
import numpy as np

from data_pipeline.annotation.smoothing import smooth
from data_pipeline.errors import DataError
from data_pipeline.picture_file import resized
from experiments.reposing.canvas import body_shape, dilated
from experiments.reposing.light import gains, light_of, multiplied
from experiments.reposing.plate import continued, filled, is_still, median_plate, toned
from experiments.reposing.retargeting import foot_path, leg_lengths
from repose_tf.skeleton import BONES, JOINT_INDEX, joint_indices

_SAMPLES = 25  # frames of the plate
_REACH = 0.02  # of the person's height: what is taken beyond their mask, besides:
_FADE_PX = 4  # over which the frame becomes the plate
_GROUND = 0.03  # of the person's height: joints so much higher than the lowest hardly stand on anything
_SCALE_FRAMES = 12.0  # over which the person's size in the film is smoothed
_PELVIS = JOINT_INDEX['pelv']
_STARTS, _ENDS = (joint_indices(*names) for names in zip(*BONES))


@dataclasses.dataclass(frozen=True)
class Stage:
    """One frame of the place.

    Attributes:
      image: uint8 [H, W, 3], without its person.
      target: `TargetPicture` that it was made of, at its own size.
      frame_from_made: float64 [2, 3], affine map of px of the model's picture to px of `image`.
      gains: float64 [3], what the person's colours are multiplied by, to stand in the light of the place.
    """

    image: np.ndarray
    target: object
    frame_from_made: np.ndarray
    gains: np.ndarray

    def paste(self, person, alpha):
        """Puts a person in.

        Args:
          person: uint8 [S, S, 3], the model's, without a background.
          alpha: float32 [S, S], their share.

        Returns:
          uint8 [H, W, 3].
        """
        shift = self.frame_from_made[:, :2] @ [0.5, 0.5] - 0.5  # OpenCV counts from the first pixel's centre
        matrix = np.column_stack([self.frame_from_made[:, :2], self.frame_from_made[:, 2] + shift])
        size = self.image.shape[1::-1]
        share = cv2.warpAffine(alpha, matrix, size, flags=cv2.INTER_LINEAR)
        made = cv2.warpAffine(multiplied(person, self.gains), matrix, size, flags=cv2.INTER_CUBIC,
                              borderMode=cv2.BORDER_REPLICATE)
        return cv2.blendLinear(made, self.image, share, 1 - share)

    def pose(self, pose_px):
        """Brings a pose [19, 3] from px of the model's picture to px of the frame."""
        scale = self.frame_from_made[0, 0]
        return pose_px * scale + [*self.frame_from_made[:, 2], 0]


class Scene:
    """The frames of a film, or a photo, without their person.

    A camera that stands still shows elsewhere in the film what the person hides; else, and in a photo, it is filled in
    from around them.

    Attributes:
      size: (columns, rows) of the frames, px.
    """

    def __init__(self, name, read_pictures, poses_px, light, fps=25.0, max_side=None):
        """Looks through the film once; tells the user what is filled in.

        Args:
          name: what messages call it.
          read_pictures: function that yields N `TargetPicture`s.
          poses_px: float [N, 19, 3], the wanted poses, px of the model's picture.
          light: see `light_around`, of the photo of the person.
          fps: frames a second.
          max_side: px; larger frames are shrunk to it. None: they keep their size.

        Raises:
          DataError: the frames are of several sizes.
        """
        self._read_pictures, self._light, self._max_side = read_pictures, light, max_side
        film_px, images, masks, sizes = [], [], [], set()
        step = -(-len(poses_px) // _SAMPLES)
        for index, picture in enumerate(read_pictures()):
            sizes.add(picture.image.shape[1::-1])
            if len(sizes) > 1:
                found = ' and '.join(f'{columns} x {rows}' for columns, rows in sorted(sizes))
                raise DataError(f'{name}: expected frames of one size, found {found} px.')
            film_px.append(picture.pose_px)
            if index % step == 0:
                image, mask = self._shrunk(picture)
                images.append(image)
                masks.append(mask > 0)
        factor = len(images[0]) / picture.image.shape[0]
        self.size = images[0].shape[1::-1]
        self._maps = placements(np.stack(film_px) * factor, np.asarray(poses_px, np.float64), fps)
        # Pieces may differ from frame to frame where the camera moves.
        self._fill = continued if len(film_px) == 1 else filled
        self._plate = self._find_plate(name, np.stack(images), np.stack(masks))

    @staticmethod
    def _find_plate(name, images, masks):
        """Returns the plate, uint8 [H, W, 3], or None where every frame is filled in by itself."""
        if len(images) == 1:
            return None
        plate, hidden = median_plate(images, masks)
        if not is_still(images, masks, plate):
            print(f'{name}: its camera moves, so what its person hides is filled in from around them.')
            return None
        share = np.mean(hidden[masks.any(axis=0)])
        if share >= 0.01:
            print(f'{name}: {share:.0%} of what its person hides is never seen and filled in from around.')
        return plate

    def stages(self):
        """Yields the `Stage` of every frame, in their order."""
        for picture, frame_from_made in zip(self._read_pictures(), self._maps, strict=True):
            image, mask = self._shrunk(picture)
            around = (dilated(mask, 2 * _FADE_PX) > 0) & (mask == 0)
            behind = self._fill(image, mask > 0) if self._plate is None else toned(self._plate, image, around)
            soft = np.float32(cv2.GaussianBlur(mask, (0, 0), _FADE_PX / 2)) / 255
            place = cv2.blendLinear(behind, image, soft, 1 - soft)
            yield Stage(place, picture, frame_from_made, gains(self._light, light_of(place)))

    def _shrunk(self, picture):
        """Returns the frame at its size here, uint8 [H, W, 3], and its person, widened, uint8 [H, W] of 0 and 255."""
        factor = min(1.0, (self._max_side or np.inf) / max(picture.image.shape[:2]))
        size = [max(1, round(length * factor)) for length in picture.image.shape[1::-1]]
        pose_px = picture.pose_px * factor
        mask = body_shape(pose_px[:, :2].clip(-1e4, 1e4), size)
        if picture.mask is not None:
            mask |= np.uint8(255 * (resized(picture.mask, size) > 64))
        return resized(picture.image, size), dilated(mask, _FADE_PX + round(_REACH * np.ptp(pose_px[:, 1])))


def light_around(source):
    """Returns the light of the place where a `SourcePerson` stands, see `light_of`."""
    hidden = body_shape(source.pose_px[:, :2].clip(-1e4, 1e4), source.image.shape[1::-1]) > 0
    if source.image_mask is not None:
        hidden |= source.image_mask > 64
    return light_of(source.image, ~hidden)


def placements(film_px, made_px, fps):
    """Says where the reposed person stands in the film: as large as the film's, and on the same ground.

    What stands, the lowest joint or joints, is as low as in the film; to the sides, feet that rest in the film rest,
    see `foot_path`.

    Args:
      film_px: [N, 19, 3], the poses in the film.
      made_px: [N, 19, 3], those that the model is given.
      fps: frames a second.

    Returns:
      float64 [N, 2, 3], affine maps from px of the model's pictures to px of the film.
    """
    lengths = [np.linalg.norm(poses[:, _STARTS] - poses[:, _ENDS], axis=2).sum(axis=1) for poses in (film_px, made_px)]
    scales = smooth(np.arange(len(film_px)), lengths[0] / np.maximum(lengths[1], 1e-6), _SCALE_FRAMES)
    scaled_px = made_px[..., :2] * scales[:, np.newaxis, np.newaxis]
    heights = np.ptp(film_px[..., 1], axis=1)[:, np.newaxis] * _GROUND
    weights = np.exp((film_px[..., 1] - film_px[..., 1].max(axis=1, keepdims=True)) / np.maximum(heights, 1e-6))
    weights /= weights.sum(axis=1, keepdims=True)
    maps = np.zeros((len(scales), 2, 3))
    maps[:, 0, 0] = maps[:, 1, 1] = scales
    maps[..., 2] = np.einsum('nj,njc->nc', weights, film_px[..., :2] - scaled_px)
    pelvis = scaled_px[:, _PELVIS, 0]
    maps[:, 0, 2] = foot_path(film_px, scaled_px, np.maximum(leg_lengths(film_px), 1e-6), fps,
                              maps[0, 0, 2] + pelvis[0]) - pelvis
    return maps
