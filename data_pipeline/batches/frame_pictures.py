"""Pictures and masks of frames at one size: decoded whenever they are wanted, or once where memory holds them all."""

import numpy as np
import tensorflow as tf


class FramePictures:
    """Pictures and masks by the frames' numbers, for use inside of a `tf.data` pipeline.

    Attributes:
      image_size: S, px.
      description: whether they are decoded once, whether their files are kept, and the memory that this takes.
    """

    def __init__(self, store, image_size, cache_bytes=0):
        """Decodes everything now, if `cache_bytes` hold it, or else keeps the files, if these fit.

        Filling takes twice the memory for a moment.

        Args:
          store: a `FrameStore`.
          image_size: S, px.
          cache_bytes: memory that decoded pictures and masks, or their files, may take.
        """
        self.image_size = image_size
        self._store = store
        self._images = self._masks = None
        num_frames, has_mask = len(store.ids), store.has_mask.numpy()
        masked = np.flatnonzero(has_mask)
        needed = image_size ** 2 * (3 * num_frames + len(masked))
        if needed > cache_bytes:
            self.description = (f'decoded whenever they occur (to keep them takes {needed / 1e6:.0f} MB, '
                                f'{cache_bytes / 1e6:.0f} MB are allowed)')
            if store.num_bytes <= cache_bytes:
                store.keep_files()
                self.description += f', from files kept in memory ({store.num_bytes / 1e6:.0f} MB)'
            return
        self.description = f'decoded once and kept ({needed / 1e6:.0f} MB)'
        self._images = _kept(np.arange(num_frames), self._decode_image, [image_size, image_size, 3])
        self._masks = _kept(masked, self._decode_mask, [image_size, image_size, 1])
        self._mask_rows = np.cumsum(has_mask) - 1

    def image(self, number):
        """Returns the picture of a frame, [S, S, 3] uint8; number is a scalar tensor."""
        return self._decode_image(number) if self._images is None else tf.gather(self._images, number)

    def mask(self, number):
        """Returns the mask of a frame, [S, S, 1] uint8, 0 or 255; all 0 where there is none."""
        def found():
            if self._masks is None:
                return self._decode_mask(number)
            return tf.gather(self._masks, tf.gather(self._mask_rows, number))

        return tf.cond(tf.gather(self._store.has_mask, number), found,
                       lambda: tf.zeros([self.image_size, self.image_size, 1], tf.uint8))

    def _decode_image(self, number):
        return self._sized(self._store.image_file(number), 3, lambda image: tf.cast(tf.round(image), tf.uint8))

    def _decode_mask(self, number):
        """Returns a mask, 255 where at least half of a pixel is the person."""
        return self._sized(self._store.mask_file(number), 1,
                           lambda mask: tf.where(mask >= 127.5, tf.constant(255, tf.uint8), tf.constant(0, tf.uint8)))

    def _sized(self, file, num_channels, to_bytes):
        """Decodes a square JPEG or PNG file and brings it to size by float32, if it has another; averages to shrink."""
        image = tf.io.decode_image(file, num_channels, expand_animations=False)
        image = tf.ensure_shape(image, [None, None, num_channels])
        size = tf.shape(image)[0]

        def resized(method):
            return lambda: to_bytes(tf.image.resize(image, [self.image_size, self.image_size], method))

        image = tf.case([(tf.equal(size, self.image_size), lambda: image), (size > self.image_size, resized('area'))],
                        resized('bilinear'))
        return tf.ensure_shape(image, [self.image_size, self.image_size, num_channels])


def _kept(numbers, decode, shape):
    """Decodes the frames of these numbers, on all cores; returns [N, *shape] uint8 in the memory of the host."""
    kept = np.empty([len(numbers), *shape], np.uint8)
    decoded = tf.data.Dataset.from_tensor_slices(numbers).map(decode, tf.data.AUTOTUNE)
    for row, image in enumerate(decoded.as_numpy_iterator()):
        kept[row] = image
    with tf.device('CPU'):
        return tf.constant(kept)
