"""Maps made larger, smaller or blurred, over their last two axes, rows and columns. Shapes are static."""

import functools

import numpy as np
import tensorflow as tf


def enlarged(maps, size):
    """Returns maps [..., n, n] as [..., size, size], linear between the cells; the outer cells lie on the border."""
    return _resized(maps, _enlarging(maps.shape[-1], size))


def shrunk(maps, count):
    """Returns maps [..., S, S] as [..., count, count]: means."""
    return _resized(maps, _shrinking(maps.shape[-1], count))


def box_blurred(maps, reach):
    """Returns maps [..., S, S] blurred by a square of 2 reach + 1 px; outside, the border repeats itself."""
    size, width = maps.shape[-1], 2 * reach + 1
    maps = tf.concat([*[maps[..., :1]] * reach, maps, *[maps[..., -1:]] * reach], axis=-1)
    maps = sum(maps[..., start:start + size] for start in range(width)) / width
    maps = tf.concat([*[maps[..., :1, :]] * reach, maps, *[maps[..., -1:, :]] * reach], axis=-2)
    return sum(maps[..., start:start + size, :] for start in range(width)) / width


def softened(maps, weight):
    """Blurs maps [..., S, S]: each pixel gives the share `weight` of itself to both neighbours, in x and then in y.

    The variance is 2 weight px^2 in x and in y. `weight` is of a shape that fits; outside, the border repeats itself.
    """
    before, after = (tf.concat(both, axis=-1) for both in (
        (maps[..., :1], maps[..., :-1]), (maps[..., 1:], maps[..., -1:])))
    maps += weight * (before + after - 2.0 * maps)
    before, after = (tf.concat(both, axis=-2) for both in (
        (maps[..., :1, :], maps[..., :-1, :]), (maps[..., 1:, :], maps[..., -1:, :])))
    return maps + weight * (before + after - 2.0 * maps)


def _resized(maps, matrix):
    return tf.einsum('yn,...nx->...yx', matrix, tf.einsum('...nm,xm->...nx', maps, matrix))


@functools.cache
def _enlarging(count, size):
    places = np.linspace(0.0, count - 1.0, size)[:, np.newaxis]
    return np.maximum(1.0 - np.abs(places - np.arange(count)), 0.0).astype(np.float32)


@functools.cache
def _shrinking(size, count):
    ends = np.linspace(0.0, size, count + 1)[:, np.newaxis]
    first, last = (np.clip(np.arange(size) + step, ends[:-1], ends[1:]) for step in (0, 1))
    return ((last - first) * count / size).astype(np.float32)
