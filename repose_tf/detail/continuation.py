"""Continuation of the background to where the person stands, by pieces of itself.

A smooth filling leaves a stain of the person's shape. Here every pixel of the hole shows a known pixel
whose surroundings look like its own, found from coarse to fine: in a band of rows where the picture is small, near the
places found before where it is larger. The idea is that of Barnes et al. (Generalized PatchMatch, 2010) and Wexler et
al. (Space-Time Completion of Video, 2007). No weights, no training; the same values in static shapes.
"""

import math

import numpy as np
import tensorflow as tf

from repose_tf.background_inpainter import filled
from repose_tf.detail import letterbox
from repose_tf.detail.scaling import doubled

_PATCH = 5  # rows and columns that are compared
_COARSEST = 40  # rows of the smallest picture, at most
_SEARCHED = 70  # all places of a band are compared where the picture has no more rows
_BAND = 8  # so many rows above and below: what stands higher or lower is seldom alike
_FINEST = 128  # above it, places are only doubled
_SEARCHES = 4
_ROUNDS = 1
_GUESS = 0.05  # what a pixel of the hole counts in the first comparison
_BELIEVED = 0.8  # what it counts later on, in units of the surest one beside it
# What it costs to show a pixel from one picture away, beside the mean squared difference. Backgrounds change most
# upwards and downwards.
_UP_OR_DOWN = 0.8
_SIDEWAYS = 0.02
_LEVEL = 2  # rows and columns, of the smallest picture's, over which brightness is compared
_STEP = 0.25  # what differs by more has other causes than brightness and counts as this
_NEVER = 1e6
_SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))
_AROUND = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1))


def continued(image, known):
    """Continues the known part of pictures into their holes.

    Args:
      image: [B, S, S, 3] float32; only its known part is read.
      known: [B, S, S, 1] float32, 1 where the picture is known, 0 in the holes.

    Returns:
      [B, S, S, 3] float32, the picture itself where it is known; filled smoothly where it nowhere has a wholly known
      surrounding of 5 x 5 pixels of its smallest size. Black bars beside the picture go on as bars, and nowhere else.
    """
    inside = letterbox.is_picture(image, known)
    result = inside * _continued(image, known * inside) + (1.0 - inside) * letterbox.BLACK
    return known * image + (1.0 - known) * result


def _continued(image, known):
    """See `continued`; bars are holes here."""
    size = image.shape[1]
    halvings = max(0, math.ceil(math.log2(size / _COARSEST)))
    padding = -size % 2 ** halvings
    image, known = (tf.pad(x, [[0, 0], [0, padding], [0, padding], [0, 0]]) for x in (image, known))
    smooth = known * image + (1.0 - known) * filled(image, known)
    levels = [(smooth, known)]
    for _ in range(halvings):
        photo, shown = levels[-1]
        levels.append((tf.nn.avg_pool2d(photo, 2, 2, 'VALID'), -tf.nn.max_pool2d(-shown, 2, 2, 'VALID')))
    found = None
    for photo, shown in reversed(levels):
        if photo.shape[1] <= _SEARCHED:
            guess = photo if found is None else shown * photo + (1.0 - shown) * doubled(found)
            places, can_continue = _searched(photo, shown, guess)
            found = _shown(photo, places)
        else:
            places = _finer(places, photo, shown)
    result = _levelled(_shown(smooth, places), smooth, places, known, halvings)
    return tf.where(can_continue, result, smooth)[:, :size, :size]


def _searched(photo, known, current):
    """Finds for each pixel of a small picture the one that it shows, among those of its band of rows.

    Args:
      photo, known: as of `continued`, made smaller.
      current: [B, n, n, 3], the photo with a guess in its holes.

    Returns:
      places [B, n * n] int32, row * n + column, its own for a known pixel and for one with no choice in its band; and
      [B, 1, 1, 1] bool, whether any has one.
    """
    size, usable = photo.shape[1], _usable(known)
    patches = _rows(_patches(photo), size)
    squares = tf.reshape(tf.square(patches), [-1, size, size, _PATCH ** 2, photo.shape[-1]])
    choices, squares = _bands(patches), _bands(tf.reduce_sum(squares, axis=-1))
    row, column = _row_column(np.arange((2 * _BAND + 1) * size), size)
    costs = _distance_cost(row - _BAND, column - np.arange(size)[:, np.newaxis], size)
    costs += _NEVER * (1.0 - tf.squeeze(_bands(_rows(usable[..., tf.newaxis], size)), -1))[:, :, tf.newaxis]
    first_row = tf.range(size)[:, tf.newaxis] - _BAND
    sure = tf.maximum(known, _GUESS)
    for _ in range(_SEARCHES):
        weight = _rows(_patches(sure), size)
        wanted = _rows(_patches(sure * current), size)
        differ = tf.matmul(weight, squares, transpose_b=True)  # but for what is the same for all places
        differ -= 2.0 * tf.matmul(wanted, choices, transpose_b=True)
        differ = differ / tf.reduce_sum(weight, axis=-1, keepdims=True) / photo.shape[-1] + costs
        row, column = _row_column(tf.argmin(differ, axis=-1, output_type=tf.int32), size)
        found = tf.reshape((first_row + row) * size + column, [-1, size ** 2])
        has_choice = tf.reshape(tf.reduce_min(differ, axis=-1) < 0.5 * _NEVER, [-1, size ** 2])
        places = _but_known(tf.where(has_choice, found, tf.range(size ** 2)), known)
        current, sure = _shown(photo, places), tf.maximum(known, _BELIEVED * tf.nn.max_pool2d(sure, 3, 1, 'SAME'))
    return places, tf.reduce_max(usable, axis=1)[:, tf.newaxis, tf.newaxis, tf.newaxis] > 0.0


def _finer(places, photo, known):
    """Takes places to a picture of twice the size, where the best ones near them are found."""
    size = photo.shape[1]
    half = size // 2
    y, x = _row_column(tf.range(size ** 2), size)
    (y_half, odd_row), (x_half, odd_column) = _row_column(y, 2), _row_column(x, 2)
    row, column = _row_column(tf.gather(places, y_half * half + x_half, axis=1), half)
    places = _but_known((2 * row + odd_row) * size + 2 * column + odd_column, known)
    if size > _FINEST:
        return places
    rows, usable = _patches(photo), _usable(known)
    for _ in range(_ROUNDS):
        wanted = _patches(_shown(photo, places))
        choices = [_moved(places, dy, dx, size) for dy, dx in ((0, 0), *_SIDES)]
        choices += [_beside(places, dy, dx, size) for dy, dx in _SIDES]
        costs = []
        for choice in choices:
            row, column = _row_column(choice, size)
            away = _distance_cost(row - y, column - x, size)
            differ = tf.reduce_mean(tf.square(wanted - tf.gather(rows, choice, batch_dims=1)), axis=-1)
            costs.append(differ + away + _NEVER * (1.0 - tf.gather(usable, choice, batch_dims=1)))
        best = tf.argmin(tf.stack(costs, axis=-1), axis=-1, output_type=tf.int32)
        places = _but_known(tf.gather(tf.stack(choices, axis=-1), best, batch_dims=2), known)
    return places


def _levelled(result, photo, places, known, halvings):
    """Takes steps of brightness off: the mean of what the photo has and the hole's places show beside the hole."""
    size, stride = photo.shape[1], 2 ** halvings
    hole = tf.reshape(1.0 - known, [-1, size ** 2])
    step, weight = tf.zeros_like(photo), tf.zeros_like(known)
    for dy, dx in _SIDES:
        beside_hole = tf.reshape(tf.gather(hole, _neighbours(dy, dx, size), axis=1), tf.shape(known)) * known
        differ = photo - _picked(photo, _moved(places, dy, dx, size))
        step += beside_hole * tf.clip_by_value(differ, -_STEP, _STEP)
        weight += beside_hole
    # Single pixels differ by their texture; over a wide window that is no step.
    step, weight = (tf.nn.avg_pool2d(x, _LEVEL * stride, stride, 'SAME') for x in (step, weight))
    step = filled(tf.math.divide_no_nan(step, weight), tf.cast(weight > 0.0, tf.float32))
    for _ in range(halvings):
        step = doubled(step)
    return result + step


def _patches(photo):
    """Returns the surroundings of all pixels, [B, n * n, 5 * 5 * C]; beyond the border the picture is mirrored."""
    reach, channels = _PATCH // 2, photo.shape[-1]
    padded = tf.pad(photo, [[0, 0], [reach, reach], [reach, reach], [0, 0]], 'SYMMETRIC')
    rows, columns = photo.shape[1:3]
    # tf.image.extract_patches, by operations that other runtimes have, too.
    patches = tf.concat([padded[:, row:row + rows, column:column + columns]
                         for row, column in np.ndindex(_PATCH, _PATCH)], axis=-1)
    return tf.reshape(patches, [-1, photo.shape[1] ** 2, _PATCH ** 2 * channels])


def _rows(x, size):
    """Returns [B, n * n, F] by rows, [B, n, n, F]."""
    return tf.reshape(x, [-1, size, size, x.shape[-1]])


def _bands(x):
    """Returns for each row all pixels of its band, 0 beyond the border: [B, n, n, F] to [B, n, m * n, F]."""
    padded = tf.pad(x, [[0, 0], [_BAND, _BAND], [0, 0], [0, 0]])
    return tf.concat([padded[:, row:row + x.shape[1]] for row in range(2 * _BAND + 1)], axis=2)


def _usable(known):
    """Returns 1 where all of a pixel's surroundings is known, else 0, [B, n * n]."""
    return tf.reshape(-tf.nn.max_pool2d(-known, _PATCH, 1, 'SAME'), [-1, known.shape[1] ** 2])


def _distance_cost(dy, dx, size):
    """Returns what it costs to show a pixel from so many rows and columns away."""
    dy, dx = (tf.cast(difference, tf.float32) / size for difference in (dy, dx))
    return _UP_OR_DOWN * dy * dy + _SIDEWAYS * dx * dx


def _but_known(places, known):
    """Returns places where each known pixel's is its own."""
    flat = tf.reshape(known, [-1, known.shape[1] ** 2])
    return tf.where(flat > 0.0, tf.range(flat.shape[1])[tf.newaxis], places)


def _row_column(places, size):
    """Returns the rows and columns of places."""
    row = places // size
    return row, places - row * size


def _neighbours(dy, dx, size):
    """Returns for each pixel the place (dy, dx) before it, its nearest in the picture, [n * n]."""
    return _beside(tf.range(size ** 2), -dy, -dx, size)


def _beside(places, dy, dx, size):
    """Returns the places (dy, dx) behind some."""
    row, column = _row_column(places, size)
    return tf.clip_by_value(row + dy, 0, size - 1) * size + tf.clip_by_value(column + dx, 0, size - 1)


def _moved(places, dy, dx, size):
    """Returns what each pixel shows if it goes on with what the one (dy, dx) before it shows."""
    return _beside(tf.gather(places, _neighbours(dy, dx, size), axis=1), dy, dx, size)


def _picked(photo, places):
    """Returns the colours of the places, as a picture."""
    flat = tf.reshape(photo, [-1, photo.shape[1] ** 2, photo.shape[-1]])
    return tf.reshape(tf.gather(flat, places, batch_dims=1), tf.shape(photo))


def _shown(photo, places):
    """Returns the picture of the places: of what each pixel's neighbours and itself would show there, the mean."""
    return tf.add_n([_picked(photo, _moved(places, dy, dx, photo.shape[1])) for dy, dx in _AROUND]) / len(_AROUND)
