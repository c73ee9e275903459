"""Packs a trained model into two small files: python -m experiments.pack --run_dir=runs/quickstart --output=models/mine

A small part of the run folder, for handing on; `--model=` of the other programs takes it. What half precision changes
in a picture is printed.
"""

import numpy as np
from absl import flags as absl_flags

from data_pipeline import program
from experiments.configuration import flags
from experiments.export import example_inputs
from experiments.training import checkpoints, run_folder
from repose_tf import packed_model
from repose_tf.serving import Reposer


def define_flags():
    """Defines where the packed model goes."""
    absl_flags.DEFINE_string('output', '', 'Folder of the packed model; must not exist yet.')


def main():
    folder = run_folder.open_existing(flags.required('run_dir'))
    output = flags.required('output')
    generator = checkpoints.load_generator(folder, 'float32', absl_flags.FLAGS.weights)
    size = packed_model.write(generator, output)
    inputs = example_inputs(generator.architecture.image_size)
    before, after = (Reposer(model).repose(**inputs)['image'].numpy().astype(int)
                     for model in (generator, packed_model.load_generator(output)))
    difference = np.abs(before - after)
    print(f'Packed: {output}, {size / 1e6:.2f} MB of weights; its pictures differ by at most {difference.max()} and on '
          f'average by {difference.mean():.4f} of 255.')


if __name__ == '__main__':
    program.run(main, flags.define_run_dir, define_flags)
