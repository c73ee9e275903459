"""A trained model as Python code calls it: open its files, encode a person once, show them in many poses."""

import os

import numpy as np

from repose_tf import packed_model
from repose_tf.errors import ModelError
from repose_tf.generator import Generator
from repose_tf.model_kinds import LiveModel, StoredModel, is_saved_model
from repose_tf.source_photos import prepared, scaled_poses

_BATCH_SIZE = 4  # most poses in memory at once
_BATCH_ROWS = 1024  # of their pictures together: about 1.2 GB


def load(path, precision='float32', image_size=None):
    """Opens a model's files.

    Args:
      path: folder of a packed model (architecture.json, weights.npz) or of a SavedModel.
      precision: of a packed model: 'float32', 'mixed_bfloat16' or 'mixed_float16', the type of the arithmetic.
      image_size: of the pictures, px, see `Reposer.at_size`; None: the size that the model was trained with.

    Returns:
      `Reposer`.

    Raises:
      ModelError: it is neither of the two, or a damaged one, or has no pictures of that size.
    """
    path = os.fspath(path)
    if is_saved_model(path):
        return Reposer(StoredModel(path), base_name(path), 'SavedModel').at_size(image_size)
    if packed_model.is_packed(path):
        generator = packed_model.load_generator(path, precision)
        return Reposer.of_generator(generator, base_name(path), 'packed model').at_size(image_size)
    found = 'a folder that is neither' if os.path.isdir(path) else 'no such folder'
    if os.path.isdir(os.path.join(path, 'checkpoints')):
        found = "a training run's folder, which experiments.pack makes a packed model of"
    raise ModelError(f'{path}: expected a packed model (architecture.json, weights.npz) or a SavedModel, '
                     f'found {found}.')


def base_name(path):
    """Returns the last part of a path, also of '.'."""
    return os.path.basename(os.path.abspath(path))


class Reposer:
    """A trained model that shows people in other poses; `load` makes one.

    Attributes:
      image_size: S, rows and columns of the pictures that it makes, px.
      name: of its folder.
      kind: 'run', 'packed model' or 'SavedModel'.
      generator: its `Generator`; None for a SavedModel.
      grid: `VolumeGrid` of its features; None for a SavedModel.
      num_sources: the most photos of a person that it takes at once.
      takes_masks: whether it can be told where the person is in a photo.
    """

    def __init__(self, model, name, kind):
        """Wraps a `LiveModel` or a `StoredModel`."""
        self._model, self.name, self.kind = model, name, kind
        self.image_size, self.generator = model.image_size, model.generator
        self.grid = self.generator and self.generator.architecture.grid
        self.num_sources, self.takes_masks = model.num_sources, model.takes_masks

    @classmethod
    def of_generator(cls, generator, name='', kind='generator'):
        """Wraps a `Generator`."""
        return cls(LiveModel(generator), name, kind)

    @property
    def image_sizes(self):
        """Sizes of the pictures that the model can make, px, for `at_size`; ascending."""
        return self.generator.architecture.image_sizes if self.generator else (self.image_size,)

    def at_size(self, image_size):
        """Returns the same model that makes larger pictures of larger photos.

        The networks see what they were trained to see; the photo's own pixels are carried at the larger size (the
        detail stream, docs/detail.md).

        Args:
          image_size: px, one of `image_sizes`; None: as it is.

        Returns:
          `Reposer`.

        Raises:
          ModelError: it has no such size, as models without a detail stream and SavedModels, which have one.
        """
        if image_size in (None, self.image_size):
            return self
        if image_size not in self.image_sizes:
            raise ModelError(f'{self.name}: image_size: expected {" or ".join(map(str, self.image_sizes))} px, as this '
                             f'{self.kind} makes, found {image_size}.')
        generator = self.generator
        larger = Generator(generator.architecture.at_size(image_size), dtype=generator.dtype_policy.name)
        larger.set_weights(generator.get_weights())
        return Reposer.of_generator(larger, self.name, self.kind)

    def source(self, image, pose_px, masks=None):
        """Encodes a person, to be shown in many poses.

        Args:
          image: [H, H, 3] uint8, RGB, a square around the person of 16 px a side or more; it is brought to the model's
            size. Or a list of 1 to `num_sources` photos of the same person, of any sizes, say from the front and from
            behind; the first one gives the background.
          pose_px: [19, 3] float, (x, y, z) of the joints of `repose_tf.skeleton` in px of the image: x right, y down,
            z away from the camera, 0 at the pelvis. Or a list of those, one for each photo.
          masks: a list, also of one photo alone, of the person in each photo, [H, H] uint8, 255 on the person, or None:
            there the model finds the person itself.

        Returns:
          `EncodedPerson`.

        Raises:
          ShapeError: an image, a pose or a mask has another shape or type, a joint is not finite or farther away than 4
            sides of the image, a mask is all 0, or there are more photos than the model takes, or not as many poses or
            masks.
          ModelError: the model takes no masks, see `takes_masks`, or is a SavedModel that takes one photo alone.
        """
        if masks is not None and not self.takes_masks and any(mask is not None for mask in masks):
            raise ModelError(f'{self.name}: masks: expected a model with a detail stream, which alone uses them, found '
                             f'a {self.kind} without one.')
        if isinstance(image, (list, tuple)) and len(image) > 1 == self.num_sources:
            raise ModelError(f'{self.name}: image: expected a model that takes {len(image)} photos, found one that '
                             'takes one; SavedModels that take several have the signature repose_sources_sequence.')
        return EncodedPerson(self._model, prepared(image, pose_px, masks, self.image_size, self.num_sources))

    def repose_pairs(self, images, source_poses_px, target_poses_px, source_masks=None):
        """Shows each person of a batch in one pose; nothing is checked.

        Args:
          images: [B, S, S, 3] uint8, RGB, or N photos of each person, [B, N, S, S, 3].
          source_poses_px: [B, 19, 3] or [B, N, 19, 3] float32, px of them.
          target_poses_px: [B, 19, 3] float32, likewise.
          source_masks: None, or the persons in the images, [B, S, S, 1] or [B, N, S, S, 1] uint8, 255 on the person,
            all 0 where there is none. Models that do not take masks have no use for them.

        Returns:
          [B, S, S, 3] uint8 tensor.
        """
        return self._model.pairs(images, source_poses_px, target_poses_px, source_masks if self.takes_masks else None)


class EncodedPerson:
    """A person who was encoded once; `Reposer.source` makes one.

    Target poses are in px of the image that was given, of several photos the first; S below is the model's size.
    """

    def __init__(self, model, photos):
        self._model, self._photos = model, photos
        self._batch_size = max(1, min(_BATCH_SIZE, _BATCH_ROWS // model.image_size))
        self._repose = model.for_source(photos)

    def repose(self, target_poses_px, progress=None):
        """Shows the person in many poses.

        Args:
          target_poses_px: [N, 19, 3] float, any N.
          progress: function of (number of pictures made, N), called after every few pictures.

        Returns:
          [N, S, S, 3] uint8, RGB.

        Raises:
          ShapeError: as for `Reposer.source`.
        """
        shown = self.each(target_poses_px)
        pictures = np.empty((len(target_poses_px), self._model.image_size, self._model.image_size, 3), np.uint8)
        for index, (picture, _, _) in enumerate(shown, 1):
            pictures[index - 1] = picture
            if progress and (index % self._batch_size == 0 or index == len(pictures)):
                progress(index, len(pictures))
        return pictures

    def each(self, target_poses_px, with_alpha=False, is_alone=False):
        """Shows the person in one pose after the other, without keeping the pictures.

        Args:
          target_poses_px: [N, 19, 3] float.
          with_alpha: whether the person's share is asked for, which costs time with SavedModels.
          is_alone: shows the person without the background, to be put before another one by the share; where that is 0,
            the colours mean nothing.

        Returns:
          iterator over N times: picture [S, S, 3] uint8, the person's share of every pixel [S, S] float32 in [0, 1] or
          None (not asked for, or an older SavedModel), and the pose [19, 3] as it was given.

        Raises:
          ModelError: the person alone is asked of a SavedModel, which does not tell it. At once, as:
          ShapeError: as for `Reposer.source`.
        """
        if is_alone and not self._model.generator:
            raise ModelError('The person without the background: expected a run or a packed model, found a SavedModel.')
        scaled = self._scaled('target_poses_px', target_poses_px)
        return self._each(scaled, target_poses_px, with_alpha, is_alone)

    def _each(self, scaled, given, with_alpha, is_alone):
        for start in range(0, len(scaled), self._batch_size):
            chosen = slice(start, start + self._batch_size)
            pictures, alphas = self._repose(scaled[chosen], with_alpha, is_alone)
            yield from zip(pictures, [None] * len(pictures) if alphas is None else alphas, given[chosen], strict=True)

    def parts(self, target_pose_px):
        """Computes what the model makes on the way to a picture.

        Args:
          target_pose_px: [19, 3] float.

        Returns:
          dict of arrays: `masks` [H, W, D, 10] float32 0 or 1, of the body parts in the (first) source's volume;
          `source_volume` and `warped_volume` [H, W, D, C] float32; `image`, `foreground` and `background` [S, S, 3]
          uint8; `foreground_alpha` [S, S] float32 in [0, 1]; and `grid`, the `VolumeGrid` of the volumes.

        Raises:
          ModelError: the model is a SavedModel, which does not tell them.
          ShapeError: as for `Reposer.source`.
        """
        target = self._scaled('target_pose_px', np.asarray(target_pose_px)[np.newaxis])
        return self._model.parts(self._photos, target)

    def _scaled(self, name, poses_px):
        """Checks poses [N, 19, 3] px of the given image and returns them in px of the model's."""
        return scaled_poses(name, poses_px, self._photos.first_side_px, self._model.image_size)
