"""Checks of what a request holds: a page in a browser may still hold what another model took."""

import numpy as np

from data_pipeline.poses.pose_file import is_far_outside
from experiments.demo_page.uploads import RequestError
from repose_tf.skeleton import NUM_JOINTS


def check_pose(pose_px, size):
    """Raises RequestError for what is no pose [19, 3], px, in or near a picture of a size."""
    if not isinstance(pose_px, np.ndarray) or pose_px.shape != (NUM_JOINTS, 3) or pose_px.dtype.kind not in 'fiu':
        raise RequestError(f'Expected a pose of {NUM_JOINTS} joints (x, y, z), found {described(pose_px)}.')
    if not np.isfinite(pose_px).all():
        raise RequestError('Expected a pose of finite numbers, found one with others.')
    if is_far_outside(pose_px, size):
        raise RequestError('Expected a pose in the picture, found joints far outside of it.')


def is_picture(value, shape):
    """Says whether a value is an image, uint8, of a shape."""
    return isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.shape == shape


def described(value):
    """Returns what a value is, for messages."""
    return f'{value.dtype} {list(value.shape)}' if isinstance(value, np.ndarray) else type(value).__name__


def number(name, value, least, most):
    """Returns a value as a float; raises RequestError for what is no number from `least` to `most`."""
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:
        raise RequestError(f'{name}: expected a number from {least:g} to {most:g}, found {str(value)[:40]!r}.')
    return float(value)
