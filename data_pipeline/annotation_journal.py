"""What an estimator said of every picture, kept line by line, so that an interrupted run goes on.

The first line holds the settings on which the findings depend; each further one is a finding, a JSON object:
    {"source": name, "stamp": ..., "frame": name, "size": [columns, rows], "people": n,
     "score": ..., "px": [19][2], "mm": [19][3]}              a person, or
    {"source": name, "stamp": ..., "frame": name, "reject": reason, "detail": text}
    {"source": name, "stamp": ..., "end": ""}                 a video looked through to its end
A finding counts as long as the file has the stamp. What could not be read is tried again.
"""

import errno
import json

from data_pipeline.errors import DataError

UNREADABLE = 'unreadable'


class AnnotationJournal:
    """The findings of a run, on disk as soon as they are made. Use in a `with` statement."""

    def __init__(self, path, settings):
        """Opens the journal, or begins one.

        Args:
          path: pathlib.Path; its folder is made.
          settings: dict of JSON values on which the findings depend.

        Raises:
          DataError: the journal there was made with other settings, or is none, or nothing can be written.
        """
        self._path, self._findings, self._ends = path, {}, {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = self._load(settings) if path.exists() else 0
            # Without a buffer, which on a full disk would fail a second time when the file is closed.
            self._file = open(path, 'ab', buffering=0)  # noqa: SIM115  (closed by __exit__)
            self._file.truncate(whole)  # half a line of a run that was killed
        except OSError as error:
            raise self._cannot_be_written(error) from error
        if not whole:
            self._append({'settings': settings})

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._file.close()

    def find(self, source, frame):
        """Returns the finding of a photo, or of a frame of a video, or None."""
        finding = self._findings.get(source.name, {}).get(frame)
        return finding if finding and finding['stamp'] == source.stamp else None

    def frames(self, source):
        """Returns dict, frame -> finding, of one source, in the order of the frames' numbers."""
        found = {frame: finding for frame, finding in self._findings.get(source.name, {}).items()
                 if finding['stamp'] == source.stamp}
        return dict(sorted(found.items(), key=lambda item: (len(item[0]), item[0])))

    def end(self, source):
        """Returns what was wrong with a video that was looked through, '' for nothing; None: not yet through."""
        end = self._ends.get(source.name)
        return end['end'] if end and end['stamp'] == source.stamp else None

    def add(self, source, frame, finding):
        """Keeps the finding, a dict as above without its first three keys, of a photo or of a video's frame."""
        line = {'source': source.name, 'stamp': source.stamp, 'frame': frame, **finding}
        self._append(line)
        self._findings.setdefault(source.name, {})[frame] = line

    def add_end(self, source, problem):
        """Keeps that a video was looked through; `problem` is '' or says why it ended early."""
        line = {'source': source.name, 'stamp': source.stamp, 'end': problem}
        self._append(line)
        self._ends[source.name] = line

    def _append(self, line):
        try:
            data = json.dumps(line).encode() + b'\n'
            if self._file.write(data) < len(data):
                raise OSError(errno.ENOSPC, 'No space left on device')
        except OSError as error:
            raise self._cannot_be_written(error) from error

    def _load(self, settings):
        """Reads the findings; returns how many bytes are whole lines."""
        data = self._path.read_bytes()
        whole = data.rfind(b'\n') + 1
        for number, text in enumerate(data[:whole].splitlines(), start=1):
            try:
                line = json.loads(text)
                if number == 1:
                    self._check_settings(line['settings'], settings)
                elif 'end' in line:
                    if not line['end']:
                        self._ends[line['source']] = line
                elif line.get('reject') != UNREADABLE:
                    self._findings.setdefault(line['source'], {})[line['frame']] = line
            except (ValueError, KeyError, TypeError) as error:
                if isinstance(error, DataError):
                    raise
                raise DataError(f'{self._path}: line {number}: expected a finding in JSON, found something else. '
                                'Delete the file to start anew.') from error
        return whole

    def _check_settings(self, found, settings):
        for name in sorted({*found, *settings}):
            if found.get(name) != settings.get(name):
                raise DataError(f'{self._path}: begun with {name} = {found.get(name)!r}, now it is '
                                f'{settings.get(name)!r}. Take another --output, or delete {self._path.parent} to '
                                'start anew.')

    def _cannot_be_written(self, error):
        return DataError(f'{self._path}: cannot be written ({error.strerror or error}).')
