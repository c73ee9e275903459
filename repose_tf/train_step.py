"""One training step: losses and gradients of generator and discriminator (paper section 3.2)."""

import tensorflow as tf

from repose_tf import losses


class TrainStep:
    """Losses and gradients of both networks on one batch; the caller adds up devices and updates.

    Args of the constructor:
      generator: a `Generator`.
      discriminator: a `Discriminator`, or None to train without an adversarial loss.
      perceptual: function (generated, truth) -> [B], or None.
      loss_weights: 'loss/perceptual', 'loss/adversarial', 'loss/l1', 'loss/mask' -> weight; the last may be left out.
      l2_weight: of the 2D convolutions of both networks.
      label_smoothing: taken off the discriminator's real label.
      num_parts: into how many parts a batch is cut over all devices and their successive passes.
    """

    def __init__(self, generator, discriminator, perceptual, loss_weights, l2_weight=0.0,
                 label_smoothing=losses.REAL_LABEL_SMOOTHING, num_parts=1):
        self.networks = {'generator': generator}
        if discriminator is not None:
            self.networks['discriminator'] = discriminator
        self.perceptual = perceptual
        self.loss_weights = loss_weights
        self.l2_weight = l2_weight
        self.label_smoothing = label_smoothing
        self.num_parts = num_parts

    @property
    def _learns_mask(self):
        return bool(self.loss_weights.get('loss/mask'))

    @property
    def term_names(self):
        """Names of the scalars that a step reports."""
        names = ['loss/l1', 'loss/generator']
        if self._learns_mask:
            names.append('loss/mask')
        if self.perceptual is not None:
            names.append('loss/perceptual')
        if 'discriminator' in self.networks:
            names += ['loss/adversarial', 'loss/discriminator_real', 'loss/discriminator_generated',
                      'discriminator_accuracy']
        return tuple(names)

    def __call__(self, batch, batch_size):
        """Differentiates both networks on a part of a batch; nothing is updated.

        Args:
          batch: dict of `source_image`, `target_image` [b, S, S, 3] in [-1, 1], `source_pose`, `target_pose` [b, 19, 3]
            px; where the mask's loss has a weight, `target_foreground` [b, S, S, 1] in [0, 1]; others are ignored.
          batch_size: B, samples of the whole batch.

        Returns:
          (gradients, terms): dict, network -> list of tensors as its trainable variables; dict, term -> scalar, as
          logged. Both are this part's share of the mean over the batch: their sum over all parts is the mean.
        """
        truth = tf.cast(batch['target_image'], tf.float32)
        totals = {}
        # Both networks are differentiated on the same forward passes.
        with tf.GradientTape(persistent=True) as tape:
            outputs = self.networks['generator'](
                batch['source_image'], batch['source_pose'], batch['target_pose'], training=True)
            generated = outputs['image']
            judged = self._judge(batch, truth, generated)
            terms = losses.generator_losses(generated, truth, judged.get('generated'), self.perceptual)
            if self._learns_mask:
                terms['loss/mask'] = losses.mask_loss(outputs['foreground_alpha'], batch['target_foreground'])
            totals['generator'] = self._total(losses.weighted_sum(terms, self.loss_weights), 'generator', batch_size)
            if judged:
                logits = judged['real'], judged['generated']
                judged_terms = losses.discriminator_losses(*logits, self.label_smoothing)
                totals['discriminator'] = self._total(
                    tf.add_n(list(judged_terms.values())), 'discriminator', batch_size)
                terms.update(judged_terms, discriminator_accuracy=losses.discriminator_accuracy(*logits))
        gradients = {name: tape.gradient(total, self.networks[name].trainable_variables)
                     for name, total in totals.items()}
        del tape
        shares = {name: tf.reduce_sum(term) / batch_size for name, term in terms.items()}
        return gradients, {**shares, 'loss/generator': totals['generator']}

    def accumulated(self, batch, batch_size, num_passes):
        """As a call, but in `num_passes` passes one after the other, each over as many samples (b divides by it).

        It takes less memory; the sums are the same.
        """
        if num_passes == 1:
            return self(batch, batch_size)
        passes = tf.nest.map_structure(
            lambda tensor: tf.reshape(tensor, [num_passes, tensor.shape[0] // num_passes, *tensor.shape[1:]]), batch)

        def add_pass(index, sums):
            part = self(tf.nest.map_structure(lambda tensor: tensor[index], passes), batch_size)
            return index + 1, tf.nest.map_structure(tf.add, sums, part)

        nothing = ({name: [tf.zeros(variable.shape) for variable in network.trainable_variables]
                    for name, network in self.networks.items()}, {name: 0.0 for name in self.term_names})
        return tf.while_loop(lambda index, _: index < num_passes, add_pass,
                             (0, tf.nest.map_structure(tf.convert_to_tensor, nothing)), parallel_iterations=1)[1]

    def _judge(self, batch, truth, generated):
        """Returns the discriminator's logits [b] of both images; {} without one."""
        if 'discriminator' not in self.networks:
            return {}
        return {name: self.networks['discriminator'](batch['source_image'], image, batch['target_pose'], training=True)
                for name, image in (('real', truth), ('generated', generated))}

    def _total(self, per_sample, network, batch_size):
        """This part's share of the loss: samples over the whole batch, weight decay over the parts."""
        total = tf.reduce_sum(per_sample) / batch_size
        if self.l2_weight:
            total += losses.l2_regularisation(
                self.networks[network].trainable_variables, self.l2_weight) / self.num_parts
        return total
