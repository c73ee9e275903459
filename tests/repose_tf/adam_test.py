"""Adam against the one of Keras."""

import keras
import numpy as np
import tensorflow as tf

from repose_tf.adam import Adam


def test_it_takes_the_steps_of_keras():
    rng = np.random.default_rng(0)
    start = [rng.normal(size=shape).astype(np.float32) for shape in ((3, 4), (5,))]
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    ours = [tf.Variable(value) for value in start]
    theirs = [tf.Variable(value) for value in start]
    adam = Adam(ours, schedule, 0.5, 0.999, epsilon=1e-3)
    referee = keras.optimizers.Adam(schedule, beta_1=0.5, beta_2=0.999, epsilon=1e-3)
    for step in range(12):
        gradients = [tf.constant(rng.normal(size=value.shape).astype(np.float32)) for value in start]
        np.testing.assert_allclose(adam.learning_rate, schedule(step), rtol=1e-6)
        tf.function(adam.apply)(tf.concat([tf.reshape(gradient, [-1]) for gradient in gradients], axis=0))
        referee.apply_gradients(zip(gradients, theirs))
        for mine, other in zip(ours, theirs):
            np.testing.assert_allclose(mine, other, atol=1e-5)
    assert int(adam.iterations) == 12
    assert len(adam.variables) == 1 + 2 * len(start)
