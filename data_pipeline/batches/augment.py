"""Preparing batches for the networks: conversion to floats, and random augmentation for training.

Paper section 3.2: rotation, scaling, translation, horizontal flip and colour distortion.
Source and target of a pair, their masks and both poses are distorted alike, so that only the change of pose is
learned. Everything is batched and stateless, without loops over samples or branches: it runs inside the train step,
on the accelerator. On CPUs, where every op is a pass over memory, XLA fuses it.
"""

import dataclasses
import functools
import itertools

import tensorflow as tf

from data_pipeline.batches.colour import COLOUR_STEPS, distort_colour
from data_pipeline.batches.image_warp import warp_images, warp_points
from repose_tf.skeleton import MIRROR_JOINTS


@dataclasses.dataclass(frozen=True)
class AugmentSettings:
    """The ranges of the random draws; each is symmetric, and 0 turns its part off.

    Attributes:
      rotation_rad: rotation in the image plane, +- radians.
      scale: factor 1 +- this; z scales along, so that the pose stays isotropic.
      shift: +- this share of the image size, in x and in y.
      flip: whether half of the samples are mirrored.
      brightness: added to images in [0, 1], +- this.
      contrast: distance from the mean colour of the image times 1 +- this.
      hue: turned by +- this share of the full circle, at most 0.5.
      saturation: times 1 +- this.
      depth_jitter: added to the z of each target joint separately, +- this share of the image size.
    """

    rotation_rad: float = 0.1
    scale: float = 0.1
    shift: float = 20 / 256
    flip: bool = True
    brightness: float = 0.125
    contrast: float = 0.5
    hue: float = 72 / 360
    saturation: float = 0.5
    depth_jitter: float = 0.5 / 256

    def __post_init__(self):
        limits = {'scale': 0.99, 'contrast': 1.0, 'hue': 0.5, 'saturation': 1.0}
        for name, value in dataclasses.asdict(self).items():
            limit = limits.get(name, float('inf'))
            if not 0 <= value <= limit or value == float('inf'):
                raise ValueError(f'{name}: expected a number from 0 to {limit}, found {value}.')

    @property
    def changes_colour(self):
        return any(getattr(self, name) for name in COLOUR_STEPS)


REFERENCE = AugmentSettings()
WITHOUT_COLOUR = dataclasses.replace(REFERENCE, **dict.fromkeys(COLOUR_STEPS, 0.0))
NOTHING = AugmentSettings(0.0, 0.0, 0.0, False, 0.0, 0.0, 0.0, 0.0, 0.0)


def prepare(batch):
    """Converts a batch to the networks' ranges, without randomness: for evaluation.

    Args:
      batch: dict with source_image, target_image [B, S, S, 3] uint8; source_pose, target_pose [B, 19, 3]
        float32, px; source_mask, target_mask [B, S, S, 1] uint8, 0 or 255. Other entries pass unchanged.

    Returns:
      The same dict with images float32 in [-1, 1] and masks float32 in [0, 1].
    """
    return {
        **batch,
        'source_image': _signed(_unit(batch['source_image'])),
        'target_image': _signed(_unit(batch['target_image'])),
        'source_mask': _unit(batch['source_mask']),
        'target_mask': _unit(batch['target_mask']),
    }


def augment(batch, seed, settings=REFERENCE, first_row=0, num_rows=None):
    """Converts a batch as `prepare` does and distorts every pair at random, each with its own draw.

    Args:
      batch: as for `prepare`.
      seed: [2] int32; equal seeds give equal results.
      settings: an AugmentSettings.
      first_row, num_rows: this batch is a part of a larger one of `num_rows` samples and begins there at `first_row`.
        A draw depends on the row in the larger batch, so that parts on several devices are distorted as the whole is.

    Returns:
      The same dict with images [B, S, S, 3] float32 in [-1, 1], the poses moved along, [B, 19, 3] float32,
      px, and masks [B, S, S, 1] float32 in [0, 1], soft along their edges. What enters from outside the
      images repeats their border.
    """
    num_samples, size = tf.unstack(tf.shape(batch['source_image'])[:2])
    image_size = tf.cast(size, tf.float32)
    rows = num_samples if num_rows is None else num_rows

    def mine(draws):
        return tf.nest.map_structure(lambda draw: draw[first_row:first_row + num_samples], draws)

    geometry_seed, colour_seed, jitter_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    warp = mine(draw_warp(geometry_seed, rows, image_size, settings))
    layers = [batch[name] for name in ('source_image', 'target_image', 'source_mask', 'target_mask')]
    warped = _unit(fused(_warp_together)(layers, **warp))
    source, target, source_mask, target_mask = tf.split(warped, (3, 3, 1, 1), axis=3)
    if settings.changes_colour:
        planes = tf.transpose(warped, (3, 0, 1, 2))  # what works on one colour then runs over neighbours in memory
        distorted = fused(_distort_pair)(planes[:6], *mine(draw_colour(colour_seed, rows, settings)))
        source, target = tf.unstack(tf.transpose(distorted, (2, 1, 3, 4, 0)))
    target_pose = warp_poses(batch['target_pose'], image_size, **warp)
    uniform = mine(tf.random.stateless_uniform((rows, target_pose.shape[1], 1), jitter_seed))
    jitter = _symmetric(uniform, settings.depth_jitter * image_size)
    return {
        **batch,
        'source_image': _signed(source),
        'target_image': _signed(target),
        'source_mask': source_mask,
        'target_mask': target_mask,
        'source_pose': warp_poses(batch['source_pose'], image_size, **warp),
        'target_pose': target_pose + tf.pad(jitter, ((0, 0), (0, 0), (2, 0))),
    }


def window_corners(batch, seed, first_row, num_rows):
    """Draws a window of half the image's size around a joint of each target, all joints being equally likely.

    Args:
      batch: of `augment`; first_row, num_rows: as there.
      seed: [2] int32.

    Returns:
      [B, 2] int32: the window's first row and column; it lies in the image.
    """
    pose_px, size = batch['target_pose'], batch['target_image'].shape[1]
    drawn = tf.random.stateless_uniform([num_rows], seed, maxval=pose_px.shape[1], dtype=tf.int32)
    centre_px = tf.gather(pose_px, drawn[first_row:first_row + tf.shape(pose_px)[0]], axis=1, batch_dims=1)
    corner = tf.round(centre_px[:, 1::-1] - size / 4)
    return tf.cast(tf.clip_by_value(corner, 0, size - size // 2), tf.int32)


def warp_poses(poses_px, image_size, angle, scale, shift_px, mirrored):
    """Moves poses as `warp_images` moves images; mirroring exchanges left and right joints.

    Args:
      poses_px: [B, 19, 3] float32, px.
      image_size: S, px, float32.
      angle, scale, shift_px, mirrored: as for `warp_images`.

    Returns:
      [B, 19, 3] float32, px.
    """
    swapped = tf.gather(poses_px, MIRROR_JOINTS, axis=1)
    poses_px = tf.where(mirrored[:, tf.newaxis, tf.newaxis], swapped, poses_px)
    return warp_points(poses_px, image_size, angle, scale, shift_px, mirrored)


def _warp_together(layers, **warp):
    """Warps all images of a pair at once, side by side in the channels."""
    return warp_images(tf.concat(layers, axis=3), **warp)


def _distort_pair(planes, factors, order):
    """Distorts the colours of pairs: red, green, blue of source and target, [6, B, H, W]; returns [3, B, 2, H, W]."""
    return tf.stack(distort_colour(tf.unstack(tf.stack([planes[:3], planes[3:]], axis=2)), factors, order))


@functools.cache
def fused(function):
    """Returns the function compiled by XLA where there is no GPU; GPUs run op by op, and fast."""
    return tf.function(function, autograph=False, jit_compile=not tf.config.list_logical_devices('GPU'))


def draw_warp(seed, num_samples, image_size, settings):
    """Draws the arguments of `warp_images` and `warp_poses`, as a dict."""
    uniform = tf.random.stateless_uniform((num_samples, 5), seed)
    return {
        'angle': _symmetric(uniform[:, 0], settings.rotation_rad),
        'scale': 1.0 + _symmetric(uniform[:, 1], settings.scale),
        'shift_px': _symmetric(uniform[:, 2:4], settings.shift * image_size),
        'mirrored': (uniform[:, 4] < 0.5) & settings.flip,
    }


def draw_colour(seed, num_samples, settings):
    """Draws `factors` and `order` of `distort_colour`."""
    uniform = tf.random.stateless_uniform((num_samples, 5), seed)
    factors = {name: _symmetric(uniform[:, index], getattr(settings, name))
               for index, name in enumerate(COLOUR_STEPS)}
    factors['contrast'] += 1.0
    factors['saturation'] += 1.0
    orders = tf.constant(list(itertools.permutations(range(len(COLOUR_STEPS)))))
    return factors, tf.gather(orders, tf.cast(uniform[:, 4] * orders.shape[0], tf.int32))


def _symmetric(uniform, reach):
    """Maps draws from [0, 1) to [-reach, reach)."""
    return (2.0 * uniform - 1.0) * reach


def _unit(pixels):
    return tf.cast(pixels, tf.float32) / 255.0


def _signed(unit):
    return unit * 2.0 - 1.0
