"""Asks TensorFlow Serving for a picture by REST.

python -m experiments.serving.rest_client --source=photo.png --source_pose=poses.json#p000/00 \
    --target_pose=poses.json#p000/05 --output=build/reposed.png
"""

import requests
from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import UsageError
from experiments.serving import request


def define_flags():
    """Defines which server is asked."""
    absl_flags.DEFINE_string('server', 'http://localhost:8501', 'Address of the server.')


def main():
    values = absl_flags.FLAGS
    request.write_picture(predict(values.server, request.from_flags(), values.timeout_s)[0])


def predict(server, asked, timeout_s):
    """Sends a `Request`; returns the PNG files of the answer. UsageError where there is none."""
    url = f'{server}/v1/models/{request.MODEL_NAME}:predict'
    try:
        answer = requests.post(url, json=asked.to_json(), timeout=timeout_s)
        return request.pictures_of_json(answer.json())
    except requests.RequestException as error:  # no connection, no answer in time, or one that is no JSON
        raise UsageError(f'--server={server}: expected an answer of TensorFlow Serving, found: {error}') from None


if __name__ == '__main__':
    program.run(main, define_flags, request.define_flags)
