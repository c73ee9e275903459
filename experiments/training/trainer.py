"""Both networks, their optimisers and one training step over all devices of all processes."""

import keras
import tensorflow as tf

from data_pipeline.batches import augment, noise
from data_pipeline.errors import UsageError
from experiments.configuration import devices
from experiments.metric_networks.st_lpips_weights import load_st_lpips_weights
from experiments.training.replicated import ReplicatedFunction
from experiments.training.time_budget import TimeBudget
from repose_tf import perceptual
from repose_tf.adam import Adam
from repose_tf.discriminator import Discriminator
from repose_tf.generator import Generator
from repose_tf.metrics.st_lpips import StLpipsLoss
from repose_tf.train_step import TrainStep
from repose_tf.variables import add_here, tf_variables
from repose_tf.warp.body_parts import person_mask


class Trainer:
    """What a run trains.

    Attributes:
      strategy: the distribution strategy that everything was made under.
      generator: the `Generator`.
      average: a `Generator` that holds the exponential moving average of its weights, or None.
      discriminator: the `Discriminator`, or None where the adversarial loss has no weight.
      perceptual: the `PerceptualLoss` or `StLpipsLoss`, or None.
      differentiate: the `TrainStep`.
      budget: the `TimeBudget`.
      step_counter: tf.Variable, steps made so far. All that is random follows from it and the seed.
      step: tf.function of (distributed batch, stop), see `_step`.
    """

    def __init__(self, settings, strategy, is_computed=True):
        """Builds everything; `perceptual.description` says which weights are in use.

        Args:
          settings: `Settings` of the run.
          strategy: a tf.distribute strategy.
          is_computed: False where no step will run, see `perceptual.make_perceptual_loss`.

        Raises:
          UsageError: the batch does not divide by the devices and passes, or a precision that cannot be trained in.
        """
        self._settings = settings
        self.strategy = strategy
        train, weights = settings.train, settings.losses
        _check(settings, strategy.num_replicas_in_sync)
        keras.utils.set_random_seed(train.seed)
        with strategy.scope():
            self.step_counter = tf.Variable(0, dtype=tf.int64, trainable=False, name='step')
            self.budget = TimeBudget(train)
            self._build_networks(settings)
            self.perceptual = None
            if weights.perceptual_weight:
                compute_dtype = 'bfloat16' if settings.model.precision == 'mixed_bfloat16' else 'float32'
                self.perceptual = _perceptual_loss(weights, compute_dtype, is_computed)
        loss_weights = {f'loss/{name}': getattr(weights, f'{name}_weight')
                        for name in ('perceptual', 'person', 'close_up', 'adversarial', 'l1', 'coarse', 'background',
                                     'mask')}
        loss_weights['loss/source_mask'] = weights.mask_weight if self.generator.detail is not None else 0.0
        self.differentiate = TrainStep(self.generator, self.discriminator, self.perceptual, loss_weights,
                                       weights.l2_weight, weights.label_smoothing,
                                       strategy.num_replicas_in_sync * train.accumulate_steps,
                                       weights.perceptual_stride)
        self._gradients = tf.function(self._part_gradients, autograph=False, jit_compile=train.jit_compile or None)
        variables = self._variables()
        self._shares, self._update = (ReplicatedFunction(function, variables) for function in (
            self._augmented_shares, self._updated))
        self.step = tf.function(self._step, autograph=False)

    def _build_networks(self, settings):
        architecture, precision, train = settings.model.architecture(), settings.model.precision, settings.train
        # The average is run outside of XLA, but deterministic all the same.
        has_gpu = bool(tf.config.list_physical_devices('GPU'))
        self.generator = Generator(
            architecture, devices.needs_static_warp(train, has_gpu), train.remat, dtype=precision)
        self.discriminator = self.average = None
        if settings.losses.adversarial_weight:
            self.discriminator = Discriminator(architecture, train.remat, dtype=precision)
        if train.average_decay:
            self.average = Generator(architecture, train.deterministic and has_gpu, dtype=precision)
            self.average.set_weights(self.generator.get_weights())
        self._optimizers = {'generator': self._optimizer(self.generator)}
        if self.discriminator is not None:
            self._optimizers['discriminator'] = self._optimizer(self.discriminator)

    def _optimizer(self, network):
        """Returns the Adam of a network."""
        train = self._settings.train
        return Adam(tf_variables(network, trainable=True), self.budget.learning_rate, train.adam_beta1,
                    train.adam_beta2)

    @property
    def evaluated(self):
        """The generator that is shown, validated and exported: the average, where there is one."""
        return self.generator if self.average is None else self.average

    def checkpoint_parts(self):
        """Returns what a checkpoint holds, as `Checkpoints` wants it."""
        return {**self.initial_parts(), 'step': self.step_counter, **self.budget.checkpoint_parts(),
                **{f'{name}_optimizer': optimizer for name, optimizer in self._optimizers.items()}}

    def initial_parts(self):
        """Returns dict, name -> network, of those that a new run may take over from another one."""
        networks = {'generator': self.generator, 'average': self.average, 'discriminator': self.discriminator}
        return {name: network for name, network in networks.items() if network is not None}

    def _variables(self):
        owners = [part for part in self.checkpoint_parts().values() if hasattr(part, 'variables')]
        owners += [] if self.perceptual is None else [self.perceptual.features]
        return [self.step_counter, self.budget.length,
                *(variable for owner in owners for variable in tf_variables(owner))]

    def learning_rates(self):
        """Returns dict, name as logged -> step size of the next update."""
        return {f'learning_rate/{name}': float(adam.learning_rate) for name, adam in self._optimizers.items()}

    def distributed(self, batches_of):
        """Returns the dataset of a run's batches, each spread over the devices.

        Args:
          batches_of: function of (worker index, number of workers) that returns the dataset of the worker's rows of
            every batch.
        """
        rows = self._settings.train.batch_size // self.strategy.num_replicas_in_sync
        return self.strategy.distribute_datasets_from_function(
            lambda context: batches_of(context.input_pipeline_id, context.num_input_pipelines).rebatch(rows))

    def _step(self, batch, stop=0.0):
        """Augments a distributed batch and updates both networks.

        Args:
          batch: of the dataset of `distributed`.
          stop: scalar float32, other than 0 where this process wants the run to end.

        Returns:
          dict of scalars, as logged: means over the batch; `gradient_norm/<network>` before clipping; `applied`, 1 or,
          where anything is not finite, 0: then nothing was updated; `stop`, the sum over all processes.
        """
        values = self.strategy.run(self._on_device, args=(batch, stop))
        # All devices hold the same.
        values = {name: self.strategy.experimental_local_results(value)[0] for name, value in values.items()}
        self.step_counter.assign_add(1)
        return values

    def _on_device(self, batch, stop):
        """In a replica: what `_step` does but for its count."""
        train, context = self._settings.train, tf.distribute.get_replica_context()
        # Derived from the step, so that a resumed run draws what an uninterrupted one would have drawn.
        seed = tf.stack([tf.constant(train.seed, tf.int32), tf.cast(self.step_counter, tf.int32)])
        first_row = train.batch_size // context.num_replicas_in_sync * context.replica_id_in_sync_group
        # Not the names of the pictures: GPUs hold no text.
        batch = {name: tensor for name, tensor in batch.items() if tensor.dtype != tf.string}
        gradients, terms = self._shares(batch, seed, tf.convert_to_tensor(first_row))
        terms['stop'] = tf.convert_to_tensor(stop)
        # The results of a function are on no named device, which is where the sums would go.
        shares = tf.nest.map_structure(tf.identity, (gradients, terms))
        return self._update(*context.all_reduce(tf.distribute.ReduceOp.SUM, shares))

    def _augmented_shares(self, batch, seed, first_row):
        """Returns this replica's share of the gradients, each network's in one vector, and of the scalars."""
        num_rows = self._settings.train.batch_size
        rows = num_rows // self.strategy.num_replicas_in_sync
        augmented = augment.augment(batch, seed, first_row=first_row, num_rows=num_rows)
        augmented['source_foreground'] = augmented['source_mask']
        names = self.differentiate.input_names
        if 'target_foreground' in names:
            augmented['target_foreground'] = person_mask(augmented)  # by the true pose, if the data have no mask
        augmented = noise.disturb(augmented, seed, self._settings.noise, first_row, num_rows)
        if 'window_corner' in names:
            augmented['window_corner'] = augment.window_corners(augmented, seed, first_row, num_rows)
        part = {name: tf.ensure_shape(augmented[name], [rows, *augmented[name].shape[1:]]) for name in names}
        gradients, terms = self._gradients(part)
        # One vector is one sum over the devices.
        return {name: tf.concat([tf.reshape(gradient, [-1]) for gradient in of_network], axis=0)
                for name, of_network in gradients.items()}, terms

    def _part_gradients(self, part):
        train = self._settings.train
        return self.differentiate.accumulated(part, train.batch_size, train.accumulate_steps)

    def _updated(self, gradients, terms):
        """Updates this replica's networks by the sums of all replicas' shares; returns what `_step` does."""
        norms = {name: tf.linalg.global_norm([gradient]) for name, gradient in gradients.items()}
        if limit := self._settings.train.clip_norm:
            gradients = {name: gradient * (limit / tf.maximum(norms[name], limit))
                         for name, gradient in gradients.items()}
        values = {**terms, **{f'gradient_norm/{name}': norm for name, norm in norms.items()}}
        finite = tf.reduce_all(tf.math.is_finite(tf.stack(list(values.values()))))
        # A skipped update leaves no trace, in the optimisers neither.
        tf.cond(finite, lambda: self._apply(gradients), lambda: tf.constant(False))
        return {**values, 'applied': tf.cast(finite, tf.float32)}

    def _apply(self, gradients):
        for name, gradient in gradients.items():
            self._optimizers[name].apply(gradient)
        if self.average is not None:
            self._follow()
        return tf.constant(True)

    def _follow(self):
        """Moves the average towards the generator."""
        updates = tf.cast(self._optimizers['generator'].iterations, tf.float32)
        # The first steps count for little: they are forgotten as fast as there are better ones.
        decay = tf.minimum(self._settings.train.average_decay, (1.0 + updates) / (10.0 + updates))
        for average, latest in zip(tf_variables(self.average), tf_variables(self.generator), strict=True):
            add_here(average, (latest - average) * (1.0 - decay))


def _perceptual_loss(losses, dtype, is_computed):
    """Returns the loss of `LossSettings`: function of (generated, truth) with `.description` and `.features`."""
    if losses.perceptual_loss == 'st_lpips':
        return StLpipsLoss(load_st_lpips_weights(), dtype)
    return perceptual.make_perceptual_loss(losses.vgg_weights, dtype, is_computed)


def _check(settings, num_devices):
    train = settings.train
    if settings.model.precision == 'mixed_float16':
        raise UsageError('--precision: mixed_float16 is for using a model; expected float32 or mixed_bfloat16 '
                         'for training, whose small gradients vanish in float16.')
    if settings.model.architecture().detail == 'none':
        for name in ('coarse_weight', 'background_weight', 'mask_noise_px', 'hidden_masks'):
            if value := settings.as_dict()[name]:
                raise UsageError(f'--{name}: expected 0 without a detail stream (--detail=none or a preset that has '
                                 f'none), found {value:g}.')
    devices.update_in_words(train, num_devices)
