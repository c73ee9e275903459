"""A cell's centre, a pixel's centre and a joint mean the same place: painted dots stay under their joints.

Nothing here knows how a cell is converted to px. A dot is painted into the photo under a joint, and is looked for in
the picture that the model makes, under the joint of the target pose.
"""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from repose_tf import heatmaps
from repose_tf.blocks import Stem, upsample
from repose_tf.coordinates import VolumeGrid
from repose_tf.generator import Generator
from repose_tf.skeleton import JOINT_INDEX, MIRROR_JOINTS, NUM_JOINTS
from tests.support.cases import STANDING_POSE_PX
from tests.support.tiny import TINY

STRIDE_2 = dataclasses.replace(TINY, image_size=64, volume_size=33, depth_size=17)
STRIDE_4 = dataclasses.replace(TINY, image_size=128, volume_size=33, depth_size=17,
                               decoder_blocks=((8, True), (8, True)))
MARKED = [JOINT_INDEX[name] for name in ('pelv', 'nose', 'lwri', 'rank', 'rsho')]


def paint(places_px, size, sigma_px):
    """A dot for each place [B, 2] (x, y), [B, size, size, 1]; the centre of pixel k lies at k + 0.5 px."""
    centres = np.arange(size) + 0.5
    x, y = (np.exp(-(centres - place[:, None]) ** 2 / (2 * sigma_px ** 2)) for place in np.transpose(places_px))
    return np.float32(y[:, :, None] * x[:, None])[..., None]


def found_px(images):
    """The centres of gravity of images [B, H, W], (x, y) px."""
    centres = np.arange(images.shape[1]) + 0.5
    total = images.sum((1, 2))
    return np.stack([images.sum(1) @ centres / total, images.sum(2) @ centres / total], axis=1)


class See(tf.keras.layers.Layer):
    """Lifts brightness alone: the real stem with a kernel that looks at its middle, repeated at all depths."""

    def __init__(self, architecture):
        super().__init__(autocast=False)
        self.architecture = architecture
        self.stem = Stem(3, 1, architecture.grid.stride)
        kernel = np.zeros(self.stem.conv1.kernel.shape, np.float32)
        kernel[3, 3, 0] = 1
        self.stem.conv1.kernel.assign(kernel)

    def call(self, image):
        volume = tf.repeat(self.stem(image)[:, :, :, None], self.architecture.depth_size, axis=3)
        volume = tf.repeat(volume, self.architecture.volume_channels, axis=4)
        return volume, volume


class Show(tf.keras.layers.Layer):
    """Shows the brightest depth of the first feature, brought to the picture's size as the decoder does it."""

    def __init__(self, architecture):
        super().__init__(autocast=False)
        self.architecture = architecture

    def call(self, volume):
        seen = tf.reduce_max(volume[..., :1], axis=3)
        for _ in range({2: 1, 4: 2}[self.architecture.grid.stride]):
            seen = upsample(seen)
        return volume, tf.repeat(seen, 3, axis=-1), seen, seen


def photo_of(poses_px, size):
    """A dot under joint MARKED[k] of pose k, [len(MARKED), size, size, 3]."""
    places_px = poses_px[np.arange(len(MARKED)), MARKED, :2]
    return np.repeat(paint(places_px, size, size / 40), 3, axis=-1)


def shown(architecture, photo, source_poses_px, target_poses_px):
    """What the model with these two layers makes of photos, [B, size, size]."""
    generator = Generator(architecture)
    generator.lifting_encoder, generator.projection_decoder = See(architecture), Show(architecture)
    generator.background_inpainter = lambda image, known: image
    generator.pose_encoder = lambda pose_px: tf.zeros([len(pose_px), *architecture.grid.shape, 1])
    return generator(photo, source_poses_px, target_poses_px)['foreground'][..., 0].numpy()


def turned(poses_px, size, degrees, scale, shift_px):
    """The people turned in the picture plane about the centre of its middle pixel, scaled and moved.

    In quarter turns about a pixel's centre, cells come to lie on cells, where reading the nearest one is exact.
    """
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    middle = np.array([size / 2 + 0.5, size / 2 + 0.5, 0])
    return np.float32((poses_px - middle) @ turn.T * scale + middle + [*shift_px, 0])


def flipped(poses_px, size):
    return np.float32(poses_px[:, list(MIRROR_JOINTS)] * [-1, 1, 1] + [size, 0, 0])


@pytest.mark.parametrize('warp, most_px', [('3d', 0.15), ('2d', 0.4)])  # the plane is read at the nearest cell
@pytest.mark.parametrize('architecture', [STRIDE_2, STRIDE_4], ids=['stride 2', 'stride 4'])
def test_a_painted_dot_stays_under_its_joint(architecture, warp, most_px):
    architecture = dataclasses.replace(architecture, warp=warp)
    size = architecture.image_size
    source = np.repeat((STANDING_POSE_PX * size / 256)[None], len(MARKED), axis=0)
    source = turned(source, size, 0, 0.9, (0.8, -1.7))
    moves = [(0, 1, (0, 0)), (90, 1, (0, 0)), (180, 1, (0, 0)), (0, 0.8, (2.3, 1.1)), (30, 1.1, (-1.4, 2.0))]
    targets = np.concatenate([turned(source, size, *move) for move in moves])
    photos, sources = (np.concatenate([rows] * len(moves)) for rows in (photo_of(source, size), source))
    expected_px = targets[np.arange(len(targets)), MARKED * len(moves), :2]
    found = found_px(shown(architecture, photos, sources, targets))
    np.testing.assert_allclose(found, expected_px, atol=most_px * architecture.grid.stride / 2)


@pytest.mark.parametrize('warp', ['3d', '2d'])
def test_flip_in_flip_out(warp):
    architecture = dataclasses.replace(STRIDE_2, warp=warp)
    size = architecture.image_size
    source = np.repeat((STANDING_POSE_PX * size / 256)[None], len(MARKED), axis=0)
    target = turned(source, size, 180, 1, (4, -2))  # cells come to lie on cells, in the mirror as well
    photo = photo_of(source, size)
    expected = shown(architecture, photo, source, target)
    in_mirror = shown(architecture, photo[:, :, ::-1], flipped(source, size), flipped(target, size))
    np.testing.assert_allclose(found_px(in_mirror[:, :, ::-1]), found_px(expected), atol=0.15)


@pytest.mark.parametrize('flat', [False, True])
def test_heatmaps_mirror_with_the_person_and_stand_over_its_joints(flat):
    grid = VolumeGrid(image_size=64, volume_size=33, depth_size=17)
    pose = (STANDING_POSE_PX * 0.25)[None]
    maps, in_mirror = (heatmaps.image_heatmaps(tf.constant(poses), grid, flat).numpy().reshape(64, 64, 16, NUM_JOINTS)
                       for poses in (pose, flipped(pose, 64)))
    np.testing.assert_allclose(in_mirror[:, ::-1], maps[..., list(MIRROR_JOINTS)], atol=1e-6)
    marked = np.moveaxis(maps.sum(2)[..., MARKED], -1, 0)
    np.testing.assert_allclose(found_px(marked), pose[0, MARKED, :2], atol=0.02)
