"""Similarity warps of images and points: rotation, scale, shift and mirroring, for each sample its own.

A warp moves the point p (x and y, px) of an image of S px to A (p - c) + c + shift, A = scale R F, where
c = S / 2 is the centre, R the rotation and F the flip (diag(-1, 1) or the identity).
"""

import tensorflow as tf


def warp_images(images, angle, scale, shift_px, mirrored):
    """Warps images; bilinear, edges replicated.

    Equals `tf.raw_ops.ImageProjectiveTransformV3` with these settings, bit by bit. That op computes the place to read
    from for every channel again; here the channels of a pixel are read together, and XLA fuses the rest.

    Args:
      images: [B, S, S, C] of any number type, S at least 2.
      angle: [B] float32, radians, from x (right) towards y (down).
      scale: [B] float32.
      shift_px: [B, 2] float32, (x, y).
      mirrored: [B] bool.

    Returns:
      [B, S, S, C] float32.
    """
    num_samples, size, _, channels = tf.unstack(tf.shape(images))
    last = tf.cast(size, tf.float32) - 1.0
    matrix, offset = _source_from_target(last / 2, angle, scale, shift_px, mirrored)
    cells = tf.range(size, dtype=tf.float32)  # from the first pixel's centre
    by_column, by_row = (matrix[:, :, axis, tf.newaxis, tf.newaxis] for axis in range(2))
    place = by_column * cells + by_row * cells[:, tf.newaxis] + offset[:, :, tf.newaxis, tf.newaxis]  # [B, 2, H, W]
    place = tf.clip_by_value(place, 0.0, last)
    corner = tf.minimum(tf.floor(place), last - 1.0)
    across, down = tf.unstack((place - corner)[..., tf.newaxis], axis=1)  # [B, H, W, 1]
    column, row = tf.unstack(tf.cast(corner, tf.int32), axis=1)  # [B, H, W]
    first = (tf.range(num_samples)[:, tf.newaxis, tf.newaxis] * size + row) * size + column
    pixels = tf.cast(tf.reshape(images, (-1, channels)), tf.float32)  # GPUs look up no bytes

    def blended(start):
        left, right = (tf.gather(pixels, start + step) for step in (0, 1))
        return (1.0 - across) * left + across * right

    return (1.0 - down) * blended(first) + down * blended(first + size)


def warp_points(points_px, image_size, angle, scale, shift_px, mirrored):
    """Moves points as `warp_images` moves images; z scales.

    Args:
      points_px: [B, N, 3] float32, px.
      image_size: S, px, float32.
      angle, scale, shift_px, mirrored: as for `warp_images`.

    Returns:
      [B, N, 3] float32, px.
    """
    cos, sin, flip = scale * tf.cos(angle), scale * tf.sin(angle), tf.where(mirrored, -1.0, 1.0)
    forward = tf.reshape(tf.stack([cos * flip, -sin, sin * flip, cos], axis=1), (-1, 2, 2))
    xy = tf.einsum('bij,bnj->bni', forward, points_px[..., :2] - image_size / 2)
    xy += image_size / 2 + shift_px[:, tf.newaxis]
    return tf.concat([xy, points_px[..., 2:] * scale[:, tf.newaxis, tf.newaxis]], axis=2)


def _source_from_target(centre, angle, scale, shift_px, mirrored):
    """Returns the inverse warp, x_source = matrix x_target + offset: [B, 2, 2] and [B, 2]."""
    cos, sin, flip = tf.cos(angle) / scale, tf.sin(angle) / scale, tf.where(mirrored, -1.0, 1.0)
    matrix = tf.reshape(tf.stack([flip * cos, flip * sin, -sin, cos], axis=1), (-1, 2, 2))
    return matrix, centre - tf.linalg.matvec(matrix, centre + shift_px)
