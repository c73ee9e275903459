"""Asks TensorFlow Serving for a picture by REST.

python -m experiments.serving.rest_client --source=photo.png --source_pose=poses.json#p000/00 \
    --target_pose=poses.json#p000/05 --output=build/reposed.png
"""

import functools
import os
import pathlib

import requests
from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import UsageError
from data_pipeline.files import whole_file
from experiments.configuration import flags
from experiments.serving import request

FLAGS = absl_flags.FLAGS


def define_server():
    """Defines which server is asked."""
    absl_flags.DEFINE_string('server', 'http://localhost:8501', 'Address of the server.')


def define_request():
    """Defines what is sent, and where the answer goes."""
    absl_flags.DEFINE_string('source', '', 'Square picture of a person, JPEG or PNG.')
    absl_flags.DEFINE_string('source_pose', '', 'POSES.json#person/frame: the pose in it, px of it.')
    absl_flags.DEFINE_string('target_pose', '', 'POSES.json#person/frame: the wanted pose, px of the same picture.')
    absl_flags.DEFINE_string('output', '', 'PNG file to write.')
    absl_flags.DEFINE_float('timeout_s', 60.0, 'Seconds until the client gives up.', lower_bound=0.1)


def ask(predict_by):
    """Asks for the picture that the flags name and writes it; `predict_by` is the `predict` of a client."""
    output = flags.required('output')
    if pathlib.Path(output).suffix.lower() != '.png':
        raise UsageError(f'--output: expected a name that ends in .png, found {output!r}.')
    if os.path.isdir(output):
        raise UsageError(f'--output: expected a file to write, found the folder {output}.')
    asked = request.read_request(*map(flags.required, ('source', 'source_pose', 'target_pose')))
    with whole_file(output) as unfinished:
        unfinished.touch()  # where nothing can be written, nobody is asked
        [picture] = predict_by(FLAGS.server, asked, FLAGS.timeout_s)
        unfinished.write_bytes(picture)
    print(f'Written: {output}')


def predict(server, asked, timeout_s):
    """Sends a `Request`; returns the PNG files of the answer. Raises UsageError without one, or with another answer."""
    url = f'{server}/v1/models/{request.MODEL_NAME}:predict'
    try:
        answer = requests.post(url, json=asked.to_json(), timeout=timeout_s)
    except requests.RequestException as error:  # no connection, or no answer in time
        raise UsageError(f'--server={server}: expected an answer of TensorFlow Serving, found: {error}') from None
    try:
        body = answer.json()
    except ValueError:
        raise UsageError(f'--server={server}: expected an answer of TensorFlow Serving, found no JSON but status '
                         f'{answer.status_code} and {request.beginning(answer.text)}.') from None
    try:
        return request.pictures_of_json(body, len(asked.image_bytes))
    except UsageError as error:
        raise UsageError(f'--server={server}: {error}') from None


if __name__ == '__main__':
    program.run(functools.partial(ask, predict), define_server, define_request)
