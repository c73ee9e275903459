"""The model as others call it: pictures of people and poses in, pictures out, in six signatures.

Whoever calls is not trusted: numbers and sizes that do not fit end in an `InvalidArgumentError` that names the
argument, before anything is computed with them; damaged files end in that of TensorFlow's decoders.
"""

import dataclasses

import tensorflow as tf

from repose_tf import picture_codec
from repose_tf.picture_codec import image_from_pixels, pixels_from_image
from repose_tf.request_checks import batch_checks, checked, sources_checked
from repose_tf.skeleton import NUM_JOINTS
from repose_tf.variables import tf_variables

SEQUENCE_CHUNK = 8


@dataclasses.dataclass(frozen=True)
class RequestLimits:
    """What one request may ask for.

    Attributes:
      max_batch: samples of a request.
      max_targets: targets of one source in a sequence, and targets of all sources of a request.
      max_side_px: of an encoded picture.
      max_bytes: of an encoded picture's file.
    """

    max_batch: int = 64
    max_targets: int = 512
    max_side_px: int = 4096
    max_bytes: int = 20_000_000


def reposed_pixels(generator, source_image, source_pose_px, target_pose_px, source_mask=None):
    """Runs a `Generator` from pixels to pixels.

    Args:
      generator: a `Generator`.
      source_image: [B, S, S, 3] uint8, RGB.
      source_pose_px: [B, 19, 3] float32, (x, y, z) px in the source image, z = 0 at the pelvis.
      target_pose_px: [B, 19, 3] float32, px in the wanted image, likewise.
      source_mask: as for `Generator.call`.

    Returns:
      [B, S, S, 3] uint8, the person of the source image in the target pose.
    """
    outputs = generator(image_from_pixels(source_image), source_pose_px, target_pose_px, source_mask)
    return pixels_from_image(outputs['image'])


def reposed_sequence(generator, encoded, target_pose_px, with_alpha=False, chunk=SEQUENCE_CHUNK):
    """Shows people who were encoded once in many poses each.

    Args:
      generator: a `Generator`.
      encoded: of its `encode`, for B people.
      target_pose_px: [B, N, 19, 3] float32, px in the wanted images.
      with_alpha: whether the person's share is wanted.
      chunk: how many images are made at once: it bounds the memory, whatever B and N are.

    Returns:
      dictionary: `image` [B, N, S, S, 3] uint8, and with it `foreground_alpha` [B, N, S, S, 1] float32 in [0, 1].
    """
    shape, size = tf.shape(target_pose_px), generator.architecture.image_size
    num_targets, total = shape[1], shape[0] * shape[1]
    targets = tf.reshape(target_pose_px, [total, NUM_JOINTS, 3])

    def add_chunk(start, found):
        rows = tf.range(start, tf.minimum(start + chunk, total))
        sources = rows // num_targets
        mine = {name: tf.gather(tensor, sources) for name, tensor in encoded.items()}
        outputs = generator.decode(mine, tf.gather(targets, rows))
        outputs['image'] = pixels_from_image(outputs['image'])
        return start + chunk, {name: array.write(start // chunk, outputs[name]) for name, array in found.items()}

    wanted = {'image': (tf.uint8, 3), **({'foreground_alpha': (tf.float32, 1)} if with_alpha else {})}
    found = {name: tf.TensorArray(dtype, size=(total + chunk - 1) // chunk, infer_shape=False,
                                  element_shape=[None, size, size, channels])
             for name, (dtype, channels) in wanted.items()}
    # One chunk after the other: they would need their memory at the same time.
    found = tf.while_loop(lambda start, _: start < total, add_chunk, (0, found), parallel_iterations=1)[1]
    return {name: tf.reshape(array.concat(), [shape[0], num_targets, size, size, wanted[name][1]])
            for name, array in found.items()}


class ServedModel(tf.Module):
    """A trained generator with its signatures, ready for `tf.saved_model.save`.

    Any batch B from 1 to `limits.max_batch`; one sample that does not fit fails its whole request. All poses are
    float32, (x, y, z) of the 19 joints in px, z away from the camera and 0 at the pelvis.

    Attributes:
      repose: (source_image [B, S, S, 3] uint8 RGB, source_pose [B, 19, 3], target_pose [B, 19, 3]) ->
        {'image': [B, S, S, 3] uint8}; poses in px of S x S pictures.
      repose_sequence: the same with target_pose [B, N, 19, 3], N from 1, -> {'image': [B, N, S, S, 3] uint8}; a source
        is encoded once for its N targets.
      repose_layers: as repose -> {'image', 'foreground', 'background': [B, S, S, 3], 'foreground_alpha': [B, S, S, 1]},
        float32, colours in [-1, 1], alpha in [0, 1]: what `repose` shows before it is rounded, and what it is blended
        of.
      repose_sources: several photos of each person, (source_images [B, N, S, S, 3] uint8 RGB, source_poses
        [B, N, 19, 3], source_masks [B, N, S, S, 1] uint8, 255 on the person, source_count [B] int32, target_pose
        [B, 19, 3]) -> {'image': [B, S, S, 3] uint8, 'foreground_alpha': [B, S, S, 1] float32 in [0, 1]}. N from 1 to
        `num_sources`; a person's photos behind the first `source_count` are padding and may hold anything. A mask that
        is all 0 stands for none: the model then finds the person itself. The background is the first photo's. Models
        without a detail stream have no use for masks.
      repose_sources_sequence: the same with target_pose [B, M, 19, 3], M from 1, -> {'image': [B, M, S, S, 3] uint8,
        'foreground_alpha': [B, M, S, S, 1] float32}; the photos of a person are encoded once for all M.
      serve: (image_bytes [B] string, source_pose, target_pose [B, 19, 3]) -> {'image_bytes': [B] string}: square
        JPEG or PNG files of any size, both poses in px of them, -> PNG files of S x S px. See `picture_codec.decoded`.
      generator_variables: the trained variables, so that they are saved along.
      num_sources: int32 variable, the most photos of a person; it is saved along, too.
    """

    def __init__(self, generator, limits=None):
        """Wraps a `Generator`; without `limits` those of `RequestLimits()` hold."""
        super().__init__(name='reposer')
        # Keras 3 cannot save a module that holds a model of several inputs: the model stays in the closure of the
        # signatures, and the module holds its variables alone.
        self.generator_variables = tf_variables(generator)
        limits, size = limits or RequestLimits(), generator.architecture.image_size
        self.num_sources = tf.Variable(generator.architecture.num_sources, trainable=False, name='num_sources')

        def repose(source_image, source_pose, target_pose):
            inputs = checked(limits, size, source_image, source_pose, target_pose)
            return {'image': reposed_pixels(generator, *inputs)}

        def repose_sequence(source_image, source_pose, target_pose):
            inputs = checked(limits, size, source_image, source_pose, target_pose)
            encoded = generator.encode(image_from_pixels(inputs[0]), inputs[1])
            return reposed_sequence(generator, encoded, inputs[2])

        def repose_layers(source_image, source_pose, target_pose):
            image, *poses = checked(limits, size, source_image, source_pose, target_pose)
            return generator(image_from_pixels(image), *poses, training=False)

        def serve(image_bytes, source_pose, target_pose):
            with tf.control_dependencies(batch_checks(limits, image_bytes, source_pose, target_pose)):
                image_bytes = tf.identity(image_bytes)
            images, factors = picture_codec.decoded(image_bytes, size, limits.max_side_px, limits.max_bytes)
            poses = [pose * factors[:, tf.newaxis, tf.newaxis] for pose in (source_pose, target_pose)]
            return {'image_bytes': picture_codec.encoded(repose(images, *poses)['image'])}

        image, pose = _spec('source_image', [size, size, 3], tf.uint8), _spec('source_pose', [NUM_JOINTS, 3])
        target = _spec('target_pose', [NUM_JOINTS, 3])
        targets = _spec('target_pose', [None, NUM_JOINTS, 3])
        # No Python branch or loop depends on a tensor: without autograph the tracing takes half the time.
        self.repose = tf.function(repose, autograph=False, input_signature=[image, pose, target])
        self.repose_sequence = tf.function(repose_sequence, autograph=False, input_signature=[image, pose, targets])
        self.repose_layers = tf.function(repose_layers, autograph=False, input_signature=[image, pose, target])
        self.serve = tf.function(serve, autograph=False, input_signature=[
            _spec('image_bytes', [], tf.string), pose, target])
        self.repose_sources, self.repose_sources_sequence = _of_several_photos(generator, limits)

    def save(self, path):
        """Writes a SavedModel; its signatures are the functions' names, but for `serve`, which is `serving_default`."""
        tf.saved_model.save(self, path, signatures={
            'serving_default': self.serve, 'repose': self.repose, 'repose_sequence': self.repose_sequence,
            'repose_layers': self.repose_layers, 'repose_sources': self.repose_sources,
            'repose_sources_sequence': self.repose_sources_sequence},
            # Nobody trains what is served: without its gradients it is saved in half the time, and smaller.
            options=tf.saved_model.SaveOptions(experimental_custom_gradients=False))


def _of_several_photos(generator, limits):
    """Makes the signatures `repose_sources` and `repose_sources_sequence`."""
    size, num_sources = generator.architecture.image_size, generator.architecture.num_sources

    def repose_sources(source_images, source_poses, source_masks, source_count, target_pose):
        images, poses, masks, count, target = sources_checked(
            limits, size, num_sources, source_images, source_poses, source_masks, source_count, target_pose)
        outputs = generator(image_from_pixels(images), poses, target, tf.cast(masks, tf.float32) / 255.0, count)
        return {'image': pixels_from_image(outputs['image']), 'foreground_alpha': outputs['foreground_alpha']}

    def repose_sources_sequence(source_images, source_poses, source_masks, source_count, target_pose):
        images, poses, masks, count, target = sources_checked(
            limits, size, num_sources, source_images, source_poses, source_masks, source_count, target_pose)
        encoded = generator.encode(image_from_pixels(images), poses, tf.cast(masks, tf.float32) / 255.0, count)
        return reposed_sequence(generator, encoded, target, with_alpha=True)

    photos = [_spec('source_images', [None, size, size, 3], tf.uint8), _spec('source_poses', [None, NUM_JOINTS, 3]),
              _spec('source_masks', [None, size, size, 1], tf.uint8), _spec('source_count', [], tf.int32)]
    return [tf.function(function, autograph=False, input_signature=[*photos, _spec('target_pose', shape)])
            for function, shape in ((repose_sources, [NUM_JOINTS, 3]),
                                    (repose_sources_sequence, [None, NUM_JOINTS, 3]))]


def _spec(name, shape, dtype=tf.float32):
    return tf.TensorSpec([None, *shape], dtype, name=name)
