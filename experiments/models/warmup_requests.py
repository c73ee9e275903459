"""Requests that TensorFlow Serving runs when it loads a model, so that the first user does not wait for the graphs.

They lie in <SavedModel>/assets.extra/tf_serving_warmup_requests, a TFRecord file of `tensorflow.serving.PredictionLog`.
The messages are described here as far as they are needed, with the numbers of TensorFlow Serving's files
apis/prediction_log.proto, predict.proto and model.proto; a test reads the file with TensorFlow Serving's own classes.
"""

import os

import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorflow.core.framework import tensor_pb2

FILE = os.path.join('assets.extra', 'tf_serving_warmup_requests')

_PACKAGE = 'repose_tf.warmup'  # not TensorFlow Serving's own, which may be installed: names do not travel, numbers do
_FIELDS = {  # message -> field -> (number, type, repeated)
    'ModelSpec': {'name': (1, 'string', False), 'signature_name': (3, 'string', False)},
    'Input': {'key': (1, 'string', False), 'value': (2, 'tensorflow.TensorProto', False)},  # an entry of a map
    'PredictRequest': {'model_spec': (1, f'{_PACKAGE}.ModelSpec', False), 'inputs': (2, f'{_PACKAGE}.Input', True)},
    'PredictLog': {'request': (1, f'{_PACKAGE}.PredictRequest', False)},
    'PredictionLog': {'predict_log': (6, f'{_PACKAGE}.PredictLog', False)},
}


def write(saved_model, requests):
    """Writes the file of a SavedModel's folder; `requests` is a list of (signature's name, dict: argument -> array)."""
    path = os.path.join(saved_model, FILE)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tf.io.TFRecordWriter(path) as writer:
        for signature, inputs in requests:
            writer.write(_log(signature, inputs))


def _log(signature, inputs):
    """Returns the bytes of one PredictionLog; the model's name is left empty, the server knows which one it loads."""
    log = message_class('PredictionLog')()
    request = log.predict_log.request
    request.model_spec.signature_name = signature
    for name, value in sorted(inputs.items()):
        request.inputs.add(key=name, value=tf.make_tensor_proto(value))
    return log.SerializeToString()


def message_class(name):
    """Returns the class of a message of `_FIELDS`."""
    pool = descriptor_pool.Default()
    try:
        descriptor = pool.FindMessageTypeByName(f'{_PACKAGE}.{name}')
    except KeyError:
        pool.AddSerializedFile(_file_description().SerializeToString())
        descriptor = pool.FindMessageTypeByName(f'{_PACKAGE}.{name}')
    return message_factory.GetMessageClass(descriptor)


def _file_description():
    file = descriptor_pb2.FileDescriptorProto(
        name='repose_tf/warmup.proto', package=_PACKAGE, syntax='proto3',
        dependency=[tensor_pb2.DESCRIPTOR.name])
    kinds = descriptor_pb2.FieldDescriptorProto
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for name, (number, kind, repeated) in fields.items():
            field = described.field.add(
                name=name, number=number, type=kinds.TYPE_STRING,
                label=kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL)
            if kind != 'string':
                field.type, field.type_name = kinds.TYPE_MESSAGE, f'.{kind}'
    return file
