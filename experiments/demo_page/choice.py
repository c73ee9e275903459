"""The choice of a visitor of the page, step by step, so that a change can be taken back."""

import dataclasses

from experiments.demo_page.edits import Edits
from experiments.demo_page.photos import Photo
from experiments.demo_page.samples import PagePerson
from experiments.demo_page.uploads import RequestError
from experiments.demo_page.videos import Video

_MOST_STEPS = 50  # that can be taken back


@dataclasses.dataclass(frozen=True)
class Choice:
    """A visitor's choice; every change returns a new one.

    Attributes:
      person: who is shown.
      pose: whose pose is taken.
      since: the `Edits` that this pose has already; the sliders' further ones come on top.
      before: tuple of (pose, since) of earlier, the latest last.
      person_photo: the latest photo of the person, `Photo`; None of a sample.
      pose_source: the `Photo` or `Video` that the pose comes from; None of a sample.
      film: the latest `Video`, or None.
    """

    person: PagePerson
    pose: PagePerson
    since: Edits = Edits()
    before: tuple = ()
    person_photo: Photo | None = None
    pose_source: Photo | Video | None = None
    film: Video | None = None

    def with_person(self, person, photo=None):
        """Shows somebody else, or the same person with other photos."""
        return dataclasses.replace(self, person=person, person_photo=photo)

    def with_other(self, photo):
        """Adds the person of another `Photo` to the photos of the same person."""
        return self.with_person(dataclasses.replace(self.person, others=(*self.person.others, photo.person)), photo)

    def with_person_chosen(self, number):
        """Takes another person of the latest photo of the person."""
        photo = _there(self.person_photo).with_chosen(number)
        others = self.person.others
        if others:  # the latest photo is the last of them
            return self.with_person(dataclasses.replace(self.person, others=(*others[:-1], photo.person)), photo)
        return self.with_person(photo.person, photo)

    def with_pose(self, pose, source=None, since=None):
        """Takes another pose.

        Args:
          pose: `PagePerson`.
          source: `Photo` or `Video` that it is of, or None.
          since: the `Edits` that it has already, or None.
        """
        film = source if isinstance(source, Video) else self.film
        return dataclasses.replace(self, pose=pose, since=since or Edits(), pose_source=source, film=film,
                                   before=(*self.before, (self.pose, self.since))[-_MOST_STEPS:])

    def with_own_pose(self):
        """Takes the pose that the person has in the photo."""
        return self.with_pose(dataclasses.replace(self.person, name='their own', others=(), note=''))

    def with_pose_by_hand(self, pose_px, edits):
        """Takes a pose [19, 3] px of the person's picture that was changed by hand, the sliders standing at `edits`."""
        name = self.pose.name.removesuffix(_BY_HAND) + _BY_HAND
        pose = PagePerson(name, self.person.image, pose_px)
        return self.with_pose(pose, self.pose_source, edits)

    def with_followed(self, number):
        """Takes another person of the photo or film of the pose."""
        source = _there(self.pose_source).with_chosen(number)
        return self.with_pose(source.person, source)

    def with_frame(self, frame):
        """Takes the pose of another frame of the film."""
        if not isinstance(self.pose_source, Video):
            raise RequestError('Upload a film first.')
        source = self.pose_source.with_frame(frame)
        return self.with_pose(source.person, source)

    def undone(self):
        """Takes the pose of before; raises RequestError where there is none."""
        if not self.before:
            raise RequestError('There is nothing to take back.')
        pose, since = self.before[-1]
        return dataclasses.replace(self, pose=pose, since=since, before=self.before[:-1])


_BY_HAND = ', changed by hand'


def _there(source):
    if source is None:
        raise RequestError('Upload a photo or a film first.')
    return source
