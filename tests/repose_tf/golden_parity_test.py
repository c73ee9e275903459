"""Our networks compute what the reference's graph computes, from its checkpoint to the picture, in all four variants.

See golden/README.md for what the golden files are. One checkpoint of all 536 variables serves all variants, because
they have the same ones.
"""

import functools
import itertools
import tempfile
import types

import numpy as np
import pytest
import tensorflow as tf

from repose_tf import background_inpainter
from repose_tf.generator import Generator
from repose_tf.reference.loading import load_discriminator, load_generator, reference_architecture
from repose_tf.warp import affine, helmert
from tests.support.reference_files import GOLDEN, reference_shapes, write_checkpoint

pytestmark = pytest.mark.slow

VARIANTS = tuple(itertools.product(('3d', '2d'), ('3d', '2d')))
VOLUMES = {'first_3d': 'lifted_volume', 'volume': 'source_volume', 'warped': 'warped_volume',
           'last_3d': 'decoded_volume'}
CENTRE_PX = np.float32([0, 0, 128])


@pytest.fixture(scope='module')
def checkpoint():
    """Path of a TensorFlow 1 checkpoint of the reference's variables; gone after the tests, being 0.4 GB."""
    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(f'{folder}/model.ckpt-150000', reference_shapes())
        yield folder


def golden_file(warp, pose):
    """Returns the arrays of a golden file, and as tensors its picture and poses as this project has them."""
    with np.load(GOLDEN / f'{warp}_warp-{pose}_pose.npz') as file:
        golden = dict(file)
    source_pose, target_pose = (golden[key].transpose(0, 2, 1).astype(np.float32) - CENTRE_PX for key in ('fr', 'to'))
    return golden, (tf.constant(golden['img'] / np.float32(64)), tf.constant(source_pose), tf.constant(target_pose))


@pytest.fixture(scope='module')
def inpainting(checkpoint):
    """A generator and the inputs of the golden files, which share picture, source pose and weights."""
    return load_generator(checkpoint), golden_file('3d', '3d')[1]


@pytest.fixture(scope='module')
def encoded(inpainting):
    """What all variants make of the picture and the source pose."""
    generator, inputs = inpainting
    return tf.function(lambda *source: generator.encode(*source, with_lifted_volume=True), autograph=False)(*inputs[:2])


@pytest.fixture(scope='module')
def discriminator(checkpoint):
    """Function from a '2d' or '3d' pose to a discriminator; the warp makes no other one."""
    return functools.cache(lambda pose: load_discriminator(checkpoint, pose=pose))


def generator_of(warp, pose, loaded):
    """Returns the generator of a variant with the weights of a loaded one, most of whose parts it shares."""
    generator = Generator(reference_architecture(warp, pose))
    for name in ('lifting_encoder', 'projection_decoder', 'background_inpainter'):
        setattr(generator, name, getattr(loaded, name))
    generator.pose_encoder.set_weights(loaded.pose_encoder.get_weights())
    return generator


# One variant on both stacks, the others, most of whose parts it shares, on one.
@pytest.fixture(scope='module', ids=['{}-warp-{}-pose'.format(*variant) for variant in VARIANTS], params=[
    pytest.param(variant, marks=[] if variant == ('3d', '3d') else pytest.mark.long) for variant in VARIANTS])
def variant(request, inpainting, encoded, discriminator):
    """A variant: its `warp`, its `golden` arrays and `inputs`, and what we `found`, mostly by the golden keys."""
    golden, inputs = golden_file(*request.param)
    for one, other in zip(inputs[:2], inpainting[1][:2], strict=True):
        np.testing.assert_array_equal(one, other)
    generator = generator_of(*request.param, inpainting[0])
    generator.encode = lambda *source, **kwargs: encoded  # of the same source
    image, found = generated(generator, inputs)
    found['disc'] = discriminator(request.param[1])(inputs[0], image, inputs[2]).numpy()
    return types.SimpleNamespace(warp=request.param[0], golden=golden, inputs=inputs, found=found)


def generated(generator, inputs):
    """Returns a generator's image, and what it computes on the way, thinned as in the golden files."""
    outputs = tf.function(lambda *args: generator(*args, with_volumes=True), autograph=False)(*inputs)
    found = {'masks': outputs['masks'].numpy()}
    for key, name in VOLUMES.items():
        volume = outputs[name].numpy()
        found[f'{key}_sub'] = volume[:, ::8, ::8, ::4, ::8]
        found[f'{key}_stats'] = [volume.mean(), volume.std(), volume.min(), volume.max()]
    # Cropped by one: the uncropped rows and columns 4, 8, ... 256 of the golden arrays are 3, 7, ... here.
    for key, name in (('foreground', 'foreground'), ('foreground_mask', 'foreground_alpha')):
        found[key] = outputs[name].numpy()[:, 3::4, 3::4]
    for key, name in (('out', 'image'), ('out_alpha', 'foreground_alpha'), ('out_background', 'background')):
        found[key] = outputs[name].numpy()[:, ::4, ::4]
    return outputs['image'], found


def assert_close(found, expected, tolerance=1e-3):
    """The 99.9th percentile of the differences is within the tolerance."""
    assert found.shape == expected.shape
    assert expected.std() > 10 * tolerance, 'nothing to see'
    assert np.quantile(np.abs(found - expected), 0.999) <= tolerance


def test_masks(variant):
    shape = variant.golden['masks_shape']
    expected = np.unpackbits(variant.golden['masks_packed'])[:np.prod(shape)].reshape(shape)
    found = variant.found['masks'][:, :64, :64, :32]
    if variant.warp == '2d':
        found = found.max(axis=3)
    assert (found != expected).mean() <= 0.0005
    assert (found != expected).sum() <= 0.01 * expected.sum()  # most voxels lie in no part
    assert variant.found['masks'].sum() == variant.found['masks'][:, :64, :64, :32].sum()


def test_transforms(variant):
    _, source_pose, target_pose = variant.inputs
    expected = variant.golden['transforms'].astype(np.float64)
    if variant.warp == '2d':
        found = affine.part_affines(source_pose, target_pose).numpy().reshape(1, 10, 9)[..., :8]
    else:  # the golden z is 128 at the pelvis
        shift = np.eye(4)
        shift[:3, 3] = CENTRE_PX
        found = shift @ helmert.part_transforms(source_pose, target_pose).numpy() @ np.linalg.inv(shift)
    found, expected = found.reshape(10, -1), expected.reshape(10, -1)
    error = np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)
    assert error.max() <= 1e-4
    linear = np.abs(expected) < 10  # the translations, tens of px, must not hide the rest
    np.testing.assert_allclose(found[linear], expected[linear], atol=3e-4)


@pytest.mark.parametrize('key', VOLUMES)
def test_volumes(variant, key):
    assert_close(variant.found[f'{key}_sub'], variant.golden[f'{key}_sub'])
    np.testing.assert_allclose(variant.found[f'{key}_stats'], variant.golden[f'{key}_stats'], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize('key', ['foreground', 'foreground_mask'])
def test_foreground(variant, key):
    assert_close(variant.found[key], variant.golden[key][:, 1:, 1:])


def test_logit(variant):
    # The golden logit is that of the golden result, noise included; ours differs by that, too.
    np.testing.assert_allclose(variant.found['disc'], variant.golden['disc'], atol=1e-3)


# ---- the background and the result, whose golden values are samples of the reference's noise


class Noise:
    """Backgrounds of the golden picture under draws of the noise, and where they lie.

    Attributes:
      mean, spread: [257, 257, 3] mean and standard deviation of the backgrounds.
      num_draws: of how many.
      known, deep: [257, 257] bool, where the inpainter sees the picture, and where it sees nothing within 12 px.
    """

    def __init__(self, generator, inputs, num_draws=24, scale=1.0):
        image = tf.pad(inputs[0], [[0, 0], [0, 1], [0, 1], [0, 0]])
        known = generator._known_background(inputs[1])
        inpaint = tf.function(generator.background_inpainter.call, autograph=False)
        rng = np.random.default_rng(0)
        draws = np.stack([inpaint(image, known, tf.constant(noise)).numpy()[0] for noise in
                          scale * rng.normal(size=(num_draws, 1, 257, 257, 1)).astype(np.float32)])
        self.mean, self.spread, self.num_draws = draws.mean(0), draws.std(0, ddof=1), num_draws
        self.known = known.numpy()[0, ..., 0] > 0
        self.deep = tf.nn.max_pool2d(known, 25, 1, 'SAME').numpy()[0, ..., 0] == 0

    def assert_explains(self, backgrounds):
        """Holds golden backgrounds, a list of [65, 65, 3], and their mean against what the draws lead to expect."""
        samples = [(background, 1) for background in backgrounds] + [(np.mean(backgrounds, 0), len(backgrounds))]
        mean, spread = self.mean[::4, ::4], np.maximum(self.spread[::4, ::4], 1e-6)
        for background, count in samples:
            score = np.abs(background - mean) / (spread * np.sqrt(1 / count + 1 / self.num_draws))
            known, deep = score[self.known[::4, ::4]], score[self.deep[::4, ::4]]
            # Of a normal distribution: 0.67 and 2.6. In deep holes few numbers, the same everywhere, are at play.
            assert 0.62 < np.median(known) < 0.74, 'the spread of what is seen'
            assert np.quantile(known, 0.99) < 3.2
            assert np.median(deep) < 1.5 and np.quantile(deep, 0.99) < 4.5


@pytest.fixture(scope='module')
def noise(inpainting):
    return Noise(*inpainting)


@pytest.fixture(scope='module')
def backgrounds():
    """The golden backgrounds of the four variants."""
    return [golden_file(*names)[0]['background'][0] for names in VARIANTS]


@pytest.mark.long
def test_backgrounds_are_draws_of_ours(noise, backgrounds):
    assert noise.deep[::4, ::4].sum() > 250
    noise.assert_explains(backgrounds)


@pytest.mark.long
@pytest.mark.parametrize('scale', [0.8, 1.25])
def test_other_noise_is_seen(inpainting, backgrounds, scale):
    with pytest.raises(AssertionError, match='the spread of what is seen'):
        Noise(*inpainting, num_draws=12, scale=scale).assert_explains(backgrounds)


@pytest.mark.long
def test_other_holes_are_seen(inpainting, backgrounds, monkeypatch):
    monkeypatch.setattr(background_inpainter, '_HOLE_VALUE', 1.49)
    with pytest.raises(AssertionError):
        Noise(*inpainting).assert_explains(backgrounds)


@pytest.mark.long
def test_result(variant, noise):
    """The golden result leaves ours by no more than the noise in the background that shines through."""
    through = 1.0 - variant.found['out_alpha']
    inside = slice(1, None, 4)  # row and column 0 are dropped
    expected = variant.found['out'] + through * (noise.mean[inside, inside] - variant.found['out_background'])
    difference = np.abs(variant.golden['out'] - expected)
    assert np.quantile(difference - 4 * through * noise.spread[inside, inside], 0.999) <= 1e-3
    assert np.quantile(difference, 0.999) <= 6e-3
