"""Checkpoints as the reference's TensorFlow 1 program writes them, with made-up weights."""

import ast
import pathlib
import zlib

import numpy as np
import tensorflow as tf

GOLDEN = pathlib.Path(__file__).parent / 'golden'


def reference_shapes():
    """Returns a dictionary from the names of all variables of the reference to their shapes."""
    lines = (GOLDEN / 'variables.tsv').read_text().splitlines()
    return {name: ast.literal_eval(shape) for name, shape in (line.split('\t') for line in lines)}


def made_up_values(name, shape):
    """Returns the weights that the golden files were made with: random numbers that follow from the name."""
    values = np.random.default_rng(zlib.crc32(name.encode())).normal(size=shape)
    if name.endswith('gamma'):
        values = 1.0 + 0.1 * values
    elif name.endswith(('beta', 'bias', 'biases')):
        values = 0.05 * values
    else:
        values = values * np.sqrt((4.0 if 'pconv' in name else 1.6) / np.prod(shape[:-1]))
    return values.astype(np.float32)


def write_checkpoint(prefix, shapes, values=made_up_values, num_trained=2):
    """Writes a TensorFlow 1 checkpoint.

    Args:
      prefix: path of its files without .index.
      shapes: dictionary from names to shapes of variables.
      values: function from name and shape to an array.
      num_trained: so many of the last variables get an Adam optimiser's slots; its powers and a step come along.
    """
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        variables = [v1.get_variable(name, shape, initializer=v1.zeros_initializer(), use_resource=False)
                     for name, shape in shapes.items()]
        if num_trained:
            trained = variables[-num_trained:]
            loss = tf.add_n([tf.reduce_sum(variable) for variable in trained])
            v1.train.AdamOptimizer().minimize(loss, v1.train.get_or_create_global_step(), trained)
        session.run(v1.global_variables_initializer())
        session.run([variable.initializer for variable in variables],
                    {variable.initializer.inputs[1]: values(variable.op.name, variable.shape.as_list())
                     for variable in variables})
        v1.train.Saver().save(session, str(prefix))
