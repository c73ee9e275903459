"""Photos of a person as Python code gives them: checked, and brought with their poses and masks to a model's size."""

import dataclasses

import numpy as np
import tensorflow as tf

from repose_tf.picture_codec import MIN_SIDE_PX, resized
from repose_tf.request_checks import MAX_POSE_SIDES
from repose_tf.shapes import ShapeError, check_shape
from repose_tf.skeleton import NUM_JOINTS


@dataclasses.dataclass(frozen=True)
class SourcePhotos:
    """N photos of one person at the model's size, S px.

    Attributes:
      images: [1, N, S, S, 3] uint8, RGB.
      poses_px: [1, N, 19, 3] float32, px of them.
      masks: [1, N, S, S, 1] uint8, the person, all 0 for a photo without a mask; None: no photo has one.
      first_side_px: rows and columns of the first photo as it was given.
    """

    images: tf.Tensor
    poses_px: tf.Tensor
    masks: tf.Tensor | None
    first_side_px: int


def prepared(image, pose_px, masks, size, num_sources):
    """Checks what `Reposer.source` was given and brings it to `size` px; returns `SourcePhotos`.

    Args:
      image, pose_px, masks: as for `Reposer.source`.
      size: S, px.
      num_sources: the most photos that the model takes.

    Raises:
      ShapeError: see `Reposer.source`.
    """
    is_one = not isinstance(image, (list, tuple))
    images, poses_px = ([image], [pose_px]) if is_one else (image, pose_px)
    if not 1 <= len(images) <= num_sources:
        raise ShapeError(f'image: expected 1 to {num_sources} photos of the person, found {len(images)}.')
    for name, values, what in (('pose_px', poses_px, 'pose'), ('masks', masks, 'mask or None')):
        if values is not None and len(values) != len(images):
            raise ShapeError(f'{name}: expected one {what} for each photo, {len(images)}, found {len(values)}.')
    names = [''] if is_one else [f'[{number}]' for number in range(len(images))]
    images = [_checked_image(f'image{name}', one) for name, one in zip(names, images, strict=True)]
    poses_px = [scaled_poses(f'pose_px{name}', np.asarray(pose)[np.newaxis], len(one), size)
                for name, pose, one in zip(names, poses_px, images, strict=True)]
    if masks is not None and any(mask is not None for mask in masks):
        masks = [_scaled_mask(f'masks[{number}]', mask, len(one), size)
                 for number, (mask, one) in enumerate(zip(masks, images, strict=True))]
        masks = tf.stack(masks, axis=1)
    else:
        masks = None
    scaled = tf.stack([_scaled(one, size) for one in images], axis=1)
    return SourcePhotos(scaled, tf.stack(poses_px, axis=1), masks, len(images[0]))


def scaled_poses(name, poses_px, side_px, size):
    """Checks poses [N, 19, 3] px of a picture of `side_px` and returns them in px of one of `size`, float32."""
    poses_px = np.asarray(poses_px)
    check_shape(name, poses_px, ('N', NUM_JOINTS, 3))
    bound = MAX_POSE_SIDES * side_px
    if poses_px.dtype.kind not in 'fiu' or not np.all(np.abs(poses_px) <= bound):  # a comparison with NaN is false
        raise ShapeError(f'{name}: expected finite numbers up to {bound} px, {MAX_POSE_SIDES} times the side of '
                         'the image, found others.')
    return tf.constant(poses_px * (size / side_px), tf.float32)


def _checked_image(name, image):
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape != (len(image), len(image), 3) \
            or len(image) < MIN_SIDE_PX:
        raise ShapeError(f'{name}: expected uint8 [H, H, 3], RGB, of {MIN_SIDE_PX} px a side or more, found '
                         f'{image.dtype} {list(image.shape)}.')
    return image


def _scaled_mask(name, mask, side_px, size):
    """Returns a mask, or zeros in the place of None, as [1, S, S, 1] uint8."""
    if mask is None:
        return tf.zeros([1, size, size, 1], tf.uint8)
    mask = np.asarray(mask)
    if mask.dtype != np.uint8 or mask.shape != (side_px, side_px):
        raise ShapeError(f'{name}: expected uint8 [{side_px}, {side_px}], of the size of its photo, found {mask.dtype} '
                         f'{list(mask.shape)}.')
    scaled = _scaled(mask[..., np.newaxis], size)
    if not np.any(scaled):
        raise ShapeError(f'{name}: expected a mask that is above 0 on the person, found nothing in it; None lets the '
                         'model find the person itself.')
    return scaled


def _scaled(pixels, size):
    """Returns [1, S, S, C] uint8."""
    pixels = tf.constant(pixels)[tf.newaxis]
    return pixels if pixels.shape[1] == size else resized(pixels, size)
