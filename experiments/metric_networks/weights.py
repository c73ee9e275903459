"""Files of the learned metrics' weights (.npz): arrays and text, nothing that is executed.

`experiments.convert_metric_weights` writes them. They hold `net`, `origins` (a line per file that they were made of,
with its SHA-256), `<layer>/kernel` and `<layer>/bias` as repose_tf has them and, for LPIPS, `linear/0` to `linear/4`.
"""

import contextlib
import hashlib
import os

import numpy as np

from data_pipeline.errors import DataError, UsageError
from data_pipeline.restricted_pickle import reading
from repose_tf.metrics import inception, lpips

NETS = ('lpips_alex', 'lpips_vgg', 'inception')
_EXPECTED = 'a file of experiments.convert_metric_weights'
_MAX_SHOWN = 3


def layer_shapes(net):
    """Returns layer name -> (kernel shape, bias shape) of a net of `NETS`."""
    return inception.layer_shapes() if net == 'inception' else lpips.layer_shapes(net.removeprefix('lpips_'))


def linear_channels(net):
    """Returns how many linear weights each stage of a net of `NETS` has; none for Inception."""
    return [] if net == 'inception' else lpips.stage_channels(net.removeprefix('lpips_'))


def write(path, net, origins, layers, linear):
    """Writes a file; it appears complete, or not at all.

    Args:
      path: where to; what is there is replaced.
      net: of `NETS`.
      origins: list of lines.
      layers: name -> (kernel, bias), as `layer_shapes`.
      linear: list of [C], as `linear_channels`.

    Returns:
      SHA-256 of the file, hexadecimal.

    Raises:
      UsageError: the file cannot be written.
    """
    arrays = {f'{name}/{part}': array for name, pair in layers.items() for part, array in zip(('kernel', 'bias'), pair)}
    arrays |= {f'linear/{stage}': array for stage, array in enumerate(linear)}
    partial = f'{path}.partial'
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(partial, 'wb') as file:
            np.savez(file, net=np.array(net), origins=np.array(origins),
                     **{key: np.asarray(array, np.float32) for key, array in arrays.items()})
        os.replace(partial, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.remove(partial)
        raise UsageError(f'--output={path}: cannot be written: {error.strerror}.') from None
    return sha256(path)


def read(path, nets=NETS):
    """Reads a file.

    Args:
      path: the file.
      nets: which nets it may hold.

    Returns:
      (net, weights): `lpips.LpipsWeights` or `inception.InceptionWeights`.

    Raises:
      DataError: the file is missing, is something else, or holds another net or other shapes than it should.
    """
    with reading(path, _EXPECTED):
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile) or not {'net', 'origins'} <= set(file.files):
            raise DataError(f'expected {_EXPECTED}, found something else.')
        with file:
            net, origins = str(file['net']), [str(line) for line in np.atleast_1d(file['origins'])]
            if net not in nets:
                raise DataError(f'expected weights of {" or ".join(nets)}, found {net!r}.')
            expected = _expected_arrays(net)
            arrays = checked({key: file[key] for key in expected if key in file.files}, expected, net)
    description = f'{net} of {os.path.basename(path)} (sha256 {sha256(path)[:12]}): {", ".join(origins)}'
    layers = {name: (arrays[f'{name}/kernel'], arrays[f'{name}/bias']) for name in layer_shapes(net)}
    if net == 'inception':
        return net, inception.InceptionWeights(description, layers)
    linear = tuple(arrays[f'linear/{stage}'] for stage in range(lpips.NUM_STAGES))
    return net, lpips.LpipsWeights(net.removeprefix('lpips_'), f'LPIPS v0.1, {description}', layers, linear)


def _expected_arrays(net):
    expected = {}
    for name, (kernel, bias) in layer_shapes(net).items():
        expected |= {f'{name}/kernel': kernel, f'{name}/bias': bias}
    return expected | {f'linear/{stage}': (channels,) for stage, channels in enumerate(linear_channels(net))}


def checked(arrays, expected, net):
    """Returns arrays that are there, finite numbers and of the expected shapes, as float32, without the others.

    Args:
      arrays: dict, name -> array.
      expected: dict, name -> shape.
      net: for the error.

    Raises:
      DataError: telling how many are not, and the first of them.
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


def sha256(path):
    """Returns the SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(2 ** 20):
            digest.update(block)
    return digest.hexdigest()
