"""Checks of what strangers ask a served model for: each ends in an `InvalidArgumentError` that names the argument."""

import tensorflow as tf

# Farther from the picture than this many of its sides there is no person of whom anything would be seen.
MAX_POSE_SIDES = 4


def checked(limits, size, source_image, source_pose, target_pose):
    """Returns the three behind their checks: the model starts only when all of them are in order.

    Args:
      limits: `RequestLimits`.
      size: S, rows and columns of the pictures, px.
      source_image, source_pose, target_pose: as of the signatures of `ServedModel`.
    """
    checks = batch_checks(limits, source_image, source_pose, target_pose)
    checks += [_pose_check(size, 'source_pose', source_pose), _pose_check(size, 'target_pose', target_pose)]
    with tf.control_dependencies(checks):
        return [tf.identity(tensor) for tensor in (source_image, source_pose, target_pose)]


def sources_checked(limits, size, num_sources, source_images, source_poses, source_masks, source_count, target_pose):
    """Returns the last five behind their checks; padding may hold anything, its poses become that of the first photo.

    Args:
      limits, size: as for `checked`.
      num_sources: the most photos of a person.
      source_images, source_poses, source_masks, source_count, target_pose: as of `ServedModel.repose_sources`.
    """
    given = (source_images, source_poses, source_masks, source_count, target_pose)
    batch, photos = (tf.shape(source_images)[axis] for axis in (0, 1))
    batches = [tf.shape(tensor)[0] for tensor in (source_masks, source_count)]
    each = [tf.shape(tensor)[1] for tensor in (source_poses, source_masks)]
    checks = batch_checks(limits, source_images, source_poses, target_pose)
    checks += [
        tf.debugging.Assert(tf.reduce_all(tf.equal(batch, batches)), [
            'source_masks, source_count: expected as many as there are people, found people, masks, counts:',
            batch, *batches]),
        tf.debugging.Assert((photos >= 1) & (photos <= num_sources), [
            f'source_images: expected 1 to {num_sources} photos of a person, found:', photos]),
        tf.debugging.Assert(tf.reduce_all(tf.equal(photos, each)), [
            'source_poses, source_masks: expected one for each photo, found photos, poses, masks:', photos, *each])]
    with tf.control_dependencies(checks):
        source_images, source_poses, source_masks, source_count, target_pose = map(tf.identity, given)
    is_photo = (tf.range(photos) < source_count[:, tf.newaxis])[..., tf.newaxis, tf.newaxis]
    source_poses = tf.where(is_photo, source_poses, source_poses[:, :1])
    checks = [
        tf.debugging.Assert(tf.reduce_all((source_count >= 1) & (source_count <= photos)), [
            'source_count: expected 1 to so many as there are photos:', photos, 'found:', source_count]),
        _pose_check(size, 'source_poses', source_poses), _pose_check(size, 'target_pose', target_pose)]
    with tf.control_dependencies(checks):
        return [tf.identity(x) for x in (source_images, source_poses, source_masks, source_count, target_pose)]


def batch_checks(limits, source, source_pose, target_pose):
    """Returns the checks of how many samples and targets there are."""
    batch, shape = tf.shape(source)[0], tf.shape(target_pose)
    checks = [
        tf.debugging.Assert((batch >= 1) & (batch <= limits.max_batch), [
            f'expected 1 to {limits.max_batch} pictures in a request, found:', batch]),
        tf.debugging.Assert(tf.equal(batch, tf.shape(source_pose)[0]) & tf.equal(batch, shape[0]), [
            'expected as many source poses and target poses as pictures, found pictures, source poses, target poses:',
            batch, tf.shape(source_pose)[0], shape[0]])]
    if len(target_pose.shape) == 4:
        checks.append(tf.debugging.Assert((shape[1] >= 1) & (shape[0] * shape[1] <= limits.max_targets), [
            f'target_pose: expected 1 to {limits.max_targets} targets in a request, found its shape:', shape]))
    return checks


def _pose_check(size, name, pose):
    bound = MAX_POSE_SIDES * size
    # A comparison with NaN is false.
    return tf.debugging.Assert(tf.reduce_all(tf.abs(pose) <= bound), [
        f'{name}: expected finite numbers up to {bound} px, {MAX_POSE_SIDES} times the side of the picture, '
        'found numbers up to:', tf.reduce_max(tf.abs(pose))])
