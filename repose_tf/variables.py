"""One view on the variables of a model, whichever Keras made it."""

import tensorflow as tf


def tf_variables(owner, trainable=False):
    """Returns the TensorFlow variables of a model or optimiser.

    Keras 2 makes TensorFlow variables, Keras 3 wraps them; what saves and restores wants the former.

    Args:
      owner: anything with `.variables`.
      trainable: only those in `.trainable_variables`.

    Returns:
      a tuple of tf.Variable (or of a strategy's mirrored variables), in their order.
    """
    variables = owner.trainable_variables if trainable else owner.variables
    return tuple(variable if isinstance(variable, tf.Variable) else variable.value for variable in variables)


def add_here(variable, change):
    """Adds a tensor to a variable; in a replica to its own copy, without a word to the others."""
    tf.raw_ops.AssignAddVariableOp(resource=variable.handle, value=change)
