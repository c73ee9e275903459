"""The numbered folder of a training run: its files, its lock, its settings and the sizes of its model.

    runs/quickstart-0001/
      flags.txt           all settings; --flagfile=.../flags.txt starts the same run again
      architecture.json   the sizes of the model, all that is needed to build it
      checkpoints/  tensorboard/  metrics.jsonl  lock
"""

import contextlib
import dataclasses
import errno
import fcntl
import glob
import os
import re
import tempfile

from data_pipeline.errors import UsageError
from experiments.configuration.flags import settings_of_run
from repose_tf.architecture import Architecture


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The files of a run in the folder `path`."""

    path: str

    @property
    def flags_path(self):
        return os.path.join(self.path, 'flags.txt')

    @property
    def architecture_path(self):
        return os.path.join(self.path, 'architecture.json')

    @property
    def checkpoints_dir(self):
        return os.path.join(self.path, 'checkpoints')

    @property
    def tensorboard_dir(self):
        return os.path.join(self.path, 'tensorboard')

    @property
    def metrics_path(self):
        return os.path.join(self.path, 'metrics.jsonl')

    def architecture(self):
        """Returns the `Architecture` that architecture.json describes."""
        try:
            with open(self.architecture_path) as file:
                return Architecture.from_json(file.read())
        except (ValueError, TypeError) as error:
            raise UsageError(f'{self.architecture_path}: does not describe a model of this version: {error}') from None

    def is_new(self):
        """Says whether no step was logged yet."""
        return not os.path.exists(self.metrics_path) or os.path.getsize(self.metrics_path) == 0

    def settings(self):
        """Returns the `Settings` of the run."""
        return settings_of_run(self.flags_path)

    def describe(self, architecture, flags_text):
        """Writes flags.txt and architecture.json; see `create`."""
        for path, text in ((self.flags_path, flags_text), (self.architecture_path, architecture.to_json())):
            with open(path, 'w') as file:
                file.write(text)

    @contextlib.contextmanager
    def lock(self):
        """Keeps every other process from training in this folder; ends with the process at the latest."""
        try:
            file = open(os.path.join(self.path, 'lock'), 'a+')  # noqa: SIM115  (closed by the next with)
        except OSError as error:
            raise UsageError(f'{self.path}: expected a run folder that can be written to, found: '
                             f'{error.strerror}.') from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise UsageError(f'{self.path}: expected a run folder that nobody trains in, found it in use by '
                                 f'{file.read() or "another process"}.') from None
            file.truncate(0)
            file.write(f'process {os.getpid()}')
            file.flush()
            yield


def create(runs_dir, run_name, architecture, flags_text):
    """Makes the next numbered `RunFolder` of a name and writes down what is going to be trained.

    Args:
      runs_dir: folder of all runs; made when missing.
      run_name: a word without slashes.
      architecture: the `Architecture` to be trained.
      flags_text: text of flags.txt, see `flags.flags_text`.

    Raises:
      UsageError: the name is no word, or the folder cannot be made.
    """
    if not re.fullmatch(r'\w[\w.-]*', run_name):
        raise UsageError(f'--run_name must be a word of letters, digits and . _ -, found {run_name!r}.')
    try:
        os.makedirs(runs_dir, exist_ok=True)
        # Under another name until it is whole: whoever is killed here leaves nothing that looks like a run.
        with tempfile.TemporaryDirectory(dir=runs_dir, prefix='.new-') as scratch:
            new = RunFolder(os.path.join(scratch, 'run'))
            os.mkdir(new.path)
            new.describe(architecture, flags_text)
            return RunFolder(_move_to_next_number(new.path, os.path.join(runs_dir, run_name)))
    except OSError as error:
        raise UsageError(f'--runs_dir={runs_dir}: no run folder can be made: {error.strerror}.') from None


def _move_to_next_number(path, stem):
    """Renames a folder to `<stem>-0001` or the first number after those that are there; returns the new path."""
    number = max((int(other[-4:]) for other in _numbered(stem)), default=0)
    while True:
        number += 1
        target = f'{stem}-{number:04d}'
        try:
            os.rename(path, target)
            return target
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # another process was quicker
                raise


def open_existing(path, architecture=None):
    """Opens a `RunFolder`.

    Args:
      path: a run's folder, or `<runs_dir>/<run_name>` for the newest run of that name.
      architecture: `Architecture` that the run must have; None takes any.

    Raises:
      UsageError: there is no such folder, it is no run folder, or its architecture is another one.
    """
    if not os.path.isdir(path):
        numbered = _numbered(path)
        if not numbered:
            raise UsageError(f'{path}: expected a run folder, found none of this name and none that is '
                             'numbered, as -0001.')
        path = numbered[-1]
    folder = RunFolder(path)
    missing = [os.path.basename(name) for name in (folder.flags_path, folder.architecture_path)
               if not os.path.isfile(name)]
    if missing:
        raise UsageError(f'{path}: expected a run folder, found one without {" and ".join(missing)}.')
    if architecture is not None:
        check_architecture(path, architecture, folder.architecture())
    return folder


def check_architecture(path, expected, found):
    """Raises UsageError where the `Architecture` found at a path is another one than expected."""
    if found != expected:
        wanted, found = (dataclasses.asdict(sizes) for sizes in (expected, found))
        differences = [f'{name} expected {wanted[name]!r}, found {found[name]!r}' for name in wanted
                       if wanted[name] != found[name]]
        raise UsageError(f'{path}: holds another architecture: {", ".join(differences)}.')


def _numbered(stem):
    """Returns the folders `<stem>-0001` and so on, sorted."""
    paths = glob.glob(glob.escape(stem) + '-' + '[0-9]' * 4)
    return sorted(path for path in paths if os.path.isdir(path))
