"""Folders of an ablation's runs as a training leaves them, without networks."""

import dataclasses
import json

import tensorflow as tf

from experiments.training import run_folder
from tests.support.tiny import LEAST


def write_run(run, steps=20, saved=20, more=''):
    """Makes the folder of a `Run` and returns the `RunFolder`; `more` is added to its flags."""
    runs_dir, _, name = run.stem.rpartition('/')
    folder = run_folder.create(
        runs_dir, name, dataclasses.replace(LEAST, warp=run.variant.warp, pose=run.variant.pose),
        f'--preset=small\n--perceptual_weight=0\n--l1_weight=1\n--warp={run.variant.warp}\n'
        f'--pose={run.variant.pose}\n--detail={run.variant.detail}\n'
        f'--seed={run.seed}\n--steps={steps}\n--run_name={name}\n{more}')
    for step in range(0, saved + 1, 10):
        path = f'{folder.checkpoints_dir}/step-{step}.index'
        tf.io.gfile.makedirs(folder.checkpoints_dir)
        tf.io.gfile.GFile(path, 'w').write('x')
    with open(folder.metrics_path, 'w') as file:
        for step in range(1, steps + 1):
            file.write(json.dumps({'step': step, 'loss/generator': 1 / step, 'steps_per_second': 2.0}) + '\n')
        file.write(json.dumps({'step': steps, 'validation/ssim_fg': 0.5}) + '\n')
    return folder
