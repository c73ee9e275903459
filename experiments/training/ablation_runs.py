"""The runs of an ablation: the paper's four variants, some with several seeds, alike in everything else."""

import dataclasses
import glob
import os
import subprocess
import sys
import time

from tqdm import tqdm

from data_pipeline.errors import UsageError
from experiments.configuration.settings import RULES
from experiments.training import run_folder
from experiments.training.checkpoints import Checkpoints

VARIANTS = (('2d', '2d'), ('2d', '3d'), ('3d', '2d'), ('3d', '3d'))  # (warp, pose), in the order of the paper's Table 1
_APART = ('warp', 'pose', 'seed', 'run_name')  # flags in which the runs differ
_POLL_SECONDS = 2


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of the ablation: its warp and pose, '2d' or '3d', its seed and its stem, <runs_dir>/<run_name>."""

    warp: str
    pose: str
    seed: int
    stem: str

    @property
    def variant(self):
        return self.warp, self.pose

    def folder(self):
        """Returns its newest `RunFolder`, or None."""
        return run_folder.open_existing(self.stem) if glob.glob(f'{glob.escape(self.stem)}-????') else None

    def steps_made(self):
        """Returns (steps of its last checkpoint, steps that it is to make), or (0, None) before it has begun."""
        folder = self.folder()
        if folder is None:
            return 0, None
        prefixes = Checkpoints(folder.checkpoints_dir).prefixes
        return int(prefixes[0].rsplit('-', 1)[1]) if prefixes else 0, folder.settings().train.steps

    def is_done(self):
        made, wanted = self.steps_made()
        return made == wanted

    def command(self, settings, changes):
        """Returns the command that starts the run, or goes on with it.

        Args:
          settings: flag file of the settings that all runs share.
          changes: list of flags that replace those of the file.
        """
        start = [sys.executable, '-m', 'experiments.train']
        if folder := self.folder():
            return [*start, f'--resume={folder.path}']
        return [*start, f'--flagfile={settings}', *changes, f'--warp={self.warp}', f'--pose={self.pose}',
                f'--seed={self.seed}', f'--runs_dir={os.path.dirname(self.stem)}',
                f'--run_name={os.path.basename(self.stem)}']


def planned(runs_dir, outer_seeds, inner_seeds):
    """Returns the runs in a folder, seed by seed; the outer seeds are of the variants 2D, 2D and 3D, 3D."""
    return [Run(warp, pose, seed, os.path.join(runs_dir, f'{warp}_warp_{pose}_pose_seed{seed}'))
            for seed in sorted({*outer_seeds, *inner_seeds}) for warp, pose in VARIANTS
            if seed in (outer_seeds if warp == pose else inner_seeds)]


def train(runs, settings, changes, num_parallel):
    """Trains the runs that are not done yet, several at once; each writes into a log, <runs_dir>/<run_name>.log.

    Args:
      runs: list of `Run`.
      settings, changes: see `Run.command`.
      num_parallel: how many at once; the cores are shared among them.

    Raises:
      UsageError: there is no such flags file, or a run failed; the others that were going are ended, and all can be
        resumed.
    """
    if not os.path.isfile(settings):
        raise UsageError(f'--settings: expected a flags file, found {settings!r}, which is none.')
    waiting = [run for run in runs if not run.is_done()]
    if not waiting:
        return
    os.makedirs(os.path.dirname(runs[0].stem), exist_ok=True)
    threads = str(max(1, (os.cpu_count() or 1) // num_parallel))
    environment = {**os.environ, 'TF_NUM_INTRAOP_THREADS': threads, 'OMP_NUM_THREADS': threads}
    going = {}
    try:
        with tqdm(total=len(runs), initial=len(runs) - len(waiting), desc='training', unit='run') as bar:
            while waiting or going:
                while waiting and len(going) < num_parallel:
                    run = waiting.pop(0)
                    with open(f'{run.stem}.log', 'a') as log:
                        going[run] = subprocess.Popen(
                            run.command(settings, changes), stdout=log, stderr=log, env=environment)
                time.sleep(_POLL_SECONDS)
                bar.set_postfix({os.path.basename(run.stem): run.steps_made()[0] for run in going})
                for run in [run for run, process in going.items() if process.poll() is not None]:
                    if going.pop(run).returncode or not run.is_done():
                        raise UsageError(f'{run.stem}: the training failed, see {run.stem}.log: {_last_error(run)}')
                    bar.update()
    finally:
        for process in going.values():  # saves and ends
            process.terminate()
        for process in going.values():
            process.wait()


def trained_regressor(runs_dir, source_dir, image_size):
    """Returns the weights file of a joint regressor for pictures of a size, px; trains it if there is none yet."""
    path = os.path.join(runs_dir, f'joint_regressor_{image_size}.npz')
    if not os.path.exists(path):
        print(f'Training the regressor of the pose AUC: {path}', flush=True)
        if subprocess.run([sys.executable, '-m', 'experiments.train_joint_regressor', f'--output={path}',
                           f'--source_dir={source_dir}', f'--image_size={image_size}'], check=False).returncode:
            raise UsageError(f'{path}: the training of the regressor failed.')
    return path


def check_alike(runs):
    """Raises UsageError where runs differ in more than warp, pose and seed."""
    first = runs[0].folder()
    expected = first.settings().as_dict()
    for folder in (run.folder() for run in runs):
        for name, value in folder.settings().as_dict().items():
            is_free = name in _APART or RULES[name].changeable and name not in ('steps', 'learning_rate', 'precision')
            if value != expected[name] and not is_free:
                raise UsageError(f'{folder.path}: expected --{name}={expected[name]} as in {first.path}, '
                                 f'found {value}: the runs must differ in warp, pose and seed alone.')


def _last_error(run):
    with open(f'{run.stem}.log', errors='replace') as file:
        lines = [line.strip() for line in file if line.startswith('error:')]
    return lines[-1] if lines else 'no message'
