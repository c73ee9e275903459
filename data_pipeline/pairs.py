"""Which pairs of pictures are evaluated: fixed lists of (source id, target id), ids being `person/frame`.

A pair is two different pictures of one person, and a person is in one split only: no pair crosses splits.
"""

import random

from data_pipeline import pose_file
from data_pipeline.errors import DataError

NUM_RANDOM_PAIRS = 256  # the size of the paper authors' validation list


def load_pairs(folder, split, num_pairs=0, seed=0):
    """Returns the pairs of a split: those of pairs.json, else random ones.

    Args:
      folder: a `PeopleFolder`.
      split: 'train', 'validation' or 'test'.
      num_pairs: how many; 0 for all of pairs.json, or for up to 256 random ones. Fewer than there are in
        pairs.json are taken evenly from its length, so that they show as many persons.
      seed: of the random ones.

    Returns:
      list of (source id, target id).

    Raises:
      DataError: no such split, or a pair that is not one of it.
    """
    frame_ids = folder.frame_ids(split)
    path = folder.root / 'pairs.json'
    listed = pose_file.read_json(path, 'the pairs') if path.exists() else {}
    if split not in listed:
        return random_pairs(frame_ids, num_pairs or NUM_RANDOM_PAIRS, seed)
    pairs = _checked(f'{path}: "{split}"', listed[split], frame_ids)
    if not 0 < num_pairs < len(pairs):
        return pairs
    return [pairs[index * len(pairs) // num_pairs] for index in range(num_pairs)]


def random_pairs(frame_ids, num_pairs, seed=0):
    """Draws different pairs, of every person about as many; seeded.

    Args:
      frame_ids: dict, person -> list of two or more ids.
      num_pairs: how many; fewer are returned where there are not so many.
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


def _checked(where, listed, frame_ids):
    """Returns the pairs of pairs.json as tuples; DataError for what is not a pair of this split."""
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
