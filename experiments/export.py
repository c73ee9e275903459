"""Exports a trained model: python -m experiments.export --run_dir=runs/quickstart --output=DIR

Writes a SavedModel with the signatures of repose_tf/serving.py and, for TensorFlow Serving, warm-up requests; loads it
in fresh processes that know nothing of the model's code, with TensorFlow's CPU library oneDNN and without, and
compares; only then DIR appears. --model also takes a packed model.
"""

import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf
from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import UsageError
from experiments.configuration import flags
from experiments.models import opening as model_path
from experiments.models import warmup_requests
from repose_tf.serving import Limits, Reposer
from repose_tf.skeleton import JOINT_INDEX, NUM_JOINTS

FLAGS = absl_flags.FLAGS
_LIMITS = Limits()


def define_flags():
    """Defines what is exported, where to, and what a request may ask for."""
    absl_flags.DEFINE_string('model', '', 'Run folder, as --run_dir, or folder of a packed model.')
    absl_flags.DEFINE_string('output', '', 'Folder of the SavedModel; must not exist yet.')
    limit = absl_flags.DEFINE_integer
    limit('max_batch', _LIMITS.max_batch, 'Most pictures in a request.', lower_bound=1)
    limit('max_targets', _LIMITS.max_targets, 'Most targets in a request of repose_sequence.', lower_bound=1)
    limit('max_side_px', _LIMITS.max_side_px, 'Largest side of an encoded picture.', lower_bound=16)
    limit('max_bytes', _LIMITS.max_bytes, 'Largest file of an encoded picture.', lower_bound=100)


def main():
    if bool(FLAGS.model) == bool(FLAGS.run_dir):
        raise UsageError(f'--model: expected it or --run_dir, found {"both" if FLAGS.model else "none"}.')
    output = flags.required('output')
    check_is_free(output)
    # What is served computes in float32 on any machine, however it was trained.
    path = FLAGS.model or FLAGS.run_dir
    generator = model_path.open_generator(path, FLAGS.weights, 'float32').generator
    print(f'Writing {path} as a SavedModel ...', flush=True)
    limits = Limits(FLAGS.max_batch, FLAGS.max_targets, FLAGS.max_side_px, FLAGS.max_bytes)
    for line in export(generator, output, limits):
        print(line)
    print(f'Exported: {output}')


def check_is_free(output):
    """Refuses an output that exists."""
    if os.path.exists(output):
        raise UsageError(f'--output={output}: expected a folder that does not exist yet, found one.')


def export(generator, output, limits=None):
    """Writes a SavedModel and compares it with the live model in fresh processes.

    Args:
      generator: a built `Generator`.
      output: folder to make; it appears complete and checked, or not at all.
      limits: `serving.Limits`.

    Returns:
      list of lines on the comparisons and the size.

    Raises:
      UsageError: the folder cannot be made.
      RuntimeError: the SavedModel computes something else.
    """
    parent = os.path.dirname(os.path.abspath(output))
    try:
        os.makedirs(parent, exist_ok=True)
        scratch = tempfile.mkdtemp(dir=parent, prefix='.export-')
    except OSError as error:
        raise UsageError(f'--output={output}: cannot be written: {error.strerror}.') from None
    try:
        reposer = Reposer(generator, limits)
        saved = os.path.join(scratch, 'saved_model')
        reposer.save(saved)
        inputs = example_inputs(generator.architecture.image_size)
        warmup_requests.write(saved, _warmup(inputs))
        examples = os.path.join(scratch, 'examples.npz')
        layers = generator(tf.cast(inputs['source_image'], tf.float32) / 127.5 - 1.0, inputs['source_pose'],
                           inputs['target_pose'])
        np.savez(examples, **inputs, **{name: value.numpy() for name, value in layers.items()})
        lines = [_check_in_fresh_process(saved, examples, has_onednn) for has_onednn in (True, False)]
        check_is_free(output)
        os.rename(saved, output)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return [*lines, f'Size: {_size_of(output) / 1e6:.1f} MB']


def example_inputs(size, batch_size=2):
    """Returns seeded inputs of the signature: noise images and scattered poses, which exercise every part."""
    rng = np.random.default_rng(0)
    poses_px = rng.uniform(0.2, 0.8, [2, batch_size, NUM_JOINTS, 3]).astype(np.float32) * size
    poses_px[..., 2] -= poses_px[..., JOINT_INDEX['pelv'], 2, np.newaxis]
    images = rng.integers(0, 256, [batch_size, size, size, 3]).astype(np.uint8)
    return {'source_image': images, 'source_pose': poses_px[0], 'target_pose': poses_px[1]}


def _warmup(inputs):
    """Returns one request of every signature that clients call, as `warmup_requests.write` takes them."""
    one = {name: value[:1] for name, value in inputs.items()}
    encoded = np.array([tf.io.encode_png(one['source_image'][0]).numpy()], object)
    poses = {name: one[name] for name in ('source_pose', 'target_pose')}
    return [('serving_default', {'image_bytes': encoded, **poses}), ('repose', one),
            ('repose_sequence', {**one, 'target_pose': one['target_pose'][:, np.newaxis]})]


def _check_in_fresh_process(saved, examples, has_onednn):
    """Runs export_check; returns its one line or raises what it says."""
    project = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    process = subprocess.run(
        [sys.executable, '-m', 'experiments.models.export_check', f'--saved_model={os.path.abspath(saved)}',
         f'--examples={os.path.abspath(examples)}'], cwd=project, capture_output=True, text=True, check=False,
        env={**os.environ, 'TF_ENABLE_ONEDNN_OPTS': str(int(has_onednn))})
    if process.returncode:
        raise RuntimeError(f'The SavedModel failed its check in a fresh process:\n{process.stderr}')
    return f'{"With" if has_onednn else "Without"} oneDNN: {process.stdout.strip()}'


def _size_of(folder):
    return sum(os.path.getsize(os.path.join(parent, name)) for parent, _, names in os.walk(folder) for name in names)


if __name__ == '__main__':
    program.run(main, flags.define_run_dir, define_flags)
