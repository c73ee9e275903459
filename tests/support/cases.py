"""Poses and volumes that the tests and the benchmarks share, so that they cannot drift apart."""

import numpy as np

from repose_tf.skeleton import BONES, JOINT_INDEX, NUM_JOINTS

# A person who stands with bent limbs, 256 px, z = 0 at the pelvis.
_STANDING_PX = {
    'neck': (128, 76, -2), 'nose': (127, 60, -18), 'lsho': (148, 84, -4), 'lelb': (164, 110, 6),
    'lwri': (172, 134, -12), 'lhip': (140, 136, 0), 'lkne': (146, 178, -10), 'lank': (148, 218, 6),
    'rsho': (108, 84, 0), 'relb': (90, 106, 8), 'rwri': (76, 128, -10), 'rhip': (116, 136, 0),
    'rkne': (112, 176, -14), 'rank': (106, 216, 8), 'leye': (131, 56, -16), 'lear': (137, 58, -6),
    'reye': (123, 56, -16), 'rear': (118, 58, -4), 'pelv': (128, 134, 0),
}
STANDING_POSE_PX = np.array([_STANDING_PX[name] for name in JOINT_INDEX], np.float32)
_CENTRE_PX = np.float32([128, 128, 0])


def rotation_matrices(rng, count, largest_angle=np.pi):
    """Random rotations about random axes by Rodrigues' formula, float64 [count, 3, 3]."""
    axis = rng.normal(size=(count, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    angle = rng.uniform(-largest_angle, largest_angle, size=(count, 1, 1))
    cross = np.cross(np.eye(3)[None], axis[:, None])  # [count, 3, 3]
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def person_poses(rng, batch, image_size=256, spread=0.12, scale=1.0):
    """People who stand, walk, wave and face anywhere: a standing person, every bone moved by itself.

    Args:
      rng: np.random.Generator.
      batch: number of poses.
      image_size: rows and columns of the image, px.
      spread: how far the directions of the bones leave the standing pose, in units of their length.
      scale: size of the person; 1 fills most of the image's height.

    Returns:
      float32 [batch, J, 3] px.
    """
    moves = np.zeros((batch, NUM_JOINTS, 3))
    for start, end in _outwards():
        bone = STANDING_POSE_PX[end] - STANDING_POSE_PX[start]
        moved = bone + spread * np.linalg.norm(bone) * rng.normal(size=(batch, 3))
        moves[:, end] = moves[:, start] + moved * np.linalg.norm(bone) / np.linalg.norm(
            moved, axis=1, keepdims=True)
    angle = rng.uniform(-np.pi, np.pi, size=batch)
    zero, one = np.zeros(batch), np.ones(batch)
    turn = np.array([[np.cos(angle), zero, np.sin(angle)], [zero, one, zero],
                     [-np.sin(angle), zero, np.cos(angle)]])
    pelvis = STANDING_POSE_PX[JOINT_INDEX['pelv']] - _CENTRE_PX
    poses = _CENTRE_PX + scale * (pelvis + np.einsum('ijb,bkj->bki', turn, moves))
    return (poses * image_size / 256).astype(np.float32)


def random_poses(rng, batch, image_size=256):
    """Joints anywhere in the image, as no person has them, float32 [batch, J, 3] px."""
    unit = rng.uniform(-0.5, 0.5, size=(batch, NUM_JOINTS, 3))
    return ((unit + [0.5, 0.5, 0.0]) * image_size).astype(np.float32)


def capsules(rng, batch, number, linear=None):
    """Capsules anywhere in a grid of about 10 voxels and beyond, the first without length, under any maps.

    Returns:
      the fields of `scanlines.Capsules`, float64.
    """
    starts, ends = (rng.uniform(-2, 11, size=(batch, number, 3)) for _ in range(2))
    ends[:, 0] = starts[:, 0]
    if linear is None:
        linear = rotation_matrices(rng, batch * number).reshape(batch, number, 3, 3)
        linear *= rng.uniform(0.3, 3.0, size=(batch, number, 1, 1))
    offset = starts - np.einsum('bnij,bnj->bni', linear, rng.uniform(0, 8, size=(batch, number, 3)))
    return starts, ends, rng.uniform(0.5, 4.0, size=(batch, number, 3)), linear, offset


def _outwards():
    """The bones as pairs of joint indices, each after the one it hangs on, from the pelvis outwards."""
    reached, rest = {JOINT_INDEX['pelv']}, [tuple(JOINT_INDEX[name] for name in bone) for bone in BONES]
    while rest:
        a, b = next(bone for bone in rest if (bone[0] in reached) != (bone[1] in reached))
        rest.remove((a, b))
        start, end = (a, b) if a in reached else (b, a)
        reached.add(end)
        yield start, end
