"""The runs of an ablation: variants with several seeds each, alike in everything else."""

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

_APART = ('warp', 'pose', 'detail', 'seed', 'run_name')  # flags in which the runs differ
_POLL_SECONDS = 2


@dataclasses.dataclass(frozen=True)
class Variant:
    """What is compared: the warp and the pose, '2d' or '3d', and `Architecture.detail`.

    `name` is of files, `title` of tables; `paper` is (SSIM, SSIM_fg, pose AUC) of the paper's Table 1 (iPER), or None.
    """

    name: str
    title: str
    warp: str
    pose: str
    paper: tuple | None
    detail: str = 'none'


PAPER = (
    Variant('2d_warp_2d_pose', '2D warp, 2D pose', '2d', '2d', (0.872, 0.566, 0.698)),
    Variant('2d_warp_3d_pose', '2D warp, 3D pose', '2d', '3d', (0.875, 0.578, 0.749)),
    Variant('3d_warp_2d_pose', '3D warp, 2D pose', '3d', '2d', (0.877, 0.607, 0.749)),
    Variant('3d_warp_3d_pose', '3D warp, 3D pose', '3d', '3d', (0.883, 0.626, 0.777)))
VARIANTS = {variant.name: variant for variant in (
    *PAPER, Variant('detail', 'the detail stream alone', '3d', '3d', None, 'surface_alone'),
    Variant('everything', '3D warp, 3D pose, detail stream', '3d', '3d', None, 'surface'))}


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of the ablation: its `Variant`, its seed and its stem, <runs_dir>/<run_name>."""

    variant: Variant
    seed: int
    stem: str

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

    def is_done(self, steps=0):
        """Tells whether the run made all of its steps, or if given so many."""
        made, wanted = self.steps_made()
        return made == (steps or wanted)

    def command(self, settings, changes, steps=0):
        """Returns the command that starts the run, or goes on with it.

        Args:
          settings: flag file of the settings that all runs share.
          changes: list of flags that replace those of the file.
          steps: of the run, also of one that was to make fewer; 0: those of the file, or of the run.
        """
        start, changed = [sys.executable, '-m', 'experiments.train'], [f'--steps={steps}'] if steps else []
        if folder := self.folder():
            return [*start, f'--resume={folder.path}', *changed]
        return [*start, f'--flagfile={settings}', *changes, *changed,
                *(f'--{name}={getattr(self.variant, name)}' for name in ('warp', 'pose', 'detail')),
                f'--seed={self.seed}', f'--runs_dir={os.path.dirname(self.stem)}',
                f'--run_name={os.path.basename(self.stem)}']


def planned(runs_dir, variants, seeds):
    """Returns the runs of variants in a folder, seed by seed."""
    return [Run(variant, seed, os.path.join(runs_dir, f'{variant.name}_seed{seed}'))
            for seed in seeds for variant in variants]


def train(runs, settings, changes, steps, num_parallel):
    """Trains the runs that are not done yet, several at once; each writes into a log, <runs_dir>/<run_name>.log.

    Args:
      runs: list of `Run`.
      settings, changes, steps: see `Run.command`.
      num_parallel: how many at once; the cores are shared among them.

    Raises:
      UsageError: there is no such flags file, a run has made more steps, or one failed; the others that were going
        are ended, and all can be resumed.
    """
    if not os.path.isfile(settings):
        raise UsageError(f'--settings: expected a flags file, found {settings!r}, which is none.')
    for run in runs:
        if 0 < steps < (made := run.steps_made()[0]):
            raise UsageError(f'--steps: expected {made} or more, which {run.folder().path} has made, found {steps}.')
    waiting = [run for run in runs if not run.is_done(steps)]
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
                            run.command(settings, changes, steps), stdout=log, stderr=log, env=environment)
                time.sleep(_POLL_SECONDS)
                bar.set_postfix({os.path.basename(run.stem): run.steps_made()[0] for run in going})
                for run in [run for run, process in going.items() if process.poll() is not None]:
                    if going.pop(run).returncode or not run.is_done(steps):
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
    """Raises UsageError where runs differ in more than warp, pose, detail and seed."""
    first = runs[0].folder()
    expected = first.settings().as_dict()
    for folder in (run.folder() for run in runs):
        for name, value in folder.settings().as_dict().items():
            is_free = name in _APART or RULES[name].changeable and name not in ('steps', 'learning_rate', 'precision')
            if value != expected[name] and not is_free:
                raise UsageError(f'{folder.path}: expected --{name}={expected[name]} as in {first.path}, '
                                 f'found {value}: the runs must differ in variant and seed alone.')


def _last_error(run):
    with open(f'{run.stem}.log', errors='replace') as file:
        lines = [line.strip() for line in file if line.startswith('error:')]
    return lines[-1] if lines else 'no message'
