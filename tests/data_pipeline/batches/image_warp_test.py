"""Images are warped as TensorFlow's own op, TensorFlow Addons and OpenCV warp them, and points along with them."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.batches.image_warp import warp_images, warp_points

SIZE = 24


@pytest.fixture(scope='module')
def case():
    """Images, and warps from none to far outside."""
    rng = np.random.default_rng(8)
    images = rng.uniform(0, 255, (6, SIZE, SIZE, 4)).astype(np.float32)
    images = np.stack([cv2.GaussianBlur(image, (0, 0), 2) for image in images])
    warp = {'angle': [0, 0, 0.1, -0.1, 3.0, 1.0], 'scale': [1, 1, 0.9, 1.1, 0.3, 4],
            'shift_px': [(0, 0), (0, 0), (2, -1.5), (-2, 0.25), (40, 3), (1, 1)]}
    warp = {name: np.array(values, np.float32) for name, values in warp.items()}
    return images, {**warp, 'mirrored': np.array([0, 1, 0, 1, 0, 1], bool)}


def target_from_source(warp):
    """Returns [B, 2, 3] of pixels counted from the first one's centre, by where three points go."""
    points = np.array([[0.5, 0.5, 0], [1.5, 0.5, 0], [0.5, 1.5, 0]], np.float32)
    points = np.tile(points, (len(warp['angle']), 1, 1))
    origin, *axes = np.moveaxis(warp_points(points, np.float32(SIZE), **warp).numpy()[..., :2].astype(np.float64), 1, 0)
    return np.stack([*(axis - origin for axis in axes), origin - 0.5], axis=2)


def source_from_target(warp):
    """Returns the inverse as eight numbers, [B, 8]."""
    affine = np.pad(target_from_source(warp), ((0, 0), (0, 1), (0, 0)))
    affine[:, 2, 2] = 1
    return np.linalg.inv(affine).reshape(-1, 9)[:, :8].astype(np.float32)


def assert_smooth_agree(found, expected):
    # Where the place to read from is rounded otherwise, neighbours differ by up to 40.
    np.testing.assert_allclose(found, expected, atol=0.02)


@pytest.mark.parametrize('compiled', [False, True])
def test_agrees_with_the_op_of_tensorflow(case, compiled):
    images, warp = case
    expected = tf.raw_ops.ImageProjectiveTransformV3(
        images=images, transforms=source_from_target(warp), output_shape=[SIZE, SIZE], fill_value=0.0,
        interpolation='BILINEAR', fill_mode='NEAREST')
    warped = tf.function(warp_images, jit_compile=True) if compiled else warp_images
    assert_smooth_agree(warped(images, **warp), expected)


def test_agrees_with_tensorflow_addons(case):
    addons = pytest.importorskip('tensorflow_addons')
    images, warp = case
    expected = addons.image.transform(images, source_from_target(warp), 'bilinear', 'nearest')
    assert_smooth_agree(warp_images(images, **warp), expected)


def test_agrees_with_opencv(case):
    images, warp = case
    found = warp_images(images, **warp).numpy()
    for sample, affine in enumerate(target_from_source(warp)):
        expected = cv2.warpAffine(images[sample], affine, (SIZE, SIZE), flags=cv2.INTER_LINEAR,
                                  borderMode=cv2.BORDER_REPLICATE)
        np.testing.assert_allclose(found[sample], expected, atol=1.5)  # OpenCV rounds places to 1/32 px


def test_bytes_and_floats_are_warped_alike(case):
    images, warp = case
    pixels = np.rint(images).astype(np.uint8)
    np.testing.assert_array_equal(warp_images(pixels, **warp), warp_images(pixels.astype(np.float32), **warp))


def test_nothing_and_the_mirror_are_exact(case):
    images, warp = case
    found = warp_images(images, **warp).numpy()
    np.testing.assert_array_equal(found[0], images[0])
    np.testing.assert_array_equal(found[1], images[1, :, ::-1])
