"""The Inception-v3 of the FID: features of an image after the last pooling (Heusel et al., 2017).

The network of TensorFlow's release of 2015-12-05, which is what published figures were computed with. It differs from
other Inceptions: average pools do not count the border, and the last block pools by maximum.
"""

import dataclasses
import typing

import tensorflow as tf

from repose_tf import shapes

INPUT_SIZE = 299
NUM_FEATURES = 2048


@dataclasses.dataclass(frozen=True)
class InceptionWeights:
    """The convolutions, with their batch normalisation folded into them.

    Attributes:
      description: one line: origin, start of its SHA-256.
      layers: name -> (kernel [K, K, C_in, C_out], bias [C_out]), float32 arrays, named and ordered as `layer_shapes`.
    """

    description: str
    layers: dict


class Conv(typing.NamedTuple):
    """A convolution and its ReLU; the border is padded unless it says otherwise or its stride is 2."""

    name: str
    channels: int
    rows: int = 1
    columns: int = 1
    stride: int = 1
    padding: str = 'SAME'


class Pool(typing.NamedTuple):
    """A 3x3 pool: 'average' or 'max' of stride 1, or 'halve', the maximum of stride 2 without a border."""

    kind: str


class Block(typing.NamedTuple):
    """Branches side by side whose channels are put together; a branch is a tuple of what comes one after another."""

    name: str
    branches: tuple


def _block_a(name, pooled):
    return Block(name, (
        (Conv('branch1x1', 64),),
        (Conv('branch5x5_1', 48), Conv('branch5x5_2', 64, 5, 5)),
        (Conv('branch3x3dbl_1', 64), Conv('branch3x3dbl_2', 96, 3, 3), Conv('branch3x3dbl_3', 96, 3, 3)),
        (Pool('average'), Conv('branch_pool', pooled))))


def _block_c(name, inner):
    return Block(name, (
        (Conv('branch1x1', 192),),
        (Conv('branch7x7_1', inner), Conv('branch7x7_2', inner, 1, 7), Conv('branch7x7_3', 192, 7, 1)),
        (Conv('branch7x7dbl_1', inner), Conv('branch7x7dbl_2', inner, 7, 1), Conv('branch7x7dbl_3', inner, 1, 7),
         Conv('branch7x7dbl_4', inner, 7, 1), Conv('branch7x7dbl_5', 192, 1, 7)),
        (Pool('average'), Conv('branch_pool', 192))))


def _block_e(name, pool):
    def crossed(stem, first, second):
        return Block('', ((Conv(f'{stem}_{first}', 384, 1, 3),), (Conv(f'{stem}_{second}', 384, 3, 1),)))

    return Block(name, (
        (Conv('branch1x1', 320),),
        (Conv('branch3x3_1', 384), crossed('branch3x3', '2a', '2b')),
        (Conv('branch3x3dbl_1', 448), Conv('branch3x3dbl_2', 384, 3, 3), crossed('branch3x3dbl', '3a', '3b')),
        (Pool(pool), Conv('branch_pool', 192))))


NETWORK = (
    Conv('Conv2d_1a_3x3', 32, 3, 3, 2), Conv('Conv2d_2a_3x3', 32, 3, 3, padding='VALID'),
    Conv('Conv2d_2b_3x3', 64, 3, 3), Pool('halve'),
    Conv('Conv2d_3b_1x1', 80), Conv('Conv2d_4a_3x3', 192, 3, 3, padding='VALID'), Pool('halve'),
    _block_a('Mixed_5b', 32), _block_a('Mixed_5c', 64), _block_a('Mixed_5d', 64),
    Block('Mixed_6a', (
        (Conv('branch3x3', 384, 3, 3, 2),),
        (Conv('branch3x3dbl_1', 64), Conv('branch3x3dbl_2', 96, 3, 3), Conv('branch3x3dbl_3', 96, 3, 3, 2)),
        (Pool('halve'),))),
    _block_c('Mixed_6b', 128), _block_c('Mixed_6c', 160), _block_c('Mixed_6d', 160), _block_c('Mixed_6e', 192),
    Block('Mixed_7a', (
        (Conv('branch3x3_1', 192), Conv('branch3x3_2', 320, 3, 3, 2)),
        (Conv('branch7x7x3_1', 192), Conv('branch7x7x3_2', 192, 1, 7), Conv('branch7x7x3_3', 192, 7, 1),
         Conv('branch7x7x3_4', 192, 3, 3, 2)),
        (Pool('halve'),))),
    _block_e('Mixed_7b', 'average'), _block_e('Mixed_7c', 'max'),
)


def layer_shapes():
    """Returns name -> (kernel shape, bias shape) of all convolutions, in the order of `NETWORK`."""
    found = {}

    def visit(parts, prefix, channels):
        for part in parts:
            if isinstance(part, Conv):
                found[prefix + part.name] = ((part.rows, part.columns, channels, part.channels), (part.channels,))
                channels = part.channels
            elif isinstance(part, Block):
                inner = prefix + (f'{part.name}.' if part.name else '')
                channels = sum(visit(branch, inner, channels) for branch in part.branches)
        return channels

    visit(NETWORK, '', 3)
    return found


class Inception:
    """The network with its weights.

    Attributes:
      description: of the weights.
    """

    def __init__(self, weights):
        """Takes `InceptionWeights`."""
        self.description = weights.description
        self._layers = {name: tuple(tf.constant(array, tf.float32) for array in arrays)
                        for name, arrays in weights.layers.items()}

    def __call__(self, images):
        """Computes the features of images.

        Args:
          images: [B, H, W, 3], RGB in [0, 1]; brought to 299 px, bilinear, without smoothing before.

        Returns:
          [B, 2048] float32.

        Raises:
          ShapeError: the images have another shape.
        """
        shapes.check_shape('images', images, ('B', 'H', 'W', 3))
        resized = tf.image.resize(tf.cast(images, tf.float32), (INPUT_SIZE, INPUT_SIZE), antialias=False)
        return tf.reduce_mean(self.run(NETWORK, 2.0 * resized - 1.0), axis=(1, 2))

    def run(self, parts, hidden, prefix=''):
        """Runs parts of `NETWORK`, one after another, on [B, H, W, C]; `prefix` is of their layers' names."""
        for part in parts:
            if isinstance(part, Conv):
                kernel, bias = self._layers[prefix + part.name]
                padding = 'VALID' if part.stride == 2 else part.padding
                hidden = tf.nn.relu(tf.nn.conv2d(hidden, kernel, part.stride, padding) + bias)
            elif isinstance(part, Pool):
                hidden = _pooled(hidden, part.kind)
            else:
                inner = prefix + (f'{part.name}.' if part.name else '')
                hidden = tf.concat([self.run(branch, hidden, inner) for branch in part.branches], axis=3)
        return hidden


def _pooled(hidden, kind):
    if kind == 'halve':
        return tf.nn.max_pool2d(hidden, 3, 2, 'VALID')
    pool = tf.nn.avg_pool2d if kind == 'average' else tf.nn.max_pool2d
    return pool(hidden, 3, 1, 'SAME')
