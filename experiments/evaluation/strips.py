"""Strips: several pictures of one size side by side in one file, as other systems store source, truth and result."""

import numpy as np


def part_of(image, widths, part):
    """Returns a picture of a strip.

    Args:
      image: [H, W, 3] uint8.
      widths: list of widths that a picture of it may have, px; the first one that fits counts.
      part: its place: 1 the first, -1 the last; 0: the file is one picture.

    Returns:
      [H, one of the widths, 3] uint8, or None where no width fits or the strip has fewer pictures.
    """
    for width in widths:
        count, rest = divmod(image.shape[1], width)
        if not part and (count, rest) == (1, 0):
            return image
        if part and not rest and -count <= part <= count:
            return np.split(image, count, axis=1)[part - (part > 0)]
    return None
