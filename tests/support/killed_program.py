"""Makes a run that is left alone, FOLDER/whole, and one, FOLDER/killed, that is ended once by SIGTERM and killed at
random moments, and goes on until it ends by itself:

    python -m tests.support.killed_program SEED NUM_KILLS FOLDER NUM_STEPS [FLAG ...]

The runs are those of the least architecture. Forks after the imports, which take as long as the run itself.
"""

import os
import pathlib
import random
import signal
import sys
import time

import tensorflow as tf

from data_pipeline import program
from experiments.configuration import flags
from experiments.train import main as train
from experiments.training import session  # noqa: F401  (before the forks)
from repose_tf.architecture import PRESETS
from tests.support.tiny import LEAST


def begin(arguments, log_path):
    """Starts the training program in a process of its own; returns its id."""
    pid = os.fork()
    if pid:
        return pid
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = ['train', *arguments]
    PRESETS['small'] = LEAST
    # To be optimised, the graphs of these few steps would take longer than the steps.
    tf.config.optimizer.set_experimental_options({'disable_meta_optimizer': True})
    try:
        program.run(train, flags.define_training_run)
    except SystemExit as done:
        os._exit(done.code or 0)
    finally:
        os._exit(70)  # whatever it was, this process does not go on as its parent


def wait_until(happened, pid):
    """Waits until a condition holds or a process has ended; returns its exit code then, else None."""
    while not happened():
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    return None


def random_end(rng, folder, steps_a_life, may_start):
    """Returns a condition that holds at a random moment: while the run starts, if it may, or some steps later."""
    if may_start and rng.random() < 0.2:
        ends = time.monotonic() + rng.uniform(0, 5)
        return lambda: time.monotonic() > ends
    path, delay_s, ends = f'{folder}/metrics.jsonl', rng.uniform(0, 0.3), []
    wanted = num_lines(path) + rng.randrange(1, steps_a_life)

    def happened():
        if not ends and num_lines(path) >= wanted:
            ends.append(time.monotonic() + delay_s)
        return bool(ends) and time.monotonic() > ends[0]

    return happened


def num_lines(path):
    return len(pathlib.Path(path).read_text().splitlines()) if os.path.exists(path) else 0


def end_of(path):
    return pathlib.Path(path).read_text()[-3000:]


def make_run(rng, ends, runs_dir, num_steps, arguments):
    """Makes a run that is ended by these signals, the last of which is None: by itself."""
    folder, log_path = f'{runs_dir}/run-0001', f'{runs_dir}.log'
    for end in ends:
        start = [f'--resume={folder}'] if os.path.isdir(folder) else [
            f'--runs_dir={runs_dir}', f'--steps={num_steps}', *arguments]
        pid = begin(start, log_path)
        if end:
            steps_a_life = num_steps // ends.count(signal.SIGKILL)
            happened = random_end(rng, folder, steps_a_life, may_start=end == signal.SIGKILL)
            code = wait_until(happened, pid)
            assert code is None, f'ended by itself with {code}: {end_of(log_path)}'
            os.kill(pid, end)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        expected = {signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL, None: 0}[end]
        assert code == expected, f'{end}: {code}: {end_of(log_path)}'


def main(seed, num_kills, folder, num_steps, *arguments):
    ends = [signal.SIGTERM, *[signal.SIGKILL] * int(num_kills), None]
    make_run(None, [None], f'{folder}/whole', int(num_steps), arguments)
    make_run(random.Random(int(seed)), ends, f'{folder}/killed', int(num_steps), arguments)


if __name__ == '__main__':
    main(*sys.argv[1:])
