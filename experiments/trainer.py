"""Both networks, their optimisers and one training step over all devices."""

import math

import keras
import tensorflow as tf

from data_pipeline import augment
from experiments.program import UsageError
from repose_tf import perceptual
from repose_tf.building import build
from repose_tf.discriminator import Discriminator
from repose_tf.generator import Generator
from repose_tf.train_step import TrainStep


class Trainer:
    """What a run trains.

    Attributes:
      strategy: the distribution strategy that everything was made under.
      generator: the `Generator`.
      discriminator: the `Discriminator`, or None where the adversarial loss has no weight.
      perceptual: the `PerceptualLoss`, or None.
      step_counter: tf.Variable, updates made so far.
    """

    def __init__(self, settings, strategy):
        """Builds everything; what VGG weights are in use is in `perceptual.description`.

        Args:
          settings: `Settings` of the run.
          strategy: a tf.distribute strategy.
        """
        self._settings = settings
        self.strategy = strategy
        train, weights = settings.train, settings.losses
        if settings.model.precision == 'mixed_float16':
            raise UsageError('--precision: mixed_float16 is for using a model; expected float32 or mixed_bfloat16 '
                             'for training, whose small gradients vanish in float16.')
        if train.batch_size % strategy.num_replicas_in_sync:
            raise UsageError(f'--batch_size: expected a multiple of the {strategy.num_replicas_in_sync} devices, '
                             f'found {train.batch_size}.')
        architecture, precision = settings.model.architecture(), settings.model.precision
        keras.utils.set_random_seed(train.seed)
        with strategy.scope():
            self.step_counter = tf.Variable(0, dtype=tf.int64, trainable=False, name='step')
            self.generator = build(Generator(architecture, dtype=precision))
            self.discriminator = None
            if weights.adversarial_weight:
                self.discriminator = build(Discriminator(architecture, dtype=precision))
            self._optimizers = tuple(
                _optimizer(network, train) for network in (self.generator, self.discriminator))
            self.perceptual = None
            if weights.perceptual_weight:
                compute_dtype = 'bfloat16' if precision == 'mixed_bfloat16' else 'float32'
                self.perceptual = perceptual.make_perceptual_loss(weights.vgg_weights, compute_dtype)
        loss_weights = {'loss/perceptual': weights.perceptual_weight,
                        'loss/adversarial': weights.adversarial_weight, 'loss/l1': weights.l1_weight}
        self._update = TrainStep(
            self.generator, self.discriminator, self._optimizers, self.perceptual, loss_weights,
            weights.l2_weight, weights.label_smoothing, strategy.num_replicas_in_sync)
        self.step = tf.function(self._step, autograph=False)

    def checkpoint_parts(self):
        """Returns what a checkpoint holds, as `Checkpoints` wants it."""
        parts = {'generator': self.generator, 'generator_optimizer': self._optimizers[0],
                 'step': self.step_counter}
        if self.discriminator is not None:
            parts.update(discriminator=self.discriminator, discriminator_optimizer=self._optimizers[1])
        return parts

    def learning_rate(self):
        """Returns the generator's step size of the next update."""
        return float(tf.convert_to_tensor(self._optimizers[0].learning_rate))

    def _step(self, batch):
        """Augments a distributed batch and updates both networks; returns a dict of scalar means."""
        replicas = self.strategy.num_replicas_in_sync

        def run(part):
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            draw = self.step_counter * replicas + tf.cast(replica, tf.int64)
            # Derived from the step, so that a resumed run draws what an uninterrupted one would have drawn.
            seed = tf.stack([tf.constant(self._settings.train.seed, tf.int32), tf.cast(draw, tf.int32)])
            return self._update(augment.augment(part, seed), self._settings.train.batch_size)

        per_replica = self.strategy.run(run, args=(batch,))
        means = {name: self.strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)
                 for name, value in per_replica.items()}
        self.step_counter.assign_add(1)
        return means


def check_finite(step, means):
    """Stops a run whose losses are no longer numbers, before a checkpoint keeps its weights."""
    broken = [name for name, value in means.items() if not math.isfinite(value)]
    if broken:
        raise UsageError(f'Step {step}: {", ".join(broken)} is no longer finite. The last checkpoint is intact; '
                         'try a smaller --learning_rate or --precision=float32.')


def _optimizer(network, train):
    """Returns the built Adam of a network, or None without one."""
    if network is None:
        return None
    rate = train.learning_rate
    if train.learning_rate_schedule == 'cosine':
        rate = keras.optimizers.schedules.CosineDecay(rate, train.steps)
    optimizer = keras.optimizers.Adam(rate, beta_1=train.adam_beta1, beta_2=train.adam_beta2)
    optimizer.build(network.trainable_variables)
    return optimizer
