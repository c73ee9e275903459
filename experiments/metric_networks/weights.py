"""Weights files (.npz) of the learned metrics, and the metrics that compute with them.

`experiments.convert_metric_weights` writes the files: arrays and text, nothing that is executed. They hold `net`,
`origins` (a line for each file that they were made of, with its SHA-256), `<layer>/kernel` and `<layer>/bias` in the
layout of repose_tf and, for LPIPS, `linear/0` to `linear/4`.
"""

import os

import numpy as np

from data_pipeline.errors import DataError
from data_pipeline.files import sha256_of_file, whole_file
from data_pipeline.restricted_pickle import reading
from experiments.metric_networks.st_lpips_weights import load_st_lpips_weights
from repose_tf.metrics import inception, lpips
from repose_tf.metrics.st_lpips import StLpips
from repose_tf.metrics.vgg16_distance import Vgg16Distance
from repose_tf.vgg_weights import load_vgg_weights

NETS = ('lpips_alex', 'lpips_vgg', 'inception')
_EXPECTED = 'a file of experiments.convert_metric_weights'
_MAX_SHOWN = 3


def layer_shapes(net):
    """Returns dict, layer name -> (kernel shape, bias shape), of a net of `NETS`."""
    return inception.layer_shapes() if net == 'inception' else lpips.layer_shapes(net.removeprefix('lpips_'))


def linear_channels(net):
    """Returns the number of linear weights of each stage of a net of `NETS`; an empty list for Inception."""
    return [] if net == 'inception' else lpips.stage_channels(net.removeprefix('lpips_'))


def write_weights(path, net, origins, layers, linear):
    """Writes a file, whole or not at all; an older one is replaced.

    Args:
      path: the file.
      net: of `NETS`.
      origins: list of lines.
      layers: dict, name -> (kernel, bias), see `layer_shapes`.
      linear: list of [C], see `linear_channels`.

    Returns:
      SHA-256 of the file, hexadecimal.

    Raises:
      WriteError: the file cannot be written.
    """
    arrays = _named(layers, linear)
    with whole_file(path) as unfinished:
        np.savez(unfinished, net=np.array(net), origins=np.array(origins),
                 **{key: np.asarray(array, np.float32) for key, array in arrays.items()})
    return sha256_of_file(path)


def read_weights(path, nets=NETS):
    """Reads a file that may hold one of `nets`.

    Returns:
      (net, `lpips.LpipsWeights` or `inception.InceptionWeights`).

    Raises:
      DataError: the file is missing, is something else, or holds another net or arrays of other shapes.
    """
    with reading(path, _EXPECTED):
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile) or not {'net', 'origins'} <= set(file.files):
            raise DataError(f'expected {_EXPECTED}, found something else.')
        with file:
            net, origins = str(file['net']), [str(line) for line in np.atleast_1d(file['origins'])]
            if net not in nets:
                raise DataError(f'expected weights of {" or ".join(nets)}, found {net!r}.')
            expected = _named(layer_shapes(net), [(channels,) for channels in linear_channels(net)])
            arrays = checked({key: file[key] for key in expected if key in file.files}, expected, net)
    description = f'{net} of {os.path.basename(path)} (sha256 {sha256_of_file(path)[:12]}): {", ".join(origins)}'
    layers = {name: (arrays[f'{name}/kernel'], arrays[f'{name}/bias']) for name in layer_shapes(net)}
    if net == 'inception':
        return net, inception.InceptionWeights(description, layers)
    linear = tuple(arrays[f'linear/{stage}'] for stage in range(lpips.NUM_STAGES))
    return net, lpips.LpipsWeights(net.removeprefix('lpips_'), f'LPIPS v0.1, {description}', layers, linear)


def open_learned_metrics(lpips_files=(), use_vgg16_distance=False, use_st_lpips=False):
    """Loads the metrics that compare pairs of images.

    Args:
      lpips_files: weights files, at most one for each net.
      use_vgg16_distance: whether to add the substitute from the packaged VGG16.
      use_st_lpips: whether to add ST-LPIPS from its package.

    Returns:
      dict, 'lpips_alex', 'lpips_vgg', 'st_lpips' or 'vgg16_distance' -> function (generated, truth) of [B, H, W, 3] in
      [0, 1] that returns [B] float32; its `.description` is a line on its weights.

    Raises:
      DataError: a file is missing, holds something else, or two hold the same net.
      WeightsError: the package of a metric is not installed.
    """
    metrics = {}
    for path in lpips_files:
        net, weights = read_weights(path, ('lpips_alex', 'lpips_vgg'))
        if net in metrics:
            raise DataError(f'{path}: expected one file for each net, found a second of {net}.')
        metrics[net] = lpips.Lpips(weights)
    if use_st_lpips:
        metrics['st_lpips'] = StLpips(load_st_lpips_weights())
    if use_vgg16_distance:
        metrics['vgg16_distance'] = Vgg16Distance(load_vgg_weights('hed'))
    return metrics


def open_inception(path):
    """Loads the network of the FID from a weights file; raises DataError where it is missing or something else.

    Returns:
      `Inception`: function of images [B, H, W, 3] in [0, 1] that returns features [B, 2048], with a `.description`.
    """
    return inception.Inception(read_weights(path, ('inception',))[1])


def _named(layers, linear):
    """Returns dict, name in the file -> what is given for a layer's kernel and bias and for a stage."""
    named = {f'{name}/{part}': value for name, pair in layers.items() for part, value in zip(('kernel', 'bias'), pair)}
    return named | {f'linear/{stage}': value for stage, value in enumerate(linear)}


def checked(arrays, expected, net):
    """Returns the expected ones of some arrays as float32, if all are there, finite and of the expected shapes.

    Args:
      arrays: dict, name -> array.
      expected: dict, name -> shape.
      net: name for the message.

    Raises:
      DataError: some are not; the message names the first of them and says how many.
    """
    problems = []
    for name, shape in expected.items():
        found = arrays.get(name)
        if found is None:
            problems.append(f'{name} is missing')
        elif found.shape != tuple(shape) or found.dtype.kind != 'f':
            problems.append(f'{name}: expected {tuple(shape)} of floats, found {found.shape} of {found.dtype}')
        elif not np.isfinite(found).all():
            problems.append(f'{name} holds NaN or infinite values')
    if problems:
        raise DataError(f'expected the {len(expected)} arrays of {net}, found {len(problems)} of them otherwise: '
                        f'{"; ".join(problems[:_MAX_SHOWN])}{" ..." if len(problems) > _MAX_SHOWN else "."}')
    return {name: np.asarray(arrays[name], np.float32) for name in expected}
