"""Trains a model: python -m experiments.train --flagfile=quickstart.flags

Makes a numbered run folder, or goes on with one (--resume). Ctrl-C saves a checkpoint and ends.
"""

import tensorflow as tf
from absl import flags as absl_flags

from data_pipeline import augment
from experiments import checkpoints, datasets, flags, program, run_folder, scoring
from experiments.run_log import RunLog
from experiments.trainer import Trainer, check_finite

FLAGS = absl_flags.FLAGS
_NUM_SHOWN = 8  # pairs in an image grid


def main():
    folder = None
    if FLAGS.resume:
        folder = run_folder.open_existing(FLAGS.resume)
        flags.adopt_saved(folder.flags_path)
    if FLAGS.precision == 'auto':
        FLAGS.precision = native_precision()
        print(f'--precision=auto: {FLAGS.precision} on this machine')
    settings = flags.settings_from_flags()
    architecture = settings.model.architecture()
    strategy = make_strategy(settings.train.num_virtual_cpus)
    data = datasets.Data(settings.data)
    if folder is None:
        folder = run_folder.create(FLAGS.runs_dir, FLAGS.run_name, architecture, flags.flags_text())
    with folder.lock():
        print(f'Run folder: {folder.path}')
        print(f'Building the networks for {strategy.num_replicas_in_sync} device(s) ...', flush=True)
        trainer = Trainer(settings, strategy)
        _describe(trainer, settings)
        saved = checkpoints.Checkpoints(folder.checkpoints_dir, settings.train.keep_checkpoints,
                                        **trainer.checkpoint_parts())
        if FLAGS.resume:
            print(f'Going on from {saved.restore_latest()}')
        train(trainer, data, settings, folder, saved)
    print(f'Trained: {folder.path}')


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


def make_strategy(num_virtual_cpus):
    """Returns a MirroredStrategy over all GPUs, or over the CPU, split into virtual devices where asked for."""
    cpu, = tf.config.list_physical_devices('CPU')
    if num_virtual_cpus:
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration() for _ in range(num_virtual_cpus)])
        return tf.distribute.MirroredStrategy([f'CPU:{index}' for index in range(num_virtual_cpus)])
    return tf.distribute.MirroredStrategy()


def train(trainer, data, settings, folder, saved):
    """Runs the steps that are left, with logs, validations and checkpoints on the way.

    Args:
      trainer: the `Trainer`.
      data: the `Data`.
      settings: the `Settings`.
      folder: the `RunFolder`.
      saved: the `Checkpoints`.
    """
    options, size = settings.train, settings.model.architecture().image_size
    first = int(trainer.step_counter.numpy())
    batches = iter(trainer.strategy.experimental_distribute_dataset(
        data.train_batches(size, options.batch_size, options.seed, first,
                           train_splits=options.train_splits, cache_mb=options.cache_mb)))
    validation = shown = None
    if options.num_validation_pairs:
        validation = data.pair_batches('validation', size, options.batch_size, options.num_validation_pairs)
        # A few, spread over the persons.
        shown = data.pair_batches('validation', size, _NUM_SHOWN, min(_NUM_SHOWN, options.num_validation_pairs))
    # Evaluation runs on one device: the numbers must not depend on how many there are.
    generate = tf.function(lambda *inputs: trainer.generator(*inputs, training=False), autograph=False)
    step = first
    with RunLog(folder, first, options.steps) as log:
        log.text('flags', '```\n' + flags.flags_text() + '```')
        try:
            while step < options.steps:
                means = trainer.step(next(batches))
                step += 1
                log.advance()
                if step % options.log_every == 0:
                    _log_scalars(log, step, means, trainer)
                if shown is not None and step % options.image_every == 0:
                    _log_images(log, step, next(iter(shown)), generate)
                if validation is not None and step % options.validate_every == 0:
                    _validate(log, step, validation, generate, settings)
                if step % options.checkpoint_every == 0 or step == options.steps:
                    check_finite(step, {name: float(value) for name, value in means.items()})
                    saved.save(step)
        except KeyboardInterrupt:
            log.say(f'Interrupted after step {step}; go on with --resume={folder.path}')
            if step > first:
                saved.save(step)


def _log_scalars(log, step, means, trainer):
    values = {name: float(value) for name, value in means.items()}
    check_finite(step, values)
    values['learning_rate'] = trainer.learning_rate()
    values['steps_per_second'] = log.speed(step)
    log.scalars(step, values, on_bar=('loss/generator', 'loss/l1', 'loss/perceptual'))


def _log_images(log, step, batch, generate):
    prepared = augment.prepare(batch)
    log.images(step, prepared, generate(
        prepared['source_image'], prepared['source_pose'], prepared['target_pose']))


def _validate(log, step, validation, generate, settings):
    def repose(batch):
        return generate(batch['source_image'], batch['source_pose'], batch['target_pose'])['image']

    scores = scoring.mean_scores({'model': repose}, validation, settings.model.architecture().grid)['model']
    log.scalars(step, {f'validation/{name}': value for name, value in scores.items()})
    log.say(f'step {step}: validation ' + ', '.join(f'{name} {value:.3f}' for name, value in scores.items()))


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
