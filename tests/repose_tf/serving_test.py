"""The signatures show what the generator shows, and refuse by name what they cannot use."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from repose_tf.picture_codec import image_from_pixels
from repose_tf.serving import RequestLimits, ServedModel
from tests.support import gpu_kernels
from tests.support.cases import person_poses
from tests.support.tiny import TINY, tiny_generator

SIZE = TINY.image_size
LIMITS = RequestLimits(max_batch=3, max_targets=20, max_side_px=200, max_bytes=50_000)


@pytest.fixture(scope='module')
def generator():
    return tiny_generator()


@pytest.fixture(scope='module')
def reposer(generator):
    return ServedModel(generator, LIMITS)


def poses(seed, count):
    return person_poses(np.random.default_rng(seed), count, SIZE).astype(np.float32)


def inputs(batch=2):
    """Smooth pictures, so that resizing changes little."""
    noise = np.random.default_rng(0).integers(0, 256, (batch, 4, 4, 3)).astype(np.uint8)
    images = np.stack([cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC) for image in noise])
    return {'source_image': images, 'source_pose': poses(1, batch), 'target_pose': poses(2, batch)}


def file_of(image, suffix='.png', *options):
    return cv2.imencode(suffix, np.flip(image, -1) if image.ndim == 3 else image, options)[1].tobytes()


def pixels_of(data):
    return np.flip(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), -1)


def test_a_sequence_shows_what_single_requests_show(reposer):
    given = inputs()
    targets = np.stack([poses(seed, 9) for seed in (3, 4)])  # more than a chunk, over both sources
    found = reposer.repose_sequence(**{**given, 'target_pose': targets})['image'].numpy()
    assert found.shape == (2, 9, SIZE, SIZE, 3) and found.dtype == np.uint8
    for index in range(9):
        expected = reposer.repose(**{**given, 'target_pose': targets[:, index]})['image'].numpy()
        assert np.abs(found[:, index].astype(int) - expected).max() <= 1


def test_a_sequence_encodes_a_source_once_however_many_targets(generator, monkeypatch):
    calls = []
    encode = generator.encode
    monkeypatch.setattr(generator, 'encode', lambda *args: calls.append(args) or encode(*args))
    graph = ServedModel(generator, LIMITS).repose_sequence.get_concrete_function().graph
    assert len(calls) == 1 and calls[0][0].graph is graph  # outside of the loop over the targets


# Files of pictures are read and written by the CPU: what a request brings and takes, and at most S x S x 3 bytes a
# picture, 0.2 MB at 256 px. Words of refusals are the CPU's, too.
FILES = {'DecodeJpeg', 'DecodePaddedRaw', 'DecodePng', 'EncodePng', 'Equal', 'ExtractJpegShape', 'ResizeArea',
         'Shape', 'StringLength', 'Substr', 'TensorListFromTensor', 'TensorListGetItem', 'TensorListSetItem',
         'TensorListStack'}
# The finished pictures of a sequence are put together there, S x S x 3 bytes each, on the way to the client.
PICTURES = {'TensorListConcatV2', 'TensorListSetItem'}


@pytest.mark.parametrize('signature, exceptions', [
    ('repose', set()), ('repose_layers', set()), ('repose_sequence', PICTURES), ('serve', FILES)])
def test_every_operation_of_a_signature_has_a_kernel_for_gpus(reposer, signature, exceptions):
    none, on_host = gpu_kernels.lacking(getattr(reposer, signature).get_concrete_function().graph)
    none = {(kind, types) for kind, types in none if (kind, types) != ('Const', 'dtype=string')}
    assert {kind for kind, _ in none} <= exceptions
    assert all('uint8' in types or kind in FILES for kind, types in none)
    assert {kind for kind, types in on_host if types != 'T=string'} <= gpu_kernels.INT32


def test_layers_blend_to_the_picture(reposer):
    layers = {name: value.numpy() for name, value in reposer.repose_layers(**inputs()).items()}
    alpha = layers['foreground_alpha']
    blended = alpha * layers['foreground'] + (1 - alpha) * layers['background']
    np.testing.assert_allclose(layers['image'], blended, atol=1e-5)
    pixels = reposer.repose(**inputs())['image']
    np.testing.assert_allclose(image_from_pixels(pixels), layers['image'], atol=1.01 / 255)


def test_files_of_any_size_give_what_their_pixels_give(reposer):
    given = inputs()
    expected = reposer.repose(**given)['image'].numpy()
    larger = np.stack([image.repeat(3, 0).repeat(3, 1) for image in given['source_image']])
    for factor, files in ((1, [file_of(image) for image in given['source_image']]),
                          (3, [file_of(image) for image in larger])):
        found = reposer.serve(image_bytes=tf.constant(files), source_pose=given['source_pose'] * factor,
                              target_pose=given['target_pose'] * factor)['image_bytes'].numpy()
        assert np.abs(np.stack([pixels_of(data) for data in found]).astype(int) - expected).max() <= 1


def test_grey_deep_transparent_and_jpeg_files_are_pictures(reposer):
    image = inputs()['source_image'][0]
    deep = np.uint16(image[..., ::-1]) * 257
    files = [file_of(image[..., 0]), cv2.imencode('.png', deep)[1].tobytes(),
             file_of(image, '.jpg', cv2.IMWRITE_JPEG_QUALITY, 95)]
    found = reposer.serve(tf.constant(files), poses(1, 3), poses(2, 3))['image_bytes'].numpy()
    assert [pixels_of(data).shape for data in found] == [(SIZE, SIZE, 3)] * 3
    opaque = np.dstack([image[..., ::-1], np.full((SIZE, SIZE), 255, np.uint8)])
    alike = [file_of(image), cv2.imencode('.png', opaque)[1].tobytes(), files[1]]
    found = reposer.serve(tf.constant(alike), poses(1, 1).repeat(3, 0), poses(2, 1).repeat(3, 0))['image_bytes'].numpy()
    # To rounding: oneDNN sums in another order at another place of the batch.
    assert np.ptp(np.int16([pixels_of(data) for data in found]), axis=0).max() <= 1


def test_graphs_refuse_and_go_on(reposer):
    before = reposer.repose(**inputs())['image'].numpy()
    with pytest.raises(tf.errors.InvalidArgumentError, match='target_pose: expected finite numbers up to 128 px'):
        reposer.repose(**_with(np.nan))
    np.testing.assert_array_equal(reposer.repose(**inputs())['image'], before)


@pytest.mark.parametrize('signature', ['repose', 'repose_sequence', 'repose_layers'])
def test_nothing_is_computed_with_arguments_before_they_were_checked(reposer, signature):
    graph = getattr(reposer, signature).get_concrete_function().graph
    num_checks = 5 if signature == 'repose_sequence' else 4
    for argument in graph.inputs[:3]:
        allowed, *others = sorted(argument.consumers(), key=lambda op: len(op.control_inputs), reverse=True)
        assert allowed.type == 'Identity' and len(allowed.control_inputs) == num_checks
        assert all(op.name.startswith('Assert') for op in allowed.control_inputs)
        assert {op.type for op in others} <= {'Shape', 'Abs'}  # what the checks look at


def bomb(columns, rows):
    data = bytearray(file_of(inputs()['source_image'][0]))
    data[16:24] = columns.to_bytes(4, 'big') + rows.to_bytes(4, 'big')
    return bytes(data)


def with_jpeg_size(rows, columns):
    data = bytearray(file_of(inputs()['source_image'][0], '.jpg'))
    start = data.index(b'\xff\xc0') + 5
    data[start:start + 4] = rows.to_bytes(2, 'big') + columns.to_bytes(2, 'big')
    return bytes(data)


@pytest.mark.parametrize('data, words', [
    (b'', 'none, of so many bytes'), (b'GIF89a' + bytes(60), 'none, of so many bytes'),
    (b'BM' + bytes(100), 'none, of so many bytes'), (bytes(50_001), 'at most 50000 bytes'),
    (bomb(60000, 60000), r'16 to 200 px.*60000'), (bomb(0xffffffff, 0xffffffff), '16 to 200 px.*-1'),
    (with_jpeg_size(65000, 65000), '16 to 200 px.*65000'), (bomb(32, 40), r'square pictures.*40\D+32'),
    (file_of(np.zeros((8, 8, 3), np.uint8)), r'16 to 200 px.*8\D+8'),
    (file_of(inputs()['source_image'][0])[:200], 'PNG'), (file_of(inputs()['source_image'][0], '.jpg')[:-200], 'JPEG'),
    (b'\xff\xd8\xff\x20junk', 'JPEG')])
def test_files_that_are_no_such_pictures_are_refused(eagerly, reposer, data, words):
    good = file_of(inputs()['source_image'][0])
    with pytest.raises(tf.errors.InvalidArgumentError, match=f'(?s){words}'):
        reposer.serve(tf.constant([good, data]), poses(1, 2), poses(2, 2))


def _with(value):
    changed = inputs()
    changed['target_pose'][1, 4, 0] = value
    return changed


@pytest.mark.parametrize('given, words', [
    (_with(np.nan), 'target_pose: expected finite numbers up to 128 px'), (_with(np.inf), 'target_pose'),
    (_with(-129), 'target_pose'), ({**inputs(), 'source_pose': poses(1, 2) * 1e20}, 'source_pose'),
    ({name: value[:0] for name, value in inputs().items()}, 'expected 1 to 3 pictures .*found:.*0'),
    (inputs(4), 'expected 1 to 3 pictures .*4'),
    ({**inputs(), 'target_pose': poses(1, 1)}, 'as many source poses and target poses .*2.*2.*1')])
@pytest.mark.parametrize('signature', ['repose', 'repose_sequence', 'repose_layers'])
def test_numbers_that_do_not_fit_are_refused(eagerly, reposer, signature, given, words):
    if signature == 'repose_sequence':
        given = {**given, 'target_pose': given['target_pose'][:, np.newaxis]}
    with pytest.raises(tf.errors.InvalidArgumentError, match=f'(?s){words}'):
        getattr(reposer, signature)(**given)


@pytest.mark.parametrize('num_targets', [0, 11])
def test_sequences_have_some_targets_and_not_too_many(eagerly, reposer, num_targets):
    targets = np.zeros((2, num_targets, 19, 3), np.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf'(?s)1 to 20 targets .*2\D+{num_targets}'):
        reposer.repose_sequence(**{**inputs(), 'target_pose': targets})
