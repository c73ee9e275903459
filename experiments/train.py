"""Trains a model: python -m experiments.train --flagfile=quickstart.flags

Makes a numbered run folder, or goes on with one (--resume). SIGTERM and Ctrl-C save a checkpoint and end the program
with exit code 143 and 130.
"""

import sys

import tensorflow as tf
from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import UsageError
from experiments.configuration import data as datasets
from experiments.configuration import devices, flags, saved_flags
from experiments.training import checkpoints, dry_run, run_folder
from experiments.training.loop import train
from experiments.training.reports import Reports
from experiments.training.trainer import Trainer

FLAGS = absl_flags.FLAGS


def main():
    if FLAGS.resume and FLAGS.init_from:
        raise UsageError('--init_from: expected none with --resume, which goes on with what the run has, '
                         f'found {FLAGS.init_from!r}.')
    folder = None
    if FLAGS.resume:
        folder = run_folder.open_existing(FLAGS.resume)
        saved_flags.adopt_saved(folder.flags_path)
    if FLAGS.precision == 'auto':
        FLAGS.precision = native_precision()
        print(f'--precision=auto: {FLAGS.precision} on this machine')
    settings = flags.settings_from_flags()
    settings.model.architecture()  # refused before anything is built
    if settings.train.deterministic:
        tf.config.experimental.enable_op_determinism()
    strategy = devices.make_strategy(settings.train.num_virtual_cpus)
    data = None
    if not FLAGS.dry_run:  # which needs no data and writes nothing
        data = datasets.Data(settings.data)
        data.check_splits(settings.train.train_splits, settings.train.num_validation_pairs)
    code = run(settings, strategy, data, folder)
    if code:
        sys.exit(code)


def run(settings, strategy, data, folder):
    """Trains under a strategy; `folder` is the `RunFolder` to go on with, or None. Returns the exit code."""
    print(f'Building the networks for {strategy.num_replicas_in_sync} device(s) ...', flush=True)
    trainer = Trainer(settings, strategy, is_computed=not FLAGS.dry_run)
    _describe(trainer, settings)
    if FLAGS.dry_run:
        print(dry_run.report(trainer, settings, saved_flags.as_dict()))
        return 0
    is_chief, is_new = devices.is_chief(strategy), folder is None
    if is_new or not is_chief:
        begin(trainer, settings, folder)
    if not is_chief:
        return train(trainer, data, settings, None)
    if is_new:
        folder = run_folder.create(FLAGS.runs_dir, FLAGS.run_name, settings.model.architecture(),
                                   saved_flags.flags_text())
    with folder.lock():
        print(f'Run folder: {folder.path}')
        if not is_new:
            begin(trainer, settings, folder)  # now that no other process writes there
        saved = checkpoints.for_run(folder, trainer, settings)
        with Reports(trainer, data, settings, folder, saved) as reports:
            code = train(trainer, data, settings, reports)
    print(f'{"Interrupted" if code else "Trained"}: {folder.path}')
    return code


def begin(trainer, settings, folder):
    """Sets the networks to what the run begins or goes on with; `folder` as for `run`."""
    if folder is not None:
        saved = checkpoints.for_run(folder, trainer, settings)
        if saved.prefixes or not folder.is_new():
            print(f'Going on from {saved.restore_latest()}')
            return
        print(f'{folder.path}: ended before its first checkpoint, begins anew')
    if FLAGS.init_from:
        other = run_folder.open_existing(FLAGS.init_from, settings.model.architecture())
        for line in checkpoints.take_over(other, trainer.initial_parts()):
            print(line)


def native_precision():
    """Returns the fastest --precision to train in that this machine has instructions for."""
    if tf.config.list_physical_devices('GPU'):
        return 'mixed_bfloat16'
    try:
        with open('/proc/cpuinfo') as file:
            features = set(file.read().split())
    except OSError:  # not on Linux
        return 'float32'
    return 'mixed_bfloat16' if features & {'avx512_bf16', 'amx_bf16'} else 'float32'


def _describe(trainer, settings):
    """Says what is trained, and with which weights of the perceptual loss."""
    networks = {'generator': trainer.generator, 'discriminator': trainer.discriminator}
    for name, network in networks.items():
        if network is not None:
            count = sum(int(tf.size(variable)) for variable in network.trainable_variables)
            print(f'{name}: {count / 1e6:.2f} M variables, {settings.model.precision}')
    description = 'none' if trainer.perceptual is None else trainer.perceptual.description
    print(f'Perceptual loss: {description}', flush=True)


if __name__ == '__main__':
    program.run(main, flags.define_training_run)
