"""A small network that finds the 3D joints of the one person in a small picture.

It replaces a pose estimator where none works: in 64 px pictures MediaPipe overlooks one person in seven, in blurred
ones every other person. It is trained on the true pictures of one data set (experiments/train_joint_regressor.py), so
its figures hold for that data set alone.
"""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from data_pipeline.errors import DataError
from data_pipeline.files import sha256_of_file, whole_file
from data_pipeline.restricted_pickle import reading
from repose_tf.skeleton import JOINT_INDEX, MIRROR_JOINTS, NUM_JOINTS
from repose_tf.variables import tf_variables

_WIDTHS = (32, 64, 96, 128)  # channels at 1/2, 1/4, 1/8, 1/16 of the picture
_MM_PER_IMAGE = 2400.0  # side of a picture in the person's plane before training
_PELVIS = JOINT_INDEX['pelv']
_BATCH = 64


def build_network(image_size):
    """Builds the network: a U of residual convolutions.

    Args:
      image_size: S, px, a multiple of 16.

    Returns:
      Keras model of images [B, S, S, 3] in [-1, 1] that returns maps [B, S / 4, S / 4, 2, 19] and sizes [B, 1], see
      `read_joints`.

    Raises:
      DataError: the size is no multiple of 16.
    """
    if image_size <= 0 or image_size % 16:
        raise DataError(f'Joint regressor: expected an image size that is a multiple of 16 px, found {image_size}.')
    x = images = keras.Input((image_size, image_size, 3))
    levels = []
    for level, width in enumerate(_WIDTHS):
        x = _convolution(x, width, stride=2)
        for _ in range(1 if level < 2 else 2):
            x = _residual(x, width)
        levels.append(x)
    size = keras.layers.Dense(1, kernel_initializer='zeros')(keras.layers.GlobalAveragePooling2D()(x))
    for side in levels[2:0:-1]:
        x = keras.layers.UpSampling2D(2)(keras.layers.Conv2D(side.shape[-1], 1)(x))
        x = _residual(keras.layers.Add()([x, side]), side.shape[-1])
    maps = keras.layers.Conv2D(2 * NUM_JOINTS, 1, kernel_initializer=keras.initializers.RandomNormal(stddev=0.01))(x)
    maps = keras.layers.Reshape((image_size // 4, image_size // 4, 2, NUM_JOINTS))(maps)
    return keras.Model(images, [maps, size])


def read_joints(maps, sizes, image_size):
    """Computes joints from the network's outputs.

    A joint lies at the centre of gravity of its first map; its depth is the mean of its second map there. One size for
    each picture converts all of it to mm: weak perspective, as pose estimators use it.

    Args:
      maps: [B, G, G, 2, 19]: logits of the joint's place, and depth in image sizes.
      sizes: [B, 1], logarithm of the side of the picture in the person's plane, over 2400 mm.
      image_size: S, px.

    Returns:
      [B, 19, 3] px, z = 0 at the pelvis; and [B, 19, 3] mm relative to the pelvis, camera axes (x right, y down,
      z forward).
    """
    grid = maps.shape[1]
    cells = tf.reshape(maps, (-1, grid * grid, 2, NUM_JOINTS))
    weights = tf.nn.softmax(cells[:, :, 0], axis=1)  # [B, G * G, 19]
    centres = (np.indices((grid, grid))[::-1].reshape(2, -1) + 0.5) / grid  # (x, y) of the image
    place = tf.einsum('bnj,kn->bjk', weights, tf.constant(centres, maps.dtype))
    depth = tf.reduce_sum(weights * cells[:, :, 1], axis=1)[..., tf.newaxis]
    depth -= depth[:, _PELVIS, tf.newaxis]
    joints = tf.concat([place, depth], axis=2)
    mm = (joints - joints[:, _PELVIS, tf.newaxis]) * (_MM_PER_IMAGE * tf.exp(sizes))[..., tf.newaxis]
    return joints * image_size, mm


def _convolution(x, width, stride=1):
    x = keras.layers.Conv2D(width, 3, stride, 'same', use_bias=False)(x)
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.97)(x))


def _residual(x, width):
    inner = keras.layers.Conv2D(width, 3, padding='same', use_bias=False)(_convolution(x, width))
    inner = keras.layers.BatchNormalization(momentum=0.97)(inner)
    return keras.layers.ReLU()(keras.layers.Add()([x, inner]))


@dataclasses.dataclass(frozen=True)
class JointRegressor:
    """A trained network.

    Attributes:
      network: see `build_network`.
      image_size: S, px.
      data: name of the data that it was trained on.
    """

    network: keras.Model
    image_size: int
    data: str

    def joints_mm(self, images):
        """Finds the joints in images [B, S, S, 3] in [-1, 1]: the mean of those seen there and in the mirror image.

        Returns:
          float32 [B, 19, 3] mm relative to the pelvis, camera axes.
        """
        parts = [self._joints_mm(images[start:start + _BATCH]) for start in range(0, len(images), _BATCH)]
        return np.concatenate(parts or [np.zeros((0, NUM_JOINTS, 3), np.float32)])

    def _joints_mm(self, images):
        images = tf.convert_to_tensor(images, tf.float32)
        found = [read_joints(*self.network(seen, training=False), self.image_size)[1].numpy()
                 for seen in (images, images[:, :, ::-1])]
        return (found[0] + found[1][:, MIRROR_JOINTS] * np.float32([-1, 1, 1])) / 2

    def save(self, path):
        """Writes the weights, one .npz file, whole or not at all; raises WriteError where it cannot."""
        arrays = {f'{index:03d}': variable.numpy() for index, variable in enumerate(tf_variables(self.network))}
        with whole_file(path) as unfinished:
            np.savez(unfinished, image_size=self.image_size, data=self.data, **arrays)


def load_regressor(path):
    """Reads a file of `JointRegressor.save`.

    Returns:
      `JointRegressor`, and the start of the file's SHA-256.

    Raises:
      DataError: there is no such file, or it holds something else.
    """
    with reading(path, 'the weights of a joint regressor (.npz), as experiments.train_joint_regressor writes them'):
        with np.load(path) as file:
            arrays = dict(file)
        image_size, data_name = int(arrays.pop('image_size')), str(arrays.pop('data'))
        network = build_network(image_size)
    variables = tf_variables(network)
    found = [arrays[key] for key in sorted(arrays)]
    if [tuple(variable.shape) for variable in variables] != [array.shape for array in found]:
        raise DataError(f'{path}: expected the {len(variables)} weights of this joint regressor, found {len(found)} '
                        'that are of another network.')
    for variable, array in zip(variables, found, strict=True):
        variable.assign(array)
    return JointRegressor(network, image_size, data_name), sha256_of_file(path)[:12]
