"""How long each operation of a step takes, from TensorFlow's profiler."""

import dataclasses
import glob
import os
import re
import tempfile

import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

# The executor names what it runs 'scopes/of/the/operation:Type'.
_OPERATION = re.compile(r'([\w./\-]+):([A-Z_]\w*)$')
# They do not compute but wait for the operations of their bodies.
_CONTAINERS = {'StatefulPartitionedCall', 'PartitionedCall', 'While', 'StatelessWhile', 'If', 'StatelessIf'}
_EVERYTHING = 3  # level of the tracer that also sees small operations


@dataclasses.dataclass(frozen=True)
class OpTime:
    """One run of one operation.

    Attributes:
      name: with its scopes.
      kind: type of the operation, as the executor's kernels are called.
      seconds: from start to end.
    """

    name: str
    kind: str
    seconds: float


def of_one_run(function):
    """Runs a function without arguments once, under the profiler.

    Args:
      function: it must wait for its results. Run it before: graphs that are built on the way take time too.

    Returns:
      list of `OpTime` of the operations on the CPU. Where several run at once, their times overlap.
    """
    options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=_EVERYTHING, python_tracer_level=0)
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder, options=options)
        try:
            function()
        finally:
            tf.profiler.experimental.stop()
        path, = glob.glob(os.path.join(folder, '**', '*.xplane.pb'), recursive=True)
        space = xplane_pb2.XSpace()
        with open(path, 'rb') as file:
            space.ParseFromString(file.read())
    return [op for plane in space.planes for op in _of_plane(plane)]


def _of_plane(plane):
    matches = {key: _OPERATION.match(metadata.name) for key, metadata in plane.event_metadata.items()}
    for line in plane.lines:
        for event in line.events:
            match = matches[event.metadata_id]
            if match and match[2] not in _CONTAINERS:
                yield OpTime(match[1], match[2], event.duration_ps / 1e12)
