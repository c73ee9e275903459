"""The authors' trained models, from their TensorFlow 1 checkpoints."""

from repose_tf.reference.loading import load_discriminator, load_generator, reference_architecture

__all__ = ['load_discriminator', 'load_generator', 'reference_architecture']
