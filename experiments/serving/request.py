"""A request to the signature `serving_default`, read from files, and its form for TensorFlow Serving's REST API."""

import base64
import dataclasses
import pathlib

import numpy as np

from data_pipeline.errors import UsageError
from experiments.reposing.source_person import find_pose

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
    """Returns the B PNG files of a REST answer; raises UsageError with the server's message if it refused."""
    if 'error' in body:
        raise UsageError(f'The server refused: {body["error"]}')
    # TensorFlow Serving names outputs only where a signature has several.
    return [base64.b64decode(row['b64']) for row in body['predictions']]


def read_request(source, source_pose, target_pose):
    """Reads the `Request` of one picture.

    Args:
      source: path of a square picture, JPEG or PNG.
      source_pose: POSES.json#person/frame, px of it.
      target_pose: likewise, the wanted pose.

    Raises:
      UsageError, DataError: one of them is missing or not in order.
    """
    poses_px = [find_pose(flag, name, None).px[np.newaxis]
                for flag, name in (('--source_pose', source_pose), ('--target_pose', target_pose))]
    try:
        return Request([pathlib.Path(source).read_bytes()], *poses_px)
    except OSError as error:
        raise UsageError(f'--source={source}: expected a picture ({error.strerror}).') from None
