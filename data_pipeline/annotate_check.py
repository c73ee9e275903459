"""How good an estimator's poses are: on pictures whose true 3D poses are known.

    python -m data_pipeline.annotate_check --source_dir=data/people --estimator=mediapipe --output=build/check.md

The estimates go through the same fit as those of `data_pipeline.annotate`; pictures are neither cropped nor rejected.
"""

import collections
import datetime
import os
import pathlib
import platform
import shlex
import sys
import time

import numpy as np
from absl import flags
from tqdm import tqdm

from data_pipeline import program
from data_pipeline.annotation.weak_perspective import fit_scale, lift
from data_pipeline.errors import DataError
from data_pipeline.estimators.opening import define_estimator, open_estimator
from data_pipeline.people.people_folder import open_folder
from data_pipeline.picture_file import read_image
from repose_tf.skeleton import JOINT_INDEX, JOINT_NAMES, MIRROR_JOINTS

FLAGS = flags.FLAGS
_VIEWS = ((45, 'front'), (135, 'side'), (181, 'back'))  # direction faced: up to so many degrees from the camera
_LIMBS = [JOINT_INDEX[name] for name in JOINT_NAMES if name[1:] in ('sho', 'elb', 'wri', 'hip', 'kne', 'ank')]


def define_check():
    """Defines what is measured and where it is told."""
    flags.DEFINE_string('source_dir', 'data/people', 'Folder in the people layout, with true poses.')
    flags.DEFINE_string('output', '', 'Markdown file for the report; without it it is printed alone.')


def compare(pose, truth):
    """Compares a pose with the true one.

    Args:
      pose, truth: `pose_file.Pose` of one picture. Where the truth has no mm, they are its px over its scale.

    Returns:
      dict: `px` [19] distances in the picture; `mm` [19] distances relative to the pelvis; `is_swapped`, whether
      the limbs fit the picture better with left and right exchanged; `scale`, estimated over true px per mm.
    """
    true_mm = truth.mm
    if true_mm is None:
        true_mm = (truth.px - truth.px[JOINT_INDEX['pelv']]) / truth.px_per_mm
    apart = np.hypot(*(pose.px - truth.px)[:, :2].T)
    apart_mirrored = np.hypot(*(pose.px[list(MIRROR_JOINTS)] - truth.px)[:, :2].T)
    return {'px': apart, 'mm': np.linalg.norm(pose.mm - true_mm, axis=1),
            'is_swapped': bool(apart_mirrored[_LIMBS].mean() < apart[_LIMBS].mean()),
            'scale': pose.px_per_mm / truth.px_per_mm}


def measure(folder, estimator):
    """Estimates every picture of a `PeopleFolder`.

    Returns:
      dict, view -> list of what `compare` returns, or None for those in which nobody was found; and the seconds
      that the estimator took for a picture. The view is 'all' where the poses have no tag `yaw_deg`.
    """
    found, seconds = collections.defaultdict(list), []
    for frame in tqdm([frame for frames in folder.persons.values() for frame in frames], unit=' pictures'):
        image = read_image(frame.image_path, is_upright=False)
        begin = time.perf_counter()
        person, _ = estimator.largest_person(image)
        seconds.append(time.perf_counter() - begin)
        scale = fit_scale(person.joints_px, person.joints_mm)[0] if person else 0
        result = compare(lift(person.joints_px, person.joints_mm, scale), frame.pose) if scale > 0 else None
        found[_view(frame.pose.tags.get('yaw_deg'))].append(result)
    return dict(found), float(np.median(seconds))


def _view(yaw_deg):
    if yaw_deg is None:
        return 'all'
    away = abs((yaw_deg + 180) % 360 - 180)
    return next(name for limit, name in _VIEWS if away < limit)


def report(found, seconds, origin, source):
    """Returns the report as Markdown; the arguments are what `measure` returns, and two texts."""
    lines = [f'Estimator: {origin}.', f'Data: `{source}`, {sum(map(len, found.values()))} pictures.',
             f'Date: {datetime.date.today()}. Machine: {os.cpu_count()} cores, {platform.machine()}, '
             f'Python {platform.python_version()}; {1000 * seconds:.0f} ms a picture (median).',
             f'Command: `python -m data_pipeline.annotate_check {shlex.join(sys.argv[1:])}`.', '',
             '| view | pictures | found | px: median | px: 95 % | mm: mean | mm: median | scale | sides swapped |',
             '|---|---|---|---|---|---|---|---|---|']
    views = [name for _, name in _VIEWS if name in found]
    whole = [result for results in found.values() for result in results]
    lines += [_row(view, found[view]) for view in views] + [_row('all', whole)]
    results = [result for result in whole if result]
    if results:
        px, mm = (np.array([result[name] for result in results]) for name in ('px', 'mm'))
        lines += ['', '| joint | px: median | mm: median |', '|---|---|---|']
        lines += [f'| {name} | {np.median(px[:, index]):.1f} | {np.median(mm[:, index]):.0f} |'
                  for index, name in enumerate(JOINT_NAMES)]
    return '\n'.join(lines) + '\n'


def _row(view, whole):
    results = [result for result in whole if result]
    if not results:
        return f'| {view} | {len(whole)} | 0 % | - | - | - | - | - | - |'
    px, mm, scale, swapped = ([result[name] for result in results] for name in ('px', 'mm', 'scale', 'is_swapped'))
    return (f'| {view} | {len(whole)} | {len(results) / len(whole):.1%} | {np.median(px):.1f} | '
            f'{np.percentile(px, 95):.1f} | {np.mean(mm):.0f} | {np.median(mm):.0f} | {np.median(scale):.3f} | '
            f'{sum(swapped)} ({np.mean(swapped):.1%}) |')


def main():
    """Runs the program; see the module's docstring."""
    folder = open_folder(FLAGS.source_dir)
    estimator = open_estimator(FLAGS.estimator, FLAGS.model_dir, FLAGS.model_size, FLAGS.fov_deg)
    text = report(*measure(folder, estimator), estimator.origin, FLAGS.source_dir)
    print(text, end='')
    if FLAGS.output:
        try:
            pathlib.Path(FLAGS.output).write_text(text, encoding='utf-8')
        except OSError as error:
            raise DataError(f'--output: {FLAGS.output}: cannot be written ({error.strerror}).') from error


if __name__ == '__main__':
    program.run(main, define_estimator, define_check)
