"""Photos that were uploaded: the people in them, and who of them is meant."""

import dataclasses

import cv2
import numpy as np

from data_pipeline.errors import PictureError
from data_pipeline.picture_file import resized
from data_pipeline.program import one_line
from experiments.demo_page.samples import PagePerson
from experiments.demo_page.uploads import RequestError
from experiments.reposing.source_person import find_person

MOST_PEOPLE = 4  # of a photo or a video, each of whom is looked for
_PICTURE_PX = 480  # of the picture in which they are numbered


@dataclasses.dataclass(frozen=True)
class Photo:
    """The people in a photo.

    Attributes:
      people: dict, number as in the picture, from the left -> `PagePerson`.
      chosen: the number of who is meant, at first the largest.
      picture: uint8 [H, W, 3], the photo with the numbers; None where there is one person.
    """

    people: dict
    chosen: int
    picture: np.ndarray | None = None

    @property
    def person(self):
        return self.people[self.chosen]

    def with_chosen(self, number):
        """Returns the photo with another person meant; raises RequestError if there is none of this number."""
        return dataclasses.replace(self, chosen=chosen_of(self.people, number, 'photo'))


def chosen_of(people, number, what):
    """Returns the number of somebody in a photo or video; raises RequestError for others."""
    if isinstance(number, bool) or not isinstance(number, int) or number not in people:
        raise RequestError(f'Expected one of the people in the {what}, {", ".join(map(str, people))}, found '
                           f'{str(number)[:40]!r}.')
    return number


def people_in(image, factor, size, estimator, name):
    """Finds the people in a photo, of MOST_PEOPLE at the most.

    Args:
      image: uint8 [H, W, 3], RGB.
      factor: by which it was shrunk.
      size: rows and columns that the model takes, px.
      estimator: `person.Estimator`.
      name: what the page calls them.

    Returns:
      `Photo`.

    Raises:
      RequestError: it shows nobody with a usable pose.
    """
    found, places, first_error = {}, [], None
    for index in range(MOST_PEOPLE):
        one = _Nth(estimator, index)
        try:
            found[index] = find_person('your photo', image, size, one)
        except PictureError as error:
            first_error = first_error or error
        places = one.places
        if index + 1 >= len(places):
            break
    if not found:
        raise RequestError(one_line(first_error)) from first_error
    order = sorted(found, key=lambda index: places[index].centre_px[0])
    note = f'{len(places)} people were found, the largest was taken; below, another can be.' if len(places) > 1 else ''
    if len(found) == 1 and note:
        note = f'{len(places)} people were found; one whose pose is clear was taken.'
    people = {number: PagePerson(name, found[index].image, found[index].pose_px, note if index == min(found) else '',
                                 found[index].image_mask, photo_px=found[index].square.side / factor,
                                 px_per_mm=found[index].px_per_mm / factor)
              for number, index in enumerate(order, 1)}
    picture = numbered(image, {number: places[index] for number, index in enumerate(order, 1)})
    return Photo(people, 1 + order.index(min(found)), picture if len(people) > 1 else None)


def numbered(image, places):
    """Draws numbers over the people in a picture and shrinks it; returns uint8 [H, W, 3].

    Args:
      image: uint8 [H, W, 3].
      places: dict, number -> `Place`.
    """
    factor = min(1, _PICTURE_PX / max(image.shape))
    picture = resized(image, [max(1, round(factor * length)) for length in image.shape[1::-1]]).copy()
    for number, place in places.items():
        x, y = (int(value * factor) for value in place.centre_px)
        cv2.circle(picture, (x, y), 14, (255, 255, 255), -1, cv2.LINE_AA)
        cv2.putText(picture, str(number), (x - 6, y + 6), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 2, cv2.LINE_AA)
    return picture


class _Nth:
    """An `Estimator` that finds the n-th person, the largest first, and keeps the places of all."""

    def __init__(self, estimator, index):
        self._estimator, self._index, self.places = estimator, index, []

    def find_person(self, image, choose=None):
        """See `person.Estimator`; `choose` is not asked."""
        def take(places):
            self.places = list(places)
            return self._index if self._index < len(places) else None
        return self._estimator.find_person(image, take)
