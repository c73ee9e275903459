"""Weights of the learned metrics from the PyTorch files in which they are published."""

import importlib.metadata
import importlib.util
import os

import numpy as np

from data_pipeline.errors import DataError, UsageError
from data_pipeline.files import sha256_of_file
from experiments.metric_networks import torch_file
from experiments.metric_networks.weights import checked, layer_shapes, linear_channels, write_weights

# Indices of the convolutions in torchvision's nets, in forward order.
_FEATURES = {'lpips_alex': (0, 3, 6, 8, 10), 'lpips_vgg': (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)}
_NORMALISATION = ('weight', 'bias', 'running_mean', 'running_var')
_NORMALISATION_EPSILON = 1e-3
# How the SHA-256 of the published files begins: backbones (torchvision and pytorch-fid have it in the files' names) and
# the linear weights of lpips 0.1.4.
_PUBLISHED = {'lpips_alex': ('7be5be79', '4df8aa71'), 'lpips_vgg': ('397923af',), 'inception': ('6726825d',)}
_PUBLISHED_LINEAR = {'lpips_alex': ('df73285e',), 'lpips_vgg': ('a78928a0',)}
_ADVICE = 'Install it with: pip install --no-deps lpips==0.1.4, or give --linear=FILE.pth.'


def convert(net, backbone_path, linear_path, output):
    """Makes a weights file; see `experiments.convert_metric_weights`.

    Args:
      net: of `weights.NETS`.
      backbone_path: see `backbone`.
      linear_path: see `linear`; '' for Inception, which has none.
      output: the file, a name that ends in .npz.

    Returns:
      one line on what was made of what.

    Raises:
      DataError: a file cannot be read or holds something else.
      UsageError: `linear_path` or `output` does not fit.
      WriteError: the output cannot be written.
    """
    if net == 'inception' and linear_path:
        raise UsageError('--linear: expected none for --net=inception.')
    if not output.endswith('.npz'):
        raise UsageError(f'--output={output}: expected a name that ends in .npz.')
    weights, origins = [], []
    if net != 'inception':  # first: it may be missing and takes no time
        weights, *origins = linear(net, linear_path)
    layers, origin = backbone(net, backbone_path)
    origins.insert(0, origin)
    digest = write_weights(output, net, origins, layers, weights)
    return f'Converted: {output} (sha256 {digest[:12]}), {net} of {", ".join(origins)}'


def backbone(net, path):
    """Reads the convolutions of a net of `NETS` from torchvision's AlexNet or VGG16, or pytorch-fid's Inception.

    Returns:
      (name -> (kernel, bias) as `weights.layer_shapes`, one line on the origin).

    Raises:
      DataError: the file cannot be read or holds another net.
    """
    if net == 'inception':
        tensors = _tensors(net, path, _inception_shapes())
        layers = {name: _without_normalisation(path, tensors, name) for name in layer_shapes(net)}
    else:
        tensors = _tensors(net, path, _classifier_shapes(net))
        layers = {name: (_kernel(tensors[f'features.{index}.weight']), tensors[f'features.{index}.bias'])
                  for name, index in zip(layer_shapes(net), _FEATURES[net], strict=True)}
    return layers, _origin('backbone', path, _PUBLISHED[net])


def linear(net, path=''):
    """Reads the linear weights of LPIPS v0.1 with the net 'lpips_alex' or 'lpips_vgg'.

    Without a path, they are those of the installed package lpips, which is not imported.

    Returns:
      (list of [C], one line on the origin).

    Raises:
      DataError: there is no such file, or it holds something else.
    """
    path = path or _packaged_linear(net)
    tensors = _tensors(net, path, {f'lin{stage}.model.1.weight': (1, channels, 1, 1)
                                   for stage, channels in enumerate(linear_channels(net))})
    return ([weight.reshape(-1) for weight in tensors.values()],
            _origin('linear weights', path, _PUBLISHED_LINEAR[net]))


def _packaged_linear(net):
    spec = importlib.util.find_spec('lpips')
    if spec is None or not spec.submodule_search_locations:
        raise DataError(f'--linear: the package lpips is not installed. {_ADVICE}')
    file = os.path.join(spec.submodule_search_locations[0], 'weights/v0.1', f'{net.removeprefix("lpips_")}.pth')
    if not os.path.isfile(file):
        raise DataError(f'--linear: expected {file} in the installed package lpips, found no such file. {_ADVICE}')
    return file


def _origin(role, path, published):
    digest = sha256_of_file(path)
    known = 'as published' if digest.startswith(published) else f'NOT the published {" or ".join(published)}'
    return f'{role} {os.path.basename(path)} (sha256 {digest[:12]}, {known})'


def _tensors(net, path, expected):
    tensors = torch_file.load(path)
    try:
        return checked(tensors, expected, net)
    except DataError as error:
        raise DataError(f'{path}: {error}') from None


def _classifier_shapes(net):
    expected = {}
    for index, ((rows, columns, channels_in, channels), bias) in zip(_FEATURES[net], layer_shapes(net).values()):
        expected |= {f'features.{index}.weight': (channels, channels_in, rows, columns), f'features.{index}.bias': bias}
    return expected


def _inception_shapes():
    expected = {}
    for name, ((rows, columns, channels_in, channels), bias) in layer_shapes('inception').items():
        expected[f'{name}.conv.weight'] = (channels, channels_in, rows, columns)
        expected |= {f'{name}.bn.{part}': bias for part in _NORMALISATION}
    return expected


def _without_normalisation(path, tensors, name):
    """Returns kernel and bias of a convolution with the batch normalisation behind it folded into them."""
    gain, offset, mean, variance = (tensors[f'{name}.bn.{part}'].astype(np.float64) for part in _NORMALISATION)
    if (variance < 0).any():
        raise DataError(f'{path}: {name}.bn.running_var: expected variances, found values below 0.')
    gain = gain / np.sqrt(variance + _NORMALISATION_EPSILON)
    return _kernel(tensors[f'{name}.conv.weight']) * gain, offset - mean * gain


def _kernel(weight):
    """Returns [rows, columns, C_in, C_out] of PyTorch's [C_out, C_in, rows, columns]."""
    return weight.transpose(2, 3, 1, 0)
