"""The signatures of several photos of a person, padded, with masks or without: what they show and what they refuse."""

import collections

import numpy as np
import pytest
import tensorflow as tf

from repose_tf.serving import RequestLimits, ServedModel
from tests.support import gpu_kernels
from tests.support.cases import person_poses
from tests.support.tiny import TINY_DETAIL, tiny_generator

SIZE = TINY_DETAIL.image_size
PICTURES = {'TensorListConcatV2', 'TensorListSetItem'}  # put together the pictures of a sequence


@pytest.fixture(scope='module')
def served():
    return ServedModel(tiny_generator(TINY_DETAIL), RequestLimits(max_batch=3, max_targets=20))


def given(num_photos=2, batch=2, **changes):
    rng = np.random.default_rng(0)
    poses = person_poses(rng, batch * (num_photos + 1), SIZE).astype(np.float32).reshape(batch, num_photos + 1, 19, 3)
    return {'source_images': rng.integers(0, 256, (batch, num_photos, SIZE, SIZE, 3)).astype(np.uint8),
            'source_poses': poses[:, 1:], 'source_masks': np.zeros((batch, num_photos, SIZE, SIZE, 1), np.uint8),
            'source_count': np.full(batch, num_photos, np.int32), 'target_pose': poses[:, 0], **changes}


def of_photo(request, number):
    """Returns the request for one of the photos alone, as `repose` takes it."""
    return {'source_image': request['source_images'][:, number], 'source_pose': request['source_poses'][:, number],
            'target_pose': request['target_pose']}


def pixels(answer):
    return answer['image'].numpy().astype(int)


def test_equal_photos_and_padding_give_what_one_photo_gives(eagerly, served):
    request = given()
    expected = pixels(served.repose(**of_photo(request, 0)))
    both = served.repose_sources(**request)
    assert both['image'].dtype == tf.uint8 and both['foreground_alpha'].shape == (2, SIZE, SIZE, 1)
    assert np.isfinite(both['foreground_alpha']).all() and np.abs(pixels(both) - expected).max() > 1
    # Of the first person the second photo is padding that holds nonsense, of the other one it is the first once more.
    request['source_images'][1, 1], request['source_poses'][1, 1] = request['source_images'][1, 0], request[
        'source_poses'][1, 0]
    request['source_poses'][0, 1], request['source_masks'][0, 1] = np.nan, 255
    request['source_count'] = np.int32([1, 2])
    assert np.abs(pixels(served.repose_sources(**request)) - expected).max() <= 1


def test_masks_are_used_where_they_are_given(eagerly, served):
    request = given()
    own = pixels(served.repose_sources(**request))
    request['source_masks'][0, :, 16:56, 20:44] = 255
    found = pixels(served.repose_sources(**request))
    assert np.abs(found - own)[0].max() > 1 >= np.abs(found - own)[1].max()


def sequence_of(request, num_targets):
    """Returns the request, as `repose_sources_sequence` takes it, with so many other targets for each person."""
    poses = person_poses(np.random.default_rng(1), len(request['target_pose']) * num_targets, SIZE).astype(np.float32)
    return {**request, 'target_pose': poses.reshape(-1, num_targets, 19, 3)}


def test_a_sequence_shows_what_single_requests_show(eagerly, served):
    request = given(3)
    request['source_count'] = np.int32([2, 3])
    request['source_poses'][0, 2], request['source_masks'][1, 0, 16:56, 20:44] = np.nan, 255
    request = sequence_of(request, 9)  # more than a chunk, over both people
    found = served.repose_sources_sequence(**request)
    assert found['image'].dtype == tf.uint8 and found['image'].shape == (2, 9, SIZE, SIZE, 3)
    assert found['foreground_alpha'].shape == (2, 9, SIZE, SIZE, 1)
    for index in (0, 4, 8):
        expected = served.repose_sources(**{**request, 'target_pose': request['target_pose'][:, index]})
        assert np.abs(pixels(found)[:, index] - pixels(expected)).max() <= 1
        np.testing.assert_allclose(found['foreground_alpha'][:, index], expected['foreground_alpha'], atol=1e-4)


def test_a_sequence_encodes_the_photos_of_a_person_once(eagerly, monkeypatch):
    calls = []
    generator = tiny_generator(TINY_DETAIL)
    encode = generator.encode
    monkeypatch.setattr(generator, 'encode', lambda *args: calls.append(args) or encode(*args))
    ServedModel(generator).repose_sources_sequence(**sequence_of(given(batch=1), 17))
    assert len(calls) == 1 and calls[0][0].shape[:2] == (1, 2)


@pytest.mark.parametrize('num_targets', [0, 11])
def test_a_sequence_has_some_targets_and_not_too_many(eagerly, served, num_targets):
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf'(?s)1 to 20 targets .*2\D+{num_targets}'):
        served.repose_sources_sequence(**given(target_pose=np.zeros((2, num_targets, 19, 3), np.float32)))


def _with(name, place, value):
    request = given()
    request[name][place] = value
    return request


@pytest.mark.parametrize('request_, words', [
    (_with('source_count', 1, 0), 'source_count: expected 1 to so many as there are photos'),
    (_with('source_count', 1, 3), 'source_count: expected'), (_with('source_count', 0, -2 ** 31), 'source_count'),
    (given(5), 'source_images: expected 1 to 4 photos of a person, found:.*5'),
    (given(source_images=given(3)['source_images']), 'expected one for each photo, found photos.*3.*2.*2'),
    (given(source_masks=given(3)['source_masks']), 'source_poses, source_masks: expected one for each photo'),
    (given(source_masks=given(batch=1)['source_masks']), 'source_masks, source_count: expected as many as there are'),
    (given(source_count=np.int32([2])), 'source_masks, source_count: expected as many .*2.*2.*1'),
    (given(source_poses=given(batch=1)['source_poses']), 'as many source poses and target poses .*2.*1.*2'),
    (given(batch=4), 'expected 1 to 3 pictures .*4'), (given(batch=0), 'expected 1 to 3 pictures .*0'),
    (given(0), 'source_images: expected 1 to 4 photos of a person, found:.*0'),
    (_with('source_poses', (1, 1, 4, 0), np.nan), 'source_poses: expected finite numbers up to 256 px'),
    (_with('source_poses', (0, 0, 4, 0), 257), 'source_poses: expected finite'),
    (_with('target_pose', (0, 3), np.inf), 'target_pose: expected finite numbers up to 256 px')])
def test_what_does_not_fit_is_refused(eagerly, served, request_, words):
    with pytest.raises(tf.errors.InvalidArgumentError, match=f'(?s){words}'):
        served.repose_sources(**request_)
    with pytest.raises(tf.errors.InvalidArgumentError, match=f'(?s){words}'):
        served.repose_sources_sequence(**{**request_, 'target_pose': request_['target_pose'][:, np.newaxis]})


@pytest.mark.long
@pytest.mark.parametrize('signature, num_checks', [('repose_sources', 5), ('repose_sources_sequence', 6)])
def test_the_graph_checks_before_it_computes_and_has_kernels_for_gpus(served, signature, num_checks):
    graph = getattr(served, signature).get_concrete_function().graph
    for argument in graph.inputs[:5]:
        allowed, *others = sorted(argument.consumers(), key=lambda op: len(op.control_inputs), reverse=True)
        assert allowed.type == 'Identity' and all(op.name.startswith('Assert') for op in allowed.control_inputs)
        assert len(allowed.control_inputs) == num_checks and {op.type for op in others} <= {'Shape'}
    gates = collections.Counter(op.type for op in graph.get_operations() if len(op.control_inputs) == 3)
    assert gates == {'Identity': 5}  # behind the checks of what the arguments hold
    none, on_host = gpu_kernels.lacking(graph)
    if signature == 'repose_sources_sequence':
        none -= {(kind, types) for kind, types in none if kind in PICTURES and 'uint8' in types}
    assert none <= {('Const', 'dtype=string')}
    of_counts = {'Assert', 'ExpandDims', 'Identity'}  # of photos: one number for each person
    allowed = gpu_kernels.INT32 | of_counts | PICTURES  # lengths of what is put together
    assert {kind for kind, types in on_host if types != 'T=string'} <= allowed
