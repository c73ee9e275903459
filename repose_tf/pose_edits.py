"""Changes a pose [19, 3] px as a person would: turning, bending, dragging a joint, somebody else's proportions.

x right, y down, z away from the camera, see repose_tf/coordinates.py. All of these keep the length of every bone, but
for `with_proportions`, which is there to change them.
"""

import numpy as np

from repose_tf.skeleton import BONES, JOINT_INDEX, joint_indices

_PELVIS = JOINT_INDEX['pelv']
_LEGS = joint_indices('lhip', 'lkne', 'lank', 'rhip', 'rkne', 'rank', 'pelv')
_ANKLES = joint_indices('lank', 'rank')
_SHORTEST_PX = 1e-6  # below it a direction means nothing


def _swings():
    head, arm, leg = ('nose', 'leye', 'lear', 'reye', 'rear'), ('sho', 'elb', 'wri'), ('hip', 'kne', 'ank')
    arms, legs = ([side + name for side in 'lr' for name in limb] for limb in (arm, leg))
    swings = {'neck': ('pelv', ('neck', *head, *arms)), **{name: ('neck', head) for name in head}}
    for side in 'lr':
        # Both shoulders turn as one, and so do both hips: chest and pelvis have no joint between them.
        swings |= {f'{side}sho': ('neck', tuple(arms)), f'{side}hip': ('pelv', tuple(legs))}
        for limb in (arm, leg):
            names = [side + name for name in limb]
            swings |= {names[at]: (names[at - 1], tuple(names[at:])) for at in (1, 2)}
    return swings


# Per joint but the pelvis, which carries everybody: the joint about which it swings, and all that moves with it.
SWINGS = _swings()


def turned(pose_px, angle):
    """Turns a person about the vertical through the pelvis, radians; from facing us towards the picture's right."""
    return rotated(pose_px, slice(None), pose_px[_PELVIS], (0, -1, 0), angle)


def bent(pose_px, angle):
    """Bends what is above the pelvis, radians; forwards where it is positive, as the person sees it."""
    upper = np.setdiff1d(np.arange(len(pose_px)), _LEGS)
    left, right = pose_px[joint_indices('lhip', 'rhip')]
    return rotated(pose_px, upper, pose_px[_PELVIS], right - left, -angle)


def arm_raised(pose_px, side, angle):
    """Swings the whole arm about the shoulder in the plane of the chest, radians; positive away from the body.

    Args:
      pose_px: [19, 3].
      side: 'l' or 'r', the person's own.
      angle: 0 leaves it as it is.
    """
    left, right, neck = pose_px[joint_indices('lsho', 'rsho', 'neck')]
    forwards = np.cross(left - right, neck - pose_px[_PELVIS])
    arm = joint_indices(f'{side}elb', f'{side}wri')
    return rotated(pose_px, arm, pose_px[JOINT_INDEX[f'{side}sho']], forwards, angle if side == 'l' else -angle)


def dragged(pose_px, joint, place_px):
    """Puts a joint at a place of the picture, as far as its bone reaches; what hangs from it moves along.

    The limb turns in 3D about the joint it hangs from (SWINGS): a place nearer than the bone is long makes it point out
    of the picture, on the side of the picture's plane on which it was, towards us where it was in the plane. The pelvis
    takes the whole person with it.

    Args:
      pose_px: [19, 3].
      joint: its name.
      place_px: x, y.
    """
    pose_px, place_px = np.asarray(pose_px, np.float64), np.asarray(place_px, np.float64)
    if joint == 'pelv':
        return (pose_px + [*(place_px - pose_px[_PELVIS, :2]), 0]).astype(np.float32)
    pivot_px, bone_px = _bone(pose_px, joint)
    across_px = place_px - pivot_px[:2]
    depth_px = np.sqrt(max(0.0, bone_px @ bone_px - across_px @ across_px))
    return _pointed(pose_px, joint, [*across_px, depth_px if bone_px[2] > 0 else -depth_px])


def tilted(pose_px, joint, angle):
    """Tilts the bone that ends in a joint against the picture, keeping its direction in the picture.

    Args:
      pose_px: [19, 3].
      joint: its name, not the pelvis.
      angle: of the bone and the picture's plane, radians in [-pi / 2, pi / 2]; positive away from the camera.
    """
    _, bone_px = _bone(np.asarray(pose_px, np.float64), joint)
    across_px = bone_px[:2] if np.linalg.norm(bone_px[:2]) > _SHORTEST_PX else np.array([0.0, 1.0])
    across_px = across_px / np.linalg.norm(across_px)
    return _pointed(pose_px, joint, [*(np.cos(angle) * across_px), np.sin(angle)])


def with_proportions(pose_px, body_px):
    """Gives a pose the bones of another body, and puts it on that one's ground.

    Args:
      pose_px: [19, 3], the pose; its picture may be of any size.
      body_px: [19, 3], a pose of the person who shall take it.

    Returns:
      [19, 3] px of the body's picture: every bone points as in `pose_px` and is as long as in `body_px`; the pelvis is
      left or right where the body's is, and the lower ankle as low as the body's.
    """
    pose_px, body_px = np.asarray(pose_px, np.float64), np.asarray(body_px, np.float64)
    result = np.zeros_like(pose_px)
    for first, second in BONES:  # parents come first, the neck is the root
        parent, child = JOINT_INDEX[first], JOINT_INDEX[second]
        direction = pose_px[child] - pose_px[parent]
        length = np.linalg.norm(direction)
        own = np.linalg.norm(body_px[child] - body_px[parent])
        result[child] = result[parent] + direction * (own / max(length, _SHORTEST_PX))
    ground = body_px[_ANKLES, 1].max() - result[_ANKLES, 1].max()
    shift = [body_px[_PELVIS, 0] - result[_PELVIS, 0], ground, -result[_PELVIS, 2]]
    return (result + shift).astype(np.float32)


def rotated(pose_px, chosen, centre_px, axis, angle):
    """Rotates some joints about an axis through a point, by the right-hand rule in (x, y, z)."""
    result = np.array(pose_px, np.float64)
    axis = np.asarray(axis, np.float64)
    length = np.linalg.norm(axis)
    if length < _SHORTEST_PX:  # shoulders in one point: no plane to swing in
        return result.astype(np.float32)
    axis = axis / length
    points = result[chosen] - centre_px
    along = (points @ axis)[..., np.newaxis] * axis
    result[chosen] = centre_px + along + np.cos(angle) * (points - along) + np.sin(angle) * np.cross(axis, points)
    return result.astype(np.float32)


def _bone(pose_px, joint):
    """Returns the place of the joint about which a joint swings, and the way from there, each [3]."""
    pivot_px = pose_px[JOINT_INDEX[SWINGS[joint][0]]]
    return pivot_px, pose_px[JOINT_INDEX[joint]] - pivot_px


def _pointed(pose_px, joint, direction):
    """Makes the bone that ends in a joint point in a direction, of any length, by the shortest turn."""
    pivot_px, bone_px = _bone(np.asarray(pose_px, np.float64), joint)
    axis, along = np.cross(bone_px, direction), np.dot(bone_px, direction)
    if along < 0 and np.linalg.norm(axis) < _SHORTEST_PX * -along:  # right round: any axis across the bone
        axis = np.cross(bone_px, np.eye(3)[np.argmin(np.abs(bone_px))])
        angle = np.pi
    else:
        angle = np.arctan2(np.linalg.norm(axis), along)
    return rotated(pose_px, joint_indices(*SWINGS[joint][1]), pivot_px, axis, angle)
