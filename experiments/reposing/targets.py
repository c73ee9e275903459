"""What a person shall look like: poses of files, photos, videos, motion capture, and the turntable."""

import dataclasses
import pathlib

import cv2
import numpy as np
from tqdm import tqdm

from data_pipeline.annotation.checks import AcceptanceLimits, check_person
from data_pipeline.annotation.finder import find_largest
from data_pipeline.annotation.sources import PHOTO_SUFFIXES, VIDEO_SUFFIXES, PictureSource, read_frames
from data_pipeline.errors import DataError, UsageError
from data_pipeline.picture_file import read_image
from data_pipeline.poses import motion_capture, pose_file
from experiments.reposing import repose_inputs, source_person
from repose_tf.coordinates import scale_pose
from repose_tf.pose_edits import turned, with_proportions

KINDS = 'POSES.json, POSES.json#person, POSES.json#person/frame, a photo, a video or a .bvh file'


@dataclasses.dataclass(frozen=True)
class Targets:
    """Poses in their order.

    Attributes:
      poses_px: float32 [N, 19, 3].
      is_framed: they are px of the picture to be made; else of a picture of their own, where only their shape counts.
      fps: frames a second, or None for poses that are no clip.
      read_pictures: function that yields their N pictures uint8 [H, W, 3], each with its pose [19, 3] px, or None.
      said: list of lines that the user should know.
    """

    poses_px: np.ndarray
    is_framed: bool = False
    fps: float | None = None
    read_pictures: object = None
    said: tuple = ()


def load_targets(argument, place, source_side, size, open_estimator, every=1, smoothing=0.0):
    """Reads what `--target` names.

    Args:
      argument: see KINDS; without POSES.json the place's file is meant.
      place: `Place` of the source, or None.
      source_side: of the source's square, px: poses without a picture are px of it.
      size: rows and columns of the pictures to be made, px.
      open_estimator: function without arguments that returns a `person.Estimator`.
      every: takes every so many frames of a video and of motion capture.
      smoothing: of a video, frames, see data_pipeline/annotation/checks.py.

    Returns:
      `Targets`.

    Raises:
      UsageError, DataError: it is none of these, or nobody is found in it.
    """
    suffix = pathlib.Path(argument).suffix.lower()
    if suffix == '.json' or ('#' in argument and not pathlib.Path(argument).is_file()):
        return _of_pose_file(argument, place, source_side, size)
    if suffix not in (*PHOTO_SUFFIXES, *VIDEO_SUFFIXES, '.bvh'):
        raise UsageError(f'--target: expected {KINDS}, found {argument!r}.')
    if not pathlib.Path(argument).is_file():
        raise UsageError(f'--target: expected a file, found none at {argument}.')
    if suffix == '.bvh':
        motion = motion_capture.read(argument, every)
        return Targets(motion_capture.poses_of(motion, argument).astype(np.float32), fps=motion.fps)
    if suffix in PHOTO_SUFFIXES:
        photo = read_image(argument)
        pose, _, num_people = source_person.estimate(argument, photo, open_estimator())
        return Targets(pose.px[np.newaxis], read_pictures=lambda: iter([(photo, pose.px)]),
                       said=several(argument, num_people))
    return _of_video(argument, open_estimator(), every, smoothing)


def several(path, num_people):
    """Returns the line about a picture of several people, in a tuple."""
    return (f'{path} shows {num_people} people: the largest was taken.',) if num_people > 1 else ()


def _of_pose_file(argument, place, source_side, size):
    if '#' not in argument:
        path, wanted = pathlib.Path(argument), ''
    else:
        path, wanted = repose_inputs.split('--target', argument, place)
    poses = pose_file.read(path)
    keys = [wanted] if wanted in poses else sorted(key for key in poses if not wanted or key.startswith(f'{wanted}/'))
    if not keys:
        raise UsageError(f'--target: expected a pose or a person of {path}, for example '
                         f'{min(poses, default="none")}, found {wanted!r}.')
    scaled = [scale_pose(poses[key], size / (repose_inputs.picture_size(path, key) or source_side)) for key in keys]
    return Targets(np.stack(scaled).astype(np.float32), is_framed=True)


def _of_video(path, estimator, every, smoothing):
    """Looks at every frame once; what is kept of it is the pose."""
    source = PictureSource(pathlib.Path(path), str(path), '', '', '')
    fps = _frame_rate(path)
    names, findings = [], []
    for frame, image in tqdm(read_frames(source, every), unit=' frames', desc='looking for the person'):
        names.append(frame)
        findings.append((source, frame, find_largest(estimator, image)[0]))
    accepted, rejects = check_person(findings, AcceptanceLimits(min_pictures=1), smoothing)
    if not accepted:
        raise DataError(f'{path}: expected a video of a person, found none in {len(names)} frames, the first: '
                        f'{rejects[0].detail}.')
    poses = {item.frame: item.pose.px for item in accepted}
    # A frame without a pose shows the one before; the first ones that of the first frame with a pose.
    shown, latest = [], poses[accepted[0].frame]
    for name in names:
        latest = poses.get(name, latest)
        shown.append(latest)
    said = [f'{path}: {len(rejects)} of {len(names)} frames without a usable pose keep the one before.'] * bool(rejects)
    num_several = sum(finding.get('people', 1) > 1 for _, _, finding in findings)
    said += [f'{path}: {num_several} frames show several people: the largest was taken.'] * bool(num_several)
    return Targets(np.stack(shown), fps=fps / every, said=tuple(said),
                   read_pictures=lambda: ((image, pose) for (_, image), pose in
                                          zip(read_frames(source, every), shown, strict=True)))


def _frame_rate(path):
    video = cv2.VideoCapture(str(path))
    fps = video.get(cv2.CAP_PROP_FPS) if video.isOpened() else 25.0  # reading the frames tells what is wrong
    video.release()
    if not 0 < fps < 1000:
        raise DataError(f'{path}: expected a video with a frame rate, found {fps:g}.')
    return fps


def turntable(pose_px, num_frames):
    """Turns a pose [19, 3] px once about the vertical through its pelvis; returns float32 [num_frames, 19, 3]."""
    return np.stack([turned(pose_px, 2 * np.pi * index / num_frames) for index in range(num_frames)])


def fitted(targets, source_pose_px, keep_proportions):
    """Brings poses into the picture of a person.

    Args:
      targets: `Targets`.
      source_pose_px: [19, 3], the person, px of the picture to be made.
      keep_proportions: the person's bone lengths stay and the feet stand on the ground of the source; if not, poses
        that are not framed are moved by the pelvis and scaled as a whole. None: yes, but for framed poses.

    Returns:
      float32 [N, 19, 3] px.
    """
    poses = targets.poses_px
    if keep_proportions or (keep_proportions is None and not targets.is_framed):
        return np.stack([with_proportions(pose, source_pose_px) for pose in poses])
    if targets.is_framed:
        return poses
    return np.stack([_moved(pose, source_pose_px) for pose in poses]).astype(np.float32)


def _moved(pose_px, source_pose_px):
    """Brings the pelvis (the last joint) to the source's, and the spread of the joints to its size."""
    centred, own = pose_px - pose_px[-1], source_pose_px - source_pose_px[-1]
    factor = np.sqrt(np.sum(own ** 2) / max(np.sum(centred ** 2), 1e-12))
    return centred * factor + source_pose_px[-1]
