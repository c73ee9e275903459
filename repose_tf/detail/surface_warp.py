"""The surface warp: pixels of the source, carried to the target pose by the transforms of the body parts.

What the volumetric warp does to voxels, done to pixels at the picture's full size: a target pixel shows a point on the
surface of a part, the part's fit takes that point to the source, and what the source shows there is its colour. It
comes with what tells whether to trust it. No weights, no training.

Example: somebody who has turned by half a turn. The carried picture is the source's, mirrored in place, for behind the
source's front lies the back that the target shows; but hardly a pixel of it is visible in the source.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from repose_tf.detail import crown, source_pixels, surfaces
from repose_tf.shapes import ShapeError, check_pose, check_same_batch, check_shape
from repose_tf.skeleton import MIRROR_JOINTS, MIRROR_PARTS, NUM_JOINTS, NUM_PARTS
from repose_tf.warp import body_parts, helmert

_FAR_PX = np.float32(1e6)  # outside of any picture
NOBODY_PX = np.float32(1e30)  # a depth at which there is nobody
NUM_SAMPLES = 2  # of the part itself, and of its mirror image or, of a head, its crown
_TOLERANCE = 0.04  # depth by which a point may lie behind the source's surface, in units of its torso size


def source_parts(source_poses_px, size, use_static_shapes=False):
    """Returns how deep the sources show each body part, `surfaces.part_surfaces` of all of them.

    Args:
      source_poses_px: [B, S, J, 3] float32 px.
      size: (H, W) of the pictures.
      use_static_shapes: as for `warp`.

    Returns:
      [B, S, H, W, P] float32 px; infinite beside the part.
    """
    poses_px = tf.reshape(source_poses_px, [-1, *source_poses_px.shape[2:]])  # [B * S, J, 3]
    shape = [*tf.unstack(tf.shape(source_poses_px)[:2]), *size, NUM_PARTS]
    return tf.reshape(surfaces.part_surfaces(poses_px, size, use_static_shapes), shape)


def source_depth(source_poses_px, parts_px):
    """Returns how deep the sources show their persons: the surface's z and what a point may lie behind it.

    Args:
      source_poses_px: [B, S, J, 3] float32 px.
      parts_px: `source_parts` of the sources.

    Returns:
      [B, S, H, W] float32 px; NOBODY_PX or more beside the person.
    """
    return tf.reduce_min(parts_px, axis=-1) + _TOLERANCE * torso_sizes(source_poses_px)


def torso_sizes(poses_px):
    """Returns the size of the torsos, px; [B, S, J, 3] -> [B, S, 1, 1]. No gradient flows to the poses."""
    sizes = body_parts.torso_size(tf.reshape(tf.stop_gradient(poses_px), [-1, *poses_px.shape[2:]]))
    return tf.reshape(sizes, tf.concat([tf.shape(poses_px)[:2], [1, 1]], axis=0))


def warp(images, source_poses_px, target_pose_px, use_static_shapes=False, source_depth_px=None, view_of_part=None):
    """Carries the pixels of one or more sources to a target pose.

    Axes: S sources; L = 2 layers, the two nearest parts of a pixel; V = 2 samples, the second one of the mirrored part
    (the left arm's for the right one; of a head that shows no side, its crown), for what the source does not show. A
    sample that is not visible is the colour of what hides it, which is a fair guess of a back from a front.

    Args:
      images: [B, S, H, W, C] of any floating type: all that the sources have for every pixel, colours, the person's
        mask, which then says whether a sample is the person's, and features.
      source_poses_px: [B, S, J, 3] float32 px. Poses are data: no gradient flows to them.
      target_pose_px: [B, J, 3] float32 px, in a picture of H x W, too.
      use_static_shapes: True under XLA, which needs sizes that are known beforehand; slower elsewhere.
      source_depth_px: `source_depth` of the sources, if known already.
      view_of_part: None, or a number for each part: in which of K views of a source it is looked up; `images` is then
        [B, S, K, H, W, C].

    Returns:
      dictionary of tensors, geometry in float32; all is 0 where nothing is carried:
        `values` [B, S, H, W, L, V, C], of the images' type: sampled between the pixels' centres, 0 outside.
        `visible` [B, S, H, W, L, V], 1 where the source shows the point: it lies in the picture and no more than 4 % of
        a torso behind the source's surface.
        `facing` [B, S, H, W, L, V] in [0, 1]: cosine between the surface's normal in the source and the direction to
        the camera; 0 where it looks away.
      and of the target alone what `surfaces.SurfacePoints.maps` says: `depth_px`, `normal`, `part`, `ring`.

    Raises:
      ShapeError: if a tensor has another shape than the others say, or the images have no floating type.
    """
    images, source_poses_px, target_pose_px = (
        tf.convert_to_tensor(x) for x in (images, source_poses_px, target_pose_px))
    num_sources, num_views, size = _checked(images, source_poses_px, target_pose_px, view_of_part)
    points = surfaces.nearest_points(target_pose_px, size, use_static_shapes)
    poses_px = tf.reshape(source_poses_px, [-1, *source_poses_px.shape[2:]])  # [B * S, J, 3]
    places = _places(points, transforms(poses_px, target_pose_px, num_sources, size), num_sources, size)
    if source_depth_px is None:
        nearest_px = surfaces.surface(poses_px, size, use_static_shapes)
        source_depth_px = tf.reshape(nearest_px, [-1, num_sources, *size]) + _TOLERANCE * torso_sizes(source_poses_px)
    visible = tf.cast(places.are_visible(tf.reshape(source_depth_px, [-1]), size), tf.float32)

    shape = [points.size[0], num_sources, *size, surfaces.NUM_LAYERS, NUM_SAMPLES]
    num_slots = points.size[0] * num_sources * int(np.prod(shape[2:]))
    view = num_views * places.source + tf.gather(view_of_part or (0,) * NUM_PARTS, places.part)
    corners = source_pixels.corners(view, places.y_px, places.x_px, size)
    values = source_pixels.carried(_pixels(images), *corners, places.slot, num_slots, use_static_shapes)
    # Two numbers in one: writing into place takes longer than taking them apart.
    trust = tf.reshape(tf.math.unsorted_segment_sum(2.0 * visible + places.facing, places.slot, num_slots), shape)
    visible = tf.cast(trust >= 2.0, tf.float32)
    return {'values': tf.cast(tf.reshape(values, [*shape, images.shape[-1]]), images.dtype), 'visible': visible,
            'facing': trust - 2.0 * visible, **points.maps(use_static_shapes)}


def _pixels(images):
    """Returns images [..., C] as [N, C], float32 or float64."""
    pixels = tf.reshape(images, [-1, images.shape[-1]])
    return tf.cast(pixels, tf.float32) if images.dtype.size < 4 else pixels


def _checked(images, source_poses_px, target_pose_px, view_of_part):
    """Returns the number of sources, that of their views and (H, W); raises ShapeError unless all fit together."""
    views = ('K',) if view_of_part else ()
    check_shape('images', images, ('B', 'S', *views, 'H', 'W', 'C'))
    if None in images.shape[2:] or not images.dtype.is_floating:
        raise ShapeError(f'images: expected known sizes, but for the number of sources, of a floating type, '
                         f'found {list(images.shape)} of type {images.dtype.name}.')
    num_sources, *views, height, width, _ = images.shape[1:]
    if min(height, width) < 2:
        raise ShapeError(f'images: expected 2 rows and columns or more, found {height} x {width}.')
    check_shape('source_poses_px', source_poses_px, ('B', num_sources or 'S', NUM_JOINTS, 3))
    check_pose('target_pose_px', target_pose_px)
    check_same_batch(images=images, source_poses_px=source_poses_px, target_pose_px=target_pose_px)
    return num_sources or tf.shape(images)[1], views[0] if views else 1, (height, width)


def transforms(source_poses_px, target_pose_px, num_sources, size, dtype=tf.float64):
    """Fits the parts of the target to every source.

    Args:
      source_poses_px: [B * S, J, 3].
      target_pose_px: [B, J, 3].
      num_sources, size: S and (H, W).
      dtype: of the arithmetic.

    Returns:
      [B * S, V, P, 3, 4] float32: the parts' own transforms, and those that bring each part, mirrored in the picture,
      to the other side's part in the source, but for heads that are not turned to a side, see `crown`.
    """
    mirrored = tf.gather(target_pose_px, MIRROR_JOINTS, axis=1) * np.float32([-1, 1, 1]) + np.float32([size[1], 0, 0])
    targets = tf.repeat(tf.stack([target_pose_px, mirrored], axis=1), num_sources, axis=0)  # [B * S, V, J, 3]
    fits = helmert.part_transforms(tf.repeat(source_poses_px, NUM_SAMPLES, axis=0),
                                   tf.reshape(targets, [-1, NUM_JOINTS, 3]), dtype)
    own, other = tf.unstack(tf.reshape(fits, [-1, NUM_SAMPLES, NUM_PARTS, 4, 4])[..., :3, :], axis=1)
    across, down, deep, shift = tf.split(tf.gather(other, MIRROR_PARTS, axis=1), 4, axis=-1)
    other = tf.concat([-across, down, deep, shift + float(size[1]) * across], axis=-1)  # of W - x instead of x
    both = tf.stack([own, crown.with_crowns(other, own, source_poses_px)], axis=1)
    # One with a number that is huge, or none at all, takes its part out of the picture.
    is_usable = tf.reduce_all(tf.abs(both) < _FAR_PX, axis=[3, 4], keepdims=True)
    return tf.where(is_usable, both, np.float32([[0, 0, 0, -_FAR_PX]] * 3))


def numbers_of(maps):
    """Returns twelve numbers of maps [..., 3, 4], and three that make a cosine of a normal: the camera looks along z.

    The result is [N, 15].
    """
    depths = maps[..., 2, :3]
    towards_camera = tf.math.divide_no_nan(-depths, tf.norm(depths, axis=-1, keepdims=True))
    return tf.concat([tf.reshape(maps, [-1, 12]), tf.reshape(towards_camera, [-1, 3])], axis=1)


def applied(numbers, point_px, normal):
    """Returns where points are taken, px, and the cosine between their normals and the direction to the camera.

    Args:
      numbers: the fifteen of `numbers_of`, each of the shape of a coordinate, or one that goes with it.
      point_px, normal: three coordinates each.
    """
    *rows, camera_x, camera_y, camera_z = numbers
    x, y, z = point_px
    place = [a * x + b * y + c * z + shift for a, b, c, shift in (rows[:4], rows[4:8], rows[8:])]
    place = [tf.clip_by_value(q, -_FAR_PX, _FAR_PX) for q in place]
    x, y, z = normal
    cosine = camera_x * x + camera_y * y + camera_z * z
    return place, tf.clip_by_value(cosine, 0.0, 1.0)


@dataclasses.dataclass(frozen=True)
class _Places:
    """Places in the sources, N = V * S * E of them: for each sample and each source those of all points.

    Attributes:
      slot: int32 [N] ((source * H + row) * W + column) * L + layer) * V + sample; negative for an empty place.
      source: int32 [N] number of the source, counted through the batch.
      part: int32 [N].
      x_px, y_px, z_px: float32 [N].
      facing: float32 [N].
    """

    slot: tf.Tensor
    source: tf.Tensor
    part: tf.Tensor
    x_px: tf.Tensor
    y_px: tf.Tensor
    z_px: tf.Tensor
    facing: tf.Tensor

    def are_visible(self, deepest_px, size):
        """Says which places are in the picture and no deeper than is visible there; [B * S * H * W] -> bool [N]."""
        pixel, is_inside = source_pixels.nearest(self.source, self.y_px, self.x_px, size)
        return is_inside & (self.z_px <= tf.gather(deepest_px, pixel))


def _places(points, maps, num_sources, size):
    """Takes `SurfacePoints` to the sources by `transforms`; returns `_Places`."""
    num_points = tf.size(points.slot)

    def each(x):  # for every sample and every source, [E] -> [N]
        return tf.tile(x, [NUM_SAMPLES * num_sources])

    of_sources = tf.tile(tf.repeat(tf.range(num_sources), num_points), [NUM_SAMPLES])
    sample = tf.repeat(tf.range(NUM_SAMPLES), num_sources * num_points)
    target = each(points.sample)
    source = target * num_sources + of_sources
    part = each(points.part)
    which = (source * NUM_SAMPLES + sample) * NUM_PARTS + part
    numbers = tf.unstack(tf.transpose(tf.gather(numbers_of(maps), which)))
    place, cosine = applied(numbers, map(each, points.points_px), map(each, points.normals))

    slot = each(points.slot)
    in_source = slot + (source - target) * (size[0] * size[1] * surfaces.NUM_LAYERS)
    slot = tf.where(slot < 0, slot, in_source * NUM_SAMPLES + sample)
    return _Places(slot, source, part, *place, cosine)
