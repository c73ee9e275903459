"""A SavedModel of a tiny generator, what is asked of it, and stand-ins for the servers that cannot be had here."""

import base64
import fcntl
import functools
import http.server
import json
import os
import threading

import cv2
import keras
import numpy as np
import tensorflow as tf

from data_pipeline.files import whole_folder
from experiments.models.exporting import example_inputs
from experiments.serving.request import Request
from repose_tf.serving import ServedModel
from tests.support.tiny import TINY, tiny_generator


@functools.cache
def generator():
    """Returns the generator that the SavedModel is made of."""
    keras.utils.set_random_seed(0)  # the same weights in every process of the tests, which share the SavedModel
    return tiny_generator()


@functools.cache
def saved_model():
    """Returns the folder of the SavedModel, made once for all processes of the tests."""
    folder = os.path.join(os.environ['REPOSE_TESTS_FOLDER'], 'saved_model')
    with open(f'{folder}.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            with whole_folder(folder) as unfinished:
                ServedModel(generator()).save(str(unfinished))
    return folder


@functools.cache
def loaded():
    """Returns the SavedModel, loaded once a process."""
    return tf.saved_model.load(saved_model())


def good_request(batch_size=2):
    """Returns a `Request` of PNG files of noise and scattered poses."""
    inputs = example_inputs(TINY.image_size, batch_size)
    files = [cv2.imencode('.png', image[..., ::-1])[1].tobytes() for image in inputs['source_image']]
    return Request(files, inputs['source_pose'], inputs['target_pose'])


def answer_to(request):
    """Returns the PNG files that the SavedModel itself makes of a `Request`."""
    tensors = {name: tf.constant(value) for name, value in vars(request).items()}
    return list(loaded().signatures['serving_default'](**tensors)['image_bytes'].numpy())


class RestServer(http.server.BaseHTTPRequestHandler):
    """Answers as the published REST API says: rows in, rows out, bytes under "b64", 400 and "error" when refused."""

    def do_POST(self):  # noqa: N802  (the base class names it so)
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        rows = body['instances']
        columns = {name: np.array([row[name] for row in rows], np.float32) for name in ('source_pose', 'target_pose')}
        files = [base64.b64decode(row['image_bytes']['b64'], validate=True) for row in rows]
        try:
            if self.path != '/v1/models/repose:predict' or body['signature_name'] != 'serving_default':
                raise ValueError('no such model')
            pictures = answer_to(Request(files, **columns))
            status, answer = 200, {'predictions': [{'b64': base64.b64encode(data).decode()} for data in pictures]}
        except (ValueError, tf.errors.InvalidArgumentError) as error:
            status, answer = 400, {'error': str(error)}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_):
        """Says nothing."""


def start_rest_server():
    """Starts the stand-in on a free port; returns (server, its address)."""
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), RestServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f'http://127.0.0.1:{server.server_port}'
