"""Systems that can be scored: they make the target picture of a pair, each known by a hash of what it is made of.

A system has `name`, as it stands in the table; `description`, what it is with its hash; `digest`, by which scores on
disk are known to be of it; `image_size`, px, that it makes, or None for any. It is called with a prepared batch
(`augment.prepare`) and returns pictures, [B, S, S, 3] uint8: 8 bits, as they would be stored, so that a model, its
SavedModel and the pictures that it wrote score alike.
"""

import copy
import os

import tensorflow as tf

from data_pipeline import files
from data_pipeline.errors import UsageError
from experiments.models import opening
from repose_tf.background_inpainter import filled
from repose_tf.detail import surface_warp
from repose_tf.picture_codec import pixels_from_image
from repose_tf.skeleton import NUM_JOINTS
from repose_tf.variables import tf_variables
from repose_tf.warp.body_parts import person_mask

_RIM = 1 / 64  # of the picture's size: so far around the mask a picture still shows something of the person


class ModelSystem:
    """A trained model by its path: a run, a packed model or a SavedModel.

    A model that takes masks is given those of the sources where the data have them, as `experiments.repose` gives it
    the estimator's.
    """

    _num_photos = 1

    def __init__(self, path, weights='average', size=None):
        """Opens it; see `opening.open_model`."""
        self._reposer = opening.open_model(path, weights, size=size)
        self.name, self.image_size = self._reposer.name, self._reposer.image_size
        generator = self._reposer.generator
        if generator is None:
            self.digest = files.sha256_of_folder(path)[:12]
            self.description = f'SavedModel {self.name}, files {self.digest}'
        else:
            self.digest = files.sha256(variable.numpy().tobytes() for variable in tf_variables(generator))[:12]
            self.description = (f'{self._reposer.kind} {self.name}, weights {self.digest}, '
                                f'{generator.dtype_policy.name}')
        if self._reposer.takes_masks:
            self.digest += '-masks'
            self.description += ", given the data's masks of the sources"

    def given(self, num_photos):
        """Returns the same model as a system that is given so many photos of the person; see `further_photos`.

        Raises:
          UsageError: it does not take so many.
        """
        if num_photos > self._reposer.num_sources:
            raise UsageError(f'--source_photos={num_photos}: expected at most as many as {self.name} takes, '
                             f'{self._reposer.num_sources}.')
        system = copy.copy(self)
        system._num_photos, system.name = num_photos, f'{self.name}, {num_photos} photos'
        system.digest += f'-{num_photos}-photos'
        system.description += f', and {num_photos} photos of the person'
        return system

    def __call__(self, batch):
        photos = [batch[f'source_{name}'] for name in ('image', 'pose', 'mask')]
        if self._num_photos > 1:
            photos = [tf.concat([one[:, tf.newaxis], batch[f'further_{name}'][:, :self._num_photos - 1]], axis=1)
                      for one, name in zip(photos, ('image', 'pose', 'mask'), strict=True)]
        images, poses, masks = photos
        masks = tf.cast(tf.round(255.0 * masks), tf.uint8)
        return self._reposer.repose_pairs(pixels_from_image(images), poses, batch['target_pose'], masks)


class WithTruth:
    """Another system's pictures with the truth in place of the background, or of the person: how much each part costs.

    The person is the mask of the true picture, with a rim.
    """

    def __init__(self, system, is_person_true):
        """Args: another system; whether the true person is shown, else the true background."""
        self._system, self._is_person_true, self.image_size = system, is_person_true, system.image_size
        what = 'person' if is_person_true else 'background'
        self.name, self.digest = f'{system.name}, true {what}', f'{system.digest}-true-{what}'
        self.description = f'{system.description}; with the {what} of the true picture'

    def __call__(self, batch):
        is_person = _with_rim(person_mask(batch)) > 0.0
        truth = pixels_from_image(batch['target_image'])
        return tf.where(is_person == self._is_person_true, truth, self._system(batch))


class CopyOfSource:
    """The baseline that leaves the person as it is."""

    name = digest = 'copy of the source'
    description = 'baseline: the source picture as it is'
    image_size = None

    def __call__(self, batch):
        return pixels_from_image(batch['source_image'])


class Carried:
    """The baseline of geometry alone: the person's pixels, carried to the target pose, over the background."""

    name = digest = 'carried'
    description = "baseline: the source's pixels, carried by the surface warp without a network"

    def __init__(self, image_size):
        """Makes pictures of `image_size` px."""
        self.image_size = image_size
        shapes = [(image_size, image_size, 3), (image_size, image_size, 1), (NUM_JOINTS, 3), (NUM_JOINTS, 3)]
        # Traced once for batches of any length: tracing takes longer than some pictures.
        self._carried = tf.function(_carried, [tf.TensorSpec([None, *shape]) for shape in shapes], autograph=False)

    def __call__(self, batch):
        mask = person_mask(batch, 'source')
        return pixels_from_image(self._carried(batch['source_image'], mask, batch['source_pose'], batch['target_pose']))


def _carried(image, mask, source_pose_px, target_pose_px):
    """Shows the pixels of the source's person at the target's nearest surface, and around them a filled background."""
    sources = tf.concat([image, mask], axis=-1)[:, tf.newaxis]  # [B, 1, S, S, C]
    nearest = surface_warp.warp(sources, source_pose_px[:, tf.newaxis], target_pose_px)['values'][:, 0, :, :, 0, 0]
    colour, alpha = tf.split(nearest, [3, 1], axis=-1)
    return alpha * colour + (1.0 - alpha) * _without_person(image, mask)


def _without_person(image, mask):
    """Cuts the person out of images [B, S, S, 3] in [-1, 1], with a rim, and fills the hole from what is around it."""
    return filled(image, 1.0 - _with_rim(mask))


def _with_rim(mask):
    """Returns 1 where a mask [B, S, S, 1] is above 0, or nearly, else 0; float32."""
    rim = round(_RIM * mask.shape[1])
    return tf.nn.max_pool2d(tf.cast(mask > 0.0, tf.float32), 2 * rim + 1, 1, 'SAME')


class MeanOfOthers:
    """The baseline that knows the person's other pictures and shows their mean, the target left out."""

    name = digest = 'mean of the others'
    description = "baseline: the mean of the person's other pictures (the target left out)"
    image_size = None

    def __init__(self, means):
        """`means` is a function of a prepared batch that returns images [B, S, S, 3] in [0, 255]."""
        self._means = means

    def __call__(self, batch):
        return tf.cast(tf.round(self._means(batch)), tf.uint8)


def is_model(path):
    """Says whether a path is a SavedModel, a packed model or a run folder, or names a run as <runs_dir>/<run_name>."""
    return not os.path.isdir(path) or any(
        os.path.isfile(os.path.join(path, name)) for name in ('saved_model.pb', 'architecture.json'))
