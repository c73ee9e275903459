"""One view on the variables of a model, whichever Keras made it."""


def tf_variables(owner):
    """Returns the TensorFlow variables of a built model or optimiser.

    Keras 2 makes TensorFlow variables, Keras 3 wraps them; what saves and restores wants the former.

    Args:
      owner: anything with `.variables`.

    Returns:
      a tuple of tf.Variable (or of a strategy's mirrored variables), in the order of `owner.variables`.
    """
    return tuple(variable.value if not callable(variable.value) else variable for variable in owner.variables)
