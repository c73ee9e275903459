"""Other backgrounds behind the persons of a batch: made-up rooms and patterns, or the room of another pair."""

import math

import tensorflow as tf

from data_pipeline.batches.smooth_maps import enlarged, shrunk

_CELLS = (3, 7, 24)  # a row, of the random maps that are the clouds
_REACH = (0.6, 0.4, 0.25)  # of their colours, at most
_NUM_SCALARS, _NUM_COLOURS = 15, 4
_SIZES = (_NUM_SCALARS, 3 * _NUM_COLOURS, *(3 * cells ** 2 for cells in _CELLS))
NUM_DRAWS = sum(_SIZES)


def replaced(planes, masks, is_replaced, has_room, first_row, uniform):
    """Replaces what is behind the persons, by the same in source and target of a pair.

    Args:
      planes: red, green and blue of source and target, [3, B, 2, S, S] float32 in [-1, 1].
      masks: of the persons there, [B, 2, S, S] float32 in [0, 1].
      is_replaced: [B] bool.
      has_room: [B] bool, where the source's mask tells its room from its person.
      first_row: of the samples in the larger batch.
      uniform: [B, NUM_DRAWS] float32 in [0, 1).

    Returns:
      [3, B, 2, S, S] float32 in [-1, 1].
    """
    scalars, *maps = tf.split(uniform, _SIZES, axis=1)
    count = tf.shape(uniform)[0]
    # Two by two: 0 and 1, 2 and 3, ...
    row = tf.range(count) + first_row
    wanted = 4 * (row // 2) + 1 - row - first_row
    other = tf.clip_by_value(wanted, 0, count - 1)
    is_room = (other == wanted) & tf.gather(has_room, other) & (scalars[:, -1] < 0.5)
    room = tf.gather(rooms(planes[:, :, 0], masks[:, 0]), other, axis=1)
    room = tf.where(_wide(scalars[:, -2] < 0.5), room[..., ::-1], room)
    background = tf.where(_wide(is_room), room, made_up(scalars, *maps, size=planes.shape[-1]))[:, :, tf.newaxis]
    share = tf.where(_wide(is_replaced)[..., tf.newaxis], 1.0 - masks, 0.0)
    return planes + share * (background - planes)


def made_up(scalars, colours, *maps, size):
    """Makes pictures of two fields of colour with stripes and clouds in them, a different one for each sample.

    Args:
      scalars, colours, *maps: [B, ...] float32 in [0, 1), of `_SIZES` numbers.
      size: S, px.

    Returns:
      Red, green and blue, [3, B, S, S] float32 in [-1, 1].
    """
    draws = [_wide(draw) for draw in tf.unstack(scalars, axis=1)]
    colours = tf.unstack(tf.transpose(tf.reshape(2.0 * colours - 1.0, [-1, _NUM_COLOURS, 3, 1, 1]), [1, 2, 0, 3, 4]))
    maps = [enlarged(tf.transpose(tf.reshape(2.0 * one - 1.0, [-1, cells, cells, 3]), [3, 0, 1, 2]), size)
            for one, cells in zip(maps, _CELLS, strict=True)]
    clouds = sum(one * draw * reach for one, draw, reach in zip(maps, draws, _REACH, strict=False))
    right = (tf.range(size, dtype=tf.float32) + 0.5) / size
    down = right[:, tf.newaxis]
    bend = 0.25 * maps[0][0]
    floor = _step(down + (draws[3] - 0.5) * 0.4 * right + draws[4] ** 2 * bend - 0.2 - 0.8 * draws[5],
                  4.0 * 25.0 ** draws[6])
    angle = math.pi * draws[7]
    across = tf.cos(angle) * right + tf.sin(angle) * down + draws[8] ** 2 * bend
    stripes = _step(tf.sin(across * 4.0 * math.pi * 15.0 ** draws[9]), 0.5 + 4.0 * draws[10]) - 0.5
    wall = colours[0] + floor * (colours[1] - colours[0])
    vivid = 0.8 * wall + clouds + draws[11] ** 2 * stripes * colours[2] + 0.4 * (down - 0.5) * colours[3]
    grey = tf.reduce_mean(vivid, axis=0)
    return tf.clip_by_value(grey + (0.1 + 0.9 * draws[12] ** 2) * (vivid - grey), -1.0, 1.0)


def rooms(planes, masks):
    """Returns pictures without their persons: there they show what is half a width beside.

    Args:
      planes: [3, B, S, S] float32.
      masks: of the persons, [B, S, S] float32 in [0, 1].
    """
    size = planes.shape[-1]
    coarse = shrunk(masks, max(2, size // 8))[..., tf.newaxis]
    coarse = tf.nn.max_pool2d(coarse, 3, 1, 'SAME')[..., 0]
    hidden = tf.clip_by_value(3.0 * enlarged(coarse, size), 0.0, 1.0)
    beside = tf.concat([planes[..., size // 2:], planes[..., :size // 2]], axis=-1)
    return planes + hidden * (beside - planes)


def _step(values, sharpness):
    """Returns 0 well below 0 and 1 well above, with a soft step between."""
    return tf.clip_by_value(0.5 + values * sharpness, 0.0, 1.0)


def _wide(values):
    """Makes [B] fit to maps: [B, 1, 1]."""
    return values[:, tf.newaxis, tf.newaxis]
