"""Pictures and joints that a joint regressor learns from: one split of a people folder, distorted at random."""

import dataclasses

import numpy as np
import tensorflow as tf

from data_pipeline.batches import augment, colour, image_warp
from data_pipeline.errors import DataError
from data_pipeline.picture_file import read_image, resized
from data_pipeline.poses.pose_file import true_mm

# Wider than for the generator: there are few pictures, and what is generated is placed and lit in other ways.
SETTINGS = dataclasses.replace(augment.REFERENCE, rotation_rad=0.3, scale=0.2)
_BLURS = (0.0, 0.6, 1.0, 1.5)  # standard deviations, 1/64 of the image
_NOISE, _SMOOTH_NOISE = 0.06, 0.08  # largest standard deviations, of images in [0, 1]
_SMOOTH_CELLS = 8  # a side


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Pictures of one size with their joints.

    Attributes:
      ids: list of `person/frame`.
      images: [N, S, S, 3] uint8.
      px: [N, 19, 3] float32, joints in px of these images.
      mm: [N, 19, 3] float32, joints relative to the pelvis, mm, camera axes.
    """

    ids: list
    images: np.ndarray
    px: np.ndarray
    mm: np.ndarray


def read_pictures(folder, split, image_size, progress=lambda frames: frames):
    """Reads all `Pictures` of a split.

    Args:
      folder: `data_pipeline.records.folder.Folder`.
      split: its name.
      image_size: S, px; larger pictures are averaged down to it.
      progress: wraps the list of frames.

    Raises:
      DataError: no such split, or a picture that cannot be read or is not square.
    """
    frames = [frame for person in folder.frame_ids(split) for frame in folder.persons[person]]
    images, poses_px = [], []
    for frame in progress(frames):
        image = read_image(frame.image_path)
        rows, columns = image.shape[:2]
        if rows != columns:
            raise DataError(f'{frame.image_path}: expected a square picture, found {columns} x {rows} px.')
        images.append(resized(image, image_size))
        poses_px.append(frame.pose.px * np.float32(image_size / rows))
    return Pictures([frame.id for frame in frames], np.stack(images), np.stack(poses_px),
                    np.stack([true_mm(frame.pose) for frame in frames]))


def batches(pictures, batch_size, seed):
    """Returns an endless dataset of distorted batches (images [B, S, S, 3] in [-1, 1], px, mm), see `distort`."""
    dataset = tf.data.Dataset.from_tensor_slices((pictures.images, pictures.px, pictures.mm))
    dataset = dataset.shuffle(len(pictures.ids), seed=seed).repeat().batch(batch_size, drop_remainder=True)
    seeds = tf.data.Dataset.random(seed).batch(2, drop_remainder=True)
    return tf.data.Dataset.zip((dataset, seeds)).map(
        lambda batch, draw: distort(*batch, tf.cast(draw % (2 ** 31), tf.int32))).prefetch(2)


def distort(images, poses_px, poses_mm, seed):
    """Moves, turns, mirrors, recolours and blurs pictures at random and adds noise; the joints move along.

    Generated pictures are soft and of wrong colours in places, so the regressor must not need the details.

    Args:
      images: [B, S, S, 3] uint8.
      poses_px, poses_mm: [B, 19, 3] float32.
      seed: [2] int32.

    Returns:
      images [B, S, S, 3] float32 in [-1, 1], poses [B, 19, 3] px and mm.
    """
    num_samples, size = images.shape[:2]
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 4))
    warp = augment.draw_warp(seeds[0], num_samples, float(size), SETTINGS)
    unit = image_warp.warp_images(images, **warp) / 255.0
    planes = tf.transpose(unit, (3, 0, 1, 2))[:, :, tf.newaxis]  # [3, B, 1, S, S]
    planes = colour.distort_colour(tf.unstack(planes), *augment.draw_colour(seeds[1], num_samples, SETTINGS))
    unit = tf.transpose(tf.stack(planes)[:, :, 0], (1, 2, 3, 0))
    unit = _blur(_add_noise(unit, seeds[2]), seeds[3])
    # A body is as large wherever and however large it is seen: in mm, only turns and mirrors count.
    in_place = warp | {'scale': tf.ones_like(warp['scale']), 'shift_px': tf.zeros_like(warp['shift_px'])}
    return (2.0 * tf.clip_by_value(unit, 0.0, 1.0) - 1.0, augment.warp_poses(poses_px, float(size), **warp),
            augment.warp_poses(poses_mm, 0.0, **in_place))


def _add_noise(unit, seed):
    """Adds noise of single pixels and noise that is smooth over an eighth of the image, of random strength each."""
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    strength = tf.random.stateless_uniform((2, unit.shape[0], 1, 1, 1), seeds[0])
    smooth = tf.random.stateless_normal((unit.shape[0], _SMOOTH_CELLS, _SMOOTH_CELLS, 3), seeds[1])
    fine = tf.random.stateless_normal(unit.shape, seeds[2])
    return (unit + _SMOOTH_NOISE * strength[0] * tf.image.resize(smooth, unit.shape[1:3], 'bilinear')
            + _NOISE * strength[1] * fine)


def _blur(unit, seed):
    """Blurs each image by one of a few Gaussians."""
    num_samples, size = unit.shape[:2]
    blurred = tf.stack([_gaussian(unit, sigma * size / 64) for sigma in _BLURS], axis=1)  # [B, levels, S, S, 3]
    chosen = tf.random.stateless_uniform((num_samples,), seed, 0, len(_BLURS), tf.int32)
    return tf.gather(blurred, chosen, axis=1, batch_dims=1)


def _gaussian(images, sigma):
    if not sigma:
        return images
    reach = int(np.ceil(2.5 * sigma))
    window = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = np.tile(np.float32(window / window.sum())[:, np.newaxis, np.newaxis, np.newaxis], (1, 1, 3, 1))
    border = ((0, 0), (reach, reach), (reach, reach), (0, 0))
    images = tf.nn.depthwise_conv2d(tf.pad(images, border, 'SYMMETRIC'), kernel, (1, 1, 1, 1), 'VALID')
    return tf.nn.depthwise_conv2d(images, kernel.transpose(1, 0, 2, 3), (1, 1, 1, 1), 'VALID')
