"""Asks TensorFlow Serving for a picture by gRPC; needs the package tensorflow-serving-api (docs/serving.md).

python -m experiments.serving.grpc_client --source=photo.png --source_pose=poses.json#p000/00 \
    --target_pose=poses.json#p000/05 --output=build/reposed.png
"""

import functools

import grpc
import tensorflow as tf
from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import UsageError
from experiments.serving import request, rest_client

# gRPC's own bound of 4 MB is less than a photo may have.
MAX_MESSAGE_BYTES = 64_000_000
CHANNEL_OPTIONS = tuple((f'grpc.max_{way}_message_length', MAX_MESSAGE_BYTES) for way in ('send', 'receive'))


def define_server():
    """Defines which server is asked."""
    absl_flags.DEFINE_string('server', 'localhost:8500', 'Host and port of the server.')


def to_proto(asked):
    """Returns a `Request` as a PredictRequest."""
    try:
        from tensorflow_serving.apis import predict_pb2
    except ImportError:
        raise UsageError('gRPC needs the package tensorflow-serving-api, which is not installed; '
                         'experiments.serving.rest_client needs nothing more.') from None
    proto = predict_pb2.PredictRequest()
    proto.model_spec.name, proto.model_spec.signature_name = request.MODEL_NAME, 'serving_default'
    for name, value in vars(asked).items():
        proto.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return proto


def predict(server, asked, timeout_s):
    """Sends a `Request`; returns the PNG files of the answer. Raises UsageError without one, or with another answer."""
    proto = to_proto(asked)
    from tensorflow_serving.apis import prediction_service_pb2_grpc
    with grpc.insecure_channel(server, options=CHANNEL_OPTIONS) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        try:
            answer = stub.Predict(proto, timeout=timeout_s)
        except grpc.RpcError as error:
            raise UsageError(f'--server={server}: {error.code().name}: {error.details()}') from None
    return pictures_of(answer.outputs, server, len(asked.image_bytes))


def pictures_of(outputs, server, count):
    """Returns the `count` PNG files of an answer's outputs, name -> TensorProto; UsageError where they are others."""
    if 'image_bytes' not in outputs:
        raise UsageError(f'--server={server}: expected image_bytes in the answer, found '
                         f'{", ".join(sorted(outputs)) or "nothing"}.')
    try:
        return request.checked_pictures(list(tf.make_ndarray(outputs['image_bytes']).ravel()), count)
    except (TypeError, ValueError, UsageError) as error:
        raise UsageError(f'--server={server}: image_bytes: {error}') from None


if __name__ == '__main__':
    program.run(functools.partial(rest_client.ask, predict), define_server, rest_client.define_request)
