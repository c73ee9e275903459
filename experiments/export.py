"""Exports a trained model: python -m experiments.export --run_dir=runs/quickstart --output=DIR

Writes a SavedModel (uint8 image and two poses in, uint8 image out; see repose_tf/serving.py), loads it in
a fresh process that knows nothing of the model's code, and compares; only then DIR appears.
"""

import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf
from absl import flags as absl_flags

from experiments import checkpoints, flags, program, run_folder
from experiments.program import UsageError
from repose_tf.serving import Reposer
from repose_tf.skeleton import JOINT_INDEX, NUM_JOINTS


def define_flags():
    """Defines where the SavedModel goes."""
    absl_flags.DEFINE_string('output', '', 'Folder of the SavedModel; must not exist yet.')


def main():
    folder = run_folder.open_existing(flags.required('run_dir'))
    output = flags.required('output')
    check_is_free(output)
    print(f'Building the model of {folder.path} and writing it as a SavedModel ...', flush=True)
    # What is served computes in float32 on any machine, however it was trained.
    generator = checkpoints.load_generator(folder, 'float32', absl_flags.FLAGS.weights)
    print(export(generator, output))
    print(f'Exported: {output}')


def check_is_free(output):
    """Refuses an output that exists."""
    if os.path.exists(output):
        raise UsageError(f'--output={output}: expected a folder that does not exist yet, found one.')


def export(generator, output):
    """Writes a SavedModel and compares it with the live model in a fresh process.

    Args:
      generator: a built `Generator`.
      output: folder to make; it appears complete and checked, or not at all.

    Returns:
      one line on the comparison.

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
        reposer = Reposer(generator)
        saved = os.path.join(scratch, 'saved_model')
        reposer.save(saved)
        inputs = example_inputs(generator.architecture.image_size)
        examples = os.path.join(scratch, 'examples.npz')
        image = reposer.repose(**{name: tf.constant(value) for name, value in inputs.items()})['image']
        np.savez(examples, image=image.numpy(), **inputs)
        verdict = _check_in_fresh_process(saved, examples)
        check_is_free(output)
        os.rename(saved, output)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return verdict


def example_inputs(size, batch_size=2):
    """Returns seeded inputs of the signature: noise images and scattered poses, which exercise every part."""
    rng = np.random.default_rng(0)
    poses_px = rng.uniform(0.2, 0.8, [2, batch_size, NUM_JOINTS, 3]).astype(np.float32) * size
    poses_px[..., 2] -= poses_px[..., JOINT_INDEX['pelv'], 2, np.newaxis]
    images = rng.integers(0, 256, [batch_size, size, size, 3]).astype(np.uint8)
    return {'source_image': images, 'source_pose': poses_px[0], 'target_pose': poses_px[1]}


def _check_in_fresh_process(saved, examples):
    """Runs export_check; returns its one line or raises what it says."""
    project = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    process = subprocess.run(
        [sys.executable, '-m', 'experiments.export_check', f'--saved_model={os.path.abspath(saved)}',
         f'--examples={os.path.abspath(examples)}'], cwd=project, capture_output=True, text=True, check=False)
    if process.returncode:
        raise RuntimeError(f'The SavedModel failed its check in a fresh process:\n{process.stderr}')
    return process.stdout.strip()


if __name__ == '__main__':
    program.run(main, flags.define_run_dir, define_flags)
