"""Resampling of a picture by a small flow: each pixel shows what lies a few pixels away from it.

Example: a flow of (1.5, 0) px everywhere shows at column 10 the mean of what was at columns 11 and 12.
"""

import tensorflow as tf


def resampled(image, flow_px):
    """Resamples bilinearly; what lies outside repeats the border.

    Args:
      image: [B, H, W, C] float32.
      flow_px: [B, H, W, 2] float32, (x, y) px from each pixel to what it shows.

    Returns:
      [B, H, W, C] float32. Gradients flow to both.
    """
    batch = tf.shape(image)[0]
    height, width, channels = image.shape[1:]
    columns = tf.range(width, dtype=tf.float32) + flow_px[..., 0]
    rows = tf.range(height, dtype=tf.float32)[:, tf.newaxis] + flow_px[..., 1]
    # Not quite the last ones: a next row and column is then always there.
    columns, rows = (tf.clip_by_value(place, 0.0, size - 1.001) for place, size in ((columns, width), (rows, height)))
    left, top = tf.floor(columns), tf.floor(rows)
    right_share, bottom_share = (columns - left)[..., tf.newaxis], (rows - top)[..., tf.newaxis]
    first = (tf.range(batch)[:, tf.newaxis, tf.newaxis] * height + tf.cast(top, tf.int32)) * width + tf.cast(
        left, tf.int32)
    pixels = tf.reshape(image, [-1, channels])
    top_left, top_right, bottom_left, bottom_right = (
        tf.gather(pixels, first + step) for step in (0, 1, width, width + 1))
    upper = top_left + right_share * (top_right - top_left)
    lower = bottom_left + right_share * (bottom_right - bottom_left)
    return upper + bottom_share * (lower - upper)
