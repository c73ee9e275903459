"""7-parameter Helmert fits of the body parts between two poses (paper section 3.1).

For each part a similarity x' = s R x + t is fitted by least squares over a few points. It maps points of the target
pose to points of the source pose, because that is where the warp looks up its values. R is a proper rotation, never a
reflection. Example: for a source person twice as large as the target person, all s are 2.

A limb has only two joints, a and b. Its third point stands at b, off the bone, along the normal of the plane through
the bone and a third joint c (for an upper arm: shoulder, elbow, wrist). A straight limb has no such plane. There the
roll about the bone comes from the torso: the limb turns with the torso and then swings onto its bone by the smallest
rotation. Between bends of 5 and 15 degrees, in the straighter of the two poses, the fit passes smoothly from the one to
the other.
"""

import math

import tensorflow as tf

from repose_tf.shapes import check_pose, check_same_batch
from repose_tf.skeleton import HEAD_JOINTS, LIMB_FIT_JOINTS, TORSO_JOINTS, joint_indices
from repose_tf.warp import rotations

_STRAIGHT_SINE = math.sin(math.radians(5.0))
_BENT_SINE = math.sin(math.radians(15.0))


def part_transforms(source_pose_px, target_pose_px, dtype=tf.float64):
    """Fits a similarity for every body part.

    Args:
      source_pose_px, target_pose_px: [B, J, 3] joints, px, each in its own image.
      dtype: of the arithmetic.

    Returns:
      source_from_target: [B, P, 4, 4] float32 homogeneous matrices, px. No gradient flows to the poses.
      Points that all coincide give the identity rotation and scale 1.

    Raises:
      ShapeError: if a pose is not [B, J, 3] or the batches differ.
    """
    check_pose('source_pose_px', source_pose_px)
    check_pose('target_pose_px', target_pose_px)
    check_same_batch(source_pose_px=source_pose_px, target_pose_px=target_pose_px)
    # float64: the points of a fit are few, and small angles between them decide. Both poses in one tensor.
    poses = tf.cast(tf.stop_gradient(tf.stack([source_pose_px, target_pose_px])), dtype)  # [2, B, J, 3]
    limbs = _Limbs(poses)
    source_points, target_points = tf.unstack(_points(poses, limbs))
    source_centres, target_centres = tf.unstack(_centres(poses, limbs))
    quaternions = rotations.best_rotation(tf.einsum('bpni,bpnj->bpij', target_points, source_points))
    scales = _scales(source_points, target_points, quaternions)

    straight_quaternions, straight_scales = _fit_straight_limbs(poses[0], limbs, quaternions[:, :1])
    bent = limbs.bent
    quaternions = tf.concat(
        [quaternions[:, :2], rotations.blend(quaternions[:, 2:], straight_quaternions, bent)], axis=1)
    scales = tf.concat([scales[:, :2], bent * scales[:, 2:] + (1.0 - bent) * straight_scales], axis=1)
    return tf.cast(_similarity(scales, quaternions, source_centres, target_centres), tf.float32)


class _Limbs:
    """The eight limbs of both poses, source and target.

    Attributes:
      a, bone, tip: [2, B, 8, 3] the joint a, the vector from a to b, and from b to the third point, as long as b to c.
      bone_length, reach: [2, B, 8] the distances from a to b and from b to c.
      bent: [B, 8] 1 where the limb is clearly bent in both poses, 0 where it is straight in one, smooth between.
    """

    def __init__(self, poses):
        names = zip(*LIMB_FIT_JOINTS, strict=True)
        a, b, c = (tf.gather(poses, joint_indices(*column), axis=2) for column in names)
        self.a, self.bone = a, b - a
        cross = rotations.cross(self.bone, c - b)
        area, self.bone_length, self.reach = tf.unstack(tf.norm(tf.stack([cross, self.bone, c - b]), axis=-1))
        self.tip = cross * tf.math.divide_no_nan(self.reach, area)[..., tf.newaxis]
        sine = tf.reduce_min(tf.math.divide_no_nan(area, self.bone_length * self.reach), axis=0)
        x = tf.clip_by_value((sine - _STRAIGHT_SINE) / (_BENT_SINE - _STRAIGHT_SINE), 0.0, 1.0)
        self.bent = x * x * (3.0 - 2.0 * x)


def _points(poses, limbs):
    """Returns the points of all fits relative to their centres, [2, B, P, N, 3].

    N is the head's number of points. Other parts are filled up with their centre, 0, which adds nothing to any sum.
    """
    joints = [tf.gather(poses, joint_indices(*names), axis=2)[:, :, tf.newaxis]
              for names in (TORSO_JOINTS, HEAD_JOINTS)]
    limb_joints = tf.stack([tf.zeros_like(limbs.bone), limbs.bone, limbs.bone + limbs.tip], axis=3)
    points = [part - tf.reduce_mean(part, axis=3, keepdims=True) for part in (*joints, limb_joints)]
    return tf.concat([tf.pad(part, [[0, 0]] * 3 + [[0, len(HEAD_JOINTS) - part.shape[3]], [0, 0]])
                      for part in points], axis=2)


def _centres(poses, limbs):
    """Returns the points that the fits bring onto each other, [2, B, P, 3].

    A limb's offset along the normal fades as it straightens, because the normal loses its meaning.
    """
    joints = [tf.reduce_mean(tf.gather(poses, joint_indices(*names), axis=2), axis=2, keepdims=True)
              for names in (TORSO_JOINTS, HEAD_JOINTS)]
    limb = limbs.a + (2.0 * limbs.bone + limbs.tip * limbs.bent[..., tf.newaxis]) / 3.0
    return tf.concat([*joints, limb], axis=2)


def _scales(source, target, quaternions):
    """Least-squares scales of centred points [B, P, N, 3] under rotations [B, P, 4]; 1 if they coincide."""
    rotated = tf.einsum('bpij,bpnj->bpni', rotations.matrix_from_quaternion(quaternions), target)
    extent = tf.reduce_sum(target * target, axis=[2, 3])
    fitted = tf.math.divide_no_nan(tf.reduce_sum(source * rotated, axis=[2, 3]), extent)
    return tf.where(extent < 1e-9, tf.ones_like(extent), fitted)


def _similarity(scale, quaternion, source_centre, target_centre):
    """Assembles [B, P, 4, 4] from scale [B, P], rotation [B, P, 4] and corresponding centres [B, P, 3]."""
    linear = scale[..., tf.newaxis, tf.newaxis] * rotations.matrix_from_quaternion(quaternion)
    translation = source_centre - tf.linalg.matvec(linear, target_centre)
    upper = tf.concat([linear, translation[..., tf.newaxis]], axis=-1)
    last = tf.broadcast_to(tf.constant([[0.0, 0.0, 0.0, 1.0]], upper.dtype), tf.shape(upper[..., :1, :]))
    return tf.concat([upper, last], axis=-2)


def _fit_straight_limbs(source_pose, limbs, torso_quaternion):
    """Fits limbs [B, 8] as if straight: they turn with the torso, then swing onto their bones; rotations and scales."""
    source, target = tf.unstack(rotations.normalized(limbs.bone))
    carried = tf.linalg.matvec(rotations.matrix_from_quaternion(torso_quaternion), target)
    swing = rotations.swing(carried, source, _torso_front(source_pose))
    bones, reaches = tf.unstack(limbs.bone_length), tf.unstack(limbs.reach)
    scale = tf.math.divide_no_nan(bones[0] * bones[1] + reaches[0] * reaches[1],
                                  bones[1] * bones[1] + reaches[1] * reaches[1])
    return rotations.multiply(swing, torso_quaternion), tf.where(scale > 0.0, scale, tf.ones_like(scale))


def _torso_front(pose):
    """Returns the direction across shoulders and spine, [B, 1, 3]: about it arms swing sideways by half a turn."""
    left, right, neck, pelvis = (
        tf.gather(pose, joint_indices(name), axis=1) for name in ('lsho', 'rsho', 'neck', 'pelv'))
    return rotations.normalized(rotations.cross(left - right, pelvis - neck))
