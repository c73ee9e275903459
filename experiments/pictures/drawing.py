"""Pictures for people to look at: skeletons, grids with captions, contact sheets.

Images are uint8 [H, W, 3], RGB. Nothing here changes its arguments.
"""

import cv2
import numpy as np

from repose_tf import shapes
from repose_tf.skeleton import BONES, JOINT_INDEX, NUM_JOINTS

# RGB; the person's own left is warm, the own right is cool.
LEFT_COLOUR = (255, 140, 0)
RIGHT_COLOUR = (0, 170, 255)
MIDDLE_COLOUR = (230, 230, 230)
_OUTLINE = (20, 20, 20)
_SUBPIXEL_BITS = 4

MIN_CELL_PX = 128
_GAP_PX = 4
_CAPTION_PX = 18
_PAPER = (255, 255, 255)
_INK = (0, 0, 0)


def draw_skeleton(image, pose_px):
    """Draws a pose over an image: far bones first, left and right in different colours.

    Args:
      image: uint8 [S, S, 3], RGB.
      pose_px: float [19, 3], px of this image, z away from the camera.

    Returns:
      uint8 [S, S, 3], a new image. Joints with NaN are left out, and so are their bones.
    """
    pose_px = np.asarray(pose_px, np.float64)
    shapes.check_shape('pose to draw', pose_px, (NUM_JOINTS, 3))
    canvas = np.array(image)
    thickness = max(1, round(canvas.shape[0] / 80))
    bones = [(first, second, pose_px[[JOINT_INDEX[first], JOINT_INDEX[second]]]) for first, second in BONES]
    bones = [bone for bone in bones if np.isfinite(bone[2]).all()]
    for first, second, ends in sorted(bones, key=lambda bone: -bone[2][:, 2].mean()):
        start, end = (_subpixel(point) for point in ends[:, :2])
        # A dark rim keeps a near bone apart from what it covers.
        for colour, width in ((_OUTLINE, thickness + 2), (_bone_colour(first, second), thickness)):
            cv2.line(canvas, start, end, colour, width, cv2.LINE_AA, _SUBPIXEL_BITS)
        for point in (start, end):
            radius = (thickness + 1) << (_SUBPIXEL_BITS - 1)
            cv2.circle(canvas, point, radius, _bone_colour(first, second), cv2.FILLED, cv2.LINE_AA, _SUBPIXEL_BITS)
    return canvas


def _subpixel(point_px):
    """Converts x, y px (first pixel's centre 0.5) to OpenCV's fixed-point (first pixel's centre 0)."""
    # Far outside the image OpenCV's fixed-point numbers would overflow.
    clipped = np.clip(point_px - 0.5, -1e5, 1e5)
    return tuple(int(round(value * 2 ** _SUBPIXEL_BITS)) for value in clipped)


def _bone_colour(first, second):
    sides = {first[0], second[0]}  # names of joints with a side begin with l or r, the others do not
    return LEFT_COLOUR if 'l' in sides else RIGHT_COLOUR if 'r' in sides else MIDDLE_COLOUR


def show_size(size_px):
    """Returns the size in px at which an image is shown: the smallest multiple of its own that is at least 128."""
    return size_px * -(-MIN_CELL_PX // size_px)


def enlarge(image):
    """Repeats the pixels of a small image, uint8 [S, S, 3], until it is at least 128 px; nothing blurs."""
    factor = show_size(image.shape[0]) // image.shape[0]
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def grid(rows, headers=None, captions=None):
    """Lays images out in rows and columns.

    Args:
      rows: list of rows, each a list of uint8 [S, S, 3] images; one size, one number of columns. Small
        images are enlarged, see `enlarge`.
      headers: one text per column, above it, or None.
      captions: one text per row, above it, or None.

    Returns:
      uint8 [H, W, 3]; black text on white.
    """
    sizes = {image.shape for row in rows for image in row}
    lengths = {len(row) for row in rows} | ({len(headers)} if headers else set())
    if len(sizes) != 1 or len(lengths) != 1 or (captions and len(captions) != len(rows)):
        raise ValueError(f'grid: expected images, rows and texts that go together, found images {sizes}, '
                         f'columns {lengths}, {len(rows)} rows and {len(captions or [])} captions.')
    bands = [_text_band(headers, rows)] if headers else []
    for index, row in enumerate(rows):
        if captions:
            bands.append(_text_band([captions[index]], rows))
        gap = np.full((show_size(row[0].shape[0]), _GAP_PX, 3), _PAPER, np.uint8)
        cells = [part for image in row for part in (gap, enlarge(image))]
        bands.append(np.concatenate([*cells, gap], axis=1))
        bands.append(np.full((_GAP_PX, bands[-1].shape[1], 3), _PAPER, np.uint8))
    return np.concatenate(bands, axis=0)


def _text_band(texts, rows):
    """Returns a white strip as wide as the grid, with the texts spread over it and shrunk to fit."""
    cell = enlarge(rows[0][0]).shape[1]
    width = len(rows[0]) * (cell + _GAP_PX) + _GAP_PX
    band = np.full((_CAPTION_PX, width, 3), _PAPER, np.uint8)
    room = (width - _GAP_PX) // len(texts)
    for column, text in enumerate(texts):
        scale = 0.42
        (length, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
        scale *= min(1.0, (room - 2 * _GAP_PX) / max(length, 1))
        cv2.putText(band, text, (_GAP_PX + column * room, _CAPTION_PX - 5), cv2.FONT_HERSHEY_SIMPLEX, scale,
                    _INK, 1, cv2.LINE_AA)
    return band


def pose_picture(size_px, pose_px):
    """Draws a pose [19, 3], px of images of a size, on grey, at the size at which such images are shown."""
    shown = show_size(size_px)
    return draw_skeleton(np.full((shown, shown, 3), 96, np.uint8), np.asarray(pose_px) * shown / size_px)


def contact_sheet(samples, captions=None):
    """Shows what a model does: one row per pair.

    Args:
      samples: list of (source, target_pose_px, result, truth): uint8 [S, S, 3] images and a pose [19, 3] px.
      captions: one text per row or None.

    Returns:
      uint8 [H, W, 3] with the columns source, target pose (drawn on grey), result, truth.
    """
    rows = []
    for source, target_pose_px, result, truth in samples:
        # Drawn at the size at which it is shown: thin lines on 64 px would be unreadable.
        drawn = pose_picture(source.shape[0], target_pose_px)
        rows.append([enlarge(source), drawn, enlarge(result), enlarge(truth)])
    return grid(rows, ('source', 'pose (left orange)', 'result', 'truth'), captions)
