"""Pairs of pictures for evaluation: fixed lists of (source id, target id), ids being `person/frame`.

A pair is two different pictures of one person, and a person is in one split only: no pair crosses splits.
Scores can be compared only if their pairs follow the same protocol:
    people      the pairs of the folder's pairs.json, or up to 256 random ones
    reference   256 or more random pairs of the split's outfits, seeded, as the paper's authors evaluated
    patn-8570   the 8,570 test pairs of the pose-transfer papers on DeepFashion, from their list
    iper-lwb    every frame of each of iPER's 42 test videos from 3 frames of that video; 126 runs. The frames
                are the first, and those after one and two thirds, as Liquid Warping GAN's own choice is not
                known; a frame is not paired with itself
"""

import random

from data_pipeline.errors import DataError
from data_pipeline.poses import pose_file

PROTOCOLS = ('people', 'reference', 'patn-8570', 'iper-lwb')
NUM_RANDOM_PAIRS = 256  # the size of the paper authors' validation list
NUM_PATN_PAIRS = 8570
NUM_LWB_VIDEOS, NUM_LWB_SOURCES = 42, 3


def load_pairs(folder, split, num_pairs=0, seed=0, protocol='people'):
    """Returns the pairs of a split by a protocol.

    Args:
      folder: a `folder.Folder`.
      split: 'train', 'validation' or 'test'; 'patn-8570' and 'iper-lwb' have test pairs only.
      num_pairs: how many; 0 for all that are listed, or for up to 256 random ones. Fewer than all are taken evenly
        from the list, so that they show as many persons as possible.
      seed: of random pairs.
      protocol: see above.

    Returns:
      list of (source id, target id).

    Raises:
      DataError: there is no such split or protocol, a pair is not of the split, or a list is not the protocol's.
    """
    if protocol not in PROTOCOLS:
        raise DataError(f'protocol: expected one of {", ".join(PROTOCOLS)}, found {protocol!r}.')
    frame_ids = folder.frame_ids(split)
    if protocol == 'people':
        path = folder.root / 'pairs.json'
        listed = pose_file.read_json(path, 'the pairs') if path.exists() else {}
        if split not in listed:
            return random_pairs(frame_ids, num_pairs or NUM_RANDOM_PAIRS, seed)
        return _spread(_checked(f'{path}: "{split}"', listed[split], frame_ids), num_pairs)
    if protocol == 'reference':
        return _spread(random_pairs(frame_ids, max(num_pairs, NUM_RANDOM_PAIRS), seed), num_pairs)
    if split != 'test':
        raise DataError(f'{folder.root}: the protocol {protocol} has pairs of the split test, found {split!r}.')
    pairs = _patn_pairs(folder, frame_ids) if protocol == 'patn-8570' else _lwb_pairs(folder, frame_ids)
    return _spread(pairs, num_pairs)


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


def _patn_pairs(folder, frame_ids):
    """Returns the listed test pairs; raises DataError if they are not all there."""
    if 'patn-8570' not in folder.pairs:
        raise DataError(f'{folder.root}: the protocol patn-8570 is the list fashion-pairs-test.csv, found none.')
    pairs = list(map(list, folder.pairs['patn-8570']))
    if len(pairs) != NUM_PATN_PAIRS:
        raise DataError(f'{folder.root}: the protocol patn-8570 has {NUM_PATN_PAIRS} pairs, found {len(pairs)}.')
    return _checked(f'{folder.root}: patn-8570', pairs, frame_ids)


def _lwb_pairs(folder, frame_ids):
    """Returns the pairs run by run: a video and one of its source frames."""
    videos = {}
    for person, ids in frame_ids.items():
        for frame_id in ids:
            # The person stands apart, as iPER's older layout has frames without an action: `001_1/0000`.
            videos.setdefault((person, frame_id.removeprefix(f'{person}/').rpartition('_')[0]), []).append(frame_id)
    if len(videos) != NUM_LWB_VIDEOS:
        raise DataError(f'{folder.root}: the protocol iper-lwb has {NUM_LWB_VIDEOS} test videos, '
                        f'found {len(videos)} with poses.')
    return [(source, target) for ids in videos.values()
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
        for frame_id in pair:
            if frame_id not in person_of:
                raise DataError(f'{where}: expected pictures with a pose, of persons of this split, '
                                f'found {frame_id!r}.')
        source, target = pair
        if source == target or person_of[source] != person_of[target]:
            raise DataError(f'{where}: expected two different pictures of one person, found {pair!r}.')
    return [tuple(pair) for pair in listed]
