"""Target poses: of pose files, photos, videos and motion capture, and the turntable."""

import dataclasses
import functools
import os
import pathlib
import typing

import cv2
import numpy as np
from tqdm import tqdm

from data_pipeline.annotation.checks import AcceptanceLimits, check_person
from data_pipeline.annotation.finder import find_followed
from data_pipeline.annotation.sources import PHOTO_SUFFIXES, VIDEO_SUFFIXES, PictureSource, read_frames
from data_pipeline.errors import DataError, UsageError
from data_pipeline.estimators.following import Follower
from data_pipeline.finding import natural_key
from data_pipeline.picture_file import read_image
from data_pipeline.poses import motion_capture, pose_file, rig_names
from data_pipeline.video_file import VideoReader
from experiments.reposing import source_person
from repose_tf.coordinates import scale_pose
from repose_tf.pose_edits import turned

KINDS = 'POSES.json, POSES.json#person, POSES.json#person/frame, a photo, a video or a .bvh file'


class TargetPicture(typing.NamedTuple):
    """A picture that a pose is of.

    Attributes:
      image: uint8 [H, W, 3].
      pose_px: [19, 3], px of it.
      mask: uint8 [H, W], 0 or 255, the person; None where the estimator makes none, or it was not kept.
    """

    image: np.ndarray
    pose_px: np.ndarray
    mask: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Targets:
    """Poses in their order.

    Attributes:
      poses_px: float32 [N, 19, 3].
      is_framed: True if they are px of the picture to be made; False if of another picture, so that only their shape
        counts.
      fps: frames a second, or None for poses that are no clip.
      read_pictures: function that yields their N pictures, `TargetPicture`, or None.
      notes: tuple of lines that the user is told.
      film: path of the video that they are of, whose sound goes with them, or None.
    """

    poses_px: np.ndarray
    is_framed: bool = False
    fps: float | None = None
    read_pictures: object = None
    notes: tuple = ()
    film: str | None = None


def load_targets(name, source, open_estimator, *, every=1, smoothing=0.0, joint_names='', fps=None, person=None,
                 keep_masks=False):
    """Reads one value of `--target`, whatever its kind; returns `Targets`.

    Args:
      name: see KINDS.
      source: `SourcePerson`.
      open_estimator: function without arguments that returns a `person.Estimator`.
      every: takes every so many frames of a video and of motion capture.
      smoothing: of a video, see `of_video`.
      joint_names: file for motion capture, see `rig_names.read_joint_names`, or ''.
      person: who is followed in a video, see `Follower`.
      fps: pictures a second of motion capture whatever its file tells, or None.
      keep_masks: whether the pictures of a photo or a video come with masks.

    Raises:
      UsageError, DataError: it is of no such kind, cannot be read, or shows no person.
    """
    suffix = pathlib.Path(name).suffix.lower()
    if suffix == '.json' or source_person.mark_of(name) is not None:
        return of_pose_file(name, source)
    if suffix not in (*PHOTO_SUFFIXES, *VIDEO_SUFFIXES, '.bvh'):
        raise UsageError(f'--target: expected {KINDS}, found {name!r}.')
    if not os.path.isfile(name):
        raise UsageError(f'--target: expected a file, found none at {name}.')
    if suffix == '.bvh':
        given = rig_names.read_joint_names(joint_names) if joint_names else None
        motion = motion_capture.read(name, every, fps)
        return Targets(motion_capture.poses_of(motion, name, given).astype(np.float32), fps=motion.fps,
                       notes=motion.notes)
    if suffix in PHOTO_SUFFIXES:
        return of_photo(name, open_estimator())
    return of_video(name, open_estimator(), every, smoothing, person, keep_masks)


def of_pose_file(name, source):
    """Reads poses of a file; returns `Targets`, in the order of their names.

    Args:
      name: POSES.json, POSES.json#person or POSES.json#person/frame; without POSES.json that of the source's place.
      source: `SourcePerson`; a pose without a picture of its own is in px of the source's square.
    """
    path, wanted = pathlib.Path(name), ''
    if source_person.mark_of(name) is not None:
        path, wanted = source_person.split_name('--target', name, source.place)
    poses = pose_file.read(path)
    keys = [wanted] if wanted in poses else sorted(
        (key for key in poses if not wanted or key.startswith(f'{wanted}/')), key=natural_key)
    if not keys:
        raise UsageError(f'--target: expected a pose or a person of {path}, for example '
                         f'{min(poses, default="none")}, found {wanted!r}.')
    sides = [source_person.picture_side(path, key) or source.square.side for key in keys]
    scaled = [scale_pose(poses[key], len(source.image) / side) for key, side in zip(keys, sides, strict=True)]
    return Targets(np.stack(scaled).astype(np.float32), is_framed=True)


def of_photo(path, estimator):
    """Finds the pose of the largest person of a photo; returns `Targets` of one pose."""
    photo = read_image(path)
    pose, mask, num_people = source_person.estimate(path, photo, estimator)
    return Targets(pose.px[np.newaxis], read_pictures=lambda: iter([TargetPicture(photo, pose.px, mask)]),
                   notes=source_person.note_on_people(path, num_people))


def of_video(path, estimator, every=1, smoothing=0.0, person=None, keep_masks=False):
    """Finds the poses of one person in a video. Each frame is looked at once; its pose is kept, and its mask if asked.

    Args:
      path: the video.
      estimator: `person.Estimator`.
      every: takes every so many frames.
      smoothing: width of a Gaussian over the poses, frames; 0: none; None: as much as joints tremble.
      person: who is followed, see `Follower`.
      keep_masks: see `load_targets`.

    Returns:
      `Targets`. A frame without a usable pose has that of the frame before; the first ones have the first pose.

    Raises:
      UsageError: the video never shows so many people.
      DataError: the video cannot be read or shows no person.
    """
    follower = Follower(person)
    found, = follow(path, estimator, [follower], every, smoothing, keep_masks)
    if isinstance(found, Targets):
        return found
    if person and follower.most_people < person:
        raise UsageError(f'--person: expected so many people in a frame of {path}, found {follower.most_people}, asked '
                         f'for {person}.')
    raise DataError(f'{path}: expected a video of a person, found none in {len(found)} frames, the first: '
                    f'{found[0].detail}.')


def follow(path, estimator, followers, every=1, smoothing=0.0, keep_masks=False):
    """Finds the poses of several people in a video, each by a `Follower`; arguments as of `of_video`.

    Returns:
      list, for every follower, of `Targets`, or of the list of `Reject`s of all frames.
    """
    source = PictureSource(pathlib.Path(path), str(path), '', '', '')
    names, findings, masks = [], [[] for _ in followers], [[] for _ in followers]
    with VideoReader(path) as video:
        for frame, image in tqdm(read_frames(video, every), unit=' frames', desc='looking for the person'):
            names.append(frame)
            for follower, found, kept in zip(followers, findings, masks, strict=True):
                finding, mask = find_followed(estimator, image, follower)
                found.append((source, frame, finding))
                kept.append(None if mask is None or not keep_masks else cv2.imencode('.png', mask)[1])
        fps, note_on_fps = video.frame_rate()
        notes = [' '.join(filter(None, (video.note(), note_on_fps)))]
    results = []
    for follower, found, kept in zip(followers, findings, masks, strict=True):
        accepted, rejects = check_person(found, AcceptanceLimits(min_pictures=1), smoothing)
        poses_px = accepted and _held(names, {item.frame: item.pose.px for item in accepted})
        results.append(rejects if not accepted else Targets(
            np.stack(poses_px), fps=fps / every, film=str(path),
            notes=(*filter(None, notes), *_notes(path, follower, len(names), rejects, every)),
            read_pictures=functools.partial(_pictures, path, every, poses_px, kept)))
    return results


def _held(names, found_px):
    """Returns the poses of all frames: of one without a pose that of the frame before, of the first ones the first."""
    latest_px = next(iter(found_px.values()))
    return [latest_px := found_px.get(name, latest_px) for name in names]


def _notes(path, follower, num_frames, rejects, every):
    """Returns what the user is told of a person who was followed, a list of lines."""
    notes = []
    if rejects:
        notes.append(f'{path}: {len(rejects)} of {num_frames} frames without a usable pose keep the one before.')
    if follower.most_people > 1:
        notes.append(f'{path} shows up to {follower.most_people} people: {follower.description} was followed.')
    others = [int(reject.frame) for reject in rejects if reject.reason == 'other_person']
    if others:
        gaps = [place for place, (one, other) in enumerate(zip(others, others[1:]), 1) if other > one + every]
        parts = [others[start:end] for start, end in zip([0, *gaps], [*gaps, None])]
        told = ', '.join(f'{part[0]}-{part[-1]}' if len(part) > 1 else f'{part[0]}' for part in parts)
        notes.append(f'{path}: frames that show others alone, who are not drawn: {told}.')
    return notes


def _pictures(path, every, poses_px, masks):
    """Yields the frames of a video with their poses and masks, as `TargetPicture`s; masks are PNG files, or None."""
    with VideoReader(path) as video:
        for (_, image), pose_px, mask in zip(video.frames(every), poses_px, masks, strict=True):
            yield TargetPicture(image, pose_px, None if mask is None else cv2.imdecode(mask, cv2.IMREAD_UNCHANGED))


def turntable(pose_px, num_frames):
    """Turns a pose [19, 3] px once about the vertical through its pelvis; returns float32 [num_frames, 19, 3]."""
    return np.stack([turned(pose_px, 2 * np.pi * index / num_frames) for index in range(num_frames)])
