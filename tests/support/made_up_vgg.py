"""Made-up VGG weights and Keras' own nets that hold them, for the tests of the perceptual loss."""

import keras
import numpy as np

from repose_tf import vgg_weights


def make_up_weights(net):
    rng = np.random.default_rng(7)
    layers = {}
    for name, (channels_in, channels) in vgg_weights.used_layers(net).items():
        kernel = rng.standard_normal((3, 3, channels_in, channels), np.float32)
        kernel *= np.float32(np.sqrt(2 / (9 * channels_in)))  # keeps the features' scale from layer to layer
        layers[name] = (kernel, 0.1 * rng.standard_normal(channels, np.float32))
    return vgg_weights.VggWeights(net, f'made-up {net}', layers)


def keras_net(weights):
    """Keras' own net with the same weights: the referee."""
    net = getattr(keras.applications, weights.net)(weights=None, include_top=False)
    for name, arrays in weights.layers.items():
        net.get_layer(name).set_weights(arrays)
    return net
