"""The light of a picture, and a person brought into it."""

import cv2
import numpy as np

# The p-norm over the pixels of a colour estimates the colour of the light (shades of grey: Finlayson and Trezzi 2004).
_NORM = 6
# Of a difference, in brightness and in tint, that is taken over: the rest may be what is seen, as a blue sky.
_BRIGHTNESS, _TINT = 0.5, 0.25
_MOST = 1.4  # no brighter and no darker than so many times
_POWERS = np.float32((np.arange(256) / 255) ** _NORM)


def light_of(image, where=None):
    """Estimates the light of a picture.

    Args:
      image: uint8 [H, W, 3].
      where: bool [H, W], the pixels that count; None, or where none does: all of them.

    Returns:
      float64 [3], of each colour, above 0 and at most 1.
    """
    where = None if where is None or not where.any() else np.uint8(where)
    return np.maximum(cv2.mean(cv2.LUT(image, _POWERS), where)[:3], _POWERS[1]) ** (1 / _NORM)


def gains(light, there):
    """Returns what to multiply a person's colours by, float64 [3], to bring them from one light into another.

    Args:
      light, there: see `light_of`.
    """
    ratio = np.asarray(there) / light
    brightness = np.prod(ratio) ** (1 / len(ratio))
    return np.clip(brightness ** _BRIGHTNESS * (ratio / brightness) ** _TINT, 1 / _MOST, _MOST)


def multiplied(image, factors):
    """Multiplies the colours of a picture uint8 [H, W, 3] by factors [3]; what gets too bright is white."""
    return cv2.LUT(image, np.uint8(np.clip(np.arange(256)[:, np.newaxis] * factors, 0, 255).round())[:, np.newaxis])
