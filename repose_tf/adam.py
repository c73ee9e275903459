"""Adam by TensorFlow's own kernel, for gradients that are summed over the replicas already.

The update is made, or skipped, outside of the replicas. There Keras's optimisers refuse to work, and inside of them
that of Keras 3 would sum once more. The reference was trained with the same kernel, down to where epsilon is added.
Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, the form before section 2.1.
"""

import tensorflow as tf

from repose_tf.variables import add_here


class Adam:
    """Updates the variables of a network; make it under the strategy's scope.

    Attributes:
      iterations: tf.Variable, updates made so far.
      variables: tuple of tf.Variable, all that a checkpoint must hold.
    """

    def __init__(self, variables, learning_rate=2e-4, beta_1=0.5, beta_2=0.999, epsilon=1e-8):
        """Makes its variables.

        Args:
          variables: tuple of tf.Variable to be updated.
          learning_rate: number, or function of `iterations`.
          beta_1: decay of the mean, in [0, 1).
          beta_2: decay of the mean square, in [0, 1).
          epsilon: added to the root of the mean square, before the correction for its beginning at 0.
        """
        self._trained = tuple(variables)
        self._learning_rate = learning_rate
        self._betas, self._epsilon = (beta_1, beta_2), epsilon
        self.iterations = tf.Variable(0, dtype=tf.int64, trainable=False, name='iterations')
        self._means, self._squares = (
            tuple(tf.Variable(tf.zeros(variable.shape), trainable=False, name=name) for variable in self._trained)
            for name in ('mean', 'mean_square'))
        self.variables = (self.iterations, *self._means, *self._squares)

    @property
    def learning_rate(self):
        """Scalar tensor, the step size of the next update."""
        rate = self._learning_rate
        return tf.cast(rate(self.iterations) if callable(rate) else rate, tf.float32)

    def apply(self, gradient):
        """Updates all variables by the gradients [N] float32, one after the other in one vector.

        Under a strategy to be called in every replica, with the same gradients: each updates its own copies.
        """
        number = tf.cast(self.iterations + 1, tf.float32)
        beta_1, beta_2 = self._betas
        rate, power_1, power_2 = self.learning_rate, tf.constant(beta_1) ** number, tf.constant(beta_2) ** number
        shapes = [variable.shape for variable in self._trained]
        gradients = tf.split(gradient, [shape.num_elements() for shape in shapes])
        for variable, mean, square, shape, part in zip(
                self._trained, self._means, self._squares, shapes, gradients, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle, m=mean.handle, v=square.handle, beta1_power=power_1, beta2_power=power_2, lr=rate,
                beta1=beta_1, beta2=beta_2, epsilon=self._epsilon, grad=tf.reshape(part, shape))
        add_here(self.iterations, tf.constant(1, tf.int64))
