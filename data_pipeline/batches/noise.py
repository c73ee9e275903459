"""Noise of estimators and cameras for training: on poses, on the source's mask, on pictures, and other backgrounds.

Not in the paper. Like `augment`, it is batched and stateless, without loops over samples or branches, and runs inside
the train step; a sample's noise depends on the seed and on its row in the larger batch.
"""

import tensorflow as tf

from data_pipeline.annotation.error_chains import TORSO_MM
from data_pipeline.batches import backgrounds, photo_noise, pose_noise
from data_pipeline.batches.augment import fused
from data_pipeline.batches.smooth_maps import box_blurred, enlarged
from repose_tf.skeleton import JOINT_INDEX, NUM_JOINTS

_EDGE_CELLS = 8  # a row: about in each of them the edge of a mask is moved alike
_NUM_SEEDS = 7


def disturb(batch, seed, settings, first_row=0, num_rows=None):
    """Adds the noise that the settings ask for.

    Args:
      batch: dict as `augment` returns it, for square pictures of a known size.
      seed: [2] int32, may be that of `augment`; equal seeds give equal results.
      settings: `NoiseSettings`.
      first_row, num_rows: as for `augment`. A room for the background is taken from the sample of the row before or
        behind, two by two from the larger batch's first on. So parts are disturbed as the whole is if they begin with
        an even row and have an even number of them; a sample that has no such neighbour gets a made-up background.

    Returns:
      The same dict with other poses, images and masks of the source, of the same shapes and ranges.
    """
    if not any(vars(settings).values()):
        return batch
    count, size = tf.shape(batch['source_image'])[0], batch['source_image'].shape[1]
    rows = count if num_rows is None else num_rows
    seeds = tf.unstack(tf.random.experimental.stateless_split(
        tf.random.experimental.stateless_fold_in(seed, 1), _NUM_SEEDS))

    def uniform(number, *shape):
        return tf.random.stateless_uniform((rows, *shape), seeds[number])[first_row:first_row + count]

    batch = {**batch}
    if settings.moves_joints:
        batch.update(disturbed_poses(batch, seeds[0], settings, first_row, rows))
    if settings.random_background or settings.photo_noise:
        images = tf.stack([batch['source_image'], batch['target_image']])
        planes = tf.transpose(images, (4, 1, 0, 2, 3))  # fast, as in `augment`
        if settings.random_background:
            has_room = batch['has_source_mask']
            is_replaced = (uniform(1, 1)[:, 0] < settings.random_background) & has_room & batch['has_target_mask']
            masks = tf.stack([batch[f'{side}_mask'][..., 0] for side in ('source', 'target')], axis=1)
            planes = fused(backgrounds.replaced)(
                planes, masks, is_replaced, has_room, first_row, uniform(2, backgrounds.NUM_DRAWS))
        if settings.photo_noise:
            planes = fused(photo_noise.photographed)(planes, uniform(3, photo_noise.NUM_DRAWS),
                                                     photo_noise.draw_tile(seeds[4], size), settings.photo_noise)
        batch['source_image'], batch['target_image'] = tf.unstack(tf.transpose(planes, (2, 1, 3, 4, 0)))
    if reach := round(settings.mask_noise_px * size / 256):
        batch['source_mask'] = fused(moved_edge)(
            batch['source_mask'][..., 0], reach, uniform(5, _EDGE_CELLS ** 2 + 1))[..., tf.newaxis]
    if settings.hidden_masks:
        is_shown = uniform(6, 1, 1, 1) >= settings.hidden_masks
        batch['source_mask'] = tf.where(is_shown, batch['source_mask'], tf.zeros_like(batch['source_mask']))
    return batch


def disturbed_poses(batch, seed, settings, first_row, num_rows):
    """Moves the joints of both poses, each pose its own way for one half of the variance, both alike for the other.

    Joints move together as an estimator errs, see `pose_noise`.

    Args:
      batch: dict with source_pose, target_pose [B, 19, 3], px, and source_image.
      seed, settings, first_row, num_rows: as for `disturb`.

    Returns:
      dict with source_pose and target_pose [B, 19, 3] float32, px.
    """
    count, size = tf.shape(batch['source_pose'])[0], batch['source_image'].shape[1]
    joints_seed, scale_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    normal = tf.random.stateless_normal((num_rows, 3, NUM_JOINTS, 3), joints_seed)[first_row:first_row + count]
    scale = tf.random.stateless_uniform((num_rows, 2, 1, 1), scale_seed, -1.0, 1.0)[first_row:first_row + count]
    result = {}
    for number, name in enumerate(('source_pose', 'target_pose')):
        pose = batch[name]
        torso = pose[:, JOINT_INDEX['neck']] - pose[:, JOINT_INDEX['pelv']]
        drawn = (normal[:, number] + normal[:, 2]) * 0.5 ** 0.5
        depth_px = settings.joint_depth_noise_mm / TORSO_MM * tf.norm(torso, axis=1)[:, tf.newaxis, tf.newaxis]
        moved = tf.concat([
            settings.joint_noise_px * size / 256 * tf.matmul(pose_noise.IN_PLANE, drawn[..., :2]),
            depth_px * tf.matmul(pose_noise.IN_DEPTH, drawn[..., 2:])], axis=2)
        own_scale = tf.pad(settings.pose_scale_noise * scale[:, number], [[0, 0], [0, 0], [2, 0]])  # of z
        result[name] = pose * (1.0 + own_scale) + moved
    return result


def moved_edge(masks, reach, uniform):
    """Moves the edge of masks out or in by up to `reach` px, differently along the edge.

    Args:
      masks: [B, S, S] float32 in [0, 1].
      reach: int, px, at least 1.
      uniform: [B, _EDGE_CELLS^2 + 1] float32 in [0, 1).

    Returns:
      As `masks`. What is 0 or 1 everywhere stays.
    """
    width, cells = 2.0 * reach + 1.0, (-1, _EDGE_CELLS, _EDGE_CELLS)
    # One half of the move is common to the whole mask.
    local = enlarged(tf.reshape(uniform[:, 1:], cells), masks.shape[-1])
    threshold = (local + uniform[:, :1, tf.newaxis]) / 2.0
    # Across a straight edge, the blurred mask climbs by 1 / width a pixel.
    threshold = (threshold * 2.0 * reach + 0.5) / width
    return tf.clip_by_value((box_blurred(masks, reach) - threshold) * width + 0.5, 0.0, 1.0)
