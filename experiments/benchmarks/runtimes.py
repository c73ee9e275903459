"""The portable form in TensorFlow, TensorFlow Lite and OpenVINO: how long each takes, and how far its pictures are off.

OpenVINO is measured where its package is installed (docs/serving.md).
"""

import functools
import importlib.util
import os
import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from data_pipeline.picture_file import read_image, resized
from experiments.benchmarks import tools
from experiments.models import exporting
from experiments.reposing.source_person import find_pose
from repose_tf import packed_model
from repose_tf.architecture import PRESETS
from repose_tf.generator import Generator
from repose_tf.picture_codec import image_from_pixels
from repose_tf.portable.model import PortableModel
from tests.support import cases

PEOPLE = pathlib.Path('data/valid')
PAIRS = (('AIAN_F_2_Util/00', 'AIAN_F_2_Util/03'), ('Black_M_1_Casual/00', 'Black_M_1_Casual/09'),
         ('MENA_M_2_Medi/00', 'MENA_M_2_Medi/06'))


def run(rounds, max_gigabytes, plot_dir):
    """Measures the shipped model on held-out people, and the paper's network at a small size; returns Markdown."""
    del max_gigabytes, plot_dir
    shipped = packed_model.load_generator('models/people-256')
    small = Generator(PRESETS['small'])
    rows = [*measured('people-256', shipped, _people(shipped.architecture.image_size), rounds),
            *measured('small, untrained, detail none', small, _noise(small.architecture.image_size), rounds)]
    return tools.table(rows)


def measured(name, generator, requests, rounds):
    """Returns a row for every runtime; `requests` are dictionaries of the arguments of `PortableModel.repose`."""
    with tempfile.TemporaryDirectory() as folder:
        model = PortableModel(generator)
        model.save(folder)
        runtimes = {'TensorFlow, as usual': _usual(generator), 'TensorFlow, portable form': _arrays(model.repose),
                    'TensorFlow Lite': lite(folder)}
        if importlib.util.find_spec('openvino'):
            runtimes['OpenVINO'] = openvino(folder)
    with exporting.without_continuation(generator):
        pictures = {runtime: np.stack([call(**request)['image'] for request in requests])
                    for runtime, call in runtimes.items()}
    usual = next(iter(pictures))
    times = tools.seconds({runtime: functools.partial(call, **requests[0]) for runtime, call in runtimes.items()},
                          rounds)
    rows = []
    for runtime, found in pictures.items():
        difference = np.abs(found - pictures[usual]) / 2.0  # of colours in [0, 1]
        rows.append({'model': name, 'runtime': runtime, 'ms a picture': f'{1e3 * times[runtime]:.0f}',
                     "TensorFlow's time": f'{times[runtime] / times[usual]:.2f}',
                     'largest difference': f'{difference.max():.1g}', 'mean': f'{difference.mean():.1g}',
                     'numbers off by more than 1e-3': f'{np.mean(difference > 1e-3):.4%}'})
    return rows


def lite(folder):
    """Converts a SavedModel by TensorFlow Lite, without TensorFlow's own operations; returns its signature."""
    converted = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=['serving_default']).convert()
    return tf.lite.Interpreter(model_content=converted, num_threads=os.cpu_count()).get_signature_runner()


def openvino(folder):
    """Converts and compiles a SavedModel by OpenVINO for the CPU; returns a function like the others."""
    import openvino as ov
    compiled = ov.Core().compile_model(ov.convert_model(folder), 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})

    def call(**inputs):
        found = compiled(inputs)
        return {name: found[output] for output in compiled.outputs for name in output.names}

    return call


def _usual(generator):
    def repose(source_image, source_pose, target_pose):
        return generator(source_image, source_pose, target_pose)

    return _arrays(tf.function(repose, autograph=False))


def _arrays(function):
    return lambda **inputs: {name: value.numpy() for name, value in function(
        **{name: tf.constant(value) for name, value in inputs.items()}).items()}


def _people(size):
    """Returns a request for each of PAIRS."""
    requests = []
    for source, target in PAIRS:
        image = read_image(PEOPLE / 'images' / f'{source}.jpg')
        poses = [find_pose('pair', f'{PEOPLE}/poses.json#{name}', None).px[np.newaxis] * np.float32(size / len(image))
                 for name in (source, target)]
        requests.append(_request(resized(image, size)[np.newaxis], *poses))
    return requests


def _noise(size):
    """Returns one request of noise and people's poses."""
    rng = np.random.default_rng(0)
    return [_request(rng.integers(0, 256, (1, size, size, 3)), *(cases.person_poses(rng, 1, size) for _ in range(2)))]


def _request(pixels, source_pose, target_pose):
    return {'source_image': image_from_pixels(pixels).numpy(), 'source_pose': source_pose.astype(np.float32),
            'target_pose': target_pose.astype(np.float32)}
