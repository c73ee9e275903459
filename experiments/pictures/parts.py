"""Pictures of the model's parts: body parts in the photo, and volumes of features seen from the front.

Images are uint8 [H, W, 3], RGB.
"""

import cv2
import numpy as np

from experiments.pictures import drawing
from repose_tf.skeleton import NUM_PARTS

_COVER = 0.6  # how much of the photo a part's colour covers


def of_parts(source_image, found):
    """Draws what `EncodedPerson.parts` returns.

    Args:
      source_image: [S, S, 3].
      found: its dictionary.

    Returns:
      list of (caption, image), images of the size at which they are shown.
    """
    size = drawing.show_size(len(source_image))
    grid = found['grid']
    alpha = np.uint8(np.round(255 * found['foreground_alpha']))
    return [
        ('The ten body parts in the photo', parts_over(drawing.enlarge(source_image), found['masks'], grid)),
        ('Features lifted from the photo', depth_projection(found['source_volume'], grid, size)),
        ('The same, warped into the pose', depth_projection(found['warped_volume'], grid, size)),
        ('The person drawn from them', drawing.enlarge(found['foreground'])),
        ('Where the person covers', drawing.enlarge(np.repeat(alpha[..., np.newaxis], 3, axis=-1))),
        ('The background, filled in', drawing.enlarge(found['background'])),
    ]


def part_colours():
    """Returns a colour for every part, uint8 [10, 3]."""
    hues = np.arange(NUM_PARTS) * 180 // NUM_PARTS
    pixels = np.stack([hues, np.full(NUM_PARTS, 200), np.full(NUM_PARTS, 255)], axis=-1).astype(np.uint8)
    return cv2.cvtColor(pixels[np.newaxis], cv2.COLOR_HSV2RGB)[0]


def parts_over(image, masks, grid):
    """Colours the body parts in a photo [N, N, 3]; where several lie behind each other, it is their mean colour.

    The masks are [H, W, D, 10] 0 or 1, of the volume with this `VolumeGrid` over the photo. Returns [N, N, 3].
    """
    seen = _over_image(masks.max(axis=2), grid, len(image))  # [N, N, 10]
    count = seen.sum(axis=-1, keepdims=True)
    colour = seen @ part_colours().astype(np.float32) / np.maximum(count, 1e-6)
    cover = _COVER * np.minimum(count, 1)
    return np.uint8(np.round(image * (1 - cover) + colour * cover))


def depth_projection(volume, grid, size):
    """Shows a volume of features, [H, W, D, C] float of a `VolumeGrid`, from the front; returns [size, size, 3].

    Brightness is the strongest activity along the line of sight; the strongest fiftieth is fully bright, as single
    cells may stand far out. Colour is its depth: near red, far blue.
    """
    activity = np.linalg.norm(volume, axis=-1)  # [H, W, D]
    # The map's ends are nearly black: they are left out.
    nearness = 1 - activity.argmax(axis=2) / (activity.shape[2] - 1)
    strength = activity.max(axis=2)
    strength = np.minimum(strength / max(np.quantile(strength, 0.98), 1e-12), 1)
    colours = cv2.applyColorMap(np.uint8(30 + 200 * nearness), cv2.COLORMAP_TURBO)[..., ::-1]
    shown = _over_image(colours * strength[..., np.newaxis], grid, size)
    return np.uint8(np.clip(np.round(shown), 0, 255))


def _over_image(cells, grid, size):
    """Brings a grid's cells [H, W, C] over an image of [size, size, C]; outside they repeat their edge."""
    at_px = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(grid.image_size / size)
    x_px, y_px = np.meshgrid(at_px, at_px)
    rows, columns, _ = np.moveaxis(grid.vox_from_px(np.stack([x_px, y_px, np.zeros_like(x_px)], axis=-1)), -1, 0)
    layers = [cv2.remap(np.float32(cells[..., channel]), columns, rows, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
              for channel in range(cells.shape[-1])]
    return np.stack(layers, axis=-1)
