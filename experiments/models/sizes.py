"""The size of the pictures that a model makes. No TensorFlow here."""

import math

from experiments.configuration.flags import LARGEST_PX


def sized(reposer, size, side_px=math.inf):
    """Brings a `repose_tf.Reposer` to the size of its pictures.

    Args:
      reposer: the model.
      size: px, as --size. None: the smallest of its sizes that has all of the photo, of those up to LARGEST_PX.
      side_px: rows and columns of the photo's square that it is shown.

    Raises:
      ModelError: it has no such size.
    """
    if size is None:
        sizes = [each for each in reposer.image_sizes if each <= LARGEST_PX] or [reposer.image_size]
        size = next((each for each in sizes if each >= side_px), sizes[-1])
    return reposer.at_size(size)
