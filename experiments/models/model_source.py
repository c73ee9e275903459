"""A trained model by its path: a run folder, a packed model or a SavedModel, all called in the same way."""

import numpy as np
import tensorflow as tf

from data_pipeline.errors import UsageError
from experiments.evaluation.systems import SavedModelSystem
from experiments.models import opening as model_path
from repose_tf.picture_codec import image_from_pixels, pixels_from_image

BATCH_SIZE = 4  # what a pass takes at the most: 256 px need about 1 GB


def load(path, weights='average'):
    """Loads a model.

    Args:
      path: a run's folder or <runs_dir>/<run_name> for its newest run, a packed model's folder, or a SavedModel's.
      weights: of a run: 'average' or 'latest', see `checkpoints.load_generator`.

    Returns:
      `ReposingModel`.

    Raises:
      UsageError: it is none of these, or one that cannot be read.
    """
    if model_path.is_saved_model(path):
        return SavedReposingModel(path)
    return GeneratorReposingModel(model_path.open_generator(path, weights).generator)


class ReposingModel:
    """What every model does, wherever it comes from.

    Attributes:
      image_size: rows and columns that it takes and makes, px.
    """

    def __init__(self, image_size):
        self.image_size = image_size

    def for_source(self, source_image, source_pose, with_alpha=False):
        """Prepares reposing one person; the source is encoded once where the model can.

        Args:
          source_image: [S, S, 3] uint8, RGB.
          source_pose: [19, 3] float32, px in it, z = 0 at the pelvis, away from the camera.
          with_alpha: whether the person's share is asked for, which costs time with SavedModels.

        Returns:
          function of target poses [N, 19, 3] float32 px, N in memory at once; returns images [N, S, S, 3] uint8, and
          the person's share in every pixel, [N, S, S] float32 in [0, 1], or None where it was not asked for or an older
          SavedModel does not tell it.
        """
        raise NotImplementedError

    def repose(self, source_image, source_pose, target_poses, progress=None):
        """Shows a person in many poses.

        Args:
          source_image, source_pose: see `for_source`.
          target_poses: [N, 19, 3] float32, px in the wanted images.
          progress: function of (number of images done, N), called after every pass.

        Returns:
          [N, S, S, 3] uint8.
        """
        target_poses = np.asarray(target_poses, np.float32)
        images = np.empty((len(target_poses), self.image_size, self.image_size, 3), np.uint8)
        repose = self.for_source(source_image, source_pose)
        for start in range(0, len(images), BATCH_SIZE):
            chosen = slice(start, start + BATCH_SIZE)
            images[chosen], _ = repose(target_poses[chosen])
            if progress:
                progress(min(start + BATCH_SIZE, len(images)), len(images))
        return images

    def each(self, source_image, source_pose, target_poses, with_alpha=False):
        """Shows a person in one pose after the other, without keeping the pictures.

        Args:
          source_image, source_pose, with_alpha: see `for_source`.
          target_poses: [N, 19, 3] float32, px in the wanted images.

        Yields:
          image [S, S, 3] uint8, the person's share [S, S] or None, and the pose [19, 3], N times.
        """
        repose = self.for_source(source_image, source_pose, with_alpha)
        for start in range(0, len(target_poses), BATCH_SIZE):
            poses = target_poses[start:start + BATCH_SIZE]
            images, alphas = repose(poses)
            yield from zip(images, [None] * len(poses) if alphas is None else alphas, poses, strict=True)

    def parts(self, source_image, source_pose, target_pose):
        """Computes what the model makes on the way.

        Args:
          source_image, source_pose: see `for_source`.
          target_pose: [19, 3] float32, px.

        Returns:
          dict of arrays: `masks` [H, W, D, 10] float32 0 or 1, of the body parts in the source's volume;
          `source_volume` and `warped_volume` [H, W, D, C] float32; `image`, `foreground` and `background` [S, S, 3]
          uint8; `foreground_alpha` [S, S] float32 in [0, 1].

        Raises:
          UsageError: the model does not hold them.
        """
        raise NotImplementedError


class GeneratorReposingModel(ReposingModel):
    """A `Generator` in memory.

    Attributes:
      grid: its `VolumeGrid`.
    """

    def __init__(self, generator):
        super().__init__(generator.architecture.image_size)
        self.grid = generator.architecture.grid
        self._generator = generator

        def encode(image, source_pose):
            return generator.encode(image_from_pixels(image), source_pose)

        def decode(encoded, target_poses):
            count = tf.shape(target_poses)[0]
            encoded = {name: tf.repeat(tensor, count, axis=0) for name, tensor in encoded.items()}
            outputs = generator.decode(encoded, target_poses)
            return pixels_from_image(outputs['image']), outputs['foreground_alpha'][..., 0]

        self._encode, self._decode = (tf.function(function, autograph=False, reduce_retracing=True)
                                      for function in (encode, decode))

    def for_source(self, source_image, source_pose, with_alpha=False):
        encoded = self._encode(*_batch_of_one(source_image, source_pose))

        def repose(target_poses):
            images, alphas = self._decode(encoded, tf.constant(target_poses, tf.float32))
            return images.numpy(), alphas.numpy() if with_alpha else None

        return repose

    def parts(self, source_image, source_pose, target_pose):
        image, pose = _batch_of_one(source_image, source_pose)
        outputs = self._generator(image_from_pixels(image), pose, tf.constant(target_pose, tf.float32)[tf.newaxis],
                                  training=False, with_volumes=True)
        found = {name: pixels_from_image(outputs[name])[0].numpy() for name in ('image', 'foreground', 'background')}
        for name in ('masks', 'source_volume', 'warped_volume'):
            found[name] = tf.cast(outputs[name][0], tf.float32).numpy()
        return {**found, 'foreground_alpha': outputs['foreground_alpha'][0, ..., 0].numpy()}


class SavedReposingModel(ReposingModel):
    """A SavedModel with the signature `repose`, see repose_tf/serving.py."""

    def __init__(self, path):
        self._system = SavedModelSystem(path)
        super().__init__(self._system.image_size)

    def for_source(self, source_image, source_pose, with_alpha=False):
        image, pose = _batch_of_one(source_image, source_pose)
        signatures = self._system.signatures

        def repose(target_poses):
            targets = tf.constant(target_poses, tf.float32)
            repeated = {'source_image': tf.repeat(image, len(target_poses), axis=0), 'target_pose': targets,
                        'source_pose': tf.repeat(pose, len(target_poses), axis=0)}
            if with_alpha and 'repose_layers' in signatures:
                layers = signatures['repose_layers'](**repeated)
                return pixels_from_image(layers['image']).numpy(), layers['foreground_alpha'][..., 0].numpy()
            if 'repose_sequence' in signatures:
                return signatures['repose_sequence'](
                    source_image=image, source_pose=pose, target_pose=targets[tf.newaxis])['image'][0].numpy(), None
            return signatures['repose'](**repeated)['image'].numpy(), None

        return repose

    def parts(self, source_image, source_pose, target_pose):
        raise UsageError(f'{self._system.name}: the body parts and volumes are inside of a run or a packed model; a '
                         'SavedModel gives the picture alone.')


def _batch_of_one(source_image, source_pose):
    return tf.constant(source_image, tf.uint8)[tf.newaxis], tf.constant(source_pose, tf.float32)[tf.newaxis]
