"""A request to the signature `serving_default`, read from files and written as TF Serving's REST API wants it."""

import base64
import dataclasses

import numpy as np
from absl import flags as absl_flags

from data_pipeline.errors import UsageError
from experiments.configuration import flags
from experiments.reposing import repose_inputs

MODEL_NAME = 'repose'


@dataclasses.dataclass(frozen=True)
class Request:
    """A batch for the signature `serving_default`.

    Attributes:
      image_bytes: B encoded pictures, JPEG or PNG.
      source_pose, target_pose: float32 [B, 19, 3], px in those pictures.
    """

    image_bytes: list
    source_pose: np.ndarray
    target_pose: np.ndarray

    def to_json(self):
        """Returns the body of a REST call in the row format: bytes in base64, under the key "b64"."""
        return {'signature_name': 'serving_default', 'instances': [
            {'image_bytes': {'b64': base64.b64encode(data).decode('ascii')},
             'source_pose': source.tolist(), 'target_pose': target.tolist()}
            for data, source, target in zip(self.image_bytes, self.source_pose, self.target_pose, strict=True)]}


def pictures_of_json(body):
    """Returns the B PNG files of a REST answer; UsageError with the server's message where it refused."""
    if 'error' in body:
        raise UsageError(f'The server refused: {body["error"]}')
    # The only output of a signature stands for itself; with others beside it, it would have its name.
    return [base64.b64decode(row['b64']) for row in body['predictions']]


def define_flags():
    """Defines what is sent, and where the answer goes."""
    absl_flags.DEFINE_string('source', '', 'Square picture of a person, JPEG or PNG.')
    absl_flags.DEFINE_string('source_pose', '', 'POSES.json#person/frame: the pose in it, px of it.')
    absl_flags.DEFINE_string('target_pose', '', 'POSES.json#person/frame: the wanted pose, px of the same picture.')
    absl_flags.DEFINE_string('output', '', 'PNG file to write.')
    absl_flags.DEFINE_float('timeout_s', 60.0, 'Seconds until the client gives up.', lower_bound=0.1)


def from_flags():
    """Reads the `Request` of one picture that the flags name."""
    path = flags.required('source')
    try:
        with open(path, 'rb') as file:
            data = file.read()
    except OSError as error:
        raise UsageError(f'--source={path}: expected a picture ({error.strerror}).') from None
    return Request([data], _pose('source_pose')[np.newaxis], _pose('target_pose')[np.newaxis])


def write_picture(data):
    """Writes the one picture of an answer to --output."""
    with open(flags.required('output'), 'wb') as file:
        file.write(data)
    print(f'Written: {absl_flags.FLAGS.output}')


def _pose(flag):
    pose, _ = repose_inputs.find_pose(f'--{flag}', flags.required(flag), None)
    return pose.px
