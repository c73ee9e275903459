"""The accuracy of a pose estimator on pictures whose true 3D poses are known.

The estimates go through the same fit as those of `annotation.run`; pictures are neither cropped nor rejected.
"""

import collections
import datetime
import os
import platform
import shlex
import time

import numpy as np
from tqdm import tqdm

from data_pipeline.annotation.error_chains import errors_mm, table
from data_pipeline.annotation.weak_perspective import fit_scale, lift
from data_pipeline.picture_file import read_image
from data_pipeline.poses.pose_file import true_mm
from repose_tf.skeleton import JOINT_INDEX, JOINT_NAMES, MIRROR_JOINTS

_VIEWS = ((45, 'front'), (135, 'side'), (181, 'back'))  # direction faced: up to so many degrees from the camera
_LIMBS = [JOINT_INDEX[name] for name in JOINT_NAMES if name[1:] in ('sho', 'elb', 'wri', 'hip', 'kne', 'ank')]


def compare(pose, truth):
    """Compares a pose with the true one.

    Args:
      pose, truth: `pose_file.Pose` of one picture. Where the truth has no mm, they are its px over its scale.

    Returns:
      dict: `px` [19] distances in the picture; `mm` [19] distances relative to the pelvis; `is_swapped`, whether
      the limbs fit the picture better with left and right exchanged; `scale`, estimated over true px per mm; `off_mm`
      [19, 3], see `error_chains.errors_mm`.
    """
    apart = np.hypot(*(pose.px - truth.px)[:, :2].T)
    apart_mirrored = np.hypot(*(pose.px[list(MIRROR_JOINTS)] - truth.px)[:, :2].T)
    return {'px': apart, 'mm': np.linalg.norm(pose.mm - true_mm(truth), axis=1),
            'is_swapped': bool(apart_mirrored[_LIMBS].mean() < apart[_LIMBS].mean()),
            'scale': pose.px_per_mm / truth.px_per_mm, 'off_mm': errors_mm(pose.px, truth.px)}


def measure(folder, estimator):
    """Estimates every picture of a `Folder`.

    Returns:
      dict, view -> list of what `compare` returns, or None for those in which nobody was found; and the seconds
      that the estimator took for a picture. The view is 'all' where the poses have no tag `yaw_deg`.
    """
    found, seconds = collections.defaultdict(list), []
    for frame in tqdm([frame for frames in folder.persons.values() for frame in frames], unit=' pictures'):
        image = read_image(frame.image_path)
        begin = time.perf_counter()
        person, _ = estimator.find_person(image)
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


def report(found, seconds, origin, source_dir, arguments):
    """Returns as Markdown what `measure` found of the pictures in `source_dir`, and the `arguments` of the command."""
    whole = [result for results in found.values() for result in results]
    lines = [f'Estimator: {origin}.', f'Data: `{source_dir}`, {len(whole)} pictures.',
             f'Date: {datetime.date.today()}. Machine: {os.cpu_count()} cores, {platform.machine()}, '
             f'Python {platform.python_version()}; {1000 * seconds:.0f} ms a picture (median).',
             f'Command: `python -m data_pipeline.annotate_check {shlex.join(arguments)}`.', '',
             '| view | pictures | found | px: median | px: 95 % | mm: mean | mm: median | scale | sides swapped |',
             '|---|---|---|---|---|---|---|---|---|']
    lines += [_row(view, found[view]) for _, view in _VIEWS if view in found] + [_row('all', whole)]
    results = [result for result in whole if result]
    if results:
        px, mm = (np.array([result[name] for result in results]) for name in ('px', 'mm'))
        lines += ['', '| joint | px: median | mm: median |', '|---|---|---|']
        lines += [f'| {name} | {np.median(px[:, index]):.1f} | {np.median(mm[:, index]):.0f} |'
                  for index, name in enumerate(JOINT_NAMES)]
        lines += ['', *table(np.stack([result['off_mm'] for result in results]))]
    return '\n'.join(lines) + '\n'


def _row(view, whole):
    results = [result for result in whole if result]
    if not results:
        return f'| {view} | {len(whole)} | 0 % | - | - | - | - | - | - |'
    px, mm, scale, swapped = ([result[name] for result in results] for name in ('px', 'mm', 'scale', 'is_swapped'))
    return (f'| {view} | {len(whole)} | {len(results) / len(whole):.1%} | {np.median(px):.1f} | '
            f'{np.percentile(px, 95):.1f} | {np.mean(mm):.0f} | {np.median(mm):.0f} | {np.median(scale):.3f} | '
            f'{sum(swapped)} ({np.mean(swapped):.1%}) |')
