"""Trains a small network that finds the 3D joints in pictures of a data set, for pose AUC where no estimator works:

    python -m experiments.train_joint_regressor --source_dir=data/people --output=build/joint_regressor_64.npz

It learns from the true pictures of the training split and is measured on those of the other splits. A .json beside
the weights holds the name of the data, the flags and the errors. 64 px: 8 minutes on one core.
"""

from absl import flags

from data_pipeline import program


def define_flags():
    """Defines what is learned from, how long, and where the weights go."""
    flags.DEFINE_string('source_dir', 'data/people', 'Folder in the people layout, with poses.')
    flags.DEFINE_string('output', 'build/joint_regressor_64.npz',
                        'File of the weights (.npz); the errors lie beside it (.json).')
    flags.DEFINE_integer('image_size', 64, 'Size of the pictures, px, a multiple of 16.', lower_bound=16)
    flags.DEFINE_integer('steps', 2000, 'Updates.', lower_bound=1)
    flags.DEFINE_integer('batch_size', 32, 'Pictures an update.', lower_bound=1)
    flags.DEFINE_float('learning_rate', 2e-3, 'Step size of Adam, falling to 0 by half a cosine.', lower_bound=0)
    flags.DEFINE_integer('seed', 1, 'Seed of weights, order and distortion.', lower_bound=0)


def main():
    values = flags.FLAGS
    from experiments.metric_networks.regressor_training import make_regressor  # after the flags: it loads TensorFlow
    text = make_regressor(values.source_dir, values.output, values.image_size, values.steps, values.batch_size,
                          values.learning_rate, values.seed)
    print(f'{text}\nWritten to {values.output}.')


if __name__ == '__main__':
    program.run(main, define_flags)
