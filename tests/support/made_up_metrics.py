"""Made-up weights of the learned metrics, for their tests."""

import functools

import numpy as np

from experiments.metric_networks import weights
from repose_tf.metrics import inception, lpips


@functools.cache
def make_up_layers(net):
    """Returns name -> (kernel, bias) of a net of `weights.NETS`, which keep the scale of the features."""
    rng = np.random.default_rng(3)
    layers = {}
    for name, (kernel, bias) in weights.layer_shapes(net).items():
        scale = np.float32(np.sqrt(2 / np.prod(kernel[:3])))
        layers[name] = (scale * rng.standard_normal(kernel, np.float32),
                        np.float32(0.1) * rng.standard_normal(bias, np.float32))
    return layers


def make_up_lpips(net):
    """Returns `LpipsWeights` of 'alex' or 'vgg'."""
    rng = np.random.default_rng(4)
    linear = tuple(rng.random(channels, np.float32) for channels in lpips.stage_channels(net))
    return lpips.LpipsWeights(net, f'made-up {net}', make_up_layers(f'lpips_{net}'), linear)


def make_up_st_lpips(channels=(3, 4, 5, 6, 7)):
    """Returns `LpipsWeights` for ST-LPIPS, of an AlexNet with few channels."""
    rng, layers = np.random.default_rng(6), {}
    for name, size, before, after in zip(lpips.layer_shapes('alex'), (11, 5, 3, 3, 3), (3, *channels), channels):
        kernel = rng.standard_normal((size, size, before, after), np.float32)
        layers[name] = (kernel * np.float32(np.sqrt(2 / (size * size * before))),
                        np.float32(0.1) * rng.standard_normal(after, np.float32))
    return lpips.LpipsWeights('alex', 'made-up ST-LPIPS', layers,
                              tuple(rng.random(count, np.float32) for count in channels))


def make_up_inception():
    """Returns `InceptionWeights`."""
    return inception.InceptionWeights('made-up inception', make_up_layers('inception'))
