"""Reposes people with a trained model: a photo and a pose, or many of them, in; a picture, GIF or video out.

  python -m experiments.repose --model=runs/quickstart --source=data/people/images/PERSON/00.jpg \\
      --target='#PERSON/05' --output=build/reposed.png
  python -m experiments.repose --model=runs/quickstart --source=photo.jpg --target=dance.mp4 --output=build/dance.mp4
  python -m experiments.repose --model=runs/quickstart --source=photo.jpg --turntable --output=build/round.gif
A contact sheet of pairs of the test split (source, target pose, result, truth):
  python -m experiments.repose --model=runs/quickstart --contact_sheet=build/sheet.png --num_pairs=12

docs/repose.md tells what happens in between.
"""

import functools
import pathlib
import sys

import numpy as np
from absl import flags as absl_flags
from tqdm import tqdm

from data_pipeline import program
from data_pipeline.errors import UsageError
from data_pipeline.estimators.opening import open_estimator
from experiments.configuration import flags
from experiments.pictures import files as picture_outputs

FLAGS = absl_flags.FLAGS
_SHEET_BATCH_SIZE = 4
_MAX_SIDES = {False: 960, True: 480}  # px, alone and side by side
_FPS = {'turntable': 12.0, 'poses': 4.0}


def define_flags():
    """Defines who is reposed, and the wanted poses."""
    text, flag = absl_flags.DEFINE_string, absl_flags.DEFINE_bool
    text('source', '', 'Photo of a person, of any size.')
    text('source_pose', '', 'POSES.json#person/frame: the pose in it; without it that of its place in a folder of the '
                            'people layout, or else what --estimator finds.')
    absl_flags.DEFINE_multi_string(
        'target', [], 'The wanted pose or poses: POSES.json, POSES.json#person in the order of the frames, '
        "POSES.json#person/frame (#... takes the poses.json of the source's folder), a photo, a video, or motion "
        'capture (.bvh). May be given several times.')
    absl_flags.DEFINE_alias('target_pose', 'target')
    flag('turntable', False, 'Turns the target once about the vertical; without --target the pose of the source.')
    absl_flags.DEFINE_integer('turntable_frames', 36, 'Pictures of a turn.', lower_bound=1)
    flag('keep_proportions', None, 'Keeps the bone lengths of the source, and the ground it stands on. Default: yes, '
                                   'but for pose files, whose px are taken as they are.')
    absl_flags.DEFINE_integer('every', 1, 'Takes every so many frames of a video or of motion capture.', lower_bound=1)
    absl_flags.DEFINE_float('smoothing', 1, 'Smooths the poses of a video: width of the Gaussian, frames; 0: no.',
                            lower_bound=0)


def define_output():
    """Defines what is shown and where it goes."""
    text, flag = absl_flags.DEFINE_string, absl_flags.DEFINE_bool
    text('output', '', '.png or .jpg (several targets: a grid, or a series if the name holds %03d), .gif, .mp4, .webm.')
    absl_flags.DEFINE_float('fps', None, "Pictures a second; default: the clip's own, 12 for a turntable, 4 for poses.",
                            lower_bound=0.1, upper_bound=240)
    flag('paste_back', None, 'Puts the result back into the photo. Default: where the photo was cropped.')
    absl_flags.DEFINE_integer('max_side', None, 'The photo is shrunk to this for GIFs, videos and several pictures, '
                              'px; default: 960, side by side 480.', lower_bound=64)
    flag('side_by_side', False, 'Shows source, target and result.')
    flag('skeleton', False, 'Draws the poses over source, target and result.')
    flag('bodypart', False, "Writes <output>-parts.png too: the parts' masks and the model's volumes, of up to 8 "
                             'targets.')
    text('contact_sheet', '', 'PNG file of a sheet of test pairs, not of one picture.')
    absl_flags.DEFINE_integer('num_pairs', 12, 'Rows of the sheet.', lower_bound=1)


def main():
    flags.required('model')
    if bool(FLAGS.output) == bool(FLAGS.contact_sheet):
        raise UsageError('--output, --contact_sheet: expected one of them, '
                         f'found {"both" if FLAGS.output else "none"}.')
    if FLAGS.output:
        if not pathlib.Path(flags.required('source')).is_file():
            raise UsageError(f'--source: expected a photo, found no such file: {FLAGS.source}.')
        if not (FLAGS.target or FLAGS.turntable):
            raise UsageError('--target=... or --turntable must be given.')
        picture_outputs.check_output(FLAGS.output, 1)
    try:
        for path in repose_person() if FLAGS.output else [repose_test_pairs()]:
            print(f'Written: {path}')
    except KeyboardInterrupt:
        sys.exit('Interrupted; no unfinished file is left.')


def repose_person():
    """Reposes the person whom the flags name; returns the paths of what is written."""
    from experiments.models import opening
    from experiments.reposing import repose_inputs  # TensorFlow loads after the flags are checked
    from experiments.reposing.frames import Frames
    reposer = opening.open_model(FLAGS.model, FLAGS.weights)
    opened = functools.cache(lambda: open_estimator(FLAGS.estimator, FLAGS.model_dir, FLAGS.model_size, FLAGS.fov_deg))
    person, num_people = repose_inputs.load_person(FLAGS.source, FLAGS.source_pose, reposer.image_size, opened)
    targets = _load_targets(person, reposer.image_size, opened)
    said = targets.said + (() if num_people == 1 else (f'{FLAGS.source} shows {num_people} people: the largest was '
                                                       'taken.',))
    print(*said, sep='\n', end='\n' * bool(said))
    count = len(targets.poses_px)
    picture_outputs.check_output(FLAGS.output, count)
    is_large = count == 1 and pathlib.Path(FLAGS.output).suffix.lower() not in picture_outputs.ANIMATIONS
    paste_back = person.is_cropped if FLAGS.paste_back is None else FLAGS.paste_back
    max_side = None if is_large else FLAGS.max_side or _MAX_SIDES[FLAGS.side_by_side]
    frames = Frames(person, paste_back, max_side, FLAGS.side_by_side, FLAGS.skeleton, is_plain=is_large)
    encoded = reposer.source(person.image, person.pose_px)
    parts = [_write_parts(encoded, person, targets.poses_px)] if FLAGS.bodypart else []
    results = encoded.each(targets.poses_px, with_alpha=paste_back)
    shown = targets.read_pictures() if FLAGS.side_by_side and targets.read_pictures else iter([None] * count)
    with picture_outputs.open_output(FLAGS.output, FLAGS.fps or targets.fps) as add, \
            tqdm(total=count, unit=' pictures', desc='reposing', disable=count == 1) as bar:
        for result, target in zip(results, shown, strict=True):
            add(frames.show(*result, target))
            bar.update()
    return [FLAGS.output, *parts]


def _load_targets(person, size, opened):
    """Returns the `Targets` of all flags, fitted to the person."""
    from experiments.reposing import repose_inputs
    from experiments.reposing import targets as repose_targets
    place = repose_inputs.place_of(FLAGS.source)
    found = [repose_targets.load_targets(argument, place, person.square.side, size, opened, FLAGS.every,
                                         FLAGS.smoothing) for argument in FLAGS.target]
    poses = [repose_targets.fitted(targets, person.pose_px, FLAGS.keep_proportions) for targets in found]
    poses = np.concatenate(poses) if poses else person.pose_px[np.newaxis]
    pictures = found[0].read_pictures if len(found) == 1 else None
    fps = next((targets.fps for targets in found if targets.fps), _FPS['poses'])
    if FLAGS.turntable:
        if len(poses) > 1:
            raise UsageError(f'--turntable: expected one target, found {len(poses)}.')
        poses, pictures, fps = repose_targets.turntable(poses[0], FLAGS.turntable_frames), None, _FPS['turntable']
    outside = np.any((poses[..., :2] < 0) | (poses[..., :2] > size), axis=2).mean(axis=1)  # shares of the joints
    if outside.max() > 0.5:
        raise UsageError(f'--target: expected poses in the picture, found {np.sum(outside > 0.5)} of {len(poses)} that '
                         'are for the most part outside; --keep_proportions puts them where the source stands.')
    said = tuple(line for targets in found for line in targets.said)
    return repose_targets.Targets(np.float32(poses), True, fps, pictures, said)


def _write_parts(encoded, person, poses):
    """Writes the sheet of body parts and volumes, a row for each of up to 8 targets; returns its path."""
    from experiments.pictures import drawing as pictures
    from experiments.pictures import parts as part_pictures
    chosen = poses[np.unique(np.linspace(0, len(poses) - 1, 8).astype(int))]
    rows = [part_pictures.of_parts(person.image, encoded.parts(pose)) for pose in chosen]
    output = pathlib.Path(FLAGS.output)
    stem = output.stem.split('%')[0].rstrip('-_')
    path = output.with_name(f'{stem}-parts.png')
    pictures.write_picture(path, pictures.grid([[image for _, image in row] for row in rows],
                                               [caption for caption, _ in rows[0]]))
    return path


def repose_test_pairs():
    """Writes the contact sheet that the flags ask for; returns its path."""
    from experiments.configuration import data as datasets
    from experiments.models import opening
    reposer, run = opening.open_model(FLAGS.model, FLAGS.weights), opening.run_of(FLAGS.model)
    data = datasets.Data(flags.data_settings(run and run.settings().data))
    batches = data.pair_batches('test', reposer.image_size, _SHEET_BATCH_SIZE, FLAGS.num_pairs)
    write_contact_sheet(FLAGS.contact_sheet, reposer, batches)
    return FLAGS.contact_sheet


def write_contact_sheet(path, reposer, batches):
    """Shows source, target pose, result and truth of pairs, a row each.

    Args:
      path: PNG file.
      reposer: `Reposer` of the model.
      batches: iterable of batches of data_pipeline.batches.input_pipeline, images in uint8.
    """
    from experiments.pictures import drawing as pictures
    samples, captions = [], []
    for batch in batches:
        results = reposer.repose_pairs(batch['source_image'], batch['source_pose'], batch['target_pose'])
        samples += zip(batch['source_image'].numpy(), batch['target_pose'].numpy(), results.numpy(),
                       batch['target_image'].numpy(), strict=True)
        captions += [f'{source.decode()} -> {target.decode()}' for source, target in
                     zip(batch['source_id'].numpy(), batch['target_id'].numpy(), strict=True)]
    pictures.write_picture(path, pictures.contact_sheet(samples, captions))


if __name__ == '__main__':
    program.run(main, flags.define_model_path, flags.define_data, program.define_estimator, define_flags,
                define_output)
