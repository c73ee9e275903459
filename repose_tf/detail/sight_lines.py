"""Lines of sight through the capsules of the body parts: where they enter, or how near they pass.

A line of sight runs along z through the centre of a pixel. Seen along it, a capsule of radius r is all that lies within
r of a segment of the picture, so that pixels are found row by row as spans of columns; nothing else is computed. Of all
balls along the axis, the line first enters one: `share` says how far along it lies, and the surface's normal points
away from its centre.

A line that misses a capsule passes the axis at some distance. A capsule that is larger by that much would be touched
there, at the tangent point. Which of the `reaches`, in units of the radius, is the first to be touched is the ring.

Example: a ball of radius 10 px around (20.5, 20.5, 0), reaches (1, 1.3, 1.7). Pixel (row 20, column 26) is 6 px from
the centre: it enters at z = -sqrt(10^2 - 6^2) = -8, ring 0. Column 32 is 12 px away and touches at z = 0, ring 1.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from repose_tf.warp import body_parts, scanlines

NONE = -1
_INFINITY = np.float64(np.inf)
_SHORT_PX = 1e-6  # an axis that looks shorter is seen end on
_LEVEL = 1e-6  # the y of a direction below which a row runs along the axis
# Parts that share a joint share a ball. Where depths differ by less than this, the first capsule counts as the nearest.
_STEPS_PER_PX = 1024.0
_RING_STEPS = 2.0 ** 24  # more than there are depths
_MAX_PAIRS = 2.0 ** 26  # times 4 rings of steps: whole numbers that float64 holds


@dataclasses.dataclass(frozen=True)
class Crossings:
    """Pairs of a capsule and a line of sight that may come within its reach.

    Attributes:
      line: int32 [L] (sample * H + row) * W + column.
      place: int32 [L] index in `capsules`.
      part: int32 [L] the capsule's part.
      ring: int32 [L] the first reach that the line touches.
      is_hit: bool [L] whether it touches any.
      depth_px: float32 [L] z where the line enters, in ring 0, or of the tangent point.
      share: float32 [L] place along the axis, from 0 in front to 1 behind, of the ball that is entered or touched.
      capsules: int32 [R] sample * N + number of the capsule, once for a row of pixels.
      fronts, axes: float32 [B * N, 3] each capsule's front end and the vector to its other end, px.
      size: (B, N, H, W), the first one a tensor.
      everywhere: whether all pairs are listed, line after line for each capsule.
    """

    line: tf.Tensor
    place: tf.Tensor
    part: tf.Tensor
    ring: tf.Tensor
    is_hit: tf.Tensor
    depth_px: tf.Tensor
    share: tf.Tensor
    capsules: tf.Tensor
    fronts: tf.Tensor
    axes: tf.Tensor
    size: tuple
    everywhere: bool

    @property
    def num_lines(self):
        """The lines of the whole batch."""
        batch, _, height, width = self.size
        return batch * (height * width)

    def order(self):
        """Returns whole numbers, float64 [L], that grow with ring and depth; infinite where there is no hit."""
        order = tf.cast(steps(self.depth_px), tf.float64) + (
            tf.cast(self.ring, tf.float64) * _RING_STEPS + _RING_STEPS / 2)
        return tf.where(self.is_hit, order, tf.fill(tf.shape(order), _INFINITY))

    def first(self, order):
        """Returns for each line a float64 [B * H * W] that `index` reads: which pair comes first; infinite for none."""
        if self.everywhere:
            batch, num_capsules, height, width = self.size
            order = tf.reshape(order, [batch, num_capsules, height * width])
            capsule = tf.range(batch)[:, tf.newaxis] * num_capsules + tf.argmin(order, axis=1, output_type=tf.int32)
            index = tf.cast(capsule * (height * width) + tf.range(height * width), tf.float64)
            is_any = tf.reduce_min(order, axis=1) < _INFINITY
            return tf.reshape(tf.where(is_any, index, tf.fill(tf.shape(index), _INFINITY)), [-1])
        # Order and index in one number: its smallest value says both. Where there is none, the largest of all numbers.
        both = order * _MAX_PAIRS + tf.cast(tf.range(tf.size(order)), tf.float64)
        return tf.math.unsorted_segment_min(both, self.line, self.num_lines)

    def index(self, first):
        """Returns the indices, int32, of pairs that `first` found, and of any pair where it found none."""
        if self.everywhere:
            return tf.cast(tf.where(first < _INFINITY, first, tf.zeros_like(first)), tf.int32)
        return tf.cast(first - tf.floor(first / _MAX_PAIRS) * _MAX_PAIRS, tf.int32)


def crossings(pose_px, size, reaches=(1.0,), use_static_shapes=False):
    """Lists the lines of sight that come near the capsules of a pose.

    Args:
      pose_px: [B, J, 3] joints, px.
      size: (H, W) of the picture.
      reaches: at most four radii that count, in units of the nominal ones, from 1 upwards.
      use_static_shapes: True under XLA, which needs sizes that are known beforehand: all lines of all capsules.

    Returns:
      `Crossings`; by capsule, row and column.
    """
    fronts, axes, radii = from_the_front(*body_parts.capsules_px(pose_px))
    num_capsules, (batch, height, width) = fronts.shape[1], (tf.shape(fronts)[0], *size)
    fronts, axes, radii = _finite(tf.reshape(fronts, [-1, 3]), tf.reshape(axes, [-1, 3]), tf.reshape(radii, [-1, 1]))
    if use_static_shapes:
        rows = tf.range(batch * (num_capsules * height))
        of_rows = _row_numbers(fronts, axes, radii, rows, height)
        pixels = tf.range(batch * (num_capsules * height * width))
    else:
        boxes = _boxes(fronts, axes, radii * reaches[-1])
        rows = _rows(boxes, height)
        of_rows = _row_numbers(fronts, axes, radii, rows, height)
        pixels = _pixels(boxes, of_rows, rows // height, reaches[-1], width)
    place = pixels // width
    column = pixels - place * width
    part, depth_px, share, ring = _meetings(tf.cast(of_rows, tf.float32), place, column, reaches)
    capsule = rows // height
    line = tf.gather((capsule // num_capsules * height + rows - capsule * height) * width, place) + column
    is_hit = ring < len(reaches)
    return Crossings(line, place, part, ring, is_hit, depth_px, share, capsule, fronts, axes,
                     (batch, num_capsules, height, width), use_static_shapes)


def steps(depth_px):
    """Returns depths in steps, float32 but whole: what is not nearer by a step is not nearer."""
    half = _RING_STEPS / 2
    return tf.clip_by_value(tf.round(depth_px * _STEPS_PER_PX), 1.0 - half, half - 1.0)


def from_the_front(starts, ends, radii):
    """Returns each capsule's front end and the vector to its other end, [..., 3], and its radius."""
    is_behind = ends[..., 2:] < starts[..., 2:]
    return tf.where(is_behind, ends, starts), tf.where(is_behind, starts - ends, ends - starts), radii


def seen(axes):
    """Says how axes [..., 3] look in the picture.

    Returns:
      length [...] px, and 1 over it, both 0 for an axis seen end on; its direction [..., 2]; its slope, z over length.
    """
    length = tf.norm(axes[..., :2], axis=-1)
    is_seen = length > _SHORT_PX
    length = tf.where(is_seen, length, tf.zeros_like(length))
    per_length = tf.math.divide_no_nan(tf.ones_like(length), length)
    direction = tf.where(is_seen[..., tf.newaxis], axes[..., :2] * per_length[..., tf.newaxis],
                         tf.constant([1.0, 0.0], axes.dtype))
    return length, per_length, direction, tf.math.divide_no_nan(axes[..., 2], tf.norm(axes, axis=-1))


def _finite(fronts, axes, radii):
    """Returns capsules, the radii as [B * N], with zeros for one that has a number that is not finite: no inside."""
    is_finite = tf.reduce_all(tf.math.is_finite(tf.concat([fronts, axes, radii], axis=1)), axis=1, keepdims=True)
    fronts, axes, radii = (tf.where(is_finite, x, tf.zeros_like(x)) for x in (fronts, axes, radii))
    return fronts, axes, radii[:, 0]


def _boxes(fronts, axes, radii):
    """Returns the lowest and highest x and y of all capsules, float64 [B * N, 2] each; empty without a radius."""
    fronts, axes, radii = (tf.cast(x, tf.float64) for x in (fronts, axes, radii[:, tf.newaxis]))
    ends = tf.stack([fronts, fronts + axes])[..., :2]
    lowest, highest = tf.reduce_min(ends, axis=0) - radii, tf.reduce_max(ends, axis=0) + radii
    return lowest, tf.where(radii > 0.0, highest, lowest - 1.0)


def _between(lowest, highest, size):
    """Returns the first pixel whose centre lies in a range, and one more than the last one, both int32."""
    first = tf.clip_by_value(tf.math.ceil(lowest - 0.5), 0, size)
    return tf.cast(first, tf.int32), tf.cast(tf.clip_by_value(tf.floor(highest - 0.5) + 1.0, 0, size), tf.int32)


def _rows(boxes, height):
    """Lists the rows in boxes, capsule * H + row, int32 [R]."""
    first, limit = _between(boxes[0][:, 1], boxes[1][:, 1], height)
    number = tf.range(tf.size(first)) * height
    return scanlines.ragged_ranges(number + first, number + limit)


def _pixels(boxes, of_rows, capsule, reach, width):
    """Lists the pixels of rows in the boxes and no farther across than they reach, place * W + column, int32 [L]."""
    _, across, _, y, reference, *_, radius, _ = tf.unstack(of_rows, axis=1)
    is_level = tf.abs(y) < _LEVEL
    y = tf.where(is_level, tf.ones_like(y), y)
    # Across is 0 in this column, and grows by y in each: no farther than the reach, and a little for rounding.
    middle, half = reference + 0.5 - across / y, tf.where(is_level, _INFINITY, tf.abs(reach * radius / y) + 1e-3)
    lowest, highest = (tf.gather(side[:, 0], capsule) for side in boxes)
    first, limit = _between(tf.maximum(lowest, middle - half), tf.minimum(highest, middle + half), width)
    number = tf.range(tf.size(capsule)) * width
    return scanlines.ragged_ranges(number + first, number + limit)


def _row_numbers(fronts, axes, radii, rows, height):
    """Returns all that the lines of a row share with each other; float64 [R, 12].

    In the picture, the pixel of a column lies along + (column - reference) * x along the axis from its front end, and
    across + (column - reference) * y beside it, where (x, y) is the axis' direction. They are along, across, x, y and
    reference, a column near the front end; the axis' length in the picture, and 1 over it or 0 for an axis seen end on;
    the axis' slope, z over length; the front's z, the axis' z; the radius; the part.
    """
    fronts, axes, radii = (tf.cast(x, tf.float64) for x in (fronts, axes, radii))
    length, per_length, direction, slope = seen(axes)
    of_capsules = tf.stack([
        fronts[:, 0], fronts[:, 1], direction[:, 0], direction[:, 1], tf.floor(fronts[:, 0]),
        length, per_length, slope, fronts[:, 2], axes[:, 2], radii,
        tf.tile(np.float64(body_parts.CAPSULE_PARTS), [tf.size(radii) // len(body_parts.CAPSULE_PARTS)])], axis=1)
    capsule = rows // height
    front_x, front_y, x, y, reference, *others = tf.unstack(tf.gather(of_capsules, capsule), axis=1)
    right, below = reference + 0.5 - front_x, tf.cast(rows - capsule * height, tf.float64) + 0.5 - front_y
    return tf.stack([right * x + below * y, right * y - below * x, x, y, reference, *others], axis=1)


def _meetings(of_rows, place, column, reaches):
    """Returns part, depth, share and ring, as `Crossings` has them, of lines by place and column, [L] each."""
    # Looked up as rows and turned over, because elementwise operations are fast on long inner axes.
    along, across, x, y, reference, length, per_length, slope, front_z, axis_z, radius, part = tf.unstack(
        tf.transpose(tf.gather(of_rows, place)))
    right = tf.cast(column, of_rows.dtype) - reference
    return tf.cast(part, tf.int32), *met(along + right * x, across + right * y, length, per_length, slope, front_z,
                                         axis_z, radius, reaches)


def met(along, across, length, per_length, slope, front_z, axis_z, radius, reaches):
    """Returns depth, share and ring, as `Crossings` has them, of numbers as `_row_numbers` names them."""
    left = (radius - across) * (radius + across)  # squared radius of the cut through the capsule beside its axis
    touched = tf.clip_by_value(along * per_length, 0.0, 1.0)
    beside = along - length * touched
    distance = (across * across + beside * beside) / (radius * radius)  # squared, in radii
    # Asked the other way round, no number at all counts as far away.
    ring = tf.add_n([tf.cast(tf.logical_not(distance < reach ** 2), tf.int32) for reach in reaches])
    # The first ball is that whose surface's slope is the axis' own; beyond the axis' ends, that of the end.
    entered = tf.clip_by_value((along - slope * tf.sqrt(tf.maximum(left, 0.0))) * per_length, 0.0, 1.0)
    beside = along - length * entered
    lift = tf.sqrt(tf.maximum(left - beside * beside, 0.0))
    is_inside = distance < 1.0
    share = tf.where(is_inside, entered, touched)
    depth_px = front_z + axis_z * share - tf.where(is_inside, lift, tf.zeros_like(lift))
    return depth_px, share, ring
