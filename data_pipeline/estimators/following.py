"""Following one person through the frames of a film, by the places and sizes of all people that are detected in them.

All people are followed, so that nobody takes the place of another: a detection belongs to the person whose course it
goes on with. Where two come so close that one detection may be either, it is nobody's, as a pose made of two is none.
"""

import dataclasses

import numpy as np

SURE = 0.5  # score of a pose that begins to be followed
_REACH = 0.7  # of a person's size: how far from where they are expected they may be
_REACH_GROWS, _MAX_REACH = 0.1, 1.0  # for every frame that they were not seen; at first, when nothing is known of them
_MAX_GROWTH = 1.6  # of the size, up or down
_BOTH = 0.25  # of the size: a detection so near to where two people are expected may be either,
_CLOSE = 0.1  # and if both are detected, so near
_MAX_GROWTH_OF_BOTH = 1.3
_REMEMBERED = 30  # frames without being seen, after which somebody else is forgotten
_KNOWN = 3  # frames in which somebody must have been seen to be taken for a person
_SLOWS = 0.95  # every frame that they are not seen, people are expected to move so much slower


@dataclasses.dataclass(eq=False)
class _Track:
    """The course of one person: place and size when they were last seen, px, and how they move, px a frame."""

    centre_px: np.ndarray
    size_px: float
    velocity_px: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(2))
    num_seen: int = 1
    num_missed: int = 0  # frames since

    def expected_px(self):
        """Returns where they should be in the next frame."""
        return self.centre_px + self.velocity_px * sum(_SLOWS ** frame for frame in range(self.num_missed + 1))

    def cost(self, place):
        """Returns how badly a `Place` goes on with this course; inf if it cannot."""
        size_px = (self.size_px + place.size_px) / 2
        apart = np.linalg.norm(place.centre_px - self.expected_px()) / size_px
        reach = _MAX_REACH if self.num_seen == 1 else min(_MAX_REACH, _REACH + _REACH_GROWS * self.num_missed)
        is_near = apart <= reach
        return apart + np.log(self.growth(place)) / 2 if is_near and self.growth(place) <= _MAX_GROWTH else np.inf

    def growth(self, place):
        """Returns by what factor a `Place` is larger or smaller."""
        return max(place.size_px, self.size_px) / min(place.size_px, self.size_px)

    def may_be(self, place, reach):
        """Says whether a `Place` is within a reach, shares of the size, of where this person is expected, who was seen
        often enough to be taken for one."""
        apart = np.linalg.norm(place.centre_px - self.expected_px()) / place.size_px
        return self.num_seen >= _KNOWN and apart < reach and self.growth(place) < _MAX_GROWTH_OF_BOTH

    def see(self, place):
        """Goes on with a `Place`."""
        velocity_px = (place.centre_px - self.centre_px) / (self.num_missed + 1)
        share = 1 / min(self.num_seen, 8)  # of the latest step, as detections tremble
        self.velocity_px = (1 - share) * self.velocity_px + share * velocity_px
        self.centre_px, self.size_px = place.centre_px, (self.size_px + place.size_px) / 2
        self.num_seen, self.num_missed = self.num_seen + 1, 0


class Follower:
    """Chooses the same person in every frame; the `choose` of `Estimator.find_person`, for the frames in their order.

    Attributes:
      most_people: how many people were seen at once.
    """

    def __init__(self, person=None):
        """Args: `person`, the number from the left, from 1, in the first frame that shows so many; None: the largest of
        the first frame that shows anybody."""
        self._person, self._tracks, self._wanted, self._is_confirmed = person, [], None, False
        self.most_people = 0

    def __call__(self, places):
        """Takes the `Place`s of a frame; returns the index of the person's, or None where they are not found."""
        self.most_people = max(self.most_people, len(places))
        tracks = self._go_on(places)
        if self._wanted is None and len(places) >= (self._person or 1):
            index = 0
            if self._person:
                index = sorted(range(len(places)), key=lambda index: places[index].centre_px[0])[self._person - 1]
            self._wanted = tracks[index]
        return next((index for index, track in tracks.items() if track is self._wanted), None)

    @property
    def description(self):
        """Who is followed, in words."""
        return f'number {self._person} from the left' if self._person else 'the largest of the first frame'

    def confirm(self, score):
        """Tells the score of the pose found at the chosen place: one that is no person is not followed."""
        self._is_confirmed = self._is_confirmed or score >= SURE
        if not self._is_confirmed:
            self._wanted = None

    def _go_on(self, places):
        """Goes on with all courses and begins new ones; returns dict, index of a place -> its track."""
        tracks = {}
        costs = sorted(((track.cost(place), number, index) for number, track in enumerate(self._tracks)
                        for index, place in enumerate(places)), key=lambda item: item[0])
        for cost, number, index in costs:
            if np.isfinite(cost) and index not in tracks and self._tracks[number] not in tracks.values():
                tracks[index] = self._tracks[number]
        seen = list(tracks.values())
        either = {index for index, track in tracks.items() if track.may_be(places[index], _BOTH) and any(
            other.may_be(places[index], _CLOSE if other in seen else _BOTH) for other in self._tracks
            if other is not track)}
        for index, place in enumerate(places):
            if index in either:
                continue
            if index in tracks:
                tracks[index].see(place)
            else:
                tracks[index] = _Track(place.centre_px, place.size_px)
                self._tracks.append(tracks[index])
        seen = [track for index, track in tracks.items() if index not in either]
        for track in self._tracks:
            if track not in seen:
                track.num_missed += 1
        self._tracks = [track for track in self._tracks
                        if track.num_missed <= _REMEMBERED or track is self._wanted]
        return {index: track for index, track in tracks.items() if index not in either}
