"""Times of a SavedModel: loading, the first call, calls of several batches, sequences against single calls."""

import os
import tempfile
import time

import numpy as np
import tensorflow as tf

from data_pipeline.annotation.crop import Square
from data_pipeline.picture_file import resized
from experiments.benchmarks import tools
from experiments.models.exporting import example_inputs
from experiments.pictures.files import open_output
from experiments.reposing.frames import Frames
from experiments.reposing.source_person import SourcePerson
from repose_tf.architecture import PRESETS
from repose_tf.generator import Generator
from repose_tf.reposer import Reposer
from repose_tf.serving import RequestLimits, ServedModel
from tests.support import cases

BATCH_SIZES = (1, 8, 32)
NUM_TARGETS = 32
_NUM_FULL_TARGETS = 8  # at 256 px on a CPU: minutes otherwise
_PHOTO = 720, 960  # rows, columns, px
_PIXEL_BYTES = 20e3  # what a pass holds for every pixel, roughly


def run(rounds, max_gigabytes, plot_dir):
    """Measures both presets as SavedModels with untrained weights; returns Markdown. There is no plot."""
    del plot_dir
    sections = []
    for preset, num_targets in (('small', NUM_TARGETS), ('reference', _NUM_FULL_TARGETS)):
        rows = measured(PRESETS[preset], num_targets, rounds, max_gigabytes)
        sections.append(f'Preset {preset}, {PRESETS[preset].image_size} px:\n\n{tools.table(rows)}')
    return '\n\n'.join(sections)


def measured(architecture, num_targets, rounds, max_gigabytes, batch_sizes=BATCH_SIZES):
    """Returns a row for loading and for each kind of request to a SavedModel of an untrained generator."""
    with tempfile.TemporaryDirectory() as folder:
        generator = Generator(architecture)
        ServedModel(generator, RequestLimits(max_batch=max(*batch_sizes, num_targets))).save(folder)
        start = time.perf_counter()
        loaded = tf.saved_model.load(folder)
        rows = [_row('load', time.perf_counter() - start)]
    size = architecture.image_size
    one = _person(size, 1)
    start = time.perf_counter()
    _call(loaded, 'repose', one)
    rows.append(_row('first call of repose, 1 picture', time.perf_counter() - start, 1))

    sequence = {**one, 'target_pose': _person(size, num_targets)['target_pose'][np.newaxis]}
    requests = {f'repose, batch {batch}': ('repose', _person(size, batch), batch) for batch in batch_sizes
                if batch * size ** 2 * _PIXEL_BYTES < max_gigabytes * 1e9}
    requests['serving_default, batch 1 (PNG in, PNG out)'] = ('serving_default', _as_files(one), 1)
    requests[f'repose_sequence, {num_targets} targets'] = ('repose_sequence', sequence, num_targets)
    functions = {name: lambda signature=signature, inputs=inputs: _call(loaded, signature, inputs)
                 for name, (signature, inputs, _) in requests.items()}

    def call_by_call():
        for index in range(num_targets):
            _call(loaded, 'repose', {**one, 'target_pose': sequence['target_pose'][:, index]})

    functions[f'{num_targets} calls of repose, same source'] = call_by_call
    reposer = Reposer.of_generator(generator)
    functions[f'film of {num_targets} frames, pasted into a photo of {_PHOTO[1]} x {_PHOTO[0]} px, MP4'] = (
        lambda: _film(reposer, sequence['target_pose'][0]))
    seconds = tools.seconds(functions, rounds)
    counts = {name: count for name, (_, _, count) in requests.items()}
    return rows + [_row(name, seconds[name], counts.get(name, num_targets)) for name in functions]


def _film(reposer, poses_px):
    """Does what `experiments.repose` does once it has a video's poses."""
    size, side = reposer.image_size, _PHOTO[0]
    photo = np.random.default_rng(2).integers(0, 256, (*_PHOTO, 3)).astype(np.uint8)
    square = Square((_PHOTO[1] - side) // 2, 0, side)
    source = SourcePerson(photo, square, resized(square.cut(photo), size), poses_px[0])
    frames = Frames(source, paste_back=True)
    with tempfile.TemporaryDirectory() as folder, open_output(os.path.join(folder, 'film.mp4'), 25) as add:
        for result in reposer.source(source.image, source.pose_px).each(poses_px, with_alpha=True):
            add(frames.show(*result))


def _row(name, seconds, num_pictures=None):
    return {'what': name, 's': f'{seconds:.3f}', 'ms a picture': f'{1e3 * seconds / num_pictures:.0f}'
            if num_pictures else '', 'pictures/s': f'{num_pictures / seconds:.1f}' if num_pictures else ''}


def _person(size, batch):
    """Returns a request for `batch` pictures of people."""
    rng = np.random.default_rng(1)
    poses = {name: cases.person_poses(rng, batch, size).astype(np.float32) for name in ('source_pose', 'target_pose')}
    return {**example_inputs(size, batch), **poses}


def _as_files(inputs):
    files = tf.constant([tf.io.encode_png(image).numpy() for image in inputs['source_image']])
    return {'image_bytes': files, **{name: inputs[name] for name in ('source_pose', 'target_pose')}}


def _call(loaded, signature, inputs):
    """Asks a signature and waits for all of its answer."""
    for result in loaded.signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()}).values():
        result.numpy()
