"""A photo into which results are pasted, with soft edges."""

import concurrent.futures

import cv2
import numpy as np

from data_pipeline.errors import UsageError
from data_pipeline.picture_file import resized
from repose_tf.skeleton import BONES, JOINT_INDEX, joint_indices

_REACH = 0.02  # of the square's side: what is taken beyond the person, and as much again to fade
_RIM = 0.04  # of the square's side: fades towards the square's border
_STRIP_ROWS = 512  # of a mask that fit into a processor's cache, and often hold less than its whole width
_FADING_PX = 15  # reach at which the fading is computed in a shrunken mask; more of it only takes longer
_TRUNK = joint_indices('lsho', 'rsho', 'rhip', 'lhip')
_HEAD = joint_indices('nose', 'leye', 'reye', 'lear', 'rear')


class Canvas:
    """A photo into which the model's pictures of its square are pasted, with soft edges.

    The model's pixels are taken where the person now is and where they were, since only the model knows what they
    covered. All else stays the photo, at its own resolution. Only the square is computed, and of it what changes.

    Attributes:
      photo: uint8 [H, W, 3], as it is shown.
    """

    def __init__(self, source, max_side=None):
        """Prepares a photo.

        Args:
          source: `SourcePerson`.
          max_side: px; a larger photo is shrunk to it. None: it keeps its size.

        Raises:
          UsageError: the person would be too small to be seen.
        """
        lengths = source.photo.shape[1::-1]
        factor = min(1.0, (max_side or np.inf) / max(lengths))
        self._side = source.square.side * factor
        if self._side < 16:
            raise UsageError(f'--max_side: expected a photo in which the person is seen, found a square of '
                             f'{self._side:.0f} px around them.')
        size = [max(1, round(length * factor)) for length in lengths]
        self.photo = resized(source.photo, size)
        self._scale = self._side / len(source.image)  # px of the photo per px of the model
        self._corner = np.array([source.square.left, source.square.top]) * factor
        self._is_whole_px = factor == 1
        self._reach = max(1, round(self._side * _REACH))
        # What is in the square, and with all that is near enough to change it.
        self._inner = _box(self._corner, self._corner + self._side, [(0, 0), size])
        self._outer = _box(*_widened(self._inner, 3 * self._reach), [(0, 0), size])
        self._was = self._body(source.pose_px)
        if source.mask is not None:
            self._was |= np.uint8(255 * (_cut(resized(source.mask, size), self._outer) > 127))

    def pose(self, pose_px):
        """Brings a pose [19, 3] from px of the model's picture to px of the photo."""
        return pose_px * self._scale + np.append(self._corner, 0)

    def paste(self, image, alpha, pose_px):
        """Pastes a picture of the model into the photo; returns uint8 [H, W, 3].

        Args:
          image: uint8 [S, S, 3].
          alpha: float [S, S] in [0, 1], the person's share; None takes the shape of the pose.
          pose_px: [19, 3], the person in `image`.
        """
        mask = self._was.copy() if alpha is not None else self._was | self._body(pose_px)
        if alpha is not None:
            now = _cut(mask, self._inner - self._outer[0])
            cv2.max(now, self._over(np.uint8(np.round(255 * np.clip(2 * alpha, 0, 1)))), now)
        left, top, columns, rows = cv2.boundingRect(mask)
        found = self._outer[0] + [(left, top), (left + columns, top + rows)]
        box = _box(*_widened(found, 3 * self._reach), self._outer)
        seen = _box(*box, self._inner)
        weight = _cut(self._soft(_cut(mask, box - self._outer[0])), seen - box[0])
        weight *= self._rim(0, seen)
        weight *= self._rim(1, seen)[:, np.newaxis]
        pasted = self.photo.copy()
        part = _cut(pasted, seen)
        part[:] = cv2.blendLinear(_cut(self._over(image, cv2.INTER_CUBIC), seen - self._inner[0]), part, weight,
                                  1 - weight)
        return pasted

    def _over(self, image, interpolation=cv2.INTER_LINEAR):
        """Brings uint8 [S, S] or [S, S, C] over the part of the square that lies in the photo."""
        if self._is_whole_px:  # the same as below, in a tenth of the time
            large = cv2.resize(image, (round(self._side),) * 2, interpolation=interpolation)
            return _cut(large, self._inner - np.int64(self._corner))
        shift = self._corner - self._inner[0] + (self._scale - 1) / 2  # OpenCV counts from the first pixel's centre
        matrix = np.array([[self._scale, 0, shift[0]], [0, self._scale, shift[1]]])
        return cv2.warpAffine(image, matrix, self._inner[1] - self._inner[0], flags=interpolation,
                              borderMode=cv2.BORDER_REPLICATE)

    def _soft(self, mask):
        """Widens a mask, uint8 [H, W], and lets it fade; returns float32 in [0, 1]."""
        edge = 2 * self._reach  # as far as the fading reaches
        wide = cv2.copyMakeBorder(dilated(mask, self._reach), *[edge] * 4, cv2.BORDER_REFLECT_101)
        size = wide.shape[1::-1]
        factor = max(1, self._reach // _FADING_PX)
        small = np.float32(resized(wide, [length // factor for length in size])) / 255
        sigma_x, sigma_y = (self._reach / 2 * length / whole for length, whole in zip(small.shape[1::-1], size))
        return resized(cv2.GaussianBlur(small, (0, 0), sigma_x, sigmaY=sigma_y), size)[edge:-edge, edge:-edge]

    def _body(self, pose_px):
        """Returns the rough shape of a body in `_outer`, uint8 [H, W] of 0 and 255."""
        points = self.pose(np.asarray(pose_px, np.float64))[:, :2].clip(-1e4, 1e4) - self._outer[0]
        return body_shape(points, self._outer[1] - self._outer[0])

    def _rim(self, axis, box):
        """Returns 1 in the square, falling to 0 at those of its borders that lie inside of the photo, float32 [N]."""
        corner, length = self._corner[axis], self.photo.shape[1 - axis]
        at = np.arange(*box[:, axis]) + 0.5
        ends = [(at - corner) if corner > 0.5 else np.full(len(at), np.inf),
                (corner + self._side - at) if corner + self._side < length - 0.5 else np.full(len(at), np.inf)]
        return np.float32(np.clip(np.minimum(*ends) / (self._side * _RIM), 0, 1))


def body_shape(points_px, size):
    """Returns the rough shape of a body, uint8 [H, W] of 0 and 255; joints [19, 2] px of a picture of (W, H) px."""
    mask = np.zeros(size[::-1], np.uint8)
    trunk = points_px[_TRUNK]
    length = max(np.linalg.norm(trunk[0] - trunk[2]), np.linalg.norm(trunk[1] - trunk[3]), 1)
    for first, second in BONES:
        ends = np.int32(np.round(points_px[[JOINT_INDEX[first], JOINT_INDEX[second]]]))
        cv2.line(mask, tuple(map(int, ends[0])), tuple(map(int, ends[1])), 255, max(1, round(0.25 * length)))
    cv2.fillConvexPoly(mask, cv2.convexHull(np.int32(np.round(trunk))), 255)
    head = tuple(int(value) for value in points_px[_HEAD].mean(axis=0))
    cv2.circle(mask, head, max(1, round(0.28 * length)), 255, -1)
    return mask


def dilated(mask, reach):
    """Widens what is bright by a disc, as cv2.dilate does with an ellipse of 2 * reach + 1 px.

    A disc is a pile of rows. From the outermost row inwards, what there is grows by one px up and down, and the next,
    wider row is added: each px is touched some `reach` times, not `reach` squared.

    Args:
      mask: uint8 [H, W].
      reach: px, at least 1.

    Returns:
      uint8 [H, W].
    """
    wide = np.zeros_like(mask)

    def widen(start):
        first = max(0, start - reach)
        near = mask[first:start + _STRIP_ROWS + reach]
        left, _, columns, _ = cv2.boundingRect(near)
        around = slice(max(0, left - reach), left + columns + reach)
        strip = wide[start:start + _STRIP_ROWS, around]
        strip[:] = _dilated(near[:, around], reach)[start - first:][:len(strip)]

    with concurrent.futures.ThreadPoolExecutor() as pool:  # OpenCV lets other threads run meanwhile
        list(pool.map(widen, range(0, len(mask), _STRIP_ROWS)))
    return wide


def _dilated(mask, reach):
    """Does what `dilated` does, in one piece."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    line = cv2.copyMakeBorder(mask, reach, reach, 0, 0, cv2.BORDER_CONSTANT)  # the mask, widened as far as a row is
    wide, width = line, 0
    for step, row in enumerate(disc[:reach + 1]):
        if step:
            wide = cv2.max(cv2.max(wide[:-2], wide[1:-1]), wide[2:])
        more = int(row.sum()) // 2 - width
        if more:
            line = cv2.dilate(line, np.ones((1, 2 * more + 1), np.uint8))
            wide = cv2.max(wide, line[step:len(line) - step])
            width += more
    return wide


def _box(first, stop, within):
    """Returns whole px [2, 2], first and behind the last, each x and y, of what is between two points and in a box."""
    return np.stack([np.maximum(np.floor(first), within[0]), np.minimum(np.ceil(stop), within[1])]).astype(int)


def _widened(box, reach):
    return box + [[-reach], [reach]]


def _cut(image, box):
    """Returns the part of an image that lies in a box, as a view."""
    (left, top), (right, bottom) = box
    return image[top:bottom, left:right]
