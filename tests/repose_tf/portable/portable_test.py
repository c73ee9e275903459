"""The portable form shows the same pictures, by operations that other runtimes than TensorFlow have."""

import dataclasses
import importlib.util

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from experiments.models import exporting
from repose_tf.coordinates import VolumeGrid
from repose_tf.detail import surface_warp
from repose_tf.detail.views import NUM_VIEWS, VIEW_OF_PART
from repose_tf.errors import ModelError
from repose_tf.generator import Generator
from repose_tf.portable import surface, volume
from repose_tf.portable.generator import PortableDetailStream, PortableGenerator
from repose_tf.portable.model import PortableModel
from repose_tf.shapes import ShapeError
from repose_tf.warp import body_parts, volumetric_warp
from tests.support.cases import STANDING_POSE_PX, person_poses
from tests.support.tiny import LEAST, TINY, TINY_DETAIL, inputs

# What OpenVINO 2026.4.1 and TensorFlow Lite 2.15 convert; whoever needs another operation here tries it in both.
OPERATIONS = {
    'Abs', 'AddN', 'AddV2', 'All', 'ArgMax', 'ArgMin', 'AvgPool', 'BatchMatMulV2', 'BatchToSpaceND', 'BiasAdd',
    'BroadcastTo', 'Cast', 'ConcatV2', 'Const', 'Conv2D', 'Conv3D', 'DivNoNan', 'Einsum', 'Equal', 'Exp',
    'ExpandDims', 'Fill', 'Floor', 'FloorDiv', 'FusedBatchNormV3', 'GatherV2', 'Greater', 'GreaterEqual',
    'Identity', 'IdentityN', 'LeakyRelu', 'Less', 'LessEqual', 'Log', 'LogicalAnd', 'LogicalNot', 'Max', 'MaxPool',
    'Maximum', 'Mean', 'Min', 'Minimum', 'MirrorPad', 'Mul', 'Neg', 'NoOp', 'NotEqual', 'OneHot', 'Pack', 'Pad',
    'PadV2', 'Placeholder', 'Pow', 'Prod', 'Range', 'RealDiv', 'Relu', 'Reshape', 'ResizeBilinear', 'Round',
    'Rsqrt', 'SelectV2', 'Shape', 'Sigmoid', 'Softmax', 'SpaceToBatchND', 'Split', 'SplitV', 'Sqrt', 'Square',
    'SquaredDifference', 'Squeeze', 'StopGradient', 'StridedSlice', 'Sub', 'Sum', 'Tanh', 'Tile', 'Transpose',
    'Unpack'}
NUMBERS = {tf.float32, tf.int32, tf.int64, tf.bool}  # no float64, which others compute in float32 or not at all


@pytest.fixture(scope='module', params=['detail', pytest.param('none', marks=pytest.mark.long)])
def generator(request):
    keras.utils.set_random_seed(0)
    return Generator(TINY_DETAIL if request.param == 'detail' else TINY)


@pytest.fixture(scope='module')
def model(generator):
    return PortableModel(generator)


def request_of(generator, batch=1):
    return dict(zip(('source_image', 'source_pose', 'target_pose'), inputs(generator.architecture, batch), strict=True))


def test_the_pictures_are_those_of_the_generator(generator):
    given = inputs(generator.architecture, 3)
    assert_alike(PortableGenerator.of(generator)(*given), generator, given, 1e-4)


def assert_alike(found, generator, given, tolerance):
    with exporting.without_continuation(generator):
        expected = generator(*given)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=tolerance, err_msg=name)


def test_other_runtimes_have_all_its_operations(model):
    graph = convert_variables_to_constants_v2(model.repose.get_concrete_function()).graph
    assert {operation.type for operation in graph.get_operations()} <= OPERATIONS
    tensors = [tensor for operation in graph.get_operations() for tensor in operation.outputs if tensor.consumers()]
    assert {tensor.dtype for tensor in tensors} <= NUMBERS
    assert all(tensor.shape.is_fully_defined() and tensor.shape.rank <= 6 for tensor in tensors)
    assert max(len(operation.inputs[0].shape) for operation in graph.get_operations()
               if operation.type == 'StridedSlice') <= 5  # TensorFlow Lite slices no more axes


@pytest.mark.long
def test_tensorflow_lite_makes_the_same_picture(model, generator, tmp_path):
    model.save(str(tmp_path / 'saved'))
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / 'saved'), signature_keys=['serving_default'])
    assert converter.target_spec.supported_ops == {tf.lite.OpsSet.TFLITE_BUILTINS}
    given = request_of(generator)
    found = tf.lite.Interpreter(model_content=converter.convert()).get_signature_runner()(**given)
    assert_alike(found, generator, given.values(), 1e-3)


@pytest.mark.skipif(not importlib.util.find_spec('openvino'), reason='needs openvino (requirements-runtimes.txt)')
def test_openvino_makes_the_same_picture(model, generator, tmp_path):
    import openvino as ov
    model.save(str(tmp_path / 'saved'))
    compiled = ov.Core().compile_model(ov.convert_model(str(tmp_path / 'saved')), 'CPU',
                                       {'INFERENCE_PRECISION_HINT': 'f32'})
    given = request_of(generator)
    found = compiled({name: value.numpy() for name, value in given.items()})
    assert_alike(found, generator, given.values(), 1e-3)


def moved(rng, count, size):
    return person_poses(rng, count, size), person_poses(rng, count, size, scale=0.7)


@pytest.mark.parametrize('registration', ['standard', 'reference'])
def test_masks_and_warp_are_those_of_the_sparse_form(registration):
    grid, rng = VolumeGrid(64, 17, 9, registration), np.random.default_rng(0)
    source, target = moved(rng, 3, 64)
    features = rng.normal(size=(3, *grid.shape, 2)).astype(np.float32)
    expected = volumetric_warp.warp(features, source, target, grid).numpy()
    found = volume.warp(tf.constant(features), source, target, grid).numpy()
    assert np.mean(expected != 0.0) > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-4)
    masks = body_parts.part_masks(source, grid)[:, :-1, :-1, :-1].numpy()
    dense = np.moveaxis(volume.part_masks(source, grid).numpy().reshape(3, -1, *masks.shape[1:4]), 1, -1)
    np.testing.assert_array_equal(dense, masks)
    np.testing.assert_array_equal(volume.image_mask(source, grid), body_parts.image_mask(source, grid))


def test_the_surface_warp_is_that_of_the_sparse_form():
    size, rng = (64, 64), np.random.default_rng(1)
    source, target = moved(rng, 2, 64)
    images = rng.uniform(size=(2, 1, NUM_VIEWS, *size, 4)).astype(np.float32)
    sources = tf.constant(source[:, np.newaxis])
    parts_px, found_px = surface_warp.source_parts(sources, size).numpy(), surface.source_parts(sources, size).numpy()
    is_part = np.isfinite(parts_px)
    assert np.array_equal(found_px < surface_warp.NOBODY_PX, is_part) and 0.02 < is_part.max(axis=-1).mean() < 0.9
    np.testing.assert_allclose(found_px[is_part], parts_px[is_part], atol=1e-3)
    depth_px, found_depth_px = (surface_warp.source_depth(sources, each) for each in (parts_px, found_px))
    expected = surface_warp.warp(images, sources, target, False, depth_px, VIEW_OF_PART)
    found, maps = surface.carried(tf.constant(images), sources, tf.constant(target), found_depth_px)
    for name in ('part', 'ring'):
        np.testing.assert_array_equal(maps[name], expected[name])
    for name in ('depth_px', 'normal'):
        np.testing.assert_allclose(maps[name], expected[name], atol=1e-3, err_msg=name)
    np.testing.assert_allclose(found[..., :4], expected['values'][:, 0], atol=1e-3)
    np.testing.assert_array_equal(found[..., 4], expected['visible'][:, 0])
    np.testing.assert_allclose(found[..., 5], expected['facing'][:, 0], atol=1e-4)


def test_a_person_without_extent_is_as_finite_as_in_the_sparse_form():
    pose = np.repeat(STANDING_POSE_PX[:1] / 4, 19, axis=0)[np.newaxis]
    generator = Generator(LEAST)
    image = inputs(LEAST, 1)[0]
    for given in ((pose, pose * 0.5), (pose * 4, STANDING_POSE_PX[np.newaxis] / 8)):
        assert np.isfinite(PortableGenerator.of(generator)(image, *map(tf.constant, given))['image']).all()


def test_what_it_cannot_be_made_of_is_said():
    with pytest.raises(ModelError, match='expected a model with the warp through the volume'):
        PortableModel(Generator(dataclasses.replace(LEAST, warp='2d')))
    batch = tf.TensorSpec([None, 32, 32, 3], tf.float32), *[tf.TensorSpec([None, 19, 3], tf.float32)] * 2
    with pytest.raises(ShapeError, match='with a known B'):
        tf.function(PortableGenerator(LEAST).call, autograph=False).get_concrete_function(*batch)


def test_it_lives_as_keras_layers_do():
    for made in (PortableDetailStream(TINY_DETAIL), PortableGenerator(TINY_DETAIL)):
        again = type(made).from_config(made.get_config())
        assert again.get_config() == made.get_config()
        assert [v.shape for v in again.get_weights()] == [v.shape for v in made.get_weights()]
