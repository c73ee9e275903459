"""The warp as a Keras layer, in training and in a SavedModel."""

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.coordinates import VolumeGrid
from repose_tf.warp.volumetric_warp import VolumetricWarp, warp
from tests.support import cases

GRID = VolumeGrid(image_size=64, volume_size=17, depth_size=9)
MODES = pytest.mark.parametrize('mode', ['3d', '2d'])


def random_volume(batch=2):
    return np.random.default_rng(0).normal(size=(batch, *GRID.shape, 3)).astype(np.float32)


@MODES
def test_config_round_trip(mode):
    layer = VolumetricWarp(GRID, mode, capacity=700, debug=True, name='moved')
    config = layer.get_config()
    again = VolumetricWarp.from_config(config)
    assert again.get_config() == config
    assert (again.grid, again.mode, again.capacity, again.debug) == (GRID, mode, 700, True)


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match="mode.*'4d'"):
        VolumetricWarp(GRID, '4d')
    with pytest.raises(ValueError, match='capacity.*0'):
        VolumetricWarp(GRID, capacity=0)


@pytest.mark.parametrize('policy', [pytest.param('float32', marks=pytest.mark.long), 'mixed_bfloat16'])
def test_computes_the_function_and_keeps_poses_in_float32(policy):
    rng = np.random.default_rng(14)
    source, target = (tf.constant(cases.person_poses(rng, 2, 64)) for _ in range(2))
    layer = VolumetricWarp(GRID, dtype=policy)
    volume = tf.cast(random_volume(), layer.compute_dtype)
    expected = warp(volume, source, target, GRID)
    for call in (layer, tf.function(layer)):
        found = call(volume, source, target)
        assert found.dtype == volume.dtype
        np.testing.assert_array_equal(tf.cast(found, tf.float32), tf.cast(expected, tf.float32))


def test_a_training_step_moves_what_made_the_volume():
    rng = np.random.default_rng(15)
    source, target = (tf.constant(cases.person_poses(rng, 2, 64)) for _ in range(2))
    layer, weight = VolumetricWarp(GRID), tf.Variable(2.0)
    volume = tf.constant(random_volume())

    @tf.function(autograph=False)
    def gradient():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(weight * volume, source, target))
        return loss, tape.gradient(loss, weight)

    loss, slope = gradient()
    np.testing.assert_allclose(slope, loss / 2.0, rtol=1e-4)  # the warp is homogeneous


def test_survives_a_saved_model_with_an_open_batch(tmp_path):
    rng = np.random.default_rng(16)
    source, target = (cases.person_poses(rng, 3, 64) for _ in range(2))
    volume = random_volume(3)
    module, layer = tf.Module(), VolumetricWarp(GRID)
    specs = [tf.TensorSpec([None, *x.shape[1:]], tf.float32) for x in (volume, source, target)]
    module.warp = tf.function(lambda *x: layer(*x), input_signature=specs, autograph=False)
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path)).warp
    for batch in (1, 3):
        np.testing.assert_array_equal(loaded(volume[:batch], source[:batch], target[:batch]),
                                      warp(volume[:batch], source[:batch], target[:batch], GRID))


def test_uses_core_operations_only():
    specs = [tf.TensorSpec(shape) for shape in ([None, *GRID.shape, 4], [None, 19, 3], [None, 19, 3])]
    for mode in ('3d', '2d'):
        traced = tf.function(lambda *x, m=mode: warp(*x, GRID, m), autograph=False)
        graph = traced.get_concrete_function(*specs).graph
        names = {operation.type for operation in graph.get_operations()}
        assert len(names) > 20
        assert [name for name in names if not hasattr(tf.raw_ops, name)] == []
