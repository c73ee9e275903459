"""The authors' trained models: their TensorFlow 1 checkpoints as our networks, ready to be called.

The authors of the paper published eight checkpoints: two data sets, each with the warp and the target pose in 3D or
2D (Table 1). The weights fit only the conventions that they were trained with, see `REFERENCE_CONVENTIONS`.
"""

import dataclasses
import re

import numpy as np

from repose_tf.architecture import REFERENCE_CONVENTIONS, Architecture
from repose_tf.discriminator import Discriminator
from repose_tf.generator import Generator
from repose_tf.reference.checkpoint import CheckpointError, opened
from repose_tf.reference.names import DISCRIMINATOR_SCOPE, GENERATOR_SCOPE, discriminator_names, generator_names

# In every checkpoint, and read by nothing: the later blocks of the ResNets and their last norm.
_UNUSED = {GENERATOR_SCOPE: re.compile(r'/resnet_v2_50/(block[34]|postnorm)/'),
           DISCRIMINATOR_SCOPE: re.compile(r'/resnet_v2_50/(block4|postnorm)/')}
# Training adds these to a variable or to its scope.
_SLOT = re.compile(r'/(Adam|Momentum|RMSProp|Adagrad|ExponentialMovingAverage|beta[12]_power|global_step)(_\d+)?$')
# How the published files and folders say which variant they hold, as in `3d_w-2d_p`.
_VARIANT = re.compile(r'([23]d)[_-]w(?:arp)?[_-]([23]d)[_-]p(?:ose)?(?![a-z])')
_NUM_LISTED = 10


def load_generator(checkpoint, warp='3d', pose='3d', dtype=None):
    """Loads a generator of the authors.

    Args:
      checkpoint: path of a TensorFlow 1 checkpoint: its prefix, or a folder or zip archive that holds one.
      warp, pose: '3d' or '2d', the variant. All variants have the same variables, so a wrong choice computes nonsense
        without an error; only a path that names its variant, as the published ones do (`...-3d_w-2d_p`), is checked.
      dtype: Keras dtype policy, for example 'mixed_bfloat16'; None: float32.

    Returns:
      the `Generator`, of 256 px.

    Raises:
      CheckpointError: the checkpoint cannot be read, lacks variables, has others or has some of another shape, holds
        numbers that are not finite, or its path names another variant.
    """
    return _load(Generator, checkpoint, warp, pose, dtype)


def load_discriminator(checkpoint, warp='3d', pose='3d', dtype=None):
    """Loads a discriminator of the authors; see `load_generator`. Returns the `Discriminator`."""
    return _load(Discriminator, checkpoint, warp, pose, dtype)


def reference_architecture(warp='3d', pose='3d'):
    """Returns the `Architecture` of one of the authors' four variants."""
    return dataclasses.replace(Architecture(), warp=warp, pose=pose, **REFERENCE_CONVENTIONS)


def _load(network_class, checkpoint, warp, pose, dtype):
    architecture = reference_architecture(warp, pose)
    with opened(checkpoint) as saved:
        check_variant(saved, warp, pose)
        network = network_class(architecture, dtype=dtype)
        restore(network, saved)
    return network


def check_variant(saved, warp, pose):
    """Raises CheckpointError if the path of `SavedVariables` names another variant."""
    named = _VARIANT.findall(f'{saved.path}/{saved.prefix}'.lower())
    if named and named[-1] != (warp, pose):
        raise CheckpointError(f'{saved.path}: expected a model with warp={warp} and pose={pose}, found a name that '
                              'says warp={} and pose={}.'.format(*named[-1]))


def has_discriminator(saved):
    """Returns whether `SavedVariables` hold anything of a discriminator."""
    return any(name.startswith(f'{DISCRIMINATOR_SCOPE}/') for name in saved.shapes)


def restore(network, saved):
    """Sets all variables of a network to those of a checkpoint.

    Args:
      network: a `Generator` or `Discriminator` with the sizes that the checkpoint has.
      saved: `SavedVariables`. What belongs to the other network, to an optimiser or to an unused block, and what
        lies outside the scope of the two networks (the networks of the training losses), is left alone.

    Raises:
      CheckpointError: see `load_generator`. The network may then hold some of the checkpoint's values.
    """
    is_generator = isinstance(network, Generator)
    scope, other = ((GENERATOR_SCOPE, DISCRIMINATOR_SCOPE) if is_generator else (DISCRIMINATOR_SCOPE, GENERATOR_SCOPE))
    variables = generator_names(network) if is_generator else discriminator_names(network)
    found = {name: shape for name, shape in saved.shapes.items()
             if name.startswith('GAN/') and not name.startswith(f'{other}/')
             and not _SLOT.search(name) and not _UNUSED[scope].search(name)}
    _check_names(saved, network, variables, found)
    broken = []
    for name, variable in variables.items():
        values = np.asarray(saved.read(name), np.float32)
        if np.isfinite(values).all():
            variable.assign(values)
        else:
            broken.append(name)
    if broken:
        raise CheckpointError(f'{saved.path}: expected finite numbers, found NaN or infinity in {_listed(broken)}.')


def _check_names(saved, network, variables, found):
    """Raises CheckpointError unless the network's variables, by name, have exactly the names and shapes found."""
    kind = type(network).__name__.lower()
    missing = [name for name in variables if name not in found]
    if len(missing) == len(variables):
        raise CheckpointError(f'{saved.path}: holds no {kind} of the reference; expected variables such as '
                              f'{missing[0]}, found {_listed(sorted(saved.shapes)) or "none"}.')
    extra = sorted(set(found) - set(variables))
    misshaped = [f'{name} expected {list(variable.shape)}, found {list(found[name])}'
                 for name, variable in variables.items() if name in found and tuple(variable.shape) != found[name]]
    faults = [f'{words}: {_listed(names)}' for words, names in
              (('missing', missing), ('not known', extra), ('of another shape', misshaped)) if names]
    if faults:
        raise CheckpointError(f"{saved.path}: holds another {kind} than the reference's of "
                              f'{network.architecture.image_size} px. Variables {"; ".join(faults)}.')


def _listed(names):
    """Joins the first names and says how many there are."""
    more = f', ... ({len(names)} in all)' if len(names) > _NUM_LISTED else ''
    return ', '.join(names[:_NUM_LISTED]) + more
