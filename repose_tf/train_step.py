"""One update of generator and discriminator (paper section 3.2: both are updated once a step)."""

import tensorflow as tf

from repose_tf import losses


class TrainStep:
    """Updates both networks on one batch.

    Args of the constructor:
      generator: a built `Generator`.
      discriminator: a built `Discriminator`, or None to train without an adversarial loss.
      optimizers: the Keras optimisers of the two, built.
      perceptual: function (generated, truth) -> [B], or None.
      loss_weights: 'loss/perceptual', 'loss/adversarial', 'loss/l1' -> weight.
      l2_weight: of the 2D convolutions of both networks.
      label_smoothing: taken off the discriminator's real label.
      num_replicas: devices that share a batch.
    """

    def __init__(self, generator, discriminator, optimizers, perceptual, loss_weights, l2_weight=0.0,
                 label_smoothing=losses.REAL_LABEL_SMOOTHING, num_replicas=1):
        self.generator = generator
        self.discriminator = discriminator
        self.generator_optimizer, self.discriminator_optimizer = optimizers
        self.perceptual = perceptual
        self.loss_weights = loss_weights
        self.l2_weight = l2_weight
        self.label_smoothing = label_smoothing
        self.num_replicas = num_replicas

    def __call__(self, batch, global_batch_size):
        """Runs in a replica, on its part of the batch.

        Args:
          batch: dict of `source_image`, `target_image` [B, S, S, 3] in [-1, 1], `source_pose`, `target_pose`
            [B, 19, 3] px; others are ignored.
          global_batch_size: samples over all replicas.

        Returns:
          dict of scalars, keyed as logged: this replica's share of the means over the global batch; their sum
          over the replicas is the mean.
        """
        truth = tf.cast(batch['target_image'], tf.float32)
        # Both networks are differentiated on the same forward passes.
        with tf.GradientTape(persistent=True) as tape:
            generated = self.generator(
                batch['source_image'], batch['source_pose'], batch['target_pose'], training=True)['image']
            judged = {}
            if self.discriminator is not None:
                judged['real'], judged['generated'] = (
                    self.discriminator(batch['source_image'], image, batch['target_pose'], training=True)
                    for image in (truth, generated))
            terms = self._generator_terms(generated, truth, judged)
            generator_loss = self._total(
                losses.weighted_sum(terms, self.loss_weights), self.generator, global_batch_size)
            if judged:
                judged_terms = losses.discriminator_losses(
                    judged['real'], judged['generated'], self.label_smoothing)
                discriminator_loss = self._total(
                    tf.add_n(list(judged_terms.values())), self.discriminator, global_batch_size)
                terms.update(judged_terms)
        self._update(tape, generator_loss, self.generator, self.generator_optimizer)
        if judged:
            self._update(tape, discriminator_loss, self.discriminator, self.discriminator_optimizer)
        del tape
        means = {name: tf.reduce_sum(term) / global_batch_size for name, term in terms.items()}
        means['loss/generator'] = generator_loss
        return means

    def _generator_terms(self, generated, truth, judged):
        terms = {'loss/l1': losses.l1_loss(generated, truth)}
        if judged:
            terms['loss/adversarial'] = losses.generator_adversarial_loss(judged['generated'])
        if self.perceptual is not None:
            terms['loss/perceptual'] = self.perceptual(generated, truth)
        return terms

    def _total(self, per_sample, model, global_batch_size):
        """This replica's share of the loss: samples over the global batch, weight decay over the replicas."""
        total = tf.reduce_sum(per_sample) / global_batch_size
        if self.l2_weight:
            total += losses.l2_regularisation(model.trainable_variables, self.l2_weight) / self.num_replicas
        return total

    @staticmethod
    def _update(tape, loss, model, optimizer):
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
