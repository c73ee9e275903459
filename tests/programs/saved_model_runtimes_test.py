"""The SavedModel runs without Python, and over the network by the protocols of TensorFlow Serving."""

import concurrent.futures
import os
import pathlib
import shutil
import subprocess

import numpy as np
import pytest
import requests
import tensorflow as tf

from data_pipeline.errors import UsageError
from experiments.models.exporting import example_inputs
from experiments.serving import grpc_client, rest_client
from experiments.serving.request import Request
from tests.support import served_models
from tests.support.programs import ROOT
from tests.support.tiny import TINY

CLIENT = ROOT / 'tests' / 'support' / 'saved_model_client.c'


@pytest.fixture(scope='module')
def rest_server():
    server, address = served_models.start_rest_server()
    yield address
    server.shutdown()
    server.server_close()


@pytest.fixture(scope='module')
def request_and_answer():
    asked = served_models.good_request()
    return asked, served_models.answer_to(asked)


def compiled_client(folder):
    """Compiles the C program against the libraries of the installed TensorFlow."""
    compiler, libraries = shutil.which('cc'), pathlib.Path(tf.sysconfig.get_lib())
    if compiler is None or not (libraries / 'libtensorflow_cc.so.2').exists():
        pytest.skip(f'needs a C compiler (found {compiler}) and libtensorflow_cc.so.2 in {libraries}')
    linker = ['-fuse-ld=gold'] if shutil.which('ld.gold') else []  # the other one takes five times as long
    client = folder / 'client'
    subprocess.run([compiler, '-Wall', '-Wextra', '-Werror', CLIENT, '-o', client, f'-I{tf.sysconfig.get_include()}',
                    *linker, f'-L{libraries}', '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2',
                    f'-Wl,-rpath,{libraries}'], check=True)
    return client


def operation_names(folder):
    """Returns the names of the tensors of the signature `repose` as a loader without Python sees them."""
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        signature = tf.compat.v1.saved_model.load(session, ['serve'], folder).signature_def['repose']
    return {name: info.name for name, info in [*signature.inputs.items(), *signature.outputs.items()]}


@pytest.mark.slow
@pytest.mark.long
def test_a_c_program_makes_the_same_picture(tmp_path):
    client, names = compiled_client(tmp_path), operation_names(served_models.saved_model())
    inputs = example_inputs(TINY.image_size, 1)
    (tmp_path / 'inputs').write_bytes(b''.join(array.tobytes() for array in inputs.values()))
    operations = [names[name].split(':')[0] for name in inputs]
    subprocess.run([client, served_models.saved_model(), str(TINY.image_size), '19', tmp_path / 'inputs',
                    tmp_path / 'image', *operations, *names['image'].split(':')], check=True,
                   env={**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3'})
    found = np.fromfile(tmp_path / 'image', np.uint8).astype(int)
    expected = served_models.loaded().signatures['repose'](**{k: tf.constant(v) for k, v in inputs.items()})['image']
    assert expected.numpy().std() > 0 and np.abs(found - expected.numpy().ravel()).max() <= 1


def test_the_rest_client_gets_what_the_model_makes(rest_server, request_and_answer):
    asked, answer = request_and_answer
    assert rest_client.predict(rest_server, asked, 60) == answer
    decoded = [tf.io.decode_png(data).numpy() for data in answer]
    assert [image.shape for image in decoded] == [(TINY.image_size, TINY.image_size, 3)] * 2


@pytest.mark.long
def test_the_rest_client_says_why_the_server_refused(rest_server, request_and_answer):
    asked = request_and_answer[0]
    with pytest.raises(UsageError, match='image_bytes: expected JPEG or PNG files'):
        rest_client.predict(rest_server, Request([b'', b''], asked.source_pose, asked.target_pose), 60)
    with pytest.raises(UsageError, match='expected an answer of TensorFlow Serving'):
        rest_client.predict('http://127.0.0.1:9', asked, 5)


def test_a_row_of_json_holds_what_was_sent(request_and_answer):
    asked = request_and_answer[0]
    rows = requests.Request('POST', 'http://host', json=asked.to_json()).prepare()
    assert rows.headers['Content-Type'] == 'application/json'
    found = [np.array([row[name] for row in asked.to_json()['instances']], np.float32)
             for name in ('source_pose', 'target_pose')]
    assert np.array_equal(found, [asked.source_pose, asked.target_pose])


def test_the_grpc_client_speaks_the_real_protocol(request_and_answer):
    predict_pb2 = pytest.importorskip('tensorflow_serving.apis.predict_pb2')
    services = pytest.importorskip('tensorflow_serving.apis.prediction_service_pb2_grpc')
    import grpc
    asked, answer = request_and_answer

    class Servicer(services.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802  (the protocol names it so)
            assert (request.model_spec.name, request.model_spec.signature_name) == ('repose', 'serving_default')
            inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
            try:
                pictures = served_models.answer_to(Request(**inputs))
            except tf.errors.InvalidArgumentError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
            result = predict_pb2.PredictResponse()
            result.outputs['image_bytes'].CopyFrom(tf.make_tensor_proto(pictures))
            return result

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1), options=grpc_client.CHANNEL_OPTIONS)
    services.add_PredictionServiceServicer_to_server(Servicer(), server)
    address = f'127.0.0.1:{server.add_insecure_port("127.0.0.1:0")}'
    server.start()
    try:
        assert grpc_client.predict(address, asked, 60) == answer
        with pytest.raises(UsageError, match='(?s)INVALID_ARGUMENT.*source_pose: expected finite numbers'):
            grpc_client.predict(address, Request(asked.image_bytes, asked.source_pose * np.nan, asked.target_pose), 60)
    finally:
        server.stop(None)
