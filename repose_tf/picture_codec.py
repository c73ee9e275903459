"""Pixels to values in [-1, 1] and back, and encoded pictures, by TensorFlow operations alone.

Servers decode the files of strangers here: a picture's size is read from its header and checked before anything is
decoded, so that a small file cannot ask for much memory.
"""

import tensorflow as tf

MIN_SIDE_PX = 16
_PNG = b'\x89PNG\r\n\x1a\n'
_JPEG = b'\xff\xd8\xff'
_PNG_HEADER_BYTES = 33  # signature and the whole chunk IHDR, in which columns and rows stand


def image_from_pixels(pixels):
    """Converts uint8 pixels of any shape to the float32 values in [-1, 1] that the model takes."""
    return tf.cast(pixels, tf.float32) / 127.5 - 1.0


def pixels_from_image(image):
    """Converts float values in [-1, 1] to uint8 pixels; what lies outside is clipped."""
    return tf.cast(tf.round(tf.clip_by_value((image + 1.0) * 127.5, 0.0, 255.0)), tf.uint8)


def decoded(picture_bytes, size, max_side_px, max_bytes):
    """Decodes square pictures and brings them to one size.

    Args:
      picture_bytes: [B] string, JPEG or PNG files of square pictures, `MIN_SIDE_PX` to `max_side_px` px a side, of
        which each may have another size. Grey ones become RGB, 16 bits become 8; transparency and EXIF tags are
        ignored.
      size: S, px.
      max_side_px: largest side.
      max_bytes: largest file.

    Returns:
      (pictures, factors): [B, S, S, 3] uint8, RGB, averaged where they shrink; [B] float32, S divided by the
      side that the picture came with.

    Raises:
      tf.errors.InvalidArgumentError: a file that is empty, too large, none of both formats, damaged, or a picture
        that is not square or of another size.
    """
    return tf.map_fn(lambda data: _decoded_one(data, size, max_side_px, max_bytes), picture_bytes, fn_output_signature=(
        tf.TensorSpec([size, size, 3], tf.uint8), tf.TensorSpec([], tf.float32)))


def resized(pixels, size):
    """Brings square pictures [B, H, H, C] uint8 to `size` px: [B, S, S, C] uint8.

    It averages where they shrink and interpolates where they grow.
    """
    pixels = tf.cast(pixels, tf.float32)
    scaled = tf.cond(tf.shape(pixels)[1] > size, lambda: tf.image.resize(pixels, [size, size], 'area'),
                     lambda: tf.image.resize(pixels, [size, size], 'bilinear'))
    pixels = tf.cast(tf.round(tf.clip_by_value(scaled, 0.0, 255.0)), tf.uint8)
    return tf.ensure_shape(pixels, [None, size, size, pixels.shape[-1]])


def encoded(pixels):
    """Encodes [B, S, S, 3] uint8, RGB, as PNG files, [B] string."""
    return tf.map_fn(tf.io.encode_png, pixels, fn_output_signature=tf.TensorSpec([], tf.string))


def _decoded_one(data, size, max_side_px, max_bytes):
    length = tf.strings.length(data)
    is_png = tf.equal(tf.strings.substr(data, 0, len(_PNG)), _PNG)
    is_jpeg = tf.equal(tf.strings.substr(data, 0, len(_JPEG)), _JPEG)
    with tf.control_dependencies([
            tf.debugging.assert_less_equal(
                length, max_bytes, message=f'image_bytes: expected files of at most {max_bytes} bytes'),
            tf.debugging.Assert((is_png & (length > _PNG_HEADER_BYTES)) | is_jpeg, [
                'image_bytes: expected JPEG or PNG files, found one that is none, of so many bytes:', length])]):
        data = tf.identity(data)
    shape = tf.cond(is_png, lambda: _png_shape(data), lambda: tf.io.extract_jpeg_shape(data)[:2])
    with tf.control_dependencies([tf.debugging.Assert(
            tf.equal(shape[0], shape[1]) & (shape[0] >= MIN_SIDE_PX) & (shape[0] <= max_side_px),
            [f'image_bytes: expected square pictures of {MIN_SIDE_PX} to {max_side_px} px, found rows and columns:',
             shape])]):
        data = tf.identity(data)
    pixels = tf.cond(is_png, lambda: tf.io.decode_png(data, channels=3), lambda: tf.io.decode_jpeg(data, channels=3))
    pixels = resized(tf.ensure_shape(pixels, [None, None, 3])[tf.newaxis], size)[0]
    return pixels, size / tf.cast(shape[0], tf.float32)


def _png_shape(data):
    """Returns [2] int32, the rows and columns that a PNG file's header announces; what int32 cannot hold is -1."""
    header = tf.io.decode_raw(tf.strings.substr(data, 16, 8), tf.uint8, fixed_length=8)
    digits = tf.reshape(tf.cast(header, tf.int64), [2, 4])
    columns_rows = tf.reduce_sum(digits * tf.constant([1 << 24, 1 << 16, 1 << 8, 1], tf.int64), axis=1)
    return tf.cast(tf.where(columns_rows < 2 ** 31, columns_rows, -1), tf.int32)[::-1]
