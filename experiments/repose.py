"""Reposes people with a trained model: a photo and a pose, or many of them, in; a picture, GIF or video out.

  python -m experiments.repose --model=runs/quickstart --source=data/people/images/PERSON/00.jpg \\
      --target='#PERSON/05' --output=build/reposed.png
  python -m experiments.repose --model=runs/quickstart --source=photo.jpg --target=dance.mp4 --output=build/dance.mp4
  python -m experiments.repose --model=runs/quickstart --source=photo.jpg --turntable --output=build/round.gif
A contact sheet of pairs of the test split (source, target pose, result, truth):
  python -m experiments.repose --model=runs/quickstart --contact_sheet=build/sheet.png --num_pairs=12
  python -m experiments.repose --contact_sheet=build/first-look.png --source_dir=data/valid,data/real \\
      --pairs=data/first_look.json

docs/repose.md tells what happens in between.
"""

import dataclasses
import functools
import pathlib
import sys

from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import UsageError
from data_pipeline.estimators.opening import open_estimator
from experiments.configuration import flags
from experiments.pictures.files import check_output
from experiments.reposing import clip

FLAGS = absl_flags.FLAGS


def define_flags():
    """Defines who is reposed, and the wanted poses."""
    text, flag = absl_flags.DEFINE_string, absl_flags.DEFINE_bool
    integer, number = absl_flags.DEFINE_integer, absl_flags.DEFINE_float
    several = absl_flags.DEFINE_multi_string
    several('source', [], 'Photo of a person, of any size. Given several times: more photos of the same person, from '
            'behind for example; the first one gives the size and the background.')
    several('source_pose', [], 'POSES.json#person/frame: the pose in it, or one for each photo; without it that of its '
            'place in a folder of the people layout, or else what --estimator finds.')
    several('target', [], 'The wanted pose or poses: POSES.json, POSES.json#person in the order of the frames, '
            "POSES.json#person/frame (#... takes the poses.json of the source's folder), a photo, a video, or motion "
            'capture (.bvh). May be given several times.')
    absl_flags.DEFINE_alias('target_pose', 'target')
    flag('turntable', False, 'Turns the target once about the vertical; without --target the pose of the source.')
    integer('turntable_frames', clip.ClipOptions.turntable_frames, 'Pictures of a turn.', lower_bound=1)
    number('target_turn', clip.ClipOptions.target_turn, 'Turns the targets about the vertical, degrees: 90 turns who '
           "faces us to the picture's right, 180 away from us.", lower_bound=-360, upper_bound=360)
    text('joint_names', clip.ClipOptions.joint_names, 'JSON file, {"lank": "name in the .bvh file", ...}: joints of '
         'motion capture whose names are not known.')
    flag('keep_proportions', None, 'Keeps the bone lengths of the source, and the ground it stands on. Default: yes, '
                                   'but for pose files, whose px are taken as they are.')
    flag('travel', None, 'Lets the person go through the picture as the target film goes, by the length of their own '
         'legs. Default: where that stays in the picture; else they stay above one spot.')
    integer('every', clip.ClipOptions.every, 'Takes every so many frames of a video or of motion capture.',
            lower_bound=1)
    integer('person', None, 'Who is followed in a video: the n-th from the left, from 1, in the first frame that shows '
            'so many. Default: the largest of the first frame that shows anybody.', lower_bound=1)
    number('smoothing', clip.ClipOptions.smoothing, 'Smooths the poses of a video: width of the Gaussian, frames; '
           '0: no. Default: as much as each joint trembles, and no more.', lower_bound=0)


def define_output():
    """Defines what is shown and where it goes."""
    text, flag = absl_flags.DEFINE_string, absl_flags.DEFINE_bool
    integer, number = absl_flags.DEFINE_integer, absl_flags.DEFINE_float
    text('output', '', '.png or .jpg (several targets: a grid, or a series if the name holds %03d), .gif, .mp4, .webm.')
    number('fps', None, "Pictures a second; default: the clip's own, 12 for a turntable, 4 for poses.",
           lower_bound=0.1, upper_bound=240)
    absl_flags.DEFINE_enum('background', clip.ClipOptions.background, ('source', 'target'), "Around the person: the "
                           "source's photo, or the one photo or video that is --target, its own person taken out.")
    flag('paste_back', None, 'Puts the result back into the photo. Default: where the photo was cropped.')
    integer('max_side', None, 'The photo is shrunk to this for GIFs, videos and several pictures, px; default: 960, '
            'side by side 480.', lower_bound=64)
    flag('side_by_side', False, 'Shows sources, target and result.')
    flag('skeleton', False, 'Draws the poses over source, target and result.')
    flag('bodypart', False, "Writes <output>-parts.png too: the parts' masks and the model's volumes, of up to 8 "
                             'targets.')
    flag('watermark', False, 'Writes a small mark into the lower right corner of every picture.')
    text('contact_sheet', '', 'PNG file of a sheet of test pairs, not of one picture.')
    integer('num_pairs', 12, 'Rows of the sheet.', lower_bound=1)
    text('pairs', '', "JSON file in the form of a folder's pairs.json: the sheet shows its test pairs, all of them.")


def main():
    flags.required('model')
    if bool(FLAGS.output) == bool(FLAGS.contact_sheet):
        raise UsageError('--output, --contact_sheet: expected one of them, '
                         f'found {"both" if FLAGS.output else "none"}.')
    if FLAGS.output:
        for source in flags.required('source'):
            if not pathlib.Path(source).is_file():
                raise UsageError(f'--source: expected a photo, found no such file: {source}.')
        if not (FLAGS.target or FLAGS.turntable):
            raise UsageError('--target=... or --turntable must be given.')
        check_output(FLAGS.output, 1)
    try:
        for path in _repose_person() if FLAGS.output else _repose_test_pairs():
            print(f'Written: {path}')
    except KeyboardInterrupt:
        sys.exit('Interrupted; no unfinished file is left.')


def _repose_person():
    from experiments.models.opening import open_model  # TensorFlow loads after the flags are checked
    opened = functools.cache(lambda: open_estimator(FLAGS.estimator, FLAGS.model_dir, FLAGS.model_size, FLAGS.fov_deg))
    return clip.repose_person(open_model(FLAGS.model, FLAGS.weights), clip.ClipOptions(
        **{field.name: FLAGS[field.name].value for field in dataclasses.fields(clip.ClipOptions)}), opened)


def _repose_test_pairs():
    from experiments.reposing import contact_sheet
    contact_sheet.repose_test_pairs(FLAGS.contact_sheet, FLAGS.model, FLAGS.weights, flags.data_settings,
                                    FLAGS.num_pairs, FLAGS.pairs, FLAGS.watermark, FLAGS.size)
    return [FLAGS.contact_sheet]


if __name__ == '__main__':
    program.run(main, flags.define_shipped_model_path, flags.define_size_of_photo, flags.define_data,
                program.define_estimator, define_flags, define_output)
