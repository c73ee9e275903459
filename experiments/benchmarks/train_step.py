"""Speed, memory and shares of the training step, and the times of its operations from TensorFlow's profiler."""

import collections
import glob
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import typing

import numpy as np
import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from experiments.benchmarks import tools
from experiments.benchmarks.generator import peak_of_this_process
from experiments.configuration.devices import make_strategy, with_native_precision
from experiments.configuration.flags import settings_from_file
from experiments.training import dry_run
from experiments.training.trainer import Trainer
from tests.support import cases

_FULL = {'vgg_weights': 'hed', 'precision': 'auto'}
# Title -> flag file of the run whose step is measured, and other values of its settings.
CASES = {
    'quickstart.flags': ('quickstart.flags', {}),
    'people256.flags': ('people256.flags', {}),
    'fashion.flags': ('fashion.flags', _FULL),
    'fashion.flags, remat': ('fashion.flags', {**_FULL, 'remat': True}),
}
# What stands in the name or the type of an operation -> the part of the step it belongs to; the first that fits counts.
_PARTS = {
    'lifting_encoder': 'lifting encoder', '/warp': 'warp', 'pose_encoder': 'pose encoder',
    'projection_decoder': 'projection decoder', 'background_inpainter': 'background inpainter',
    'discriminator': 'discriminator', 'vgg_features': 'perceptual loss',
    'detail_stream': 'detail stream', 'L2Loss': 'L2 loss', 'Adam': 'optimisers',
    'adam': 'optimisers', 'global_norm': 'norms of the gradients'}
_KINDS = {'Conv': 'convolutions', 'BiasAddGrad': 'gradients of biases'}
_REST = 'rest'
_ENOUGH_S = 30.0
# The executor names what it runs 'scopes/of/the/operation:Type'.
_OPERATION = re.compile(r'([\w./\-]+):([A-Z_]\w*)$')
# They do not compute but wait for the operations of their bodies.
_CONTAINERS = {'StatefulPartitionedCall', 'PartitionedCall', 'While', 'StatelessWhile', 'If', 'StatelessIf'}
_EVERYTHING = 3  # level of the tracer that also sees small operations


class OpTime(typing.NamedTuple):
    """One run of one operation: its name with its scopes, its type as the executor's kernels are called, seconds."""

    name: str
    kind: str
    seconds: float


def run(rounds, max_gigabytes, plot_dir):
    """Measures every case in a process of its own; returns Markdown."""
    del plot_dir
    figures = {title: measure(rounds, title) for title in CASES}
    text = tools.table([summary(title, **of_case) for title, of_case in figures.items()])
    for title, of_case in figures.items():
        text += (f'\n\nThe step of {title}, in % of the time of all its operations:\n\n'
                 f'{tools.table(share_rows(of_case["seconds_of"]))}')
        if of_case['gigabytes'] > max_gigabytes:
            text += f'\n\nThis takes more than --max_gigabytes={max_gigabytes}.'
    return text


def measure(rounds, title):
    """Returns what `measured_here` does, from a process that does nothing else."""
    process = subprocess.run([sys.executable, '-m', __name__, str(rounds), title], stdout=subprocess.PIPE, text=True,
                             check=True)
    return json.loads(process.stdout.splitlines()[-1])


def measured_here(rounds, title):
    """Makes the `Trainer` of a case and measures its steps: `rounds` of them, or fewer where they take long.

    Returns:
      dict of `precision`; `batch_size`; `seconds` of a step; `flops` of it; `gigabytes`, the most memory of this
      process; and `seconds_of`, list of [part, kind, backward, seconds] of the operations of one step.
    """
    path, changes = CASES[title]
    settings, _ = with_native_precision(settings_from_file(path, **changes))
    trainer = Trainer(settings, make_strategy())
    batch = made_up_batch(settings.model.architecture().image_size, settings.train.batch_size)
    step = tools.waited(trainer.step, batch, tf.constant(0.0))
    step()
    times = []
    while len(times) < rounds and sum(times) < _ENOUGH_S:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return {'precision': settings.model.precision, 'batch_size': settings.train.batch_size,
            'seconds': statistics.median_high(times), 'gigabytes': peak_of_this_process(),
            'seconds_of': summed(op_times(step)),
            'flops': dry_run.step_flops(trainer, settings, dry_run.traced_pass(trainer, settings))}


def made_up_batch(size, batch_size):
    """Returns a batch as the input pipeline makes it: noise, and two poses of people."""
    rng = np.random.default_rng(0)
    images = {name: rng.integers(0, 256, (batch_size, size, size, channels)).astype(np.uint8)
              for name, channels in (('source_image', 3), ('target_image', 3), ('target_mask', 1), ('source_mask', 1))}
    poses = {name: cases.person_poses(rng, batch_size, size) for name in ('source_pose', 'target_pose')}
    known = {f'has_{side}_mask': np.ones(batch_size, bool) for side in ('source', 'target')}
    return {name: tf.constant(value) for name, value in {**images, **poses, **known}.items()}


def summed(ops):
    """Adds up `OpTime`s; returns a list of [part, kind, backward, seconds]."""
    sums = collections.Counter()
    for op in ops:
        name = f'{op.name}:{op.kind}'
        # The passes of the networks are a function of their own within one that a device does.
        part = _first(_PARTS, name, _REST if name.count('StatefulPartitionedCall') > 1 else 'augmentation, average')
        kind = _first(_KINDS, op.kind, 'group norms' if 'group_norm' in op.name else _REST)
        sums[part, kind, 'gradient_tape' in name] += op.seconds
    return [[*key, seconds] for key, seconds in sums.items()]


def _first(meanings, text, default):
    return next((meaning for word, meaning in meanings.items() if word in text), default)


def summary(title, precision, batch_size, seconds, flops, gigabytes, seconds_of):
    """Returns one row of the table of all cases."""
    share = _share(seconds_of, lambda part, kind, backward: kind == 'convolutions')
    return {'step of': title, 'precision': precision, 'batch': batch_size, 's': f'{seconds:.2f}',
            'steps/s': f'{1 / seconds:.3f}', 'TFLOP': f'{flops / 1e12:.3g}', 'TFLOP/s': f'{flops / seconds / 1e12:.3g}',
            'in convolutions': f'{share:.0f} %', 'most memory, GB': f'{gigabytes:.1f}'}


def share_rows(seconds_of):
    """Returns the rows of the table of one case: each part of the step, and all of it."""
    parts = sorted({row[0] for row in seconds_of}, key=lambda part: -_share(seconds_of, lambda p, k, b: p == part))
    rows = []
    for part in (*parts, 'all'):
        def share(kind=None, backward=None, part=part):
            return _share(seconds_of, lambda p, k, b: (part in (p, 'all') and kind in (k, None)
                                                       and backward in (b, None)))
        columns = {'all': share(), 'convolutions forward': share('convolutions', False),
                   'backward': share('convolutions', True)}
        columns.update({kind: share(kind) for kind in ('gradients of biases', 'group norms', _REST)})
        rows.append({'part': part, **{name: f'{value:.1f}' for name, value in columns.items()}})
    return rows


def _share(seconds_of, fits):
    """Percentage of the time of the operations whose part, kind and direction fit."""
    return 100 * sum(row[3] for row in seconds_of if fits(*row[:3])) / sum(row[3] for row in seconds_of)


def op_times(function):
    """Runs a function without arguments once, under the profiler; returns a list of `OpTime` of operations on the CPU.

    The function must wait for its results. Run it before, as building graphs takes time too. Where several operations
    run at once, their times overlap.
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
    return [op for plane in space.planes for op in _plane_times(plane)]


def _plane_times(plane):
    matches = {key: _OPERATION.match(metadata.name) for key, metadata in plane.event_metadata.items()}
    for line in plane.lines:
        for event in line.events:
            match = matches[event.metadata_id]
            if match and match[2] not in _CONTAINERS:
                yield OpTime(match[1], match[2], event.duration_ps / 1e12)


if __name__ == '__main__':
    print(json.dumps(measured_here(int(sys.argv[1]), sys.argv[2])))
