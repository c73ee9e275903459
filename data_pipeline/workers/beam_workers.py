"""Tasks spread over processes and machines by Apache Beam; their results are files.

Only the places of the tasks in a file go through Beam, as its runner for one machine holds in memory whatever goes
from one step to another. A worker writes its results whole or not at all, where the next step finds them; so a run
that was killed goes on with the rest. All workers must see the files under the same path.
"""

import argparse
import contextlib
import io
import logging
import pickle
import queue
import threading
import uuid

import apache_beam as beam
import psutil
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo, FnApiRunner
from apache_beam.runners.portability.portable_runner import JobServiceHandle

from data_pipeline.errors import DataError, WorkerError
from data_pipeline.files import write_text, writing
from repose_tf.errors import UserError

_DEFAULTS = {'default_sdk_harness_log_level': 'ERROR'}
_GRACE_S = 2.0  # when a worker dies, several threads report it


class BeamWorkers:
    """Runs tasks by Beam."""

    def __init__(self, beam_options):
        """Checks the options of Beam, `name=value` with commas between.

        Raises:
          DataError: an option that Beam does not know, or a value that it refuses.
        """
        given = dict(option.partition('=')[::2] for option in beam_options.split(','))
        self._is_local = given.get('runner', 'DirectRunner').lower() in ('direct', 'directrunner')
        # Options without a value are switches.
        self._arguments = [f'--{name}={value}' if value else f'--{name}'
                           for name, value in {**_DEFAULTS, **given}.items()]
        complaint = io.StringIO()
        try:
            with contextlib.redirect_stderr(complaint):
                known = self._pipeline().options.get_all_options()
        except (SystemExit, ValueError, ImportError) as error:  # argparse exits
            told = (complaint.getvalue().strip() or str(error)).splitlines()[-1]
            raise DataError(f'--beam_options: expected options of Apache Beam, found '
                            f'{beam_options!r}: {told}') from None
        for name in given:
            if name not in known and name not in _option_names():
                raise DataError(f'--beam_options: expected options of Apache Beam, name=value with commas between, '
                                f'found {name!r}.')

    def run(self, open_worker, tasks, work_dir):
        """Does all tasks, in any order, some of them perhaps twice; returns when all are done.

        Args:
          open_worker: function without arguments, called once in every worker; returns a function of a task, which may
            have a method `close`. Its results are not used.
          tasks: iterable of anything that can be pickled.
          work_dir: pathlib.Path of a folder for the time of the run, one run at a time.

        Raises:
          DataError: a worker raised a user's error; tasks that were not begun are left out then.
          WorkerError: a worker ended.
        """
        work_dir.mkdir(parents=True, exist_ok=True)
        for stale in work_dir.glob('tasks-*'):
            stale.unlink()
        tasks_path = work_dir / f'tasks-{uuid.uuid4().hex}'
        failure_path = tasks_path.with_name(f'{tasks_path.name}-failure')
        try:
            if places := _write_tasks(tasks_path, tasks):
                pipeline = self._pipeline()
                _ = (pipeline | beam.Create(places) | beam.Reshuffle()
                     | beam.ParDo(_Work(open_worker, tasks_path, failure_path)))
                _run_watched(pipeline)
            if failure_path.exists():
                raise DataError(failure_path.read_text(encoding='utf-8'))
        finally:
            for path in (tasks_path, failure_path):
                path.unlink(missing_ok=True)

    def _pipeline(self):
        options = PipelineOptions(self._arguments)
        return beam.Pipeline(_local_runner(options) if self._is_local else None, options)


class _Work(beam.DoFn):
    """Does tasks in a worker."""

    def __init__(self, open_worker, tasks_path, failure_path):
        self._open_worker, self._tasks_path, self._failure_path = open_worker, tasks_path, failure_path
        self._work = None

    def setup(self):
        with self._telling():
            self._work = self._open_worker()

    def process(self, place):
        if self._failure_path.exists():  # the rest is in vain
            return
        # Fails where a machine does not see the run's files, and in workers that outlive a run that was killed.
        task = _read_task(self._tasks_path, place)
        with self._telling():
            self._work(task)

    def teardown(self):
        getattr(self._work, 'close', lambda: None)()

    @contextlib.contextmanager
    def _telling(self):
        """Leaves a user's mistake in a file, as Beam would print a traceback and try again."""
        try:
            yield
        except UserError as error:
            write_text(self._failure_path, str(error))


def _option_names():
    """Returns the names of Beam's options as they are given; some are kept under another name, as those of Dask are."""
    parser = argparse.ArgumentParser(conflict_handler='resolve')
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(parser)
    return {name.lstrip('-') for action in parser._actions for name in action.option_strings}


def _local_runner(options):
    """Returns Beam's runner for one machine.

    DirectRunner would use it too, but first look on the net for another program, which knows no direct_num_workers.
    """
    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    provision = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)
    return FnApiRunner(provision_info=ExtendedProvisionInfo(provision))


def _write_tasks(path, tasks):
    """Writes the tasks one after another; returns the place of each."""
    places = []
    with writing(path), open(path, 'wb') as file:
        for task in tasks:
            places.append(file.tell())
            pickle.dump(task, file)
    return places


def _read_task(path, place):
    with open(path, 'rb') as file:
        file.seek(place)
        return pickle.load(file)  # written by this very run


def _run_watched(pipeline):
    """Runs a pipeline to its end; where a worker process dies, Beam's runner for one machine would wait forever."""
    ends = queue.Queue()

    def run():
        try:
            pipeline.run().wait_until_finish()
            ends.put(None)
        except Exception as error:  # noqa: BLE001  (raised again below)
            ends.put(error)

    # A worker's death is reported below, in one line.
    logging.getLogger('apache_beam.runners.worker.data_plane').setLevel(logging.CRITICAL)
    usual, threading.excepthook = threading.excepthook, lambda args: ends.put(_ThreadEnd(args.exc_value))
    try:
        threading.Thread(target=run, daemon=True).start()
        end = ends.get()
        if isinstance(end, _ThreadEnd):
            raise WorkerError(_told([end, *_rest(ends)]))
        if end is not None:
            raise end
    except BaseException:
        _end_workers()
        _rest(ends)  # the threads report that, too
        raise
    finally:
        threading.excepthook = usual


class _ThreadEnd:
    """The error of one of the runner's threads."""

    def __init__(self, error):
        self.error = error


def _rest(ends):
    """Returns the errors that follow within `_GRACE_S`."""
    found = []
    with contextlib.suppress(queue.Empty):
        while True:
            found.append(ends.get(timeout=_GRACE_S))
    return [end for end in found if isinstance(end, _ThreadEnd)]


def _told(ends):
    texts = [' '.join(str(end.error).split()) or type(end.error).__name__ for end in ends]
    text = next((text for text in texts if 'exited' in text), texts[0])
    return (f'--beam_options: expected every worker to live to the end, found one that did not ({text}; 137: killed, '
            'maybe for lack of memory). What is done is kept; the same command goes on.')


def _end_workers():
    """Ends the worker processes on this machine, which may wait for each other."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if any('sdk_worker' in word for word in process.cmdline()):
                process.kill()
