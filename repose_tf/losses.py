"""The losses of both networks (paper section 3.2), each a function, and their dictionaries as logged.

All but the regulariser return one value per sample [B], float32: a caller that spreads a batch over several
devices sums them and divides by the global batch size.
"""

import tensorflow as tf

from repose_tf.skeleton import joint_indices

# What people look at first, and what a loss of the whole picture hardly weighs: the head and both hands.
_CLOSE_UP_JOINTS = joint_indices('nose', 'lwri', 'rwri')
NUM_CLOSE_UPS = len(_CLOSE_UP_JOINTS)
REAL_LABEL_SMOOTHING = 0.25
L2_WEIGHT = 1e-4


def generator_adversarial_loss(generated_logits):
    """Non-saturating GAN loss, -log sigmoid: logits [B] of the discriminator for generated images -> [B] float32."""
    return tf.nn.softplus(-tf.cast(generated_logits, tf.float32))


def discriminator_losses(real_logits, generated_logits, label_smoothing=REAL_LABEL_SMOOTHING):
    """Sigmoid cross entropy of the discriminator; only the label of real images is smoothed.

    Args:
      real_logits: [B], logits of real images, whose label is 1 - label_smoothing.
      generated_logits: [B], logits of generated images, whose label is 0.
      label_smoothing: taken off the real label, 0 to 1.

    Returns:
      Dict of [B] float32; the discriminator minimises their sum.
    """
    real_logits, generated_logits = (tf.cast(logits, tf.float32) for logits in (real_logits, generated_logits))
    return {
        'loss/discriminator_real': tf.nn.sigmoid_cross_entropy_with_logits(
            labels=(1.0 - label_smoothing) * tf.ones_like(real_logits), logits=real_logits),
        'loss/discriminator_generated': tf.nn.softplus(generated_logits),
    }


def discriminator_accuracy(real_logits, generated_logits):
    """Tells how often the discriminator is right, for the log: 0.5 is guessing.

    Args:
      real_logits, generated_logits: [B], see `discriminator_losses`.

    Returns:
      [B] float32: 0, 0.5 or 1, the share of a sample's two images that are taken for what they are.
    """
    return (tf.cast(real_logits > 0, tf.float32) + tf.cast(generated_logits < 0, tf.float32)) / 2.0


def l1_loss(generated, truth, foreground=None, foreground_weight=1.0):
    """Weighted mean absolute difference of two batches of images.

    Args:
      generated, truth: [B, S, S, 3], any range.
      foreground: [B, S, S, 1] in [0, 1], 1 on the person; None weighs all pixels alike.
      foreground_weight: how many times more a foreground pixel counts than one of the background.

    Returns:
      [B] float32: sum(weight * |difference|) / sum(weight), on the scale of the plain mean.
    """
    difference = tf.abs(tf.cast(generated, tf.float32) - tf.cast(truth, tf.float32))
    if foreground is None:
        return tf.reduce_mean(difference, axis=(1, 2, 3))
    per_pixel = tf.reduce_mean(difference, axis=3, keepdims=True)  # [B, S, S, 1]
    weight = 1.0 + (foreground_weight - 1.0) * tf.cast(foreground, tf.float32)
    return tf.reduce_sum(weight * per_pixel, axis=(1, 2, 3)) / tf.reduce_sum(weight, axis=(1, 2, 3))


def mask_loss(alpha, foreground):
    """Binary cross entropy of the mask that blends foreground over background; not in the paper.

    Without it a generator may learn to show only the background before its foreground is worth showing: the mask
    falls to 0 everywhere, and with it the gradient of all that the foreground is made of.

    Args:
      alpha: [B, S, S, 1] in [0, 1], the generator's `foreground_alpha`.
      foreground: [B, S, S, 1] in [0, 1], 1 on the person in the wanted image.

    Returns:
      [B] float32, mean over the pixels, in nats, at most about 9.
    """
    # Not closer to 0 and 1 than that: beyond, a single pixel would outweigh an image.
    alpha = 1e-4 + (1.0 - 2e-4) * tf.cast(alpha, tf.float32)
    foreground = tf.cast(foreground, tf.float32)
    entropy = -foreground * tf.math.log(alpha) - (1.0 - foreground) * tf.math.log(1.0 - alpha)
    return tf.reduce_mean(entropy, axis=(1, 2, 3))


def source_mask_loss(logits, foreground):
    """Binary cross entropy of the mask that a model finds in the source itself.

    Args:
      logits: [B, S, S, 1].
      foreground: [B, S, S, 1] in [0, 1], 1 on the person; a sample that is all 0 has no mask and counts for nothing.

    Returns:
      [B] float32, mean over the pixels, in nats.
    """
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=foreground, logits=tf.cast(logits, tf.float32))
    has_mask = tf.cast(tf.reduce_max(foreground, axis=(1, 2, 3)) > 0.0, tf.float32)
    return has_mask * tf.reduce_mean(entropy, axis=(1, 2, 3))


def window(image, corner, size):
    """Cuts a square out of every image.

    Args:
      image: [B, S, S, C].
      corner: [B, 2] int32, first row and column; the square lies in the image.
      size: its rows and columns.

    Returns:
      [B, size, size, C].
    """
    rows, columns = (corner[:, axis, tf.newaxis] + tf.range(size) for axis in (0, 1))
    return tf.gather(tf.gather(image, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def close_ups(image, pose_px, size):
    """Cuts the squares around the head and both hands out of every image.

    Args:
      image: [B, S, S, C].
      pose_px: [B, 19, 3], px of the image; where a joint is near the edge or beyond, the square lies at the edge.
      size: rows and columns of the squares.

    Returns:
      [B * NUM_CLOSE_UPS, size, size, C], those of a sample one after the other.
    """
    centre_px = tf.gather(pose_px, _CLOSE_UP_JOINTS, axis=1)[..., 1::-1]
    corner = tf.clip_by_value(tf.round(centre_px - size / 2), 0, image.shape[1] - size)
    corner = tf.cast(tf.reshape(corner, [-1, 2]), tf.int32)
    return window(tf.repeat(image, NUM_CLOSE_UPS, axis=0), corner, size)


def hidden_background_loss(background, guess, foreground):
    """Holds what the wanted person hides to a guess.

    No picture shows what is there. Left alone it becomes anything, and shines through the person's edges.

    Args:
      background, guess: [B, S, S, 3].
      foreground: [B, S, S, 1] in [0, 1], 1 on the person in the wanted image.

    Returns:
      [B] float32: mean absolute difference on the person; 0 where there is none.
    """
    difference = tf.reduce_mean(tf.abs(background - guess), axis=3, keepdims=True)
    return tf.math.divide_no_nan(tf.reduce_sum(foreground * difference, axis=(1, 2, 3)),
                                 tf.reduce_sum(foreground, axis=(1, 2, 3)))


def averaged(image, stride):
    """Averages images [B, S, S, C] over squares of so many rows and columns."""
    return image if stride == 1 else tf.nn.avg_pool2d(image, stride, stride, 'VALID')


def generator_losses(generated, truth, generated_logits=None, perceptual=None, perceptual_stride=1):
    """Collects the generator's losses, not yet weighted.

    Args:
      generated, truth: [B, S, S, 3] float32, RGB in [-1, 1].
      generated_logits: [B], the discriminator's logits of `generated`, or None without a discriminator.
      perceptual: function (generated, truth) -> [B], or None where there is no perceptual loss.
      perceptual_stride: it sees the images averaged over so many rows and columns.

    Returns:
      Dict of [B] float32, keyed as logged.
    """
    terms = {'loss/l1': l1_loss(generated, truth)}
    if generated_logits is not None:
        terms['loss/adversarial'] = generator_adversarial_loss(generated_logits)
    if perceptual is not None:
        terms['loss/perceptual'] = perceptual(*(averaged(image, perceptual_stride) for image in (generated, truth)))
    return terms


def weighted_sum(terms, weights):
    """Adds up losses.

    Args:
      terms: dict, key -> [B].
      weights: dict, key -> factor; a term without a weight, or of weight 0, is logged but not trained on.

    Returns:
      [B] float32.

    Raises:
      KeyError: if a weight other than 0 has no term.
    """
    total = tf.zeros_like(next(iter(terms.values())))
    for key, weight in weights.items():
        if weight:
            total += weight * terms[key]
    return total


def l2_regularisation(variables, weight=L2_WEIGHT):
    """Weight decay of the 2-D convolutions.

    Args:
      variables: all variables of a network; only those of rank 4, the kernels of 2-D convolutions, count.
      weight: factor.

    Returns:
      Scalar float32: weight * sum(v^2) / 2 over the counted values, one for the network and not per sample: on several
      devices divide it by their number.
    """
    kernels = [tf.cast(tf.convert_to_tensor(variable), tf.float32)
               for variable in variables if len(variable.shape) == 4]
    return weight * tf.add_n([tf.zeros([])] + [tf.nn.l2_loss(kernel) for kernel in kernels])
