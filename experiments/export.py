"""Exports a trained model: python -m experiments.export --model=runs/quickstart --output=DIR

Writes a SavedModel with the signatures of repose_tf/serving.py and, for TensorFlow Serving, warm-up requests; loads it
in fresh processes that know nothing of the model's code, with TensorFlow's CPU library oneDNN and without, and
compares; only then DIR appears. With --portable_batch=1 it writes the form for other runtimes instead, as OpenVINO and
TensorFlow Lite (docs/serving.md), checked likewise.
"""

from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.files import check_is_free
from experiments.configuration import flags
from experiments.models import exporting, opening
from repose_tf.serving import RequestLimits

FLAGS = absl_flags.FLAGS


def define_flags():
    """Defines where the SavedModel goes and what a request may ask for."""
    limits = RequestLimits()
    absl_flags.DEFINE_string('output', '', 'Folder of the SavedModel; must not exist yet.')
    limit = absl_flags.DEFINE_integer
    limit('max_batch', limits.max_batch, 'Most pictures in a request.', lower_bound=1)
    limit('max_targets', limits.max_targets, 'Most targets in a request of repose_sequence.', lower_bound=1)
    limit('max_side_px', limits.max_side_px, 'Largest side of an encoded picture.', lower_bound=16)
    limit('max_bytes', limits.max_bytes, 'Largest file of an encoded picture.', lower_bound=100)
    limit('portable_batch', 0, 'Writes the form for other runtimes, which takes so many pictures at once; 0: the one '
          'for TensorFlow, with the limits above.', lower_bound=0)


def main():
    path, output = flags.required('model'), flags.required('output')
    check_is_free(output)
    # What is served computes in float32 on any machine, however it was trained.
    generator = opening.open_generator(path, FLAGS.weights, 'float32', FLAGS.size)
    print(f'Writing {path} as a SavedModel ...', flush=True)
    limits = RequestLimits(FLAGS.max_batch, FLAGS.max_targets, FLAGS.max_side_px, FLAGS.max_bytes)
    for line in (exporting.export_portable(generator, output, FLAGS.portable_batch) if FLAGS.portable_batch
                 else exporting.export(generator, output, limits)):
        print(line)
    print(f'Exported: {output}')


if __name__ == '__main__':
    program.run(main, flags.define_shipped_model_path, flags.define_size, define_flags)
