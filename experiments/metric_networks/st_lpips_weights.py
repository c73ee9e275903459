"""The weights of ST-LPIPS from the file that an installed package carries; nothing of the package is run."""

import numpy as np

from data_pipeline.files import sha256_of_file
from experiments.metric_networks import torch_file
from repose_tf.metrics.lpips import LpipsWeights
from repose_tf.vgg_weights import WeightsError, find_in_package

_PACKAGE, _VERSION = 'stlpips-pytorch', '0.0.2'
_FILE = 'weights/vST0.0/alex_shift_tolerant.pth'
_SHA256 = 'b356b382f96010f77d085ee8343ecd9fd322d0a56e8de2b2d0549fafcad8b9ee'
# Our names of the convolutions -> the file's, in forward order.
_CONVS = {'conv1': 'net.slice1.0', 'conv2': 'net.slice2.5', 'conv3': 'net.slice3.9', 'conv4': 'net.slice4.11',
          'conv5': 'net.slice5.13'}


def load_st_lpips_weights():
    """Reads the weights of the AlexNet of ST-LPIPS.

    Returns:
      `LpipsWeights` for `repose_tf.metrics.st_lpips`.

    Raises:
      WeightsError: the package is not installed, or the file in it is not the published one.
    """
    path = find_in_package(_PACKAGE, _VERSION, _FILE, 'ST-LPIPS')
    digest = sha256_of_file(path)
    if digest != _SHA256:
        raise WeightsError(f'{path}: expected the file of {_PACKAGE} {_VERSION} (sha256 {_SHA256[:12]}), '
                           f'found another (sha256 {digest[:12]}).')
    tensors = torch_file.load(path)
    layers = {name: (np.ascontiguousarray(tensors[f'{key}.weight'].transpose(2, 3, 1, 0)), tensors[f'{key}.bias'])
              for name, key in _CONVS.items()}
    linear = tuple(tensors[f'lin{stage}.model.1.weight'].reshape(-1) for stage in range(len(layers)))
    return LpipsWeights('alex', f'ST-LPIPS, AlexNet from package {_PACKAGE} {_VERSION} ({path.name}, sha256 '
                        f'{digest[:12]})', layers, linear)
