"""Trains a small network that tells the 3D joints in pictures of a data set, for pose AUC where no estimator works:

    python -m experiments.train_joint_regressor --source_dir=data/people --output=build/joint_regressor_64.npz

It learns from the true pictures of the training split and is measured on those of the other splits. Beside the
weights lies a .json of the same name with the data's name, the flags and the errors. 64 px: 8 minutes on one core.
"""

import functools
import json
import pathlib

import keras
import numpy as np
import tensorflow as tf
from absl import flags
from tqdm import tqdm

from data_pipeline import program
from data_pipeline.errors import UsageError
from data_pipeline.people import people_folder
from experiments.metric_networks import joint_pictures
from experiments.metric_networks.joint_regressor import JointRegressor, build_network, load_regressor, read_joints
from repose_tf.metrics.pose_auc import pose_auc

_WARM_UP = 100  # steps
_CLIP_NORM = 1.0


def define_flags():
    """Defines what is learned from, how long, and where the weights go."""
    flags.DEFINE_string('source_dir', 'data/people', 'Folder in the people layout, with poses.')
    flags.DEFINE_string('output', 'build/joint_regressor_64.npz', 'File that gets the weights; its .json lies beside.')
    flags.DEFINE_integer('image_size', 64, 'Size of the pictures, px, a multiple of 16.', lower_bound=16)
    flags.DEFINE_integer('steps', 2000, 'Updates.', lower_bound=1)
    flags.DEFINE_integer('batch_size', 32, 'Pictures an update.', lower_bound=1)
    flags.DEFINE_float('learning_rate', 2e-3, 'Step size of Adam, falling to 0 by half a cosine.', lower_bound=0)
    flags.DEFINE_integer('seed', 1, 'Seed of weights, order and distortion.', lower_bound=0)


def main():
    values = flags.FLAGS
    output = weights_path(values.output)
    keras.utils.set_random_seed(values.seed)
    network = build_network(values.image_size)
    folder = people_folder.open_folder(values.source_dir)
    pictures = {split: joint_pictures.read_pictures(
        folder, split, values.image_size, functools.partial(tqdm, desc=f'reading {split}', unit='picture'))
        for split in folder.splits}
    train(network, joint_pictures.batches(pictures['train'], values.batch_size, values.seed), values.steps,
          values.learning_rate)
    output.parent.mkdir(parents=True, exist_ok=True)
    JointRegressor(network, values.image_size, folder.name).save(output)
    regressor, digest = load_regressor(output)  # what is measured is what was written
    result = {'data': folder.name, 'sha256': digest,
              **{name: values[name].value for name in ('image_size', 'steps', 'batch_size', 'learning_rate', 'seed')},
              'scores': {split: scores(regressor, those) for split, those in pictures.items()}}
    text = json.dumps(result, indent=1)
    output.with_suffix('.json').write_text(text + '\n', encoding='utf-8')
    print(f'{text}\nWritten to {output}.')


def weights_path(output):
    """Returns the path of the weights; raises UsageError unless it ends in .npz, so that the .json is another file."""
    if pathlib.Path(output).suffix != '.npz':
        raise UsageError(f'--output: expected a file that ends in .npz, found {output!r}.')
    return pathlib.Path(output)


def train(network, batches, steps, learning_rate):
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
            error_mm = mean_distance(mm, true_mm)
            # The place in the picture is the surer lesson: it needs no size of the person.
            error_px = mean_distance(px, true_px)
            loss = error_mm / 100.0 + error_px * (20.0 / image_size)
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return error_mm, error_px

    shown = tqdm(batches.take(steps), total=steps, desc='training', unit='step', mininterval=5)
    for number, batch in enumerate(shown):
        errors = step(*batch)
        if number % 50 == 0:
            shown.set_postfix_str(f'{errors[0]:.0f} mm, {errors[1]:.2f} px')


def mean_distance(points, others):
    """Returns the mean distance of points [..., 3]; with a gradient where they are equal, as the pelvis in mm is."""
    return tf.reduce_mean(tf.sqrt(tf.reduce_sum(tf.square(points - others), axis=-1) + 1e-6))


def scores(regressor, pictures):
    """Compares with the true joints: the mean error of the joints, mm, and the mean pose AUC."""
    found = regressor.joints_mm(np.float32(pictures.images) / 127.5 - 1.0)
    errors = np.linalg.norm(found - pictures.mm, axis=2)
    return {'pictures': len(found), 'mean_joint_error_mm': round(float(errors.mean()), 1),
            'median_joint_error_mm': round(float(np.median(errors)), 1),
            'pose_auc': round(float(np.mean(pose_auc(found, pictures.mm))), 4)}


if __name__ == '__main__':
    program.run(main, define_flags)
