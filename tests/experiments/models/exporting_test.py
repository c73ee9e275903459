"""The SavedModel computes what the live model computes, and success is said only after that was seen."""

import numpy as np
import pytest
import tensorflow as tf

import repose_tf
from data_pipeline.errors import UsageError
from experiments.evaluation.systems import ModelSystem
from experiments.models import export_check, exporting, warmup_requests
from repose_tf.errors import ModelError
from repose_tf.picture_codec import image_from_pixels, pixels_from_image
from repose_tf.reposer import Reposer
from repose_tf.serving import ServedModel
from tests.support.programs import assert_one_error, run_program
from tests.support.tiny import LEAST, tiny_generator, tiny_run

# Signatures that clients call.
CALLED = {'serving_default', 'repose', 'repose_sequence', 'repose_sources', 'repose_sources_sequence'}


def test_pixels_come_back_from_images():
    pixels = tf.constant(np.arange(256, dtype=np.uint8))
    image = image_from_pixels(pixels)
    assert (image.numpy().min(), image.numpy().max()) == (-1.0, 1.0)
    assert np.array_equal(pixels_from_image(image), pixels)
    assert np.array_equal(pixels_from_image(tf.constant([-2.0, 2.0])), [0, 255])


@pytest.fixture(scope='module')
def generator():
    return tiny_generator()


@pytest.fixture(scope='module')
def loaded(exported):
    return tf.saved_model.load(str(exported[1]))


@pytest.fixture(scope='module')
def exported(tmp_path_factory, generator):
    """A run folder's export: the process that made it and the folder of the SavedModel."""
    folder = tmp_path_factory.mktemp('export')
    output = folder / 'exported'
    process = run_program('export', f'--run_dir={tiny_run(folder, generator).path}', f'--output={output}')
    assert process.returncode == 0, process.stderr
    return process, output


@pytest.mark.long
def test_serving_is_the_generator_between_pixels(generator):
    inputs = exporting.example_inputs(LEAST.image_size)
    image = inputs['source_image'].astype(np.float32) / 127.5 - 1.0
    expected = generator(image, inputs['source_pose'], inputs['target_pose'])['image'].numpy()
    found = ServedModel(generator).repose(**inputs)['image'].numpy()
    assert found.dtype == np.uint8 and found.std() > 0.0
    assert np.abs(found - (expected + 1.0) * 127.5).max() <= 0.51


def test_export_says_what_it_checked_and_leaves_nothing_over(exported):
    process, output = exported
    for words in ('With oneDNN: loaded in a fresh process', 'Without oneDNN: loaded', 'Size: ', str(output)):
        assert words in process.stdout
    assert sorted(path.name for path in output.parent.iterdir()) == ['exported', 'tiny-0001']


def test_the_saved_model_takes_any_batch(loaded, generator):
    inputs = {name: tf.constant(value)
              for name, value in exporting.example_inputs(LEAST.image_size, batch_size=3).items()}
    found = loaded.signatures['repose'](**inputs)['image']
    image = image_from_pixels(inputs['source_image'])
    expected = generator(image, inputs['source_pose'], inputs['target_pose'])
    assert found.dtype == tf.uint8 and found.shape == (3, LEAST.image_size, LEAST.image_size, 3)
    assert np.abs(found.numpy() - (expected['image'].numpy() + 1.0) * 127.5).max() <= 0.51


def test_photos_are_encoded_once_for_their_poses_and_show_what_the_live_model_shows(exported, generator):
    stored = repose_tf.load(exported[1])
    inputs = exporting.example_inputs(LEAST.image_size, batch_size=3)
    several = list(inputs['source_image'][:2]), list(inputs['source_pose'][:2])
    one = inputs['source_image'][0], inputs['source_pose'][0]
    named, used = stored._model._signatures, []
    stored._model._signatures = {
        name: lambda _name=name, **kwargs: used.append(_name) or named[_name](**kwargs) for name in named}
    for given in (several, one):
        expected = Reposer.of_generator(generator).source(*given).repose(inputs['target_pose'])
        assert np.abs(stored.source(*given).repose(inputs['target_pose']).astype(int) - expected).max() <= 1
    assert used == ['repose_sources_sequence'] * 2
    stored._model.takes_masks = False  # as a SavedModel without that signature
    (picture, alpha, _), *_ = stored.source(*one).each(inputs['target_pose'], with_alpha=True)
    assert used[2:] == ['repose'] and alpha is None and np.abs(picture.astype(int) - expected[0]).max() <= 1


@pytest.mark.long
def test_warm_up_requests_are_what_the_signatures_take(exported, loaded):
    records = tf.data.TFRecordDataset(str(exported[1] / warmup_requests.FILE)).as_numpy_iterator()
    log_class, seen = warmup_requests.message_class('PredictionLog'), set()
    for record in records:
        request = log_class.FromString(record).predict_log.request
        inputs = {entry.key: tf.constant(tf.make_ndarray(entry.value)) for entry in request.inputs}
        loaded.signatures[request.model_spec.signature_name](**inputs)
        seen.add(request.model_spec.signature_name)
    assert seen == CALLED


def test_warm_up_requests_are_those_of_tensorflow_serving(exported):
    apis = pytest.importorskip('tensorflow_serving.apis.prediction_log_pb2', reason='needs tensorflow-serving-api')
    for record in tf.data.TFRecordDataset(str(exported[1] / warmup_requests.FILE)).as_numpy_iterator():
        log = apis.PredictionLog.FromString(record)
        request = log.predict_log.request
        assert request.model_spec.signature_name in CALLED
        assert request.inputs['target_pose'].dtype == tf.float32.as_datatype_enum


def test_export_overwrites_nothing(exported, generator):
    with pytest.raises(UsageError, match='does not exist yet'):
        exporting.export(generator, str(exported[1]))


@pytest.mark.long
def test_the_portable_form_is_checked_too(generator, tmp_path):
    lines = exporting.export_portable(generator, str(tmp_path / 'portable'), 2)
    assert "2 pictures differ from the live model's by" in lines[0] and lines[1].startswith('Without oneDNN: loaded')
    signatures = tf.saved_model.load(str(tmp_path / 'portable')).signatures
    assert list(signatures) == ['serving_default']
    assert signatures['serving_default'].structured_outputs['image'].shape == (2, *[LEAST.image_size] * 2, 3)
    inputs = exporting.example_inputs(LEAST.image_size)
    layers = generator(image_from_pixels(inputs['source_image']), inputs['source_pose'], inputs['target_pose'])
    np.savez(tmp_path / 'examples.npz', **inputs, **{**layers, 'image': layers['image'] + 2e-3})
    with pytest.raises(UsageError, match='expected the results of the live model, found differences of'):
        export_check.compare(str(tmp_path / 'portable'), str(tmp_path / 'examples.npz'))


@pytest.mark.long
def test_the_check_sees_another_result(exported, generator, tmp_path):
    inputs = exporting.example_inputs(LEAST.image_size)
    layers = ServedModel(generator).repose_layers(**inputs)
    for name in ('image', 'foreground_alpha'):
        changed = {**layers, name: layers[name] + 2e-4}
        np.savez(tmp_path / 'examples.npz', **changed, **inputs)
        with pytest.raises(UsageError, match='expected the results of the live model, found 0.0002'):
            export_check.compare(str(exported[1]), str(tmp_path / 'examples.npz'))


@pytest.mark.long
def test_a_missing_run_is_one_line(tmp_path):
    assert_one_error(run_program('export', '--run_dir=no/such/run', f'--output={tmp_path / "out"}'),
                     'no/such/run', 'expected a run folder')


@pytest.mark.long
def test_a_saved_model_is_scored_as_what_it_computes(exported, generator, tmp_path):
    inputs = exporting.example_inputs(LEAST.image_size)
    system = ModelSystem(str(exported[1]))
    batch = {**inputs, 'source_image': image_from_pixels(inputs['source_image']),
             'source_mask': np.zeros((*inputs['source_image'].shape[:3], 1), np.float32)}
    assert system.image_size == LEAST.image_size
    assert np.abs(system(batch).numpy().astype(int) - ServedModel(generator).repose(**inputs)['image']).max() <= 2

    class Other(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32, name='source_image')])
        def repose(self, source_image):
            return {'image': source_image}

    other = Other()
    for name, words in (('repose', 'expected the signature repose with .* found source_image float32'),
                        ('other', 'expected a SavedModel with the signature repose, found other')):
        tf.saved_model.save(other, str(tmp_path / name), {name: other.repose})
        with pytest.raises(ModelError, match=words):
            ModelSystem(str(tmp_path / name))
