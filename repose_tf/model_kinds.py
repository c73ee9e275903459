"""The two kinds of model that a `Reposer` calls alike: a generator in memory and a SavedModel.

Both take images [B, S, S, 3] uint8 RGB and poses [B, 19, 3] float32 px of them, z = 0 at the pelvis and away from the
camera, and check nothing. `num_sources` is the most photos of a person that they take, `takes_masks` whether they have
a use for masks.
"""

import contextlib
import logging
import os

import tensorflow as tf

from repose_tf.errors import ModelError
from repose_tf.picture_codec import image_from_pixels, pixels_from_image
from repose_tf.serving import reposed_pixels
from repose_tf.skeleton import NUM_JOINTS


def is_saved_model(path):
    """Says whether a path is a SavedModel's folder."""
    return os.path.isfile(os.path.join(path, 'saved_model.pb'))


class LiveModel:
    """A `Generator` in memory; the attribute `generator`."""

    def __init__(self, generator):
        self.generator = generator
        self.image_size = generator.architecture.image_size
        self.num_sources, self.takes_masks = generator.architecture.num_sources, generator.detail is not None

        def encode(images, source_poses_px, masks):
            return generator.encode(image_from_pixels(images), source_poses_px, _shares(masks))

        def decode(encoded, target_poses_px):
            count = tf.shape(target_poses_px)[0]
            encoded = {name: tf.repeat(tensor, count, axis=0) for name, tensor in encoded.items()}
            outputs = generator.decode(encoded, target_poses_px)
            return {'image': pixels_from_image(outputs['image']), 'alpha': outputs['foreground_alpha'][..., 0],
                    'foreground': pixels_from_image(outputs['foreground'])}

        def pairs(images, source_poses_px, target_poses_px, masks=None):
            return reposed_pixels(generator, images, source_poses_px, target_poses_px, _shares(masks))

        # Two functions for pairs: one for both kinds of shape, traced again, would know nothing of either.
        self._encode, self._decode, self._pairs_of_one, self._pairs_of_several = (
            tf.function(function, autograph=False, reduce_retracing=True)
            for function in (encode, decode, pairs, pairs))

    def pairs(self, images, source_poses_px, target_poses_px, masks=None):
        """See `Reposer.repose_pairs`."""
        repose = self._pairs_of_one if len(images.shape) == 4 else self._pairs_of_several
        return repose(images, source_poses_px, target_poses_px, masks)

    def for_source(self, photos):
        """Encodes a person's `SourcePhotos`.

        Returns:
          function of target poses [N, 19, 3], of whether alphas are wanted, and of whether the person is wanted without
          the background; it returns images [N, S, S, 3] uint8 and alphas [N, S, S] float32, or None where they are not
          wanted.
        """
        encoded = self._encode(photos.images, photos.poses_px, photos.masks)

        def repose(target_poses_px, with_alpha, is_alone):
            layers = self._decode(encoded, target_poses_px)
            images = layers['foreground' if is_alone else 'image']
            return images.numpy(), layers['alpha'].numpy() if with_alpha else None

        return repose

    def parts(self, photos, target_pose_px):
        """See `EncodedPerson.parts`; `SourcePhotos` and one pose, [1, 19, 3]."""
        outputs = self.generator(image_from_pixels(photos.images), photos.poses_px, target_pose_px,
                                 _shares(photos.masks), with_volumes=True)
        found = {name: pixels_from_image(outputs[name])[0].numpy() for name in ('image', 'foreground', 'background')}
        for name in ('masks', 'source_volume', 'warped_volume'):
            found[name] = tf.cast(outputs[name][0], tf.float32).numpy()
        return {**found, 'foreground_alpha': outputs['foreground_alpha'][0, ..., 0].numpy(),
                'grid': self.generator.architecture.grid}


class StoredModel:
    """A SavedModel with the signature `repose`, see repose_tf/serving.py; older ones lack the other signatures."""

    generator = None

    def __init__(self, path):
        """Loads a SavedModel; ModelError where it cannot be read or has another signature."""
        self._path = path
        try:
            with _only_errors_logged():
                self._loaded = tf.saved_model.load(path)  # kept: the signatures do not keep its variables
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise ModelError(f'{path}: expected a SavedModel, found one that cannot be read '
                             f'({str(error).splitlines()[0]}).') from None
        self._signatures = self._loaded.signatures
        if 'repose' not in self._signatures:
            raise ModelError(f'{path}: expected a SavedModel with the signature repose, '
                             f'found {", ".join(sorted(self._signatures)) or "none"}.')
        self.image_size = _image_size(path, self._signatures['repose'])
        self.takes_masks = 'repose_sources_sequence' in self._signatures
        self.num_sources = int(self._loaded.num_sources) if self.takes_masks else 1

    def pairs(self, image, source_pose_px, target_pose_px, masks=None):
        """See `Reposer.repose_pairs`."""
        if masks is not None:
            photos = (image, source_pose_px, masks)
            if len(image.shape) == 4:
                photos = (x[:, tf.newaxis] for x in photos)
            images, poses, masks = photos
            return self._signatures['repose_sources'](
                source_images=images, source_poses=poses, source_masks=masks,
                source_count=tf.fill([len(images)], images.shape[1]), target_pose=target_pose_px)['image']
        return self._signatures['repose'](
            source_image=image, source_pose=source_pose_px, target_pose=target_pose_px)['image']

    def for_source(self, photos):
        """As `LiveModel.for_source`; alphas are also None where an older SavedModel does not tell them.

        The background is always there.
        """
        masks = tf.zeros_like(photos.images[..., :1]) if photos.masks is None else photos.masks
        given = {'source_images': photos.images, 'source_poses': photos.poses_px, 'source_masks': masks,
                 'source_count': tf.fill([1], photos.images.shape[1])}

        def repose(target_poses_px, with_alpha, _):
            found = self._signatures['repose_sources_sequence'](**given, target_pose=target_poses_px[tf.newaxis])
            return found['image'][0].numpy(), found['foreground_alpha'][0, ..., 0].numpy() if with_alpha else None

        def repose_by_an_older_one(target_poses_px, *_):
            image, pose_px = (tf.repeat(x[:, 0], len(target_poses_px), axis=0)
                              for x in (photos.images, photos.poses_px))
            return self.pairs(image, pose_px, target_poses_px).numpy(), None

        return repose if self.takes_masks else repose_by_an_older_one

    def parts(self, *_):
        raise ModelError(f'{self._path}: the body parts and volumes are inside of a run or a packed model; '
                         'a SavedModel gives the picture alone.')


@contextlib.contextmanager
def _only_errors_logged():
    """Keeps TensorFlow from warning, function by function, that gradients were not saved: nobody asks for them."""
    logger = logging.getLogger('absl')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _shares(masks):
    """Returns uint8 masks as float32 in [0, 1]; None stays None."""
    return None if masks is None else tf.cast(masks, tf.float32) / 255.0


def _image_size(path, signature):
    """Returns the image size of a signature `repose`; ModelError where its arguments are others."""
    found = {name: (spec.dtype.name, spec.shape.as_list())
             for name, spec in signature.structured_input_signature[1].items()}
    size = (found.get('source_image', (None, [None]))[1] + [None, None])[1]
    pose = ('float32', [None, NUM_JOINTS, 3])
    expected = {'source_image': ('uint8', [None, size, size, 3]), 'source_pose': pose, 'target_pose': pose}
    if not size or found != expected or 'image' not in signature.structured_outputs:
        raise ModelError(f'{path}: expected the signature repose with {_in_words(expected)} and the result image, '
                         f'found {_in_words(found)} and {", ".join(signature.structured_outputs)}.')
    return size


def _in_words(arguments):
    return ', '.join(f'{name} {dtype} {shape}' for name, (dtype, shape) in sorted(arguments.items()))
