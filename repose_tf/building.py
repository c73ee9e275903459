"""Making the variables of a model before its first call."""

import keras
import tensorflow as tf

from repose_tf.generator import Generator
from repose_tf.skeleton import NUM_JOINTS


@tf.autograph.experimental.do_not_convert  # by which Keras 2 would rewrite every layer's code first
def build(model):
    """Makes all variables of a `Generator` or `Discriminator` without computing anything.

    Only the parts that have variables are traced: the geometry has none, and at full size a call on zeros
    would cost a trillion operations.

    Args:
      model: a `Generator` or `Discriminator`, built or not.

    Returns:
      the same model.
    """
    arch = model.architecture
    size, grid = arch.image_size, arch.grid
    pose = _symbol(NUM_JOINTS, 3)
    if not isinstance(model, Generator):
        image = _symbol(size, size, 3)
        model(image, image, pose)
        return model
    padded = _symbol(size + 1, size + 1, 3)
    model.lifting_encoder(padded)
    model.pose_encoder(pose)
    model.projection_decoder(_symbol(*grid.shape, arch.volume_channels + arch.pose_channels))
    model.background_inpainter(padded, _symbol(size + 1, size + 1, 1))
    model.build()
    return model


def _symbol(*shape):
    # Keras 2 divides the batch of an input by the replicas and refuses one that does not divide.
    return keras.Input(shape, batch_size=tf.distribute.get_strategy().num_replicas_in_sync)
