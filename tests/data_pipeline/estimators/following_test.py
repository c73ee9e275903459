"""One person is followed through a film: past others, behind others, and not into others."""

import numpy as np
import pytest

from data_pipeline.estimators.following import Follower
from data_pipeline.estimators.person import Place

LEFT, RIGHT = 0, 1


def walk(start, step, num_frames=60, size=200.0, seed=0):
    """Returns the places of somebody who walks evenly, with the noise of a detector."""
    rng = np.random.default_rng(seed)
    return [Place(np.array([start + step * frame, 300.0]) + rng.normal(0, 3, 2), size * rng.uniform(0.97, 1.03))
            for frame in range(num_frames)]


def standing(x, num_frames=60, **options):
    return walk(x, 0, num_frames, **options)


def followed(frames, person=None, scores=()):
    """Follows through frames, lists of (who, `Place`) or None; returns who was chosen in each frame."""
    follower, chosen = Follower(person), []
    for number, frame in enumerate(frames):
        seen = sorted((item for item in frame if item[1] is not None), key=lambda item: -item[1].size_px)
        index = follower([place for _, place in seen])
        chosen.append(None if index is None else seen[index][0])
        follower.confirm(dict(scores).get(number, 0.9) if index is not None else 0)
    return chosen


def together(*courses):
    """Returns the frames of several courses, each a list of places or None."""
    return [list(enumerate(places)) for places in zip(*courses, strict=True)]


def test_of_two_who_grow_and_shrink_in_turns_one_is_followed():
    """The largest one of a frame is now the one and now the other."""
    one, other = (standing(x, size=200, seed=seed) for x, seed in ((200, 1), (420, 2)))
    frames = together(one, other)
    assert len({max(frame, key=lambda item: item[1].size_px)[0] for frame in frames}) == 2
    assert len(set(followed(frames))) == 1


@pytest.mark.parametrize(('person', 'who'), [(1, 0), (2, 1), (3, 2)])
def test_a_person_is_chosen_from_the_left(person, who):
    frames = together(standing(200, size=150), standing(500, size=250, seed=1), standing(800, seed=2))
    assert set(followed(frames, person)) == {who}
    assert set(followed(frames)) == {1}  # the largest
    assert set(followed(frames, 4)) == {None}
    late = [[item for item in frame if item[0] == 0] for frame in frames[:5]] + frames[5:]
    assert followed(late, person) == ([None] * 5 if person > 1 else [0] * 5) + [who] * 55


@pytest.mark.parametrize('person', [1, 2])
def test_two_who_cross_stay_who_they_are(person):
    frames = together(walk(100, 8), walk(580, -8, seed=1))
    chosen = followed(frames, person)
    assert set(chosen) <= {person - 1, None} and chosen.count(None) < 6  # while they are at one place it is not told
    assert chosen[:26] == [person - 1] * 26 and chosen[36:] == [person - 1] * 24


@pytest.mark.parametrize('person', [1, 2])
@pytest.mark.parametrize('hidden', [0, 1])
def test_who_hides_another_does_not_take_their_place(person, hidden):
    """While one hides the other, the detector sees one person, of whom there may be two."""
    courses = [walk(100, 8), walk(580, -8, seed=1)]
    frames = together(*courses)
    for number in range(27, 34):  # less than 60 px apart
        frames[number] = [item for item in frames[number] if item[0] != hidden]
    chosen = followed(frames, person)
    assert set(chosen) <= {person - 1, None}
    assert chosen[:26] == [person - 1] * 26 and chosen[36:] == [person - 1] * 24


def test_who_leaves_is_not_replaced_by_who_stays_or_comes():
    leaves, stays = walk(500, 10), standing(260, seed=1)
    leaves[20:] = [None] * 40
    assert followed(together(leaves, stays), person=2) == [0] * 20 + [None] * 40
    comes = [None] * 25 + standing(200, seed=2)[:35]
    assert followed(together(leaves, comes)) == [0] * 20 + [None] * 40


def test_who_is_not_seen_for_some_frames_is_found_again():
    moves = walk(100, 6)
    for number in (10, 11, 12, 30, 31, 45):
        moves[number] = None
    chosen = followed(together(moves, standing(900, seed=1)), person=1)
    assert chosen == [0 if place else None for place in moves]


def test_a_cut_to_somebody_else_is_no_jump():
    first = standing(200)[:30] + [None] * 30
    second = [None] * 30 + standing(640, seed=3)[30:]
    assert followed(together(first, second)) == [0] * 30 + [None] * 30
    other_size = [None] * 30 + standing(200, size=420, seed=3)[30:]
    assert followed(together(first, other_size)) == [0] * 30 + [None] * 30


def test_what_is_no_person_is_not_followed():
    """A chair that is taken for the largest person at first has no pose that is sure."""
    frames = together([standing(700, size=400)[0]] + [None] * 59, walk(100, 4, seed=1))
    assert followed(frames, scores={0: 0.2}) == [0] + [1] * 59
    assert followed(frames) == [0] + [None] * 59
