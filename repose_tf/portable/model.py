"""A trained model for other runtimes than TensorFlow's: one signature, fixed sizes, numbers in and numbers out."""

import tensorflow as tf

from repose_tf.portable.generator import PortableGenerator
from repose_tf.skeleton import NUM_JOINTS
from repose_tf.variables import tf_variables


class PortableModel(tf.Module):
    """A `Generator`'s portable form, ready for `tf.saved_model.save`.

    Nothing that it is given is checked: other runtimes have no way to refuse.

    Attributes:
      repose: (source_image [B, S, S, 3] in [-1, 1], RGB; source_pose, target_pose [B, 19, 3], (x, y, z) px of S x S
        pictures, z away from the camera and 0 at the pelvis) -> {'image', 'foreground', 'background': [B, S, S, 3] in
        [-1, 1], 'foreground_alpha': [B, S, S, 1] in [0, 1]}; all float32, and B is known.
      generator_variables: the trained variables, so that they are saved along.
    """

    def __init__(self, generator, batch_size=1):
        """Takes over the weights of a `Generator`, in float32; ModelError for an ablation that has no such form."""
        super().__init__(name='portable')
        portable = PortableGenerator.of(generator)
        self.generator_variables = tf_variables(portable)
        size = generator.architecture.image_size

        def repose(source_image, source_pose, target_pose):
            return portable(source_image, source_pose, target_pose)

        self.repose = tf.function(repose, autograph=False, input_signature=[
            tf.TensorSpec([batch_size, *shape], tf.float32, name=name) for name, shape in (
                ('source_image', [size, size, 3]), ('source_pose', [NUM_JOINTS, 3]), ('target_pose', [NUM_JOINTS, 3]))])

    def save(self, path):
        """Writes a SavedModel with the signature `serving_default`, which is `repose`."""
        tf.saved_model.save(self, path, signatures={'serving_default': self.repose},
                            options=tf.saved_model.SaveOptions(experimental_custom_gradients=False))
