"""A request to the signature `serving_default`, read from files, and its form for TensorFlow Serving's REST API."""

import base64
import dataclasses
import json
import pathlib

import numpy as np

from data_pipeline.errors import UsageError
from experiments.reposing.source_person import find_pose

MODEL_NAME = 'repose'

_PNG = b'\x89PNG\r\n\x1a\n'
_SHOWN = 80  # characters or bytes of what was no answer


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


def pictures_of_json(body, count):
    """Returns the `count` PNG files of a REST answer.

    Raises:
      UsageError: the server refused, with its message, or answered something else, with the beginning of it.
    """
    if isinstance(body, dict) and 'error' in body:
        raise UsageError(f'The server refused: {body["error"]}')
    try:
        # TensorFlow Serving names outputs only where a signature has several.
        files = [base64.b64decode(row['b64'], validate=True) for row in body['predictions']]
    except (KeyError, TypeError, ValueError):
        raise UsageError('expected {"predictions": [{"b64": ...}, ...]} for an answer, found '
                         f'{beginning(json.dumps(body))}.') from None
    return checked_pictures(files, count)


def checked_pictures(files, count):
    """Returns the files of an answer; raises UsageError unless they are `count` PNG files."""
    if len(files) != count:
        raise UsageError(f'expected {count} pictures in the answer, found {len(files)}.')
    for data in files:
        if not isinstance(data, bytes) or not data.startswith(_PNG):
            raise UsageError(f'expected PNG files in the answer, found {beginning(data)}.')
    return files


def beginning(value):
    """Returns the beginning of what was found, as it is shown in a message."""
    return repr(value[:_SHOWN]) + (' ...' if len(value) > _SHOWN else '') if hasattr(value, '__len__') else repr(value)


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
