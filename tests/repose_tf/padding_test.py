"""TensorFlow 2.15 on CPUs fuses a padding with the 3-D convolution behind it, and the result loses the padding.

So no network may have the one right before the other.
"""

import dataclasses

import pytest
import tensorflow as tf

from repose_tf.discriminator import Discriminator
from repose_tf.generator import Generator
from tests.support.tiny import TINY, inputs

# All four on the stack that runs all tests.
VARIANTS = [pytest.param(dataclasses.replace(TINY, warp=warp, pose=pose), id=f'{warp}-warp-{pose}-pose',
                         marks=[] if warp == pose == '3d' else pytest.mark.long)
            for warp in ('3d', '2d') for pose in ('3d', '2d')]


def padded_convolutions(graph):
    """Returns the names of all 3-D convolutions of a graph, and of those among them whose input was just padded."""
    convolutions = [operation for operation in graph.get_operations() if operation.type.startswith('Conv3D')]
    padded = []
    for convolution in convolutions:
        operation = convolution.inputs[0].op
        while operation.type in ('Identity', 'Cast', 'Reshape'):
            operation = operation.inputs[0].op
        if 'Pad' in operation.type:
            padded.append(convolution.name)
    return [convolution.name for convolution in convolutions], padded


def test_a_padding_is_seen():
    def pad_and_convolve(x):
        x = tf.identity(tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 1], [0, 0]]))
        return tf.nn.conv3d(x, tf.ones([3, 3, 3, 2, 2]), [1] * 5, 'SAME')

    graph = tf.function(pad_and_convolve).get_concrete_function(tf.zeros([1, 4, 4, 4, 2])).graph
    assert [len(names) for names in padded_convolutions(graph)] == [1, 1]


@pytest.mark.parametrize('architecture', VARIANTS)
def test_the_generator_pads_nothing_right_before_a_convolution_and_keeps_its_sizes(architecture):
    generator = Generator(architecture)
    batch = inputs(architecture, 1)
    traced = tf.function(lambda *args: generator(*args, with_volumes=True), autograph=False)
    concrete = traced.get_concrete_function(*batch)
    convolutions, padded = padded_convolutions(concrete.graph)
    assert len(convolutions) == 6 and padded == []
    outputs = concrete(*batch)
    assert {name: tuple(outputs[name].numpy().shape) for name in outputs} == {
        name: tuple(tensor.shape) for name, tensor in concrete.structured_outputs.items()}
    assert outputs['decoded_volume'].numpy().shape == (1, *architecture.grid.shape, 8)


def test_the_discriminator_has_no_3d_convolution():
    image, _, target = inputs(TINY, 1)
    graph = tf.function(Discriminator(TINY), autograph=False).get_concrete_function(image, image, target).graph
    assert padded_convolutions(graph) == ([], [])
