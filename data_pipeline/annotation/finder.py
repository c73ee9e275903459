"""Finding a person in every picture, in one process or many; the journal keeps the findings.

Of a photo that is the largest, of a video the one who is followed through it, see estimators/following.py.
"""

import numpy as np

from data_pipeline.annotation.journal import UNREADABLE, AnnotationJournal, worker_path
from data_pipeline.annotation.sources import read_frames
from data_pipeline.errors import DataError, PictureError
from data_pipeline.estimators.following import Follower
from data_pipeline.estimators.person import Place, largest
from data_pipeline.picture_file import read_head, read_image, write_png
from data_pipeline.video_file import VideoReader

MIN_PICTURE_PX = 32
_TURNED = {'reject': 'turned', 'detail': 'expected a picture that is stored upright, found one that only its '
                                         'orientation tag turns; another --crop turns it'}
_PHOTOS = 32  # of a task; a worker that is killed loses the findings of one task at most


def look_through(sources, estimator, journal, mask_dir, every=1, must_be_upright=False, person=None,
                 progress=lambda name: None):
    """Runs the estimator on every photo and frame that the journal does not know yet.

    Args:
      sources: list of `PictureSource`.
      estimator: `person.Estimator`.
      journal: `AnnotationJournal`; gets a finding for every photo and frame.
      mask_dir: pathlib.Path of the folder for the masks, which are as large as their pictures.
      every: takes every so many frames of a video.
      must_be_upright: refuse photos that only an orientation tag turns upright, as they stay as they are.
      person: who is followed in videos, see `Follower`.
      progress: called with the name of each photo and video when it is done, and of each frame.
    """
    def look(source, frame, image, follower=None):
        finding, mask = find_followed(estimator, image, follower) if follower else find_largest(estimator, image)
        if mask is not None:
            write_png(mask_path(mask_dir, source, frame), mask)
        journal.add(source, frame, finding)

    for source in sources:
        if source.is_video:
            if journal.end(source) is None:
                journal.add_end(source, *_look_through_video(source, journal, look, every, person, progress))
        elif not journal.knows(source, source.frame):
            try:
                image = read_image(source.path)
                if must_be_upright and read_head(source.path.read_bytes(), source.path).is_turned:
                    journal.add(source, source.frame, _TURNED)
                else:
                    look(source, source.frame, image)
            except PictureError as error:
                journal.add(source, source.frame, {'reject': UNREADABLE, 'detail': str(error)})
        progress(source.name)


def _look_through_video(source, journal, look, every, person, progress):
    """Looks at the frames that the journal does not know; returns what is wrong with the video and what is to be told
    of it, each a line or ''."""
    follower = Follower(person)
    for finding in journal.frames(source).values():  # of a run that was interrupted
        _follow(follower, finding['places'])
        follower.confirm(finding.get('score', 0))
    try:
        with VideoReader(source.path) as video:
            for frame, image in read_frames(video, every, lambda frame: not journal.knows(source, frame)):
                look(source, frame, image, follower)
                progress(f'{source.name} {frame}')
            return '', video.note()
    except PictureError as error:
        return str(error), ''


def mask_path(mask_dir, source, frame):
    """Returns where the mask of a picture is kept until it is cropped."""
    return mask_dir / source.person / f'{frame}.png'


def find_largest(estimator, image):
    """Finds the largest person in a picture.

    Args:
      estimator: `person.Estimator`.
      image: uint8 [H, W, 3], RGB.

    Returns:
      the finding for the journal, a dict, see journal.py; and the mask, uint8 [H, W], 0 or 255, or None.
    """
    return _find(estimator, image, largest)


def find_followed(estimator, image, follower):
    """Finds the person whom a `Follower` chooses in the next frame of a video; arguments and results as above."""
    places = []

    def choose(found):
        # Rounded first, so that a run that goes on from the journal chooses alike.
        places.extend(np.round([*place.centre_px, place.size_px], 2).tolist() for place in found)
        return _follow(follower, places)

    finding, mask = _find(estimator, image, choose)
    follower.confirm(finding.get('score', 0))
    return {**finding, 'places': places}, mask


def _follow(follower, places):
    """Lets a `Follower` choose among places as the journal holds them: lists of x, y and size, px."""
    return follower([Place(np.array(place[:2]), place[2]) for place in places])


def _find(estimator, image, choose):
    rows, columns = image.shape[:2]
    finding = {'size': [columns, rows]}
    if min(rows, columns) < MIN_PICTURE_PX:
        return {**finding, 'reject': 'too_small', 'detail': f'expected {MIN_PICTURE_PX} px or more a side, '
                                                            f'found {columns} x {rows}'}, None
    person, num_people = estimator.find_person(image, choose)
    if person is None and num_people:
        return {**finding, 'reject': 'other_person', 'detail': 'expected the person who is followed, found '
                                                               f'{num_people} others or one who may be either'}, None
    if person is None:
        return {**finding, 'reject': 'no_person', 'detail': 'nobody was found'}, None
    if not (np.isfinite(person.joints_px).all() and np.isfinite(person.joints_mm).all()):
        return {**finding, 'reject': 'not_finite', 'detail': 'the estimator gave numbers that are none'}, None
    return {**finding, 'people': num_people, 'score': round(float(person.score), 4),
            'px': np.round(np.asarray(person.joints_px, float), 3).tolist(),
            'mm': np.round(np.asarray(person.joints_mm, float), 2).tolist()}, person.mask


class FinderWorker:
    """Looks through sources in one worker."""

    def __init__(self, open_estimator, journal_path, settings, mask_dir, every, must_be_upright, person=None):
        """Loads the estimator and begins a journal.

        Args:
          open_estimator: function without arguments; returns the `person.Estimator`.
          journal_path, settings: of the run's `AnnotationJournal`.
          mask_dir, every, must_be_upright, person: see `look_through`.

        Raises:
          DataError: the estimator is not the run's.
        """
        self._estimator, self._mask_dir = open_estimator(), mask_dir
        self._every, self._must_be_upright, self._person = every, must_be_upright, person
        if self._estimator.origin != settings['estimator']:
            raise DataError(f'--estimator: expected the same in every worker, {settings["estimator"]!r}, found '
                            f'{self._estimator.origin!r}.')
        self._journal = AnnotationJournal(worker_path(journal_path), settings)

    def __call__(self, task):
        """Looks through a task of `finder_tasks`."""
        for source, findings in task:
            self._journal.skip(source, findings)
        look_through([source for source, _ in task], self._estimator, self._journal, self._mask_dir, self._every,
                     self._must_be_upright, self._person)

    def close(self):
        """Closes the journal."""
        self._journal.close()


def finder_tasks(sources, journal):
    """Yields tasks: lists of (`PictureSource`, what of its findings is needed to go on: dict, frame -> dict), of some
    photos or of one video that are not known."""
    photos = [(source, {}) for source in sources if not source.is_video and not journal.knows(source, source.frame)]
    for start in range(0, len(photos), _PHOTOS):
        yield photos[start:start + _PHOTOS]
    for source in sources:
        if source.is_video and journal.end(source) is None:
            yield [(source, {frame: {name: finding[name] for name in ('places', 'score') if name in finding}
                             for frame, finding in journal.frames(source).items()})]
