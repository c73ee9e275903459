"""Every layer and model lives as Keras layers do: configuration, graph, one step, mixed precision, .keras files."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from repose_tf.architecture import REFERENCE_CONVENTIONS
from repose_tf.background_inpainter import BackgroundInpainter, PartialConv2D
from repose_tf.blocks import Bottleneck, ResidualUnit3D, Stem, UpBottleneck
from repose_tf.detail.detail_decoder import DetailDecoder, DetailLevel
from repose_tf.detail.person_head import PersonHead
from repose_tf.discriminator import Discriminator
from repose_tf.generator import Generator
from repose_tf.group_norm import GroupNorm
from repose_tf.lifting_encoder import LiftingEncoder
from repose_tf.pose_encoder import PoseEncoder
from repose_tf.projection_decoder import ProjectionDecoder
from repose_tf.warp.volumetric_warp import VolumetricWarp
from tests.support.layer_cases import check_layer
from tests.support.tiny import LEAST, TINY, TINY_DETAIL, inputs

REFERENCE_LIKE = dataclasses.replace(TINY, **REFERENCE_CONVENTIONS)
CONFIG = TINY.get_config()


def noise(*shape):
    return tf.constant(np.random.default_rng(3).normal(size=shape), tf.float32)


@pytest.mark.parametrize('layer_class, init_kwargs, shape', [
    (GroupNorm, {'channels': 6, 'num_groups': 3, 'epsilon': 1e-3, 'per_row': True}, (2, 3, 4, 5, 6)),
    (ResidualUnit3D, {'channels': 4, 'num_groups': 2, 'per_row': False}, (2, 3, 3, 3, 4)),
    (Bottleneck, {'in_channels': 4, 'channels': 8, 'num_groups': 2, 'stride': 2}, (2, 5, 5, 4)),
    (Bottleneck, {'in_channels': 8, 'channels': 8, 'num_groups': 2, 'dilation': 2}, (2, 5, 5, 8)),
    (UpBottleneck, {'in_channels': 4, 'channels': 8, 'num_groups': 2, 'upsampled': True}, (2, 5, 5, 4)),
    (Stem, {'in_channels': 3, 'channels': 4, 'output_stride': 4}, (2, 17, 17, 3)),
    (DetailLevel, {'channels': 4, 'num_groups': 2}, (2, 6, 6, 4)),
    (LiftingEncoder, {'architecture': CONFIG, 'remat': True}, (2, 33, 33, 3)),
    (ProjectionDecoder, {'architecture': CONFIG, 'remat': True}, (2, *TINY.grid.shape, 8)),
], ids=lambda value: getattr(value, '__name__', ''))
def test_layers_of_one_tensor(layer_class, init_kwargs, shape):
    check_layer(layer_class, init_kwargs, [noise(*shape)])


def test_layers_of_several_tensors():
    known = tf.cast(noise(2, 33, 33, 1) > 0, tf.float32)
    check_layer(PartialConv2D, {'in_channels': (3, 2), 'channels': 4, 'kernel_size': 3, 'stride': 2,
                                'divide_by_channels': True, 'kernel_initializer': 'he_normal'},
                [(noise(2, 33, 33, 3), noise(2, 33, 33, 2)), (known, known)])
    image, source, target = inputs(TINY)
    check_layer(VolumetricWarp, {'grid': dataclasses.asdict(TINY.grid), 'mode': '2d'},
                [noise(2, *TINY.grid.shape, 4), source, target])
    check_layer(BackgroundInpainter, {'architecture': CONFIG}, [noise(2, 33, 33, 3), known])
    check_layer(PoseEncoder, {'architecture': CONFIG}, [target])
    check_layer(Discriminator, {'architecture': LEAST.get_config(), 'remat': True}, [image, image[::-1], target])
    check_layer(Generator, {'architecture': LEAST.get_config()}, [image, source, target])


def test_layers_of_the_detail_stream():
    seen, trunk = noise(2, 16, 16, 3), (noise(2, 8, 8, 8), noise(2, 8, 8, 3), noise(2, 8, 8, 1))
    known = tf.cast(noise(2, 16, 16, 1) > 0, tf.float32)
    maps = {'part': tf.zeros([2, 16, 16, 2], tf.int32), 'ring': tf.ones([2, 16, 16, 2], tf.int32),
            'depth_px': noise(2, 16, 16, 2), 'normal': noise(2, 16, 16, 2, 3)}
    check_layer(PersonHead, {'feature_channels': 12}, [seen, known, noise(2, 5, 5, 3, 4)])
    check_layer(DetailDecoder, {'architecture': TINY_DETAIL.get_config()},
                [tf.minimum(tf.abs(noise(2, 16, 16, 2, 2, 6)), 1.0), maps, seen, known, trunk])
    check_layer(Generator, {'architecture': TINY_DETAIL.get_config()}, inputs(TINY_DETAIL), {'training': True})


@pytest.mark.parametrize('architecture', [TINY, REFERENCE_LIKE], ids=['standard', 'reference'])
@pytest.mark.parametrize('network_class', [Generator, Discriminator])
def test_a_saved_network_computes_the_same(tmp_path, network_class, architecture):
    image, source, target = inputs(architecture)
    arguments = (image, source, target) if network_class is Generator else (image, image[::-1], target)
    network = network_class(architecture, dtype='mixed_bfloat16' if architecture is TINY else None)
    for number, variable in enumerate(network.variables):
        variable.assign(variable + 0.1 * np.random.default_rng(number).normal(size=variable.shape))
    network.save(tmp_path / 'network.keras')
    loaded = keras.models.load_model(tmp_path / 'network.keras')
    assert isinstance(loaded, network_class) and loaded.architecture == architecture
    for one, other in zip(*(tf.nest.flatten(each(*arguments)) for each in (network, loaded)), strict=True):
        np.testing.assert_array_equal(one, other)
