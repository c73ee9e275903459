"""Batches made ready for the networks: scaled to floats, for training with joint random augmentation.

Paper section 3.2: rotation, scaling, translation, horizontal flip and colour distortion.
Source and target of a pair, the target's mask and both poses get the same draw, so that what is learned is
the change of pose alone. Everything is batched and stateless, without loops over samples and branches: it
runs inside the train step, on the accelerator.

A warp moves the point p (x and y, px) of an image of S px to A (p - c) + c + shift, A = scale R F, where
c = S / 2 is the centre, R the rotation and F the flip (diag(-1, 1) or the identity).
"""

import dataclasses
import itertools

import tensorflow as tf

from repose_tf.skeleton import MIRROR_JOINTS

COLOUR_STEPS = ('brightness', 'contrast', 'hue', 'saturation')


@dataclasses.dataclass(frozen=True)
class AugmentSettings:
    """How far the random draws reach; every range is symmetric and 0 turns its part off.

    Attributes:
      rotation_rad: rotation in the image plane, +- radians.
      scale: factor 1 +- this; z scales along, so that the pose stays isotropic.
      shift: +- this share of the image size, in x and in y.
      flip: whether half of the samples are mirrored.
      brightness: added to images in [0, 1], +- this.
      contrast: distance from the mean colour of the image times 1 +- this.
      hue: turned by +- this share of the full circle, at most 0.5.
      saturation: times 1 +- this.
      depth_jitter: added to the z of every target joint by itself, +- this share of the image size.
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
    """Converts a batch to the networks' ranges, without any randomness: for evaluation.

    Args:
      batch: dict with source_image, target_image [B, S, S, 3] uint8; source_pose, target_pose [B, 19, 3]
        float32, px; target_mask [B, S, S, 1] uint8, 0 or 255. Other entries pass unchanged.

    Returns:
      The same dict with images float32 in [-1, 1] and the mask float32 in [0, 1].
    """
    return {
        **batch,
        'source_image': _signed(_unit(batch['source_image'])),
        'target_image': _signed(_unit(batch['target_image'])),
        'target_mask': _unit(batch['target_mask']),
    }


def augment(batch, seed, settings=REFERENCE, first_row=0, num_rows=None):
    """Converts a batch as `prepare` does and distorts every pair at random, each with its own draw.

    Args:
      batch: as for `prepare`.
      seed: [2] int32; equal seeds give equal results.
      settings: an AugmentSettings.
      first_row, num_rows: where this batch begins in a larger one of `num_rows` samples that is cut into parts: a
        sample's draw depends on its row there alone, so that parts on several devices are distorted as the whole is.

    Returns:
      The same dict with images [B, S, S, 3] float32 in [-1, 1], the poses moved along, [B, 19, 3] float32,
      px, and the mask [B, S, S, 1] float32 in [0, 1], soft along its edge. What comes in from outside the
      images repeats their border.
    """
    num_samples, size = tf.unstack(tf.shape(batch['source_image'])[:2])
    image_size = tf.cast(size, tf.float32)
    rows = num_samples if num_rows is None else num_rows

    def draw(seed, *shape):
        return tf.random.stateless_uniform((rows, *shape), seed)[first_row:first_row + num_samples]

    geometry_seed, colour_seed, jitter_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    warp = _scale_warp(draw(geometry_seed, 5), image_size, settings)
    # Side by side in the channels, everything of a pair takes one warp.
    layers = [_unit(batch[name]) for name in ('source_image', 'target_image', 'target_mask')]
    source, target, mask = tf.split(warp_images(tf.concat(layers, axis=3), **warp), (3, 3, 1), axis=3)
    pair = tf.stack([source, target], axis=1)  # [B, 2, H, W, C]
    if settings.changes_colour:
        factors, order = _scale_colour(draw(colour_seed, 5), settings)
        pair = distort_colour(pair, factors, order)
    pair = _signed(pair)
    target_pose = warp_poses(batch['target_pose'], image_size, **warp)
    jitter = _symmetric(draw(jitter_seed, target_pose.shape[1], 1), settings.depth_jitter * image_size)
    return {
        **batch,
        'source_image': pair[:, 0],
        'target_image': pair[:, 1],
        'target_mask': mask,
        'source_pose': warp_poses(batch['source_pose'], image_size, **warp),
        'target_pose': target_pose + tf.pad(jitter, ((0, 0), (0, 0), (2, 0))),
    }


def warp_images(images, angle, scale, shift_px, mirrored):
    """Rotates, scales, shifts and mirrors images about their centre; bilinear, edges replicated.

    Args:
      images: [B, S, S, C] float32.
      angle: [B] float32, radians, from x (right) towards y (down).
      scale: [B] float32.
      shift_px: [B, 2] float32, (x, y).
      mirrored: [B] bool.

    Returns:
      [B, S, S, C] float32.
    """
    size = tf.shape(images)[1]
    # The op counts pixels from the first one's centre (0.5 px), and its transforms lead from output to input.
    centre = (tf.cast(size, tf.float32) - 1) / 2
    cos, sin, flip = tf.cos(angle) / scale, tf.sin(angle) / scale, _flip_sign(mirrored)
    inverse = tf.stack([flip * cos, flip * sin, -sin, cos], axis=1)
    inverse = tf.reshape(inverse, (-1, 2, 2))
    offset = centre - tf.linalg.matvec(inverse, centre + shift_px)
    affine = tf.reshape(tf.concat([inverse, offset[:, :, tf.newaxis]], axis=2), (-1, 6))
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images, transforms=tf.pad(affine, ((0, 0), (0, 2))), output_shape=tf.stack([size, size]),
        fill_value=0.0, interpolation='BILINEAR', fill_mode='NEAREST')


def warp_poses(poses_px, image_size, angle, scale, shift_px, mirrored):
    """Moves poses as `warp_images` moves images; z scales, and in the mirror left and right change places.

    Args:
      poses_px: [B, 19, 3] float32, px.
      image_size: S, px, float32.
      angle, scale, shift_px, mirrored: as for `warp_images`.

    Returns:
      [B, 19, 3] float32, px.
    """
    swapped = tf.gather(poses_px, MIRROR_JOINTS, axis=1)
    poses_px = tf.where(mirrored[:, tf.newaxis, tf.newaxis], swapped, poses_px)
    cos, sin, flip = scale * tf.cos(angle), scale * tf.sin(angle), _flip_sign(mirrored)
    forward = tf.reshape(tf.stack([cos * flip, -sin, sin * flip, cos], axis=1), (-1, 2, 2))
    xy = tf.einsum('bij,bnj->bni', forward, poses_px[..., :2] - image_size / 2)
    xy += image_size / 2 + shift_px[:, tf.newaxis]
    return tf.concat([xy, poses_px[..., 2:] * scale[:, tf.newaxis, tf.newaxis]], axis=2)


def distort_colour(images, factors, order):
    """Changes brightness, contrast, hue and saturation one after the other, clipped to [0, 1] after each.

    A step equals the function `tf.image.adjust_<step>` of one image; here every sample has its own factors
    and its own order. To do without branches, every sample goes through all steps at each of the four places,
    with neutral factors for those whose turn it is not.

    Args:
      images: [B, N, H, W, 3] float32 in [0, 1]; the N images of a sample are treated alike.
      factors: dict of [B] float32: `brightness`, added; `contrast`, times the distance from the mean colour
        of the image; `hue`, added, in turns of the circle; `saturation`, times.
      order: [B, 4] int32, per sample an order of COLOUR_STEPS by index.

    Returns:
      [B, N, H, W, 3] float32 in [0, 1].
    """
    for place in range(len(COLOUR_STEPS)):
        brightness, contrast, hue, saturation = (
            tf.reshape(tf.where(order[:, place] == step, factors[name], neutral), (-1, 1, 1, 1, 1))
            for step, (name, neutral) in enumerate(zip(COLOUR_STEPS, (0.0, 1.0, 0.0, 1.0), strict=True)))
        mean = tf.reduce_mean(images, axis=(2, 3), keepdims=True)
        images = tf.clip_by_value(images * contrast + (mean * (1.0 - contrast) + brightness), 0.0, 1.0)
        images = _turn_hue_and_saturation(images, hue, saturation)
    return tf.clip_by_value(images, 0.0, 1.0)


def _turn_hue_and_saturation(images, turns, factor):
    """Adds `turns` to the hue and multiplies the saturation, [B, 1, 1, 1, 1] each, of [B, N, H, W, 3]."""
    one, none = tf.ones_like(turns), tf.zeros_like(turns)
    hsv = tf.image.rgb_to_hsv(images)
    hsv = hsv * tf.concat([one, factor, one], axis=-1) + tf.concat([turns, none, none], axis=-1)
    hsv -= tf.floor(hsv) * tf.constant([1.0, 0.0, 0.0])  # the hue alone is a circle
    return tf.image.hsv_to_rgb(tf.minimum(hsv, 1.0))


def _scale_warp(uniform, image_size, settings):
    """Makes of draws [B, 5] from [0, 1) the arguments of `warp_images` and `warp_poses`, as a dict."""
    return {
        'angle': _symmetric(uniform[:, 0], settings.rotation_rad),
        'scale': 1.0 + _symmetric(uniform[:, 1], settings.scale),
        'shift_px': _symmetric(uniform[:, 2:4], settings.shift * image_size),
        'mirrored': (uniform[:, 4] < 0.5) & settings.flip,
    }


def _scale_colour(uniform, settings):
    """Makes of draws [B, 5] from [0, 1) `factors` and `order` of `distort_colour`."""
    factors = {name: _symmetric(uniform[:, index], getattr(settings, name))
               for index, name in enumerate(COLOUR_STEPS)}
    factors['contrast'] += 1.0
    factors['saturation'] += 1.0
    orders = tf.constant(list(itertools.permutations(range(len(COLOUR_STEPS)))))
    return factors, tf.gather(orders, tf.cast(uniform[:, 4] * orders.shape[0], tf.int32))


def _symmetric(uniform, reach):
    """Maps draws from [0, 1) to [-reach, reach)."""
    return (2.0 * uniform - 1.0) * reach


def _flip_sign(mirrored):
    return tf.where(mirrored, -1.0, 1.0)


def _unit(pixels):
    return tf.cast(pixels, tf.float32) / 255.0


def _signed(unit):
    return unit * 2.0 - 1.0
