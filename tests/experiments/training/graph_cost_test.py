"""What a graph costs, counted by hand."""

import tensorflow as tf

from experiments.training import graph_cost


def test_convolutions_are_counted_forward_and_backward():
    kernel = tf.Variable(tf.ones([3, 3, 5, 7]))

    @tf.function
    def step(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = tf.reduce_sum(tf.nn.conv2d(images, kernel, 2, 'SAME') ** 2)
        return tape.gradient(total, [images, kernel])

    graph = step.get_concrete_function(tf.TensorSpec([2, 8, 8, 5])).graph
    assert graph_cost.convolution_flops(graph) == 3 * 2 * (2 * 4 * 4 * 7) * (3 * 3 * 5)


def test_a_transposed_product_sums_over_the_right_axis():
    graph = tf.function(lambda a, b: tf.matmul(a, b, transpose_a=True)).get_concrete_function(
        tf.TensorSpec([11, 3]), tf.TensorSpec([11, 4])).graph
    assert graph_cost.convolution_flops(graph) == 2 * 3 * 4 * 11


def test_what_the_backward_pass_needs_is_kept():
    @tf.custom_gradient
    def cube(x):
        return x ** 3, lambda upstream: upstream * 3.0 * x ** 2

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            doubled = tf.cast(x * 2.0, tf.float32)  # needed by the cube's gradient
            total = tf.reduce_sum(tf.nn.relu(cube(doubled)))  # the output of the ReLU, by its own
        return tape.gradient(total, x)

    graph = step.get_concrete_function(tf.TensorSpec([100])).graph
    assert graph_cost.kept_bytes(graph) == 2 * 100 * 4
