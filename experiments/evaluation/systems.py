"""What can be scored: systems that make the target picture of a pair, each known by the hash of what it is made of.

A system has `name`, as it stands in the table; `description`, what it is with its hash; `digest`, by which scores on
disk are known to be of it; `image_size`, px, that it makes, or None for any. It is called with a prepared batch
(`augment.prepare`) and returns pictures, [B, S, S, 3] uint8: 8 bits, as they would be stored, so that a model, its
SavedModel and the pictures that it wrote score alike.
"""

import hashlib
import os

import tensorflow as tf

from data_pipeline.errors import UsageError
from experiments.models import opening as model_path
from repose_tf.picture_codec import pixels_from_image
from repose_tf.serving import reposed_pixels
from repose_tf.skeleton import NUM_JOINTS
from repose_tf.variables import tf_variables


class GeneratorSystem:
    """A `Generator`."""

    def __init__(self, name, generator, kind):
        """`kind` is a word on where the generator comes from, for the description."""
        self.name = name
        self.image_size = generator.architecture.image_size
        self.digest = digest_of(variable.numpy().tobytes() for variable in tf_variables(generator))
        self.description = f'{kind} {name}, weights {self.digest}, {generator.dtype_policy.name}'
        self._repose = tf.function(lambda *inputs: reposed_pixels(generator, *inputs), autograph=False,
                                   reduce_retracing=True)

    def __call__(self, batch):
        return self._repose(pixels_from_image(batch['source_image']), batch['source_pose'], batch['target_pose'])


def generator_system(path, weights='average'):
    """Opens the generator of a run or a packed model; see `model_path.open_generator`."""
    opened = model_path.open_generator(path, weights)
    return GeneratorSystem(opened.name, opened.generator, opened.kind)


class SavedModelSystem:
    """A SavedModel with the signature `repose`, see repose_tf/serving.py; older ones lack others of `signatures`."""

    def __init__(self, path):
        """Loads a SavedModel; UsageError where it cannot be read or has another signature."""
        try:
            self._loaded = tf.saved_model.load(path)  # kept: the signature does not keep its variables
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise UsageError(f'{path}: expected a SavedModel, found one that cannot be read '
                             f'({str(error).splitlines()[0]}).') from None
        self.signatures = self._loaded.signatures
        if 'repose' not in self.signatures:
            raise UsageError(f'{path}: expected a SavedModel with the signature repose, '
                             f'found {", ".join(sorted(self.signatures)) or "none"}.')
        self.image_size = _size_of(path, self.signatures['repose'])
        self.name = model_path.base_name(path)
        self.digest = digest_of(_contents(path))
        self.description = f'SavedModel {self.name}, files {self.digest}'

    def __call__(self, batch):
        return self.signatures['repose'](
            source_image=pixels_from_image(batch['source_image']), source_pose=batch['source_pose'],
            target_pose=batch['target_pose'])['image']


class CopyOfSource:
    """The baseline that leaves the person as it is."""

    name = digest = 'copy of the source'
    description = 'baseline: the source picture as it is'
    image_size = None

    def __call__(self, batch):
        return pixels_from_image(batch['source_image'])


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


def open_system(path):
    """Opens a SavedModel, a packed model or a run; UsageError for others."""
    return SavedModelSystem(path) if model_path.is_saved_model(path) else generator_system(path)


def digest_of(parts):
    """Returns the start of the SHA-256 of bytes that follow each other."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:12]


def _size_of(path, signature):
    """Returns the image size of a signature `repose`; UsageError where its arguments are others."""
    found = {name: (spec.dtype.name, spec.shape.as_list())
             for name, spec in signature.structured_input_signature[1].items()}
    size = (found.get('source_image', (None, [None]))[1] + [None, None])[1]
    pose = ('float32', [None, NUM_JOINTS, 3])
    expected = {'source_image': ('uint8', [None, size, size, 3]), 'source_pose': pose, 'target_pose': pose}
    if not size or found != expected or 'image' not in signature.structured_outputs:
        raise UsageError(f'{path}: expected the signature repose with {_in_words(expected)} and the result image, '
                         f'found {_in_words(found)} and {", ".join(signature.structured_outputs)}.')
    return size


def _in_words(arguments):
    return ', '.join(f'{name} {dtype} {shape}' for name, (dtype, shape) in sorted(arguments.items()))


def _contents(path):
    """Yields the files of a folder, by name."""
    for parent, subfolders, names in os.walk(path):
        subfolders.sort()
        for name in sorted(names):
            with open(os.path.join(parent, name), 'rb') as file:
                yield file.read()
