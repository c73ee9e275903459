"""The place behind the person of a film or photo: seen in other frames, and where never seen, filled from around."""

import cv2
import numpy as np
import tensorflow as tf

from data_pipeline.picture_file import resized
from experiments.reposing.light import multiplied
from repose_tf.detail import continuation

_STRIP_ROWS = 64  # of all pictures, sorted at once
_CHANGE = 24  # of 255: by which a pixel differs from the plate
_SEARCHED_PX = 256  # longer side of the picture whose pieces are looked for
_MOST_CHANGED = 0.15  # share of the pixels: of more, the camera moved


def median_plate(images, masks):
    """Takes the person out of a film whose camera stands still.

    Args:
      images: [N, H, W, 3] uint8.
      masks: [N, H, W] bool, True on the person.

    Returns:
      uint8 [H, W, 3], of every pixel the median of those pictures that do not show the person there, and bool [H, W],
      True where all do; there the plate is filled in, see `continued`.
    """
    plate = np.empty(images.shape[1:], np.uint8)
    counts = np.sum(~masks, axis=0)
    for start in range(0, len(plate), _STRIP_ROWS):
        rows = slice(start, start + _STRIP_ROWS)
        # What shows the person is sorted behind the rest.
        values = np.sort(np.where(masks[:, rows, :, np.newaxis], 256, images[:, rows].astype(np.int16)), axis=0)
        middle = np.maximum(counts[rows] - 1, 0)[np.newaxis, ..., np.newaxis] // 2
        plate[rows] = np.take_along_axis(values, middle, axis=0)[0].clip(0, 255)
    hidden = counts == 0
    return continued(plate, hidden), hidden


def is_still(images, masks, plate):
    """Says whether the camera stood still: nearly all that is not the person is in every picture as in the plate.

    Args:
      images, masks, plate: see `median_plate`.
    """
    changed = [np.abs(toned(plate, image, ~mask).astype(np.int16) - image).max(axis=2)[~mask] > _CHANGE
               for image, mask in zip(images, masks, strict=True)]
    return np.median([np.mean(one) for one in changed]) < _MOST_CHANGED


def toned(plate, image, around):
    """Gives the plate the light of one picture, as cameras change theirs: its mean of each colour.

    Args:
      plate, image: uint8 [H, W, 3].
      around: bool [H, W], where the two are compared.
    """
    means = [np.array(cv2.mean(one, np.uint8(around))[:3]) for one in (image, plate)]
    return multiplied(plate, np.clip((means[0] + 1) / (means[1] + 1), 0.5, 2))


def continued(image, hole):
    """As `filled`, but by pieces of what is around the hole, found where the picture is small, and enlarged."""
    if not hole.any() or hole.all():
        return image
    rows, columns = (max(1, round(length * _SEARCHED_PX / max(hole.shape))) for length in hole.shape)
    known = np.zeros((1, _SEARCHED_PX, _SEARCHED_PX, 1), np.float32)
    known[0, :rows, :columns, 0] = resized(np.uint8(~hole), (columns, rows)) == 1
    small = np.zeros((1, _SEARCHED_PX, _SEARCHED_PX, 3), np.float32)
    small[0, :rows, :columns] = np.float32(resized(filled(image, hole), (columns, rows))) / 127.5 - 1
    found = continuation.continued(tf.constant(small), tf.constant(known)).numpy()[0, :rows, :columns]
    found = cv2.resize(np.clip(127.5 * (found + 1), 0, 255), hole.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.where(hole[..., np.newaxis], np.uint8(found.clip(0, 255).round()), image)


def filled(image, hole):
    """Fills a hole from around it: every pixel gets the mean of what is known near it, the nearer the finer.

    Args:
      image: uint8 [H, W, 3].
      hole: bool [H, W].

    Returns:
      uint8 [H, W, 3]; where everything is a hole, the picture itself.
    """
    if not hole.any() or hole.all():
        return image
    sums, known = np.float32(image) * ~hole[..., np.newaxis], np.float32(~hole)
    pyramid = [(sums, known)]
    while min(known.shape) > 1 and not known.all():
        size = [-(-length // 2) for length in known.shape[1::-1]]
        sums, known = (cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in pyramid[-1])
        pyramid.append((sums, known))
    sums, known = pyramid.pop()
    result = sums / np.maximum(known, 1e-6)[..., np.newaxis]
    for sums, known in reversed(pyramid):
        coarse = cv2.resize(result, known.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        result = sums + coarse * (1 - known[..., np.newaxis])  # sums are colours by their known share
    return np.where(hole[..., np.newaxis], np.uint8(np.clip(result, 0, 255).round()), image)
