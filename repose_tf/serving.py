"""The model as others call it: bytes of an image and two poses in, bytes of an image out."""

import tensorflow as tf

from repose_tf.skeleton import NUM_JOINTS
from repose_tf.variables import tf_variables


def image_from_pixels(pixels):
    """Converts uint8 pixels of any shape to the float32 values in [-1, 1] that the model takes."""
    return tf.cast(pixels, tf.float32) / 127.5 - 1.0


def pixels_from_image(image):
    """Converts float values in [-1, 1] to uint8 pixels; what lies outside is clipped."""
    return tf.cast(tf.round(tf.clip_by_value((image + 1.0) * 127.5, 0.0, 255.0)), tf.uint8)


def reposed_pixels(generator, source_image, source_pose, target_pose):
    """Runs a `Generator` from pixels to pixels.

    Args:
      generator: a `Generator`.
      source_image: [B, S, S, 3] uint8, RGB.
      source_pose: [B, 19, 3] float32, (x, y, z) px in the source image, z = 0 at the pelvis.
      target_pose: [B, 19, 3] float32, px in the wanted image, likewise.

    Returns:
      [B, S, S, 3] uint8, the person of the source image in the target pose.
    """
    outputs = generator(image_from_pixels(source_image), source_pose, target_pose, training=False)
    return pixels_from_image(outputs['image'])


class Reposer(tf.Module):
    """A trained generator with one named signature, ready for `tf.saved_model.save`.

    Attributes:
      repose: `reposed_pixels` as a graph; same arguments, by name or in order; returns {'image': pixels}.
      generator_variables: the trained variables, so that they are saved along.
    """

    def __init__(self, generator):
        """Wraps a generator.

        Args:
          generator: a built `Generator`.
        """
        super().__init__(name='reposer')
        # Keras 3 cannot save a module that holds a model of several inputs: the model stays in the
        # closure of `repose`, and the module holds its variables alone.
        self.generator_variables = tf_variables(generator)
        size = generator.architecture.image_size

        def repose(source_image, source_pose, target_pose):
            return {'image': reposed_pixels(generator, source_image, source_pose, target_pose)}

        pose = [None, NUM_JOINTS, 3]
        # No Python branch or loop depends on a tensor: without autograph the tracing takes half the time.
        self.repose = tf.function(repose, autograph=False, input_signature=[
            tf.TensorSpec([None, size, size, 3], tf.uint8, name='source_image'),
            tf.TensorSpec(pose, tf.float32, name='source_pose'),
            tf.TensorSpec(pose, tf.float32, name='target_pose')])

    def save(self, path):
        """Writes a SavedModel to a folder; its signature is called `repose` and is the default, too."""
        tf.saved_model.save(self, path, signatures={'repose': self.repose, 'serving_default': self.repose})
