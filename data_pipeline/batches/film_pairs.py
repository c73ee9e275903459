"""Pairs of frames of films: one source for each film, and every so many other frames as targets.

A film is the frames of a person, or those of one camera where the names say so: `<film>_<number>`, as `cam01_00012`.
The source is the frame that shows the most of the person: of those with the most joints inside of the picture the one
with the largest mask. Only frames with one person in them count; poses.json tells (`people`, where it is there).
"""

import dataclasses
import functools
import re

from data_pipeline.errors import DataError
from data_pipeline.finding import composed, natural_key
from data_pipeline.picture_file import read_image
from data_pipeline.records.folder import NO_POSE

PROTOCOLS = ('video-self', 'video-other')


@dataclasses.dataclass(frozen=True)
class FilmChoice:
    """Which frames are paired.

    Attributes:
      sources: ids of frames that are the sources of their films; other films have the one that shows the most.
      every: the targets are the frames 0, every, 2 * every, ... of a film.
    """

    sources: tuple = ()
    every: int = 1


ANY = FilmChoice()


def film_pairs(folder, split, protocol, choice):
    """Returns the pairs of a split, also those whose target cannot be scored; films follow one another.

    Args:
      folder: a `folder.Folder`.
      split: its name.
      protocol: of `PROTOCOLS`: 'video-self' has targets of the source's film, 'video-other' of the person's others.
      choice: a `FilmChoice`.

    Raises:
      DataError: a film has no frame or mask to choose a source by, no other frame, or a given source cannot be one.
    """
    films = _films(folder, split)
    given = _given_sources(folder, films, choice.sources)
    pairs = []
    for film in films:
        others = [film] if protocol == 'video-self' else [other for other in films if _is_other(film, other)]
        source = given.get(film) or _most_visible(folder, film, films[film])
        targets = [frame for other in others for frame in films[other][::choice.every] if frame != source]
        if not targets:
            raise DataError(f'{folder.root}: the film {_name(film)}: expected {_EXPECTED_TARGETS[protocol]}, found '
                            f'none, the film having {len(films[film])} frames (--video_every={choice.every}).')
        pairs += [(source, target) for target in targets]
    return pairs


def pairs_before(folder, split, pairs, choice):
    """Returns dict, pair -> the pair whose target is the frame before in the film, of those of which both are there."""
    before = {}
    for frames in _films(folder, split).values():
        frames = frames[::choice.every]
        before.update(zip(frames[1:], frames, strict=False))
    known = set(pairs)
    found = {(source, target): (source, before.get(target)) for source, target in pairs}
    return {pair: other for pair, other in found.items() if other in known}


def several_people(folder):
    """Returns dict, id -> how many people are in the picture, in words, of those with more than one."""
    return {frame.id: f'{frame.pose.tags["people"]} people in the picture, expected one'
            for frames in folder.persons.values() for frame in frames if num_people(frame) > 1}


_EXPECTED_TARGETS = {'video-self': 'other frames of it as targets',
                     'video-other': 'frames of other films of the person, which are named <film>_<number>'}


def _films(folder, split):
    """Returns dict, (person, film) -> ids of its frames in their order, also of those that have no pose."""
    frame_ids = folder.frame_ids(split)
    without_pose = [frame_id for frame_id, reason in folder.left_out.items()
                    if reason.startswith(NO_POSE) and frame_id.split('/')[0] in frame_ids]
    films = {}
    for frame_id in sorted([*(frame_id for ids in frame_ids.values() for frame_id in ids), *without_pose],
                           key=natural_key):
        films.setdefault(_film_of(frame_id), []).append(frame_id)
    return films


def _film_of(frame_id):
    person, _, frame = frame_id.partition('/')
    numbered = re.fullmatch(r'(.+)_\d+', frame)
    return person, numbered[1] if numbered else ''


def _is_other(film, other):
    return film[0] == other[0] and film != other


def _name(film):
    return '/'.join(filter(None, film))


def _given_sources(folder, films, sources):
    """Returns dict, film -> the id of its given source."""
    usable, given = {frame.id: frame for frames in folder.persons.values() for frame in frames}, {}
    for source in map(composed, sources):
        film = _film_of(source)
        if source not in usable or film not in films:
            raise DataError(f'--video_source={source}: expected a picture with a pose, <person>/<frame>, of this split '
                            f'of {folder.root}, found none of this name.')
        if num_people(usable[source]) > 1:
            raise DataError(f'--video_source={source}: expected a picture of one person, '
                            f'found {num_people(usable[source])} in it.')
        if film in given:
            raise DataError(f'--video_source: expected one source of the film {_name(film)}, '
                            f'found {given[film]} and {source}.')
        given[film] = source
    return given


def _most_visible(folder, film, frame_ids):
    """Returns the id of the frame that shows the most of the person."""
    frames = [frame for frame in folder.persons[film[0]] if frame.id in set(frame_ids)]
    where = f'{folder.root}: the film {_name(film)}'
    alone = [frame for frame in frames if num_people(frame) < 2]
    if not alone:
        raise DataError(f'{where}: expected a frame with a pose that shows one person alone, as source, found '
                        + (f'several people in all {len(frames)}.' if frames else f'no pose in all {len(frame_ids)}.'))
    masked = [frame for frame in alone if frame.mask_path]
    if not masked:
        raise DataError(f'{where}: expected masks of the person in {folder.root / "masks"}, by which the source is '
                        'chosen, found none; --video_source=<person>/<frame> names a source.')
    return max(masked, key=_visible).id


def _visible(frame):
    """Returns how much a frame shows: (joints inside of the picture, share of the picture that is the person)."""
    size, share = _seen(frame.mask_path)
    inside = (frame.pose.px[:, :2] >= 0) & (frame.pose.px[:, :2] < (frame.pose.image_size or size))
    return int(inside.all(axis=1).sum()), share


@functools.lru_cache(maxsize=1 << 16)
def _seen(mask_path):
    """Returns the rows of a mask and the share of it that is the person."""
    mask = read_image(mask_path)
    return len(mask), float((mask >= 128).mean())


def num_people(frame):
    """Returns how many people are in the picture of a `Frame`, as its pose's tags have it; 1 where they do not."""
    people = frame.pose.tags.get('people', 1)
    return people if isinstance(people, int) else 1
