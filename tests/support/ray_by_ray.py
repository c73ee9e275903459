"""The surface warp done plainly, referee of the fast one: one line of sight after the other, in NumPy."""

import collections
import itertools
import math

import numpy as np

from repose_tf.skeleton import JOINT_INDEX, MIRROR_JOINTS, MIRROR_PARTS, NUM_PARTS, PART_NAMES
from repose_tf.warp import body_parts, helmert

REACHES = (1.0, 1.3, 1.7)
_HEAD = PART_NAMES.index('head')
_JOINED_PX = 1e-5  # parts that share a joint share a ball: where they differ by less, the first one is in front


def capsules(pose_px):
    """Returns (part, start, end, radius) of every capsule of a pose [J, 3] px."""
    fields = [np.float64(field[0]) for field in body_parts.capsules_px(np.float32(pose_px)[None])]
    return list(zip(body_parts.CAPSULE_PARTS, *fields, strict=True))


def entry(x, y, start, end, radius):
    """Returns the smallest z at which the line through (x, y) is inside a capsule, inf if it misses.

    Balls around both ends, and the cylinder between them, each by its own quadratic equation.
    """
    found = []
    for centre in (start, end):
        left = radius ** 2 - (x - centre[0]) ** 2 - (y - centre[1]) ** 2
        if left > 0:
            found.append(centre[2] - math.sqrt(left))
    axis = end - start
    # Away from the axis is what is left of (x, y, z) - start without its share along the axis: o + z d.
    unit = axis / max(np.linalg.norm(axis), 1e-12)
    o = np.array([x, y, 0.0]) - start
    o, d = o - unit * (o @ unit), np.array([0.0, 0.0, 1.0]) - unit * unit[2]
    a, b, c = d @ d, o @ d, o @ o - radius ** 2
    if a > 1e-12 and b * b > a * c:
        z = (-b - math.sqrt(b * b - a * c)) / a
        if 0 <= (np.array([x, y, z]) - start) @ axis <= axis @ axis:
            found.append(z)
    return min(found, default=math.inf)


def tangent(x, y, start, end):
    """Returns how near a line passes the axis of a capsule, and at which z, px."""
    flat = (end - start)[:2]
    share = np.clip((np.array([x, y]) - start[:2]) @ flat / (flat @ flat), 0, 1) if flat @ flat else 0.0
    nearest = start + share * (end - start)
    return math.hypot(x - nearest[0], y - nearest[1]), nearest[2]


def outwards(point, start, end):
    """Returns the unit vector from a capsule's axis through a point."""
    axis = end - start
    share = np.clip((point - start) @ axis / (axis @ axis), 0, 1) if axis @ axis else 0.0
    normal = point - start - share * axis
    return normal / np.linalg.norm(normal)


def pixels_beside(start, end, reach, size):
    """Returns the (row, column) of all pixels that may be within reach of a capsule's axis: those of its box."""
    lowest = np.maximum(np.floor(np.minimum(start, end) - reach), 0)[:2].astype(int)
    highest = np.ceil(np.maximum(start, end) + reach)[:2].astype(int)
    return itertools.product(*(range(lowest[axis], min(highest[axis], size[1 - axis])) for axis in (1, 0)))


def part_surfaces(pose_px, size):
    """Returns where each line of sight enters each part, [H, W, P] px."""
    result = np.full((*size, NUM_PARTS), np.inf)
    for part, *capsule in capsules(pose_px):
        for row, column in pixels_beside(*capsule, size):
            result[row, column, part] = min(result[row, column, part], entry(column + 0.5, row + 0.5, *capsule))
    return result


def layers(pose_px, size):
    """Returns the two nearest parts of every pixel: dict, (row, column) -> list of (part, ring, point, normal)."""
    all_meetings, found = collections.defaultdict(list), {}
    for part, start, end, radius in capsules(pose_px):
        for row, column in pixels_beside(start, end, REACHES[-1] * radius, size):
            x, y = column + 0.5, row + 0.5
            distance, z = tangent(x, y, start, end)
            ring = sum(distance >= reach * radius for reach in REACHES)
            if ring < len(REACHES):
                z = entry(x, y, start, end, radius) if ring == 0 else z
                point = np.array([x, y, z])
                # At a tangent point the axis is as near as it comes to the line: nearest in the picture, too.
                normal = outwards(point, start, end) if ring == 0 else _beside(point, start, end)
                all_meetings[row, column].append((ring, z, part, point, normal))
    for pixel, meetings in all_meetings.items():
        meetings = [meeting for meeting in meetings if meeting[0] == min(meeting[0] for meeting in meetings)]
        chosen = []
        while meetings and len(chosen) < 2:
            front = min(z for _, z, *_ in meetings)
            ring, _, part, point, normal = next(m for m in meetings if m[1] < front + _JOINED_PX)
            chosen.append((part, ring, point, normal))
            meetings = [meeting for meeting in meetings if meeting[2] != part]
        found[pixel] = chosen
    return found


def _beside(point, start, end):
    flat = (end - start)[:2]
    share = np.clip((point - start)[:2] @ flat / (flat @ flat), 0, 1) if flat @ flat else 0.0
    normal = point - start - share * (end - start)
    return normal / np.linalg.norm(normal)


def bilinear(size, x, y):
    """Yields (row, column, weight) of the pixels around a place inside of the picture."""
    left, top = math.floor(x - 0.5), math.floor(y - 0.5)
    for row in (top, top + 1):
        for column in (left, left + 1):
            if 0 <= row < size[0] and 0 <= column < size[1]:
                yield row, column, (1 - abs(row + 0.5 - y)) * (1 - abs(column + 0.5 - x))


def head_axes(pose_px):
    """Returns the middle of the ears, and the unit vectors up from the neck and from the right ear to the left one."""
    neck, lear, rear = (np.float64(pose_px[JOINT_INDEX[name]]) for name in ('neck', 'lear', 'rear'))
    ears = (lear + rear) / 2
    return ears, (ears - neck) / np.linalg.norm(ears - neck), (lear - rear) / np.linalg.norm(lear - rear)


def shows_a_side(pose_px):
    """Says whether a head is turned by more than 30 degrees."""
    return abs(head_axes(pose_px)[2][2]) > 0.5


def crown(pose_px, place, torso):
    """Returns where a place of a head goes that shows its crown: 0.21 torsos above the ears, shrunk, and in front."""
    ears, up, side = head_axes(pose_px)
    high, aside = (place - ears) @ up, (place - ears) @ side
    x, y, _ = ears + 0.21 * torso * up + 0.03 * high * up + 0.25 * aside * side
    return x, y, (ears + 0.21 * torso * up)[2] - torso


def surface_warp(image, source_pose_px, target_pose_px, upstream):
    """Warps one picture of one source.

    Args:
      image: [H, W, C].
      source_pose_px, target_pose_px: [J, 3] px.
      upstream: [H, W, 2, 2, C], the gradient of some loss by the values.

    Returns:
      dictionary of arrays, as `surface_warp.warp` returns it without batch and sources, and the gradient [H, W, C].
    """
    size = image.shape[:2]
    mirrored = target_pose_px[list(MIRROR_JOINTS)] * [-1, 1, 1] + [size[1], 0, 0]
    transforms = [np.float64(helmert.part_transforms(np.float32(source_pose_px)[None], np.float32(pose)[None])[0])
                  for pose in (target_pose_px, mirrored)]
    surface = part_surfaces(source_pose_px, size).min(axis=-1)
    joints = dict(zip(('rsho', 'lsho', 'rhip', 'lhip'), source_pose_px[[8, 2, 11, 5]]))
    torso = max(np.linalg.norm(joints['lsho'] - joints['rhip']), np.linalg.norm(joints['rsho'] - joints['lhip']))
    result = {name: np.zeros((*size, 2, 2)) for name in ('visible', 'facing')}
    result |= {'values': np.zeros(upstream.shape), 'depth_px': np.zeros((*size, 2)),
               'normal': np.zeros((*size, 2, 3)), **{name: np.full((*size, 2), -1) for name in ('part', 'ring')}}
    gradient = np.zeros(image.shape)
    for (row, column), chosen in layers(target_pose_px, size).items():
        for layer, (part, ring, point, normal) in enumerate(chosen):
            at = row, column, layer
            result['depth_px'][at], result['normal'][at] = point[2], normal
            result['part'][at], result['ring'][at] = part, ring
            for sample, sign in enumerate((1, -1)):
                own = part if sample == 0 else MIRROR_PARTS[part]
                matrix = transforms[sample][own]
                x, y, z = matrix[:3, :3] @ (point if sample == 0 else [size[1] - point[0], *point[1:]]) + matrix[:3, 3]
                turned = matrix[:3, :3] @ (normal * [sign, 1, 1])
                if sample == 1 and part == _HEAD and not shows_a_side(source_pose_px):
                    own = transforms[0][part]
                    x, y, z = crown(source_pose_px, own[:3, :3] @ point + own[:3, 3], torso)
                    turned = np.array([1.0, 0.0, 0.0])
                result['facing'][at][sample] = max(-turned[2] / np.linalg.norm(turned), 0)
                if 0 <= x < size[1] and 0 <= y < size[0]:
                    result['visible'][at][sample] = z <= surface[int(y), int(x)] + 0.04 * torso
                for *pixel, weight in bilinear(size, x, y):
                    result['values'][at][sample] += weight * image[tuple(pixel)]
                    gradient[tuple(pixel)] += weight * upstream[at][sample]
    return result, gradient
