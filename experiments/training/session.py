"""A training run, from its settings to its exit code."""

import tensorflow as tf

from data_pipeline.errors import UsageError
from experiments.configuration import devices
from experiments.configuration.data import Data
from experiments.configuration.flags import flags_text
from experiments.training import checkpoints, dry_run, run_folder
from experiments.training.loop import train
from experiments.training.run_log import RunLog
from experiments.training.trainer import Trainer
from repose_tf import packed_model


def run(settings, folder=None, is_dry=False):
    """Trains, or says what would be trained.

    Args:
      settings: `Settings`.
      folder: the `RunFolder` to go on with; None: a new one.
      is_dry: prints what is known of the run, with its size and cost; needs no data and writes nothing.

    Returns:
      int, what the process should end with: 0, or another number where the run was interrupted.

    Raises:
      UserError: anything that the user can mend.
    """
    settings, choice = devices.with_native_precision(settings)
    if choice:
        print(choice)
    settings.model.architecture()  # refused before anything is built
    if settings.train.deterministic:
        tf.config.experimental.enable_op_determinism()
        if tf.config.list_physical_devices('GPU'):
            print('--deterministic: the warp is computed in static shapes, which takes longer: TensorFlow has no '
                  'deterministic product of a sparse matrix on GPUs')
    strategy = devices.make_strategy(settings.train.num_virtual_cpus)
    if settings.train.max_minutes and isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        raise UsageError('--max_minutes: expected 0 with TF_CONFIG, as every process has a clock of its own, found '
                         f'{settings.train.max_minutes:g}; --steps and --schedule_steps end such a run.')
    print(devices.update_in_words(settings.train, strategy.num_replicas_in_sync))
    data = None
    if not is_dry:
        data = Data(settings.data)
        data.check_splits(settings.train.train_splits, settings.train.num_validation_pairs)
    print(f'Building the networks for {strategy.num_replicas_in_sync} device(s) ...', flush=True)
    trainer = Trainer(settings, strategy, is_computed=not is_dry)
    _describe(trainer, settings)
    if is_dry:
        print(dry_run.report(trainer, settings))
        return 0
    if devices.is_chief(strategy):
        return _train_in_folder(trainer, data, settings, folder)
    _begin(trainer, settings, folder)
    return train(trainer, data, settings, None)


def _train_in_folder(trainer, data, settings, folder):
    """Trains in the process that writes the run's files; see `run`."""
    is_new = folder is None
    if is_new:
        _begin(trainer, settings, folder)
        folder = run_folder.create(settings.run.runs_dir, settings.run.run_name, settings.model.architecture(),
                                   flags_text(settings))
    with folder.lock():
        print(f'Run folder: {folder.path}')
        if not is_new:
            _begin(trainer, settings, folder)  # now that no other process writes there
        saved = checkpoints.for_run(folder, trainer, settings)
        with RunLog(trainer, data, settings, folder, saved) as log:
            code = train(trainer, data, settings, log)
    print(f'{"Interrupted" if code else "Trained"}: {folder.path}')
    return code


def _begin(trainer, settings, folder):
    """Sets the networks to what the run begins or goes on with; `folder` as for `run`."""
    if folder is not None:
        saved = checkpoints.for_run(folder, trainer, settings)
        if saved.prefixes or not folder.is_new():
            print(f'Going on from {saved.restore_latest()}')
            return
        print(f'{folder.path}: ended before its first checkpoint, begins anew')
    if path := settings.run.init_from:
        architecture, parts = settings.model.architecture(), trainer.initial_parts()
        if packed_model.is_packed(path):
            packed = packed_model.load_generator(path)
            run_folder.check_architecture(path, architecture, packed.architecture)
            said = checkpoints.take_over_packed(path, packed, parts)
        else:
            said = checkpoints.take_over(run_folder.open_existing(path, architecture), parts)
        for line in said:
            print(line)


def _describe(trainer, settings):
    """Says what is trained, and with which weights of the perceptual loss."""
    for name, network in trainer.differentiate.networks.items():
        count = sum(int(tf.size(variable)) for variable in network.trainable_variables)
        print(f'{name}: {count / 1e6:.2f} M variables, {settings.model.precision}')
    description = 'none' if trainer.perceptual is None else trainer.perceptual.description
    print(f'Perceptual loss: {description}', flush=True)
