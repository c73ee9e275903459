"""A SavedModel loaded as a stranger would load it, compared with recorded results; experiments.export runs this.

python -m experiments.models.export_check SAVED_MODEL EXAMPLES.npz
"""

import sys
import time

import numpy as np
import tensorflow as tf

from data_pipeline.errors import UsageError
from repose_tf.picture_codec import image_from_pixels

MAX_DIFFERENCE = 1e-4  # of colours in [-1, 1] and alphas in [0, 1]
# Of the numbers, may differ by more: a pixel whose mask is just at the limit of what counts as the person.
MAX_SHARE = 1e-4
# Grey levels of 255: whatever is made in another batch may round to the other side.
MAX_GREY_DIFFERENCE = 1
# Of the portable form, which rounds otherwise: a voxel or a pixel on the border of a body part may be the part's in the
# one form and not in the other.
MAX_PORTABLE_MEAN, MAX_PORTABLE_SHARE = 1e-4, 0.01  # the share of numbers that differ by more than _VISIBLE
_VISIBLE = 1e-3
_INPUTS = ('source_image', 'source_pose', 'target_pose')


def compare(saved_model, examples):
    """Runs a SavedModel on recorded inputs.

    Args:
      saved_model: its folder.
      examples: npz file with `source_image`, `source_pose`, `target_pose` and the expected layers of their pictures.

    Returns:
      one line that says how close they are and how long loading took.

    Raises:
      UsageError: if they differ, or if the signatures differ from each other.
    """
    start = time.perf_counter()
    loaded = tf.saved_model.load(saved_model)
    seconds = time.perf_counter() - start
    with np.load(examples) as arrays:
        inputs = {name: tf.constant(arrays[name]) for name in _INPUTS}
        expected = {name: arrays[name] for name in arrays.files if name not in _INPUTS}
    if 'repose_layers' not in loaded.signatures:
        words = _compare_portable(saved_model, loaded, inputs, expected)
        return f'loaded in a fresh process in {seconds:.1f} s; {words}'
    found = loaded.signatures['repose_layers'](**inputs)
    differences = np.concatenate([np.abs(found[name].numpy() - value).ravel() for name, value in expected.items()])
    difference, share = differences.max(), np.mean(~(differences <= MAX_DIFFERENCE))
    if not (share <= MAX_SHARE and np.isfinite(difference)):
        raise UsageError(f'{saved_model}: expected the results of the live model, found {difference:.2g} beside them, '
                         f'{share:.2%} of the numbers by more than {MAX_DIFFERENCE:g}; allowed are {MAX_SHARE:.2%}.')
    _compare_signatures(saved_model, loaded.signatures, inputs, np.clip((expected['image'] + 1) * 127.5, 0, 255))
    return (f'loaded in a fresh process in {seconds:.1f} s; {len(expected["image"])} pictures differ from the live '
            f"model's by at most {difference:.1g} in [-1, 1], all signatures agree")


def _compare_portable(saved_model, loaded, inputs, expected):
    """Runs a `PortableModel`; arguments and errors as of `compare`."""
    found = loaded.signatures['serving_default'](
        **{**inputs, 'source_image': image_from_pixels(inputs['source_image'])})
    differences = np.concatenate([np.abs(found[name].numpy() - value).ravel() for name, value in expected.items()])
    mean, share = differences.mean(), np.mean(differences > _VISIBLE)
    words = (f'{mean:.1g} on average and {differences.max():.1g} at most, {share:.2%} of the numbers by more than '
             f'{_VISIBLE:g}')
    if not (mean <= MAX_PORTABLE_MEAN and share <= MAX_PORTABLE_SHARE):
        raise UsageError(f'{saved_model}: expected the results of the live model, found differences of {words}; '
                         f'allowed are {MAX_PORTABLE_MEAN:g} on average and {MAX_PORTABLE_SHARE:.0%}.')
    return f"{len(expected['image'])} pictures differ from the live model's by {words}"


def of_sources(inputs, num_photos):
    """Makes a request to `repose_sources` of one to `repose`: every photo so many times, without masks."""
    photos = {name: np.repeat(inputs[name][:, np.newaxis], num_photos, axis=1)
              for name in ('source_image', 'source_pose')}
    return {'source_images': photos['source_image'], 'source_poses': photos['source_pose'],
            'source_masks': np.zeros_like(photos['source_image'][..., :1]), 'target_pose': inputs['target_pose'],
            'source_count': np.full(len(inputs['source_image']), num_photos, np.int32)}


def _compare_signatures(saved_model, signatures, inputs, grey_levels):
    """Checks that the signatures that return pixels show the expected pictures, [B, S, S, 3] in [0, 255]."""
    encoded = tf.constant([tf.io.encode_png(image).numpy() for image in inputs['source_image']])
    poses = {name: inputs[name] for name in _INPUTS[1:]}
    targets = inputs['target_pose'][:, tf.newaxis]
    # Equal photos add up to what one of them shows.
    photos = {name: tf.constant(value) for name, value in of_sources(inputs, 2).items()}
    results = {
        'repose': signatures['repose'](**inputs)['image'],
        'repose_sequence': signatures['repose_sequence'](**{**inputs, 'target_pose': targets})['image'][:, 0],
        'repose_sources': signatures['repose_sources'](**photos)['image'],
        'repose_sources_sequence': signatures['repose_sources_sequence'](
            **{**photos, 'target_pose': targets})['image'][:, 0],
        'serving_default': tf.stack([tf.io.decode_png(data) for data in signatures['serving_default'](
            image_bytes=encoded, **poses)['image_bytes']])}
    for name, pixels in results.items():
        if pixels.dtype != tf.uint8 or pixels.shape != grey_levels.shape:
            raise UsageError(f'{saved_model}: {name}: expected uint8 {list(grey_levels.shape)}, found '
                             f'{pixels.dtype.name} {list(pixels.shape)}.')
        difference = np.abs(pixels.numpy() - grey_levels).max()
        if difference > MAX_GREY_DIFFERENCE:
            raise UsageError(f'{saved_model}: {name}: expected the pictures of repose_layers, found {difference:.1f} '
                             'grey levels beside them.')


if __name__ == '__main__':
    print(compare(*sys.argv[1:]))
