"""Writing trained models for others: SavedModels that were checked, and packed models."""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf

from data_pipeline.errors import UsageError
from data_pipeline.files import whole_folder
from experiments.models import warmup_requests
from experiments.models.export_check import of_sources
from repose_tf import packed_model
from repose_tf.picture_codec import image_from_pixels
from repose_tf.portable.model import PortableModel
from repose_tf.serving import ServedModel
from repose_tf.skeleton import JOINT_INDEX, NUM_JOINTS
from repose_tf.variables import tf_variables


def export(generator, output, limits=None):
    """Writes a SavedModel and compares it with the live model in fresh processes.

    Args:
      generator: `Generator`.
      output: folder to make; it appears complete and checked, or not at all.
      limits: `RequestLimits`.

    Returns:
      list of lines on the comparisons and the size.

    Raises:
      UserError: the folder exists or cannot be made.
      RuntimeError: the SavedModel computes something else.
    """
    inputs = example_inputs(generator.architecture.image_size)
    with whole_folder(output) as saved:
        ServedModel(generator, limits).save(str(saved))
        warmup_requests.write(str(saved), _warmup(inputs))
        return _checked(saved, generator, inputs)


def export_portable(generator, output, batch_size):
    """Writes a `PortableModel` of `batch_size` pictures at once; otherwise as `export`.

    Raises:
      UserError: as `export`, or the model has no such form.
      RuntimeError: as `export`.
    """
    with whole_folder(output) as saved:
        PortableModel(generator, batch_size).save(str(saved))
        with without_continuation(generator):
            return _checked(saved, generator, example_inputs(generator.architecture.image_size, batch_size))


@contextlib.contextmanager
def without_continuation(generator):
    """Lets a `Generator` show its network's own background for a while, as a `PortableModel` does."""
    streams = [] if generator.detail is None else [generator.detail]
    try:
        for stream in streams:
            stream.continues = False
        yield
    finally:
        for stream in streams:
            stream.continues = True


def _checked(saved, generator, inputs):
    """Compares a SavedModel with its `Generator` in fresh processes; returns the lines on that and on its size."""
    with tempfile.TemporaryDirectory() as scratch:
        examples = os.path.join(scratch, 'examples.npz')
        layers = generator(image_from_pixels(inputs['source_image']), inputs['source_pose'], inputs['target_pose'])
        np.savez(examples, **inputs, **{name: value.numpy() for name, value in layers.items()})
        lines = [_check_in_fresh_process(saved, examples, has_onednn) for has_onednn in (True, False)]
    size = sum(path.stat().st_size for path in saved.rglob('*') if path.is_file())
    return [*lines, f'Size: {size / 1e6:.1f} MB']


def pack(generator, output):
    """Packs a `Generator` into a folder, whole or not at all; see repose_tf/packed_model.py.

    Returns:
      size of the weights' file in bytes.

    Raises:
      UserError: a weight that float16 cannot hold, or the folder exists or cannot be made.
    """
    arrays = {f'{index:03d}': variable.numpy() for index, variable in enumerate(tf_variables(generator))}
    limit = np.finfo(np.float16).max
    for index, array in arrays.items():
        if not np.all(np.abs(array) <= limit):
            raise UsageError(f'variable {index} of the model: expected finite values up to {limit:g}, which float16 '
                             f'holds, found {np.abs(array).max()}.')
    with whole_folder(output) as folder:
        np.savez_compressed(folder / packed_model.WEIGHTS_FILE,
                            **{index: array.astype(np.float16) for index, array in arrays.items()})
        (folder / packed_model.ARCHITECTURE_FILE).write_text(generator.architecture.to_json())
        return (folder / packed_model.WEIGHTS_FILE).stat().st_size


def difference_of(generator, other):
    """Returns how far example pictures of two generators differ, grey levels of 255, int [B, S, S, 3]."""
    inputs = example_inputs(generator.architecture.image_size)
    before, after = (ServedModel(model).repose(**inputs)['image'].numpy().astype(int) for model in (generator, other))
    return np.abs(before - after)


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
    poses, photos = {name: one[name] for name in ('source_pose', 'target_pose')}, of_sources(one, 2)
    return [('serving_default', {'image_bytes': encoded, **poses}), ('repose', one),
            ('repose_sequence', {**one, 'target_pose': one['target_pose'][:, np.newaxis]}),
            ('repose_sources', photos),
            ('repose_sources_sequence', {**photos, 'target_pose': photos['target_pose'][:, np.newaxis]})]


def _check_in_fresh_process(saved, examples, has_onednn):
    """Runs export_check; returns its one line or raises what it says."""
    project = pathlib.Path(__file__).resolve().parents[2]
    process = subprocess.run(
        [sys.executable, '-m', 'experiments.models.export_check', os.path.abspath(saved), examples],
        cwd=project, capture_output=True, text=True, check=False,
        env={**os.environ, 'TF_ENABLE_ONEDNN_OPTS': str(int(has_onednn))})
    if process.returncode:
        raise RuntimeError(f'The SavedModel failed its check in a fresh process:\n{process.stderr}')
    return f'{"With" if has_onednn else "Without"} oneDNN: {process.stdout.strip()}'
