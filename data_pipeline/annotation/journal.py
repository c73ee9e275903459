"""The findings of an estimator, kept line by line, so that an interrupted run goes on.

The first line holds the settings on which the findings depend; each further one is a finding, a JSON object:
    {"source": name, "stamp": ..., "frame": name, "size": [columns, rows], "people": n,
     "score": ..., "px": [19][2], "mm": [19][3]}              a person, or
    {"source": name, "stamp": ..., "frame": name, "reject": reason, "detail": text}
    {"source": name, "stamp": ..., "end": "", "note": ""}     a video looked through to its end
Those of a video's frames have "places" too, lists of x, y and size, px, of all people: who is followed depends on them.
A finding is valid while the file has the same stamp. The next run tries again what could not be read.

The workers of a run keep journals of their own beside it, journal-<anything>.jsonl; the run's journal takes them in.
"""

import errno
import json
import os
import uuid

from data_pipeline.errors import DataError
from data_pipeline.files import writing

UNREADABLE = 'unreadable'


class AnnotationJournal:
    """The findings of a run, on disk as soon as they are made. Use in a `with` statement."""

    def __init__(self, path, settings):
        """Opens the journal or begins one, and takes in those that the workers of a killed run left.

        Args:
          path: pathlib.Path; its folder is made.
          settings: dict of JSON values on which the findings depend.

        Raises:
          DataError: the journal there was made with other settings, or is no journal.
          WriteError: nothing can be written.
        """
        self._path, self._settings = path, settings
        # Source's name -> frame -> (stamp, place, length); the findings stay in the file, as they are large.
        self._places, self._ends = {}, {}
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # Without a buffer, which on a full disk would fail a second time when the file is closed.
            self._file = open(path, 'ab+', buffering=0)  # noqa: SIM115  (closed by close)
            whole = 0
            for number, place, data in _lines(path):
                self._load(path, number, place, data, is_new=False)
                whole = place + len(data)
            self._file.truncate(whole)  # half a line of a run that was killed
        if not whole:
            self._append({'settings': settings})
        self.take_in(is_new=False)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """Closes the file."""
        self._file.close()

    def take_in(self, is_new=True):
        """Moves the workers' findings into this journal; `is_new`: made in this run, so that nothing is tried again."""
        for path in sorted(self._path.parent.glob(f'{self._path.stem}-*{self._path.suffix}')):
            for number, _, data in _lines(path):
                place = self._write(data) if number > 1 else 0
                self._load(path, number, place, data, is_new)
            path.unlink()

    def find(self, source, frame):
        """Returns the finding of a photo, or of a frame of a video, or None."""
        if not self.knows(source, frame):
            return None
        _, place, length = self._places[source.name][frame]
        if length is None:  # see `skip`
            return place
        return json.loads(os.pread(self._file.fileno(), length, place))

    def knows(self, source, frame):
        """Returns whether there is a finding of a photo, or of a frame of a video."""
        return self._places.get(source.name, {}).get(frame, (None,))[0] == source.stamp

    def frames_known(self, source):
        """Returns the frames of one source that have findings, in the order of their numbers."""
        found = [frame for frame in self._places.get(source.name, ()) if self.knows(source, frame)]
        return sorted(found, key=lambda frame: (len(frame), frame))

    def frames(self, source):
        """Returns dict, frame -> finding, of one source, in the order of the frames' numbers."""
        return {frame: self.find(source, frame) for frame in self.frames_known(source)}

    def end(self, source):
        """Returns what was wrong with a video, '' for nothing, or None if it was not yet looked through."""
        end = self._ends.get(source.name)
        return end['end'] if end and end['stamp'] == source.stamp else None

    def skip(self, source, findings):
        """Takes findings of a source, dict, frame -> finding, as known without keeping them: they are in another
        journal."""
        self._places.setdefault(source.name, {}).update(
            {frame: (source.stamp, finding, None) for frame, finding in findings.items()})

    def add(self, source, frame, finding):
        """Keeps the finding, a dict as above without its first three keys, of a photo or of a video's frame."""
        place, length = self._append({'source': source.name, 'stamp': source.stamp, 'frame': frame, **finding})
        self._places.setdefault(source.name, {})[frame] = source.stamp, place, length

    def note(self, source):
        """Returns what the user is told of a video that was looked through, or ''."""
        return self._ends[source.name]['note'] if self.end(source) is not None else ''

    def add_end(self, source, problem, note=''):
        """Keeps that a video was looked through; `problem` is '' or says why it cannot be read, `note` see above."""
        line = {'source': source.name, 'stamp': source.stamp, 'end': problem, 'note': note}
        self._append(line)
        self._ends[source.name] = line

    def _append(self, line):
        """Writes a line; returns its place and length."""
        data = json.dumps(line).encode() + b'\n'
        return self._write(data), len(data)

    def _write(self, data):
        """Writes the bytes of a line; returns their place."""
        with writing(self._path):
            place = self._file.seek(0, os.SEEK_END)
            if self._file.write(data) < len(data):
                raise OSError(errno.ENOSPC, 'No space left on device')
        return place

    def _load(self, path, number, place, data, is_new):
        """Takes in a line of the journal at `path`, number 1 being the settings; it is at `place` in this journal."""
        try:
            line = json.loads(data)
            if number == 1:
                self._check_settings(line['settings'])
            elif 'end' in line:
                if is_new or not line['end']:
                    self._ends[line['source']] = line
            elif is_new or line.get('reject') != UNREADABLE:
                self._places.setdefault(line['source'], {})[line['frame']] = line['stamp'], place, len(data)
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f'{path}: line {number}: expected a finding in JSON, found something else. '
                            'Delete the file to start anew.') from error

    def _check_settings(self, found):
        for name in sorted({*found, *self._settings}):
            if found.get(name) != self._settings.get(name):
                raise DataError(f'{self._path}: begun with {name} = {found.get(name)!r}, now it is '
                                f'{self._settings.get(name)!r}. Take another --output, or delete {self._path.parent} '
                                'to start anew.')


def worker_path(path):
    """Returns a new path for the journal of one worker of the run whose journal is at `path`."""
    return path.with_name(f'{path.stem}-{uuid.uuid4().hex}{path.suffix}')


def _lines(path):
    """Yields (number from 1, place, bytes) of the whole lines of a file."""
    place = 0
    with open(path, 'rb') as file:
        for number, data in enumerate(file, start=1):
            if data.endswith(b'\n'):
                yield number, place, data
                place += len(data)
