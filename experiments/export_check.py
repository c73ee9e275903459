"""Loads a SavedModel as a stranger would and compares it with recorded results; experiments.export runs this.

python -m experiments.export_check --saved_model=DIR --examples=FILE.npz
"""

import numpy as np
import tensorflow as tf
from absl import flags as absl_flags

from experiments import flags, program
from experiments.program import UsageError

# Grey levels of 255. Threads may add in another order, which can tip a rounding now and then, no more.
MAX_DIFFERENCE = 2
MAX_MEAN_DIFFERENCE = 0.01


def define_flags():
    """Defines what is compared."""
    absl_flags.DEFINE_string('saved_model', '', 'Folder of the SavedModel.')
    absl_flags.DEFINE_string('examples', '', 'npz file: the inputs of the signature by name, and `image`.')


def main():
    print(compare(flags.required('saved_model'), flags.required('examples')))


def compare(saved_model, examples):
    """Runs a SavedModel on recorded inputs.

    Args:
      saved_model: its folder.
      examples: npz file with `source_image`, `source_pose`, `target_pose` and the expected `image`.

    Returns:
      one line that says how close they are.

    Raises:
      UsageError: if they differ.
    """
    signature = tf.saved_model.load(saved_model).signatures['repose']
    with np.load(examples) as arrays:
        expected = arrays['image'].astype(np.int32)
        inputs = {name: tf.constant(arrays[name]) for name in arrays.files if name != 'image'}
    found = signature(**inputs)['image'].numpy()
    if found.dtype != np.uint8 or found.shape != expected.shape:
        raise UsageError(f'{saved_model}: expected uint8 {list(expected.shape)}, '
                         f'found {found.dtype} {list(found.shape)}.')
    difference = np.abs(found - expected)
    line = (f'reloaded in a fresh process: {len(expected)} images differ by at most {difference.max()} '
            f'and on average by {difference.mean():.4f} of 255')
    if difference.max() > MAX_DIFFERENCE or difference.mean() > MAX_MEAN_DIFFERENCE:
        raise UsageError(f'{saved_model}: expected the results of the live model; {line}.')
    return line


if __name__ == '__main__':
    program.run(main, define_flags)
