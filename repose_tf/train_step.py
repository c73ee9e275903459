"""One training step: losses and gradients of generator and discriminator (paper section 3.2)."""

import tensorflow as tf

from repose_tf import losses


class TrainStep:
    """Losses and gradients of both networks on one batch; the caller adds up devices and updates.

    Args of the constructor:
      generator: a `Generator`.
      discriminator: a `Discriminator`, or None to train without an adversarial loss.
      perceptual: function (generated, truth) -> [B], or None.
      loss_weights: 'loss/perceptual', 'loss/person', 'loss/close_up', 'loss/adversarial', 'loss/l1', 'loss/coarse',
        'loss/background', 'loss/mask' -> weight; those of 0 may be left out.
      l2_weight: of the 2D convolutions of both networks.
      label_smoothing: taken off the discriminator's real label.
      num_parts: into how many parts a batch is cut over all devices and their successive passes.
      perceptual_stride: the perceptual loss of the picture sees it averaged over so many rows and columns.
    """

    def __init__(self, generator, discriminator, perceptual, loss_weights, l2_weight=0.0,
                 label_smoothing=losses.REAL_LABEL_SMOOTHING, num_parts=1, perceptual_stride=1):
        self.networks = {'generator': generator}
        if discriminator is not None:
            self.networks['discriminator'] = discriminator
        self.perceptual = perceptual
        self.loss_weights = loss_weights
        self.l2_weight = l2_weight
        self.label_smoothing = label_smoothing
        self.num_parts = num_parts
        self.perceptual_stride = perceptual_stride

    def _has(self, term):
        return bool(self.loss_weights.get(term))

    @property
    def _has_detail(self):
        return self.networks['generator'].detail is not None

    @property
    def input_names(self):
        """Names of what it needs of a batch."""
        names = ['source_image', 'target_image', 'source_pose', 'target_pose']
        if self._has('loss/mask') or self._has('loss/background'):
            names.append('target_foreground')
        if self._has('loss/person'):
            names.append('window_corner')
        if self._has_detail:
            names += ['source_mask', 'source_foreground']
        return tuple(names)

    @property
    def term_names(self):
        """Names of the scalars that a step reports."""
        names = ['loss/l1', 'loss/generator']
        if self._has('loss/mask'):
            names += ['loss/mask', 'loss/source_mask'] if self._has_detail else ['loss/mask']
        names += [term for term in ('loss/person', 'loss/close_up', 'loss/coarse', 'loss/background')
                  if self._has(term)]
        if self.perceptual is not None:
            names.append('loss/perceptual')
        if 'discriminator' in self.networks:
            names += ['loss/adversarial', 'loss/discriminator_real', 'loss/discriminator_generated',
                      'discriminator_accuracy']
        return tuple(names)

    def __call__(self, batch, batch_size):
        """Differentiates both networks on a part of a batch; nothing is updated.

        Args:
          batch: dict of the `input_names`: images [b, S, S, 3] in [-1, 1]; poses [b, 19, 3] px; `target_foreground`,
            the person, and `source_mask`, the one that the network is given, and `source_foreground`, the true one,
            both all 0 where there is none, [b, S, S, 1] in [0, 1]; `window_corner` [b, 2] int32, the first row and
            column of the window of half the picture's size in which the person is looked at closely; others are
            ignored.
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
                batch['source_image'], batch['source_pose'], batch['target_pose'],
                source_mask=batch['source_mask'] if self._has_detail else None, training=True)
            judged = self._judge(batch, truth, outputs['image'])
            terms = self._generator_terms(batch, truth, outputs, judged)
            totals['generator'] = self._total(losses.weighted_sum(terms, self.loss_weights), 'generator', batch_size)
            if judged:
                logits = judged['real'], judged['generated']
                judged_terms = losses.discriminator_losses(*logits, self.label_smoothing)
                totals['discriminator'] = self._total(
                    tf.add_n(list(judged_terms.values())), 'discriminator', batch_size)
                terms.update(judged_terms, discriminator_accuracy=losses.discriminator_accuracy(*logits))
        gradients = {name: _gradients(tape, total, self.networks[name].trainable_variables)
                     for name, total in totals.items()}
        del tape
        shares = {name: tf.reduce_sum(term) / batch_size for name, term in terms.items()}
        return gradients, {**shares, 'loss/generator': totals['generator']}

    def _generator_terms(self, batch, truth, outputs, judged):
        """Returns the generator's losses, dict, term -> [b]."""
        generated = outputs['image']
        terms = losses.generator_losses(generated, truth, judged.get('generated'), self.perceptual,
                                        self.perceptual_stride)
        if self._has('loss/mask'):
            terms['loss/mask'] = losses.mask_loss(outputs['foreground_alpha'], batch['target_foreground'])
            if self._has_detail:
                terms['loss/source_mask'] = losses.source_mask_loss(
                    outputs['source_mask_logits'], batch['source_foreground'])
        if self._has('loss/person'):
            terms['loss/person'] = self.perceptual(*(
                losses.window(image, batch['window_corner'], image.shape[1] // 2) for image in (generated, truth)))
        if self._has('loss/close_up'):
            close = self.perceptual(*(losses.close_ups(image, batch['target_pose'], image.shape[1] // 4)
                                      for image in (generated, truth)))
            terms['loss/close_up'] = tf.reduce_mean(tf.reshape(close, [-1, losses.NUM_CLOSE_UPS]), axis=1)
        if self._has('loss/background'):
            terms['loss/background'] = losses.hidden_background_loss(
                outputs['background'], outputs['background_guess'], batch['target_foreground'])
        if self._has('loss/coarse'):
            coarse = outputs['coarse_image']
            terms['loss/coarse'] = losses.l1_loss(coarse, losses.averaged(truth, truth.shape[1] // coarse.shape[1]))
        return terms

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


def _gradients(tape, total, variables):
    """Returns the gradients of a loss; 0 of variables that have no part in it, as those of a loss of weight 0."""
    return [tf.zeros_like(variable) if gradient is None else gradient
            for variable, gradient in zip(variables, tape.gradient(total, variables), strict=True)]
