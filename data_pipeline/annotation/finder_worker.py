"""The first half of annotating in many processes: each has an estimator and a journal of its own."""

from data_pipeline.annotation.finder import look_through
from data_pipeline.annotation.journal import AnnotationJournal, worker_path
from data_pipeline.errors import DataError

_PHOTOS = 32  # of a task: so many are looked at anew where a worker is killed, at the most


class FinderWorker:
    """Looks through sources in one worker."""

    def __init__(self, open_estimator, journal_path, settings, mask_dir, every, is_upright):
        """Loads the estimator and begins a journal.

        Args:
          open_estimator: function without arguments; returns the `person.Estimator`.
          journal_path, settings: of the run's `AnnotationJournal`.
          mask_dir, every, is_upright: see `look_through`.

        Raises:
          DataError: the estimator is another one than the run's.
        """
        self._estimator, self._mask_dir = open_estimator(), mask_dir
        self._every, self._is_upright = every, is_upright
        if self._estimator.origin != settings['estimator']:
            raise DataError(f'--estimator: expected the same in every worker, {settings["estimator"]!r}, found '
                            f'{self._estimator.origin!r}.')
        self._journal = AnnotationJournal(worker_path(journal_path), settings)

    def __call__(self, task):
        """Looks through a task of `finder_tasks`."""
        for source, frames in task:
            self._journal.skip(source, frames)
        look_through([source for source, _ in task], self._estimator, self._journal, self._mask_dir, self._every,
                     self._is_upright)

    def close(self):
        """Closes the journal."""
        self._journal.close()


def finder_tasks(sources, journal):
    """Yields what the journal does not know yet: lists of (`Source`, known frames), some photos or one video."""
    photos = [(source, ()) for source in sources if not source.is_video and not journal.knows(source, source.frame)]
    for start in range(0, len(photos), _PHOTOS):
        yield photos[start:start + _PHOTOS]
    for source in sources:
        if source.is_video and journal.end(source) is None:
            yield [(source, journal.frames_known(source))]
