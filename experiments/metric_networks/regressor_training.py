"""Training of a joint regressor on the true pictures of a data set, and its errors."""

import functools
import json
import pathlib

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from data_pipeline.errors import UsageError
from data_pipeline.files import write_text
from data_pipeline.people import people_folder
from experiments.metric_networks import joint_pictures
from experiments.metric_networks.joint_regressor import JointRegressor, build_network, load_regressor, read_joints
from repose_tf.metrics.pose_auc import pose_auc
from repose_tf.picture_codec import image_from_pixels

_WARM_UP = 100  # steps
_CLIP_NORM = 1.0


def make_regressor(source_dir, output, image_size, steps, batch_size, learning_rate, seed):
    """Trains a regressor, measures it and writes its weights, and its errors as JSON beside them.

    Args:
      source_dir: folder in the people layout, with poses.
      output: file of the weights, a name that ends in .npz.
      image_size: px, a multiple of 16.
      steps, batch_size: updates, and pictures an update.
      learning_rate: step size of Adam, falling to 0 by half a cosine.
      seed: of weights, order and distortion.

    Returns:
      the JSON, indented.

    Raises:
      UsageError: `output` has another ending.
      DataError: the data or the size of the pictures cannot be used.
      WriteError: a file cannot be written.
    """
    output = pathlib.Path(output)
    if output.suffix != '.npz':  # else the .json could be the same file
        raise UsageError(f'--output: expected a file that ends in .npz, found {str(output)!r}.')
    keras.utils.set_random_seed(seed)
    network = build_network(image_size)
    folder = people_folder.open_folder(source_dir)
    folder.frame_ids('train')  # refuses a folder that is for measuring alone
    pictures = {split: joint_pictures.read_pictures(
        folder, split, image_size, functools.partial(tqdm, desc=f'reading {split}', unit='picture'))
        for split in folder.splits}
    _train(network, joint_pictures.batches(pictures['train'], batch_size, seed), steps, learning_rate)
    JointRegressor(network, image_size, folder.name).save(output)
    regressor, digest = load_regressor(output)  # what is measured is what was written
    text = json.dumps({
        'data': folder.name, 'sha256': digest, 'image_size': image_size, 'steps': steps, 'batch_size': batch_size,
        'learning_rate': learning_rate, 'seed': seed,
        'scores': {split: _scores(regressor, those) for split, those in pictures.items()}}, indent=1)
    write_text(output.with_suffix('.json'), text + '\n')
    return text


def _train(network, batches, steps, learning_rate):
    """Trains a network of `build_network` on batches of `joint_pictures.batches`; shows the progress."""
    image_size = network.input_shape[1]
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / _WARM_UP, steps, warmup_target=learning_rate, warmup_steps=min(_WARM_UP, steps // 2))
    optimizer = keras.optimizers.Adam(schedule, beta_2=0.99, global_clipnorm=_CLIP_NORM)
    weights = network.trainable_variables

    @tf.function(autograph=False)
    def step(images, true_px, true_mm):
        with tf.GradientTape() as tape:
            px, mm = read_joints(*network(images, training=True), image_size)
            error_mm, error_px = _mean_distance(mm, true_mm), _mean_distance(px, true_px)
            # The place in the picture is the surer lesson: it needs no size of the person.
            loss = error_mm / 100.0 + error_px * (20.0 / image_size)
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return error_mm, error_px

    shown = tqdm(batches.take(steps), total=steps, desc='training', unit='step', mininterval=5)
    for number, batch in enumerate(shown):
        errors = step(*batch)
        if number % 50 == 0:
            shown.set_postfix_str(f'{errors[0]:.0f} mm, {errors[1]:.2f} px')


def _mean_distance(points, others):
    """Returns the mean distance of points [..., 3]; with a gradient where they are equal, as the pelvis in mm is."""
    return tf.reduce_mean(tf.sqrt(tf.reduce_sum(tf.square(points - others), axis=-1) + 1e-6))


def _scores(regressor, pictures):
    """Returns the errors of the joints, mm, and the mean pose AUC against the true joints."""
    found = regressor.joints_mm(image_from_pixels(pictures.images))
    errors = np.linalg.norm(found - pictures.mm, axis=2)
    return {'pictures': len(found), 'mean_joint_error_mm': round(float(errors.mean()), 1),
            'median_joint_error_mm': round(float(np.median(errors)), 1),
            'pose_auc': round(float(np.mean(pose_auc(found, pictures.mm))), 4)}
