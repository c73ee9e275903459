"""One call that tests whether a layer lives as Keras layers do."""

import json

import numpy as np
import tensorflow as tf

from repose_tf.variables import tf_variables


def check_layer(layer_class, init_kwargs, inputs, call_kwargs=None):
    """Asserts that a layer or model has a configuration, computes the same in a graph, learns, and takes bfloat16.

    Args:
      layer_class: a Keras layer or model with all its variables from the start.
      init_kwargs: dict, the arguments of its constructor.
      inputs: list of tensors or of tuples of tensors, its positional arguments; what is of rank 4 or more are float32
        features, which a layer that casts takes in its own type.
      call_kwargs: dict, its other arguments.
    """
    layer, call_kwargs = layer_class(**init_kwargs), call_kwargs or {}
    expected = layer(*inputs, **call_kwargs)

    config = layer.get_config()
    again = layer_class.from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config and set(init_kwargs) <= set(config) and again.name == layer.name
    again.set_weights(layer.get_weights())
    for one, other in zip(tf.nest.flatten(expected), tf.nest.flatten(again(*inputs, **call_kwargs)), strict=True):
        np.testing.assert_array_equal(one, other)

    @tf.function(autograph=False)
    def step(*inputs):
        with tf.GradientTape() as tape:
            outputs = layer(*inputs, **call_kwargs)
            loss = tf.add_n([tf.reduce_mean(tf.cast(output, tf.float32) ** 2) for output in tf.nest.flatten(outputs)])
        variables = tf_variables(layer, trainable=True)
        return outputs, tape.gradient(loss, variables) if variables else []

    outputs, gradients = step(*inputs)
    for eager, graph in zip(tf.nest.flatten(expected), tf.nest.flatten(outputs), strict=True):
        np.testing.assert_allclose(eager, graph, atol=1e-4)
    for gradient, variable in zip(gradients, layer.trainable_variables, strict=True):
        assert gradient is not None and np.isfinite(gradient).all(), variable.name

    low = layer_class(**init_kwargs, dtype='mixed_bfloat16')
    low.set_weights(layer.get_weights())
    assert all(variable.dtype == tf.float32 for variable in tf_variables(low))
    for output in tf.nest.flatten(low(*inputs, **call_kwargs)):
        assert output.dtype in (tf.float32, tf.bfloat16) and np.isfinite(tf.cast(output, tf.float32)).all()
    assert again.compute_dtype == 'float32' and layer_class.from_config(low.get_config()).compute_dtype == 'bfloat16'
