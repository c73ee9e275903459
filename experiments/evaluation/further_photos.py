"""Further photos of a person beside the source of a pair, for systems that take several.

Those that show most of what the photos before them do not: the person facing another way, from behind after a front.
The target is never among them, and is not looked at to choose.
"""

import numpy as np

from data_pipeline.batches.film_pairs import num_people
from data_pipeline.errors import DataError
from experiments.evaluation.pose_change import facing_deg, turn_deg

_FRONT_DEG, _BACK_DEG = 60, 120


def chosen(frames_of, pairs, count):
    """Chooses photos.

    Args:
      frames_of: dict, person -> list of that person's frames (`folder.Frame`) in a split.
      pairs: list of (source id, target id).
      count: of further photos, at least 1.

    Returns:
      dict, pair -> list of the ids of `count` frames, none of them the pair's own.

    Raises:
      DataError: a person has too few pictures.
    """
    found = {}
    for source, target in pairs:
        person = source.partition('/')[0]
        frames = [frame for frame in frames_of[person] if frame.id == source or num_people(frame) == 1]
        if len({frame.id for frame in frames} - {source, target}) < count:
            raise DataError(f'--source_photos={count + 1}: expected {count + 2} pictures or more of {person} '
                            f'alone, the target never being given, found {len(frames)}.')
        poses_px = np.stack([frame.pose.px for frame in frames])
        ids = [frame.id for frame in frames]
        taken, allowed = [ids.index(source)], np.array([one not in (source, target) for one in ids])
        for _ in range(count):
            turns = np.min([turn_deg(poses_px, poses_px[[index]]) for index in taken], axis=0)
            taken.append(int(np.argmax(np.where(allowed, turns, -1.0))))
            allowed[taken[-1]] = False
        found[source, target] = [ids[index] for index in taken[1:]]
    return found


def sides_shown(poses_px):
    """Returns from where each pose [N, 19, 3] px shows the person: 'the front', 'a side' or 'behind'."""
    turned = facing_deg(poses_px)
    return ['the front' if angle < _FRONT_DEG else 'behind' if angle > _BACK_DEG else 'a side' for angle in turned]
