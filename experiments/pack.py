"""Packs a trained model into two small files: python -m experiments.pack --model=runs/quickstart --output=models/mine

A small part of the run folder, for handing on; `--model=` of the other programs takes it. What half precision changes
in a picture is printed.
"""

from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.files import check_is_free
from experiments.configuration import flags


def define_flags():
    """Defines where the packed model goes."""
    absl_flags.DEFINE_string('output', '', 'Folder of the packed model; must not exist yet.')


def main():
    path, output = flags.required('model'), flags.required('output')
    check_is_free(output)
    from experiments.models import exporting, opening  # TensorFlow loads after the flags are checked
    generator = opening.open_generator(path, absl_flags.FLAGS.weights, 'float32')
    size = exporting.pack(generator, output)
    difference = exporting.difference_of(generator, opening.open_generator(output))
    print(f'Packed: {output}, {size / 1e6:.2f} MB of weights; its pictures differ by at most {difference.max()} and on '
          f'average by {difference.mean():.4f} of 255.')


if __name__ == '__main__':
    program.run(main, flags.define_model_path, define_flags)
