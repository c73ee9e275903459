"""Batched 7-parameter Helmert fits of the body parts between two poses (paper section 3.1).

A similarity x' = s R x + t is fitted per part by least squares over a few points. It maps points of
the target pose to points of the source pose, because the warp looks up its values there. R is always
a proper rotation.

A limb has only two joints, so its third point stands off the bone, along the normal of the plane
through the bone and a third joint. In a straight limb that plane does not exist. There the roll about
the bone comes from the torso: the limb turns with the torso and then swings onto its bone by the
smallest rotation. Between the two angles below (measured by the sine, in the straighter of the two
poses) the fit passes smoothly from the one to the other.
"""

import math

import tensorflow as tf

from repose_tf import rotations
from repose_tf.shapes import check_pose, check_same_batch
from repose_tf.skeleton import HEAD_JOINTS, LIMB_FIT_JOINTS, TORSO_JOINTS, joint_indices

_STRAIGHT_SINE = math.sin(math.radians(5.0))
_BENT_SINE = math.sin(math.radians(15.0))


def part_transforms(source_pose_px, target_pose_px):
    """Fits every body part.

    Args:
      source_pose_px: [B, J, 3] joints in the source image, px.
      target_pose_px: [B, J, 3] joints in the target image, px.

    Returns:
      source_from_target: [B, P, 4, 4] float32 homogeneous matrices, px. No gradient flows to the poses.
      Points that all coincide give the identity rotation and scale 1.
    """
    check_pose('source_pose_px', source_pose_px)
    check_pose('target_pose_px', target_pose_px)
    check_same_batch(source_pose_px=source_pose_px, target_pose_px=target_pose_px)
    # float64: the points of a fit are few, and small angles between them decide.
    source = tf.cast(tf.stop_gradient(source_pose_px), tf.float64)
    target = tf.cast(tf.stop_gradient(target_pose_px), tf.float64)

    torso, torso_quaternion = _fit_joints(source, target, TORSO_JOINTS)
    head, _ = _fit_joints(source, target, HEAD_JOINTS)
    limbs = _fit_limbs(source, target, torso_quaternion)
    return tf.cast(tf.concat([torso, head, limbs], axis=1), tf.float32)


def _fit_joints(source, target, names):
    """Fits one rigid group of joints: [B, J, 3] twice -> [B, 1, 4, 4], quaternion [B, 1, 4]."""
    indices = joint_indices(*names)
    source = tf.gather(source, indices, axis=1)[:, tf.newaxis]  # [B, 1, N, 3]
    target = tf.gather(target, indices, axis=1)[:, tf.newaxis]
    source_centre = tf.reduce_mean(source, axis=2)
    target_centre = tf.reduce_mean(target, axis=2)
    source -= source_centre[:, :, tf.newaxis]
    target -= target_centre[:, :, tf.newaxis]
    quaternion = rotations.best_rotation(tf.einsum('bpni,bpnj->bpij', target, source))
    scale = _scale(source, target, quaternion)
    return _similarity(scale, quaternion, source_centre, target_centre), quaternion


def _scale(source, target, quaternion):
    """Least-squares scale of centred points [B, P, N, 3] under a rotation [B, P, 4]; 1 if they coincide."""
    rotated = tf.einsum('bpij,bpnj->bpni', rotations.matrix_from_quaternion(quaternion), target)
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


class _Limbs:
    """The eight limbs of one pose, all [B, 8, ...]: bone a -> b, unit normal, length to the third joint."""

    def __init__(self, pose):
        names = zip(*LIMB_FIT_JOINTS, strict=True)
        a, b, c = (tf.gather(pose, joint_indices(*column), axis=1) for column in names)
        bone, other = b - a, c - b
        cross = tf.linalg.cross(bone, other)
        self.a, self.bone = a, bone
        self.direction = rotations.normalized(bone)
        self.normal = rotations.normalized(cross)
        self.reach = tf.norm(other, axis=-1, keepdims=True)
        self.sine = tf.math.divide_no_nan(
            tf.norm(cross, axis=-1), tf.norm(bone, axis=-1) * self.reach[..., 0])

    def points(self, bent):
        """Centred points [B, 8, 3, 3] of the fit and their centre [B, 8, 3].

        The centre's offset along the normal fades with `bent` [B, 8], as the normal loses its meaning.
        """
        tip = self.normal * self.reach
        points = tf.stack([tf.zeros_like(self.bone), self.bone, self.bone + tip], axis=2)
        points -= tf.reduce_mean(points, axis=2, keepdims=True)
        centre = self.a + (2.0 * self.bone + tip * bent[..., tf.newaxis]) / 3.0
        return points, centre


def _bentness(source, target):
    """1 where both poses of a limb have a clear plane, 0 where one is straight, smooth between; [B, 8]."""
    sine = tf.minimum(source.sine, target.sine)
    x = tf.clip_by_value((sine - _STRAIGHT_SINE) / (_BENT_SINE - _STRAIGHT_SINE), 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def _fit_limbs(source_pose, target_pose, torso_quaternion):
    """Fits the eight limbs: poses [B, J, 3], torso rotation [B, 1, 4] -> [B, 8, 4, 4]."""
    source, target = _Limbs(source_pose), _Limbs(target_pose)
    bent = _bentness(source, target)
    source_points, source_centre = source.points(bent)
    target_points, target_centre = target.points(bent)
    covariance = tf.einsum('bpni,bpnj->bpij', target_points, source_points)
    bent_quaternion = rotations.best_rotation(covariance)

    torso_quaternion = torso_quaternion + tf.zeros_like(bent_quaternion)
    torso_matrix = rotations.matrix_from_quaternion(torso_quaternion)
    carried = tf.linalg.matvec(torso_matrix, target.direction)
    straight_quaternion = rotations.multiply(
        rotations.swing(carried, source.direction, _torso_front(source_pose)), torso_quaternion)

    quaternion = rotations.blend(bent_quaternion, straight_quaternion, bent)
    straight_scale = tf.math.divide_no_nan(
        _pair_product(source, target), _pair_product(target, target))
    straight_scale = tf.where(straight_scale > 0.0, straight_scale, tf.ones_like(straight_scale))
    bent_scale = _scale(source_points, target_points, bent_quaternion)
    scale = bent * bent_scale + (1.0 - bent) * straight_scale
    return _similarity(scale, quaternion, source_centre, target_centre)


def _pair_product(one, other):
    """Sum over bone and reach of the products of their lengths, [B, 8]: the scale once the axes agree."""
    bones = tf.norm(one.bone, axis=-1) * tf.norm(other.bone, axis=-1)
    return bones + one.reach[..., 0] * other.reach[..., 0]


def _torso_front(pose):
    """The direction across shoulders and spine, [B, 8, 3]: arms that swing by half a turn move sideways."""
    left, right, neck, pelvis = (
        tf.gather(pose, joint_indices(name), axis=1) for name in ('lsho', 'rsho', 'neck', 'pelv'))
    front = rotations.normalized(tf.linalg.cross(left - right, pelvis - neck))
    return tf.repeat(front, len(LIMB_FIT_JOINTS), axis=1)
