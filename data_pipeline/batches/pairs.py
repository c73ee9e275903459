"""Pairs of pictures for evaluation: fixed lists of (source id, target id), ids being `person/frame`.

A pair is two different pictures of one person, and a person is in one split only: no pair crosses splits.
Scores can be compared only if their pairs follow the same protocol:
    people      the pairs of the folder's pairs.json, or up to 256 random ones; of joined folders those of each
    reference   256 or more random pairs of the split's outfits, seeded, as the paper's authors evaluated
    patn-8570   the 8,570 test pairs of the pose-transfer papers on DeepFashion, from their list
    iper-lwb    every frame of each of iPER's 42 test videos from 3 frames of that video; 126 runs. The frames
                are the first, and those after one and two thirds, as Liquid Warping GAN's own choice is not
                known; a frame is not paired with itself
    video-self  every film's other frames, or every so many, from its frame that shows the most of the person, or one
                that is given, see film_pairs.py
    video-other every so many frames of a person's other films, as by other cameras, from such a frame of each
Of all but the first two, pairs of which a picture is not there or has no pose, and of films also those whose target
shows several people, are left out; `unscorable_pairs` names them, so that the rest is never taken for the whole.
"""

import random

from data_pipeline.batches import film_pairs
from data_pipeline.errors import DataError
from data_pipeline.finding import composed
from data_pipeline.poses import pose_file
from data_pipeline.records.folder import NO_POSE, renamed

PROTOCOLS = ('people', 'reference', 'patn-8570', 'iper-lwb', *film_pairs.PROTOCOLS)
NUM_RANDOM_PAIRS = 256  # the size of the paper authors' validation list
NUM_PATN_PAIRS = 8570
NUM_LWB_VIDEOS, NUM_LWB_SOURCES = 42, 3


def load_pairs(folder, split, num_pairs=0, seed=0, protocol='people', films=film_pairs.ANY):
    """Returns the pairs of a split by a protocol.

    Args:
      folder: a `folder.Folder`.
      split: 'train', 'validation' or 'test'; 'patn-8570' and 'iper-lwb' have test pairs only.
      num_pairs: how many; 0 for all that are listed, or for up to 256 random ones. Fewer than all are taken evenly
        from the list, so that they show as many persons as possible.
      seed: of random pairs.
      protocol: see above.
      films: a `FilmChoice`, for the protocols of films.

    Returns:
      list of (source id, target id).

    Raises:
      DataError: there is no such split or protocol, a pair is not of the split, or a list is not the protocol's.
    """
    if protocol not in PROTOCOLS:
        raise DataError(f'protocol: expected one of {", ".join(PROTOCOLS)}, found {protocol!r}.')
    frame_ids = folder.frame_ids(split)
    if protocol == 'people':
        return _spread(_people_pairs(folder, split, num_pairs, seed), num_pairs)
    if protocol == 'reference':
        return _spread(random_pairs(frame_ids, max(num_pairs, NUM_RANDOM_PAIRS), seed), num_pairs)
    lacking = unscorable_pairs(folder, split, protocol, films)
    scorable = [pair for pair in _fixed_pairs(folder, split, protocol, films) if pair not in lacking]
    if not scorable:
        pair, why = next(iter(lacking.items()))
        raise DataError(f'{folder.root}: expected pictures with a pose for the pairs of the protocol {protocol}, found '
                        f'none for any of its {len(lacking)} pairs, as {" -> ".join(pair)} ({why}).')
    return _spread(scorable, num_pairs)


def read_pairs(path, folder, split):
    """Returns the pairs of a split that a file lists, in the form of pairs.json; raises DataError for other content."""
    listed = pose_file.read_json(path, 'the pairs')
    if split not in listed:
        raise DataError(f'{path}: expected pairs of the split {split}, found {", ".join(map(repr, listed)) or "none"}.')
    return _checked(f'{path}: "{split}"', listed[split], folder.frame_ids(split))


def unscorable_pairs(folder, split, protocol, films=film_pairs.ANY):
    """Returns dict, pair of a protocol -> which of its pictures cannot be used, in words, and why; see `load_pairs`."""
    if protocol in ('people', 'reference'):
        return {}
    flaws = film_pairs.several_people(folder) if protocol in film_pairs.PROTOCOLS else {}
    known = {frame_id for ids in folder.frame_ids(split).values() for frame_id in ids} - set(flaws)
    lacking = {}
    for pair in _fixed_pairs(folder, split, protocol, films):
        if absent := [frame_id for frame_id in pair if frame_id not in known]:
            why = {**folder.left_out, **flaws}.get(absent[0], 'no picture with a pose in this split')
            lacking[pair] = f'{absent[0]}: {why}'
    return lacking


def random_pairs(frame_ids, num_pairs, seed=0):
    """Draws different pairs at random, about as many of every person.

    Args:
      frame_ids: dict, person -> list of two or more ids.
      num_pairs: how many; all are returned if there are fewer.
      seed: int.

    Returns:
      list of (source id, target id), persons taking turns.
    """
    rng = random.Random(seed)
    left = {person: len(ids) * (len(ids) - 1) for person, ids in frame_ids.items()}
    drawn = {}  # a dict keeps the order
    while len(drawn) < num_pairs and left:
        for person in rng.sample(sorted(left), min(len(left), num_pairs - len(drawn))):
            pair = tuple(rng.sample(frame_ids[person], 2))
            while pair in drawn:
                pair = tuple(rng.sample(frame_ids[person], 2))
            drawn[pair] = None
            left[person] -= 1
            if not left[person]:
                del left[person]
    return list(drawn)


def _spread(pairs, num_pairs):
    """Returns `num_pairs` of the pairs, evenly from the list; all for 0."""
    if not 0 < num_pairs < len(pairs):
        return pairs
    return [pairs[index * len(pairs) // num_pairs] for index in range(num_pairs)]


def _people_pairs(folder, split, num_pairs, seed):
    """Returns the listed pairs of a split, or random ones; of a joined folder those of its parts, one after another."""
    if folder.parts:
        return [tuple(renamed(frame_id, new) for frame_id in pair) for part, new in folder.parts if split in part.splits
                for pair in _people_pairs(part, split, num_pairs, seed)]
    path, frame_ids = folder.root / 'pairs.json', folder.frame_ids(split)
    listed = pose_file.read_json(path, 'the pairs') if path.exists() else {}
    if split not in listed:
        return random_pairs(frame_ids, num_pairs or NUM_RANDOM_PAIRS, seed)
    return _checked(f'{path}: "{split}"', listed[split], frame_ids)


def _fixed_pairs(folder, split, protocol, films):
    """Returns the pairs of all protocols but the first two, also those that cannot be scored."""
    if protocol in film_pairs.PROTOCOLS:
        return film_pairs.film_pairs(folder, split, protocol, films)
    if split != 'test':
        raise DataError(f'{folder.root}: the protocol {protocol} has pairs of the split test, found {split!r}.')
    return (_patn_pairs if protocol == 'patn-8570' else _lwb_pairs)(folder)


def _patn_pairs(folder):
    """Returns the listed test pairs, each of one outfit as its reader made sure; raises DataError for another list."""
    if 'patn-8570' not in folder.pairs:
        raise DataError(f'{folder.root}: the protocol patn-8570 is the list fashion-pairs-test.csv, found none.')
    pairs = list(folder.pairs['patn-8570'])
    if len(pairs) != NUM_PATN_PAIRS:
        raise DataError(f'{folder.root}: the protocol patn-8570 has {NUM_PATN_PAIRS} pairs, found {len(pairs)}.')
    return pairs


def _lwb_pairs(folder):
    """Returns the pairs run by run: a video and one of its source frames."""
    frame_ids, videos = folder.frame_ids('test'), {}
    without_pose = [frame_id for frame_id, reason in folder.left_out.items()
                    if reason.startswith(NO_POSE) and frame_id.split('/')[0] in frame_ids]
    for frame_id in [*(frame_id for ids in frame_ids.values() for frame_id in ids), *without_pose]:
        # The person stands apart, as iPER's older layout has frames without an action: `001_1/0000`.
        person, frame = frame_id.split('/', 1)
        videos.setdefault((person, frame.rpartition('_')[0]), []).append(frame_id)
    if len(videos) != NUM_LWB_VIDEOS:
        raise DataError(f'{folder.root}: the protocol iper-lwb has {NUM_LWB_VIDEOS} test videos, '
                        f'found {len(videos)} with poses.')
    # By number, as frames without a pose stand behind the others above.
    films = [sorted(ids, key=lambda frame_id: (len(frame_id), frame_id)) for ids in videos.values()]
    return [(source, target) for ids in films
            for source in (ids[index * len(ids) // NUM_LWB_SOURCES] for index in range(NUM_LWB_SOURCES))
            for target in ids if target != source]


def _checked(where, listed, frame_ids):
    """Returns listed pairs as tuples; raises DataError for what is not a pair of this split."""
    person_of = {frame_id: person for person, ids in frame_ids.items() for frame_id in ids}
    if not isinstance(listed, list) or not listed:
        raise DataError(f'{where}: expected a list of one pair or more, found {listed!r}.')
    for pair in listed:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(name, str) for name in pair):
            raise DataError(f'{where}: expected pairs ["person/frame", "person/frame"], found {pair!r}.')
        pair[:] = map(composed, pair)
        for frame_id in pair:
            if frame_id not in person_of:
                raise DataError(f'{where}: expected pictures with a pose, of persons of this split, '
                                f'found {frame_id!r}.')
        source, target = pair
        if source == target or person_of[source] != person_of[target]:
            raise DataError(f'{where}: expected two different pictures of one person, found {pair!r}.')
    return [tuple(pair) for pair in listed]
