"""Clips of one person: targets in, a picture, GIF or video out."""

import dataclasses
import itertools
import pathlib

import numpy as np
from tqdm import tqdm

from data_pipeline.annotation.sources import PHOTO_SUFFIXES, VIDEO_SUFFIXES
from data_pipeline.errors import UsageError
from experiments.models.sizes import sized
from experiments.pictures import drawing
from experiments.pictures.files import ANIMATIONS, check_output, gif_places, numbered, open_output, write_picture
from experiments.pictures.parts import of_parts
from experiments.pictures.sound import add_sound, can_have_sound, has_sound
from experiments.reposing.frames import Frames
from experiments.reposing.retargeting import fitted
from experiments.reposing.scene import Scene, light_around
from experiments.reposing.source_person import load_source_persons, note_on_people
from experiments.reposing.targets import Targets, load_targets, turntable
from repose_tf.pose_edits import turned

_MAX_SIDES = {False: 960, True: 480}  # px, alone and side by side
_FPS = {'turntable': 12.0, 'poses': 4.0}
_MOST_PARTS = 8  # targets whose parts are shown


@dataclasses.dataclass(frozen=True)
class ClipOptions:
    """What is reposed and how it is shown: the flags of experiments.repose with these names, explained there."""

    source: tuple
    output: str
    size: int | None = None
    source_pose: tuple = ()
    target: tuple = ()
    turntable: bool = False
    turntable_frames: int = 36
    keep_proportions: bool | None = None
    travel: bool | None = None
    target_turn: float = 0.0
    joint_names: str = ''
    every: int = 1
    smoothing: float | None = None
    fps: float | None = None
    person: int | None = None
    background: str = 'source'
    paste_back: bool | None = None
    max_side: int | None = None
    side_by_side: bool = False
    skeleton: bool = False
    bodypart: bool = False
    watermark: bool = False


def repose_person(reposer, options, open_estimator):
    """Reposes a person and writes what it shows; tells the user what they should know of the pictures.

    Args:
      reposer: `repose_tf.Reposer`.
      options: `ClipOptions`.
      open_estimator: function without arguments that returns a `person.Estimator`.

    Returns:
      list of the paths of what is written.

    Raises:
      UsageError, DataError: an input or the output is not what it should be.
    """
    _check(reposer, options)
    is_placed = options.background == 'target'
    reposer, sources = _load_sources(reposer, options, open_estimator)
    source = sources[0]
    targets = _load_targets(source, options, open_estimator)
    notes = [note_on_people(path, one.num_people) for path, one in zip(options.source, sources, strict=True)]
    for note in sum(notes, targets.notes):
        print(note)
    count = len(targets.poses_px)
    check_output(options.output, count)
    is_large = count == 1 and pathlib.Path(options.output).suffix.lower() not in ANIMATIONS
    max_side = None if is_large else options.max_side or _MAX_SIDES[options.side_by_side]
    scene = None
    if is_placed:
        scene = Scene(options.target[0], targets.read_pictures, targets.poses_px, light_around(source), targets.fps,
                      max_side)
    paste_back = not scene and (source.is_cropped if options.paste_back is None else options.paste_back)
    frames = Frames(source, sources[1:], paste_back=paste_back, max_side=max_side, side_by_side=options.side_by_side,
                    skeleton=options.skeleton, is_plain=is_large, rows=scene and scene.size[1])
    encoded = reposer.source([one.image for one in sources], [one.pose_px for one in sources],
                             [one.image_mask for one in sources] if reposer.takes_masks else None)
    written = [_write_parts(encoded, source, targets.poses_px, options)] if options.bodypart else []
    results = encoded.each(targets.poses_px, with_alpha=paste_back or is_placed, is_alone=is_placed)
    shown = [(None, None)] * count
    if scene:
        shown = ((stage.target, stage) for stage in scene.stages())
    elif options.side_by_side and targets.read_pictures:
        shown = ((picture, None) for picture in targets.read_pictures())
    with open_output(options.output, targets.fps, options.watermark) as add, \
            tqdm(total=count, unit=' pictures', desc='reposing', disable=count == 1) as bar:
        for result, (target, stage) in zip(results, shown, strict=True):
            add(frames.show(*result, target, stage))
            bar.update()
    if targets.film and (note := add_sound(options.output, targets.film, count / targets.fps)):
        print(note)
    return [options.output, *written]


def _check(reposer, options):
    """Refuses too many photos and what cannot be put into the target's place, before anything is computed."""
    if len(options.source) > reposer.num_sources:
        raise UsageError(f'--source: expected at most {reposer.num_sources} photos, as many as the model takes, found '
                         f'{len(options.source)}.')
    if options.background != 'target':
        return
    kinds = (*PHOTO_SUFFIXES, *VIDEO_SUFFIXES)
    if len(options.target) != 1 or pathlib.Path(options.target[0]).suffix.lower() not in kinds:
        raise UsageError('--background=target: expected one photo or video as --target, found '
                         f'{", ".join(options.target) or "none"}.')
    if options.turntable or options.paste_back is not None:
        raise UsageError('--background=target: expected no --turntable and no --paste_back beside it, found '
                         f'{"--turntable" if options.turntable else "--paste_back"}.')
    if not reposer.generator:
        raise UsageError(f'--background=target: expected a run or a packed model, which know the person without the '
                         f'background, found the {reposer.kind} {reposer.name}.')


def _load_sources(reposer, options, open_estimator):
    """Returns the model at the size of the pictures, and the `SourcePerson` of each photo at that size."""
    sources = load_source_persons(options.source, options.source_pose, reposer.image_size, open_estimator)
    reposer = sized(reposer, options.size, max(one.square.side for one in sources))
    return reposer, [one.at_size(reposer.image_size) for one in sources]


def _load_targets(source, options, open_estimator):
    """Returns the `Targets` of all values of --target and of --turntable, fitted to the source person."""
    if options.joint_names and not any(name.lower().endswith('.bvh') for name in options.target):
        raise UsageError('--joint_names: expected a .bvh file as --target, found none.')
    angle, is_placed = np.deg2rad(options.target_turn), options.background == 'target'
    found = [load_targets(name, source, open_estimator, every=options.every, smoothing=options.smoothing,
                          joint_names=options.joint_names, fps=options.fps, person=options.person,
                          keep_masks=is_placed) for name in options.target]
    results = [fitted(targets, source.pose_px, len(source.image), keep_proportions=options.keep_proportions,
                      travel=False if is_placed else options.travel, turn=angle) for targets in found]
    poses_px = np.concatenate([poses_px for poses_px, _ in results] or [turned(source.pose_px, angle)[np.newaxis]])
    told = dict.fromkeys(sum((notes for _, notes in results), ()))  # each line once
    alone = found[0] if len(found) == 1 else Targets(None)
    pictures, film = alone.read_pictures, alone.film
    fps = next((targets.fps for targets in found if targets.fps), _FPS['poses'])
    if options.turntable:
        if len(poses_px) > 1:
            raise UsageError(f'--turntable: expected one target, found {len(poses_px)}.')
        poses_px, pictures, fps = turntable(poses_px[0], options.turntable_frames), None, _FPS['turntable']
        film = None
    size = len(source.image)
    shares = np.any((poses_px[..., :2] < 0) | (poses_px[..., :2] > size), axis=2).mean(axis=1)  # of joints outside
    if shares.max() > 0.5:
        raise UsageError(f'--target: expected poses in the picture, found {np.sum(shares > 0.5)} of {len(poses_px)} '
                         'that are for the most part outside; --keep_proportions without --travel puts them where the '
                         'source stands.')
    film, notes = _sounding(film, options, fps)
    return _shown(Targets(np.float32(poses_px), True, options.fps or fps, pictures,
                          (*sum((targets.notes for targets in found), ()), *told, *notes), film), options.output)


def _sounding(film, options, fps):
    """Returns the film whose sound the output gets, or None, and what the user is told of that, a tuple of lines.

    Args:
      film: path of the only video that is a target, or None.
      options: `ClipOptions`.
      fps: the film's own pictures a second.
    """
    if not film or not can_have_sound(options.output) or (found := has_sound(film)) is False:
        return None, ()
    if found is None:
        return None, (f'{film}: its sound, if any, is left out; pip install -r requirements-sound.txt keeps it.',)
    if options.fps and abs(options.fps / fps - 1) > 1e-3:
        return None, (f'{film}: its sound is left out, as --fps={options.fps:g} is not its own {fps:.4g}.',)
    return film, ()


def _shown(targets, output):
    """Leaves out the `Targets` that an output cannot show at their speed, and notes it."""
    count = len(targets.poses_px)
    places = gif_places(count, targets.fps)
    if pathlib.Path(output).suffix.lower() != '.gif' or places == range(count):
        return targets
    note = (f'{output}: a GIF shows at most 50 pictures a second, so {len(places)} of {count} are shown; the clip '
            'lasts as long.')
    read_pictures = targets.read_pictures and (
        lambda: itertools.islice(targets.read_pictures(), 0, places.stop, places.step))
    return dataclasses.replace(targets, poses_px=targets.poses_px[list(places)], fps=targets.fps / places.step,
                               read_pictures=read_pictures, notes=(*targets.notes, note))


def _write_parts(encoded, source, poses_px, options):
    """Writes the sheet of body parts and volumes beside the output, a row for each target; returns its path."""
    chosen = poses_px[np.unique(np.linspace(0, len(poses_px) - 1, _MOST_PARTS).astype(int))]
    rows = [of_parts(source.image, encoded.parts(pose_px)) for pose_px in chosen]
    output = numbered(options.output, None)
    path = output.with_name(f'{output.stem}-parts.png')
    captions = [caption for caption, _ in rows[0]]
    write_picture(path, drawing.grid([[image for _, image in row] for row in rows], captions), options.watermark)
    return path
