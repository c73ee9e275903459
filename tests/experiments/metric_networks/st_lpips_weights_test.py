"""The weights of ST-LPIPS come from the file of one version of one package, which is never imported."""

import importlib.util
import sys

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.files import sha256_of_file
from experiments.metric_networks import st_lpips_weights
from experiments.metric_networks.st_lpips_weights import load_st_lpips_weights
from experiments.metric_networks.weights import open_learned_metrics
from repose_tf.metrics.st_lpips import StLpips, StLpipsLoss
from repose_tf.picture_codec import image_from_pixels
from repose_tf.vgg_weights import WeightsError
from tests.support.made_up_metrics import make_up_st_lpips
from tests.support.torch_files import state_dict, tensor, write_zip

FILE_NAMES = ('net.slice1.0', 'net.slice2.5', 'net.slice3.9', 'net.slice4.11', 'net.slice5.13')


def install_fake(folder, monkeypatch, version='0.0.2'):
    """Makes a package of that version which must not be imported; returns where its weights belong."""
    (folder / 'stlpips_pytorch/weights/vST0.0').mkdir(parents=True)
    (folder / 'stlpips_pytorch/__init__.py').write_text('raise ImportError("must not be imported")')
    (folder / f'stlpips_pytorch-{version}.dist-info').mkdir()
    (folder / f'stlpips_pytorch-{version}.dist-info/METADATA').write_text(
        f'Metadata-Version: 2.1\nName: stlpips-pytorch\nVersion: {version}\n')
    monkeypatch.delitem(sys.modules, 'stlpips_pytorch', raising=False)
    monkeypatch.syspath_prepend(str(folder))
    return folder / 'stlpips_pytorch/weights/vST0.0/alex_shift_tolerant.pth'


def write(path, weights):
    """Writes weights as the package has them: PyTorch's layout, beside what is not used."""
    tensors = {'net.slice1.1.filt': np.ones((3, 1, 3, 3), np.float32)}
    for name, (kernel, bias) in zip(FILE_NAMES, weights.layers.values(), strict=True):
        tensors |= {f'{name}.weight': np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)), f'{name}.bias': bias}
    for stage, weight in enumerate(weights.linear):
        tensors[f'lin{stage}.model.1.weight'] = weight[np.newaxis, :, np.newaxis, np.newaxis]
    write_zip(path, state_dict({name: tensor(array) for name, array in tensors.items()}))


def test_the_file_is_read_without_importing_the_package(tmp_path, monkeypatch):
    weights, path = make_up_st_lpips(), install_fake(tmp_path, monkeypatch)
    write(path, weights)
    with pytest.raises(WeightsError, match=r'alex_shift_tolerant\.pth: expected .*b356b382f960.*, found another'):
        load_st_lpips_weights()
    monkeypatch.setattr(st_lpips_weights, '_SHA256', sha256_of_file(path))
    metrics = open_learned_metrics(use_st_lpips=True)
    assert list(metrics) == ['st_lpips'] and isinstance(metrics['st_lpips'], StLpips)
    found = load_st_lpips_weights()
    assert 'stlpips-pytorch 0.0.2 (alex_shift_tolerant.pth, sha256' in found.description
    assert list(found.layers) == list(weights.layers)
    for name, arrays in weights.layers.items():
        for array, expected in zip(found.layers[name], arrays, strict=True):
            np.testing.assert_array_equal(array, expected)
    for array, expected in zip(found.linear, weights.linear, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_another_version_or_a_missing_file_or_package_says_what_to_install(tmp_path, monkeypatch):
    install_fake(tmp_path / 'whole', monkeypatch)
    with pytest.raises(WeightsError, match='ST-LPIPS: expected .*alex_shift_tolerant.pth .*no such file'):
        load_st_lpips_weights()
    install_fake(tmp_path / 'newer', monkeypatch, '0.0.3')
    with pytest.raises(WeightsError, match=r'expected stlpips-pytorch 0\.0\.2, found version 0\.0\.3'):
        load_st_lpips_weights()
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(WeightsError, match='pip install --no-deps stlpips-pytorch==0.0.2'):
        load_st_lpips_weights()


@pytest.mark.skipif(importlib.util.find_spec('stlpips_pytorch') is None, reason='stlpips-pytorch is not installed')
def test_the_packaged_weights_put_likeness_in_order():
    loss = StLpipsLoss(load_st_lpips_weights())
    picture = np.random.default_rng(1).integers(0, 256, (1, 8, 8, 3), np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    truth = tf.constant(image_from_pixels(picture))
    blurred = [loss(tf.nn.avg_pool2d(truth, size, 1, 'SAME'), truth).numpy().item() for size in (1, 3, 5, 9)]
    assert blurred[0] == 0 and blurred == sorted(set(blurred))
    # A shift by a pixel, which hardly anybody sees, counts less than a blur that everybody does.
    assert loss(tf.roll(truth, 1, axis=2), truth).numpy().item() < blurred[1]
