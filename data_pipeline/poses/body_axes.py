"""Up, and the camera that faces a person, told from the motion itself: rest poses lie, sit or point anywhere."""

import numpy as np

from data_pipeline.errors import DataError
from repose_tf.skeleton import JOINT_INDEX

_REST_WEIGHT, _GROUND_WEIGHT = 0.3, 0.3  # of 1 for a person who is upright in every frame
_SMALLEST = 0.05  # lengths of neck to pelvis; what is nearer has no direction
_CLEAR = 0.5  # cosine


def body_axes(joints):
    """Returns the axes of bodies [..., 19, 3], unit vectors [..., 3 (left, up, forwards), 3]; NaN where there are none.

    Up is from the pelvis to the neck, left from the right hip and shoulder to the left ones.
    """
    at = {name: joints[..., index, :] for name, index in JOINT_INDEX.items()}
    up = at['neck'] - at['pelv']
    length = np.linalg.norm(up, axis=-1, keepdims=True)
    smallest = _SMALLEST * np.max(length, initial=0)
    up = _unit(up, smallest)
    left = (at['lsho'] - at['rsho'] + at['lhip'] - at['rhip']) / 2
    left = _unit(left - up * np.sum(left * up, axis=-1, keepdims=True), smallest)
    return np.stack([left, up, np.cross(left, up)], axis=-2)


def stands(joints):
    """Says whether one body [19, 3] stands, in whatever direction: legs and spine in one line, left to its side."""
    left, up, _ = body_axes(joints)
    legs = joints[JOINT_INDEX['pelv']] - joints[[JOINT_INDEX['lank'], JOINT_INDEX['rank']]].mean(axis=0)
    return bool(np.all(np.isfinite(left)) and up @ legs > 0.8 * np.linalg.norm(legs))


def find_camera(joints, rest, where):
    """Finds the camera of a clip.

    Up is that axis of the file along which spine and thighs are over all frames, and that end of it where the neck is
    for most of the time. A rest pose that stands has a small say, and so has the ground, which stays where it is: they
    tell a person who crawls or lies for most of the clip. The camera looks horizontally at the face of the first frame
    in which the person is upright, or else at the first that has a horizontal side.

    Args:
      joints: [T, 19, 3], in the file's axes.
      rest: [19, 3], the rest pose.
      where: names the file in messages.

    Returns:
      [3, 3], camera from file; rows to the picture's right, down and away from the camera.

    Raises:
      DataError: the joints lie in a line or in a point in every frame.
    """
    axes = body_axes(joints)
    axes, joints = (array[np.isfinite(axes).all(axis=(1, 2))] for array in (axes, joints))
    if not len(axes):
        raise DataError(f'{where}: expected a person with a neck above the hips and a left and a right side, found '
                        'joints in a line or in a point in every frame.')
    up = _find_up(axes, joints, rest)
    facing = axes[:, 2] + np.cross(axes[:, 0], up)  # the chest of who lies on the side, the hips of who bows
    facing -= np.outer(facing @ up, up)
    lengths = np.linalg.norm(facing, axis=-1)
    ranks = (lengths > _CLEAR) & (axes[:, 1] @ up > _CLEAR), lengths > _CLEAR, lengths >= lengths.max()
    first = next(np.argmax(rank) for rank in ranks if rank.any())
    forwards = facing[first] / lengths[first]
    return np.stack([np.cross(up, forwards), -up, -forwards])  # a person who faces us has the left on our right


def _find_up(axes, joints, rest):
    """Returns the unit vector [3] along an axis of the file; see `find_camera`."""
    hips, knees = (joints[:, [JOINT_INDEX[f'{side}{name}'] for side in 'lr']].mean(axis=1) for name in ('hip', 'kne'))
    length = np.linalg.norm(joints[:, JOINT_INDEX['neck']] - hips, axis=-1).max()
    upwards = (axes[:, 1] + np.nan_to_num(_unit(hips - knees, _SMALLEST * length))) / 2
    of_rest = _REST_WEIGHT * body_axes(rest)[1] if stands(rest) else np.zeros(3)
    ground = np.minimum(joints.min(axis=1).std(axis=0), joints.max(axis=1).std(axis=0)) / (length / 2)
    axis = np.argmax(np.abs(upwards).mean(axis=0) + np.abs(of_rest) - np.minimum(ground, _GROUND_WEIGHT))
    return np.eye(3)[axis] * (1 if (upwards.mean(axis=0) + of_rest)[axis] >= 0 else -1)


def _unit(vectors, smallest):
    """Returns vectors [..., 3] at length 1, NaN where they are shorter than `smallest`."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths > smallest, lengths, np.nan)
