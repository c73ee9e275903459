"""Reposes people with a trained model.

One picture:
  python -m experiments.repose --run_dir=runs/quickstart --source=data/people/images/PERSON/00.jpg \\
      --target_pose='#PERSON/05' --output=build/reposed.png
A contact sheet of pairs of the test split (source, target pose, result, truth):
  python -m experiments.repose --run_dir=runs/quickstart --contact_sheet=build/sheet.png --num_pairs=12
"""

from absl import flags as absl_flags

from experiments import checkpoints, datasets, flags, pictures, program, repose_inputs, run_folder
from experiments.program import UsageError
from repose_tf.serving import Reposer, reposed_pixels

FLAGS = absl_flags.FLAGS
_BATCH_SIZE = 4


def define_flags():
    """Defines what is reposed and where the picture goes."""
    absl_flags.DEFINE_string('source', '', 'Square picture of a person.')
    absl_flags.DEFINE_string('source_pose', '', 'POSES.json#person/frame: the pose in it; not needed where '
                             'the picture lies in a folder of the people layout.')
    absl_flags.DEFINE_string('target_pose', '', 'POSES.json#person/frame: the wanted pose; #person/frame '
                             "takes the poses.json of the picture's folder.")
    absl_flags.DEFINE_string('output', '', 'PNG file of the result.')
    absl_flags.DEFINE_string('contact_sheet', '', 'PNG file of a sheet of test pairs, not of one picture.')
    absl_flags.DEFINE_integer('num_pairs', 12, 'Rows of the sheet.', lower_bound=1)


def main():
    folder = run_folder.open_existing(flags.required('run_dir'))
    if bool(FLAGS.output) == bool(FLAGS.contact_sheet):
        raise UsageError('--output, --contact_sheet: expected one of them, '
                         f'found {"both" if FLAGS.output else "none"}.')
    if FLAGS.output:
        print(f'Written: {repose_picture(folder)}')
    else:
        print(f'Written: {repose_test_pairs(folder)}')


def repose_picture(folder):
    """Reposes the picture that the flags name; returns the path of the result."""
    inputs = repose_inputs.load_inputs(flags.required('source'), FLAGS.source_pose,
                                       flags.required('target_pose'), folder.architecture().image_size)
    result = reposed_pixels(checkpoints.load_generator(folder, weights=FLAGS.weights), **inputs)  # [1, S, S, 3]
    pictures.write_picture(FLAGS.output, result.numpy()[0])
    return FLAGS.output


def repose_test_pairs(folder):
    """Writes the contact sheet that the flags ask for; returns its path."""
    data = datasets.Data(flags.data_settings(folder.settings().data))
    batches = data.pair_batches('test', folder.architecture().image_size, _BATCH_SIZE, FLAGS.num_pairs)
    reposer = Reposer(checkpoints.load_generator(folder, weights=FLAGS.weights))
    write_contact_sheet(FLAGS.contact_sheet, reposer, batches)
    return FLAGS.contact_sheet


def write_contact_sheet(path, reposer, batches):
    """Shows source, target pose, result and truth of pairs, a row each.

    Args:
      path: PNG file.
      reposer: `Reposer` of the model.
      batches: iterable of batches of data_pipeline.input_pipeline, images in uint8.
    """
    samples, captions = [], []
    for batch in batches:
        results = reposer.repose(batch['source_image'], batch['source_pose'], batch['target_pose'])['image']
        samples += zip(batch['source_image'].numpy(), batch['target_pose'].numpy(), results.numpy(),
                       batch['target_image'].numpy(), strict=True)
        captions += [f'{source.decode()} -> {target.decode()}' for source, target in
                     zip(batch['source_id'].numpy(), batch['target_id'].numpy(), strict=True)]
    pictures.write_picture(path, pictures.contact_sheet(samples, captions))


if __name__ == '__main__':
    program.run(main, flags.define_run_dir, flags.define_data, define_flags)
