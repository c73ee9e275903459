"""Bad requests to a SavedModel, by kind, and some good ones among them."""

import functools
import struct
import zlib

import cv2
import numpy as np

from experiments.models.export_check import of_sources
from experiments.models.exporting import example_inputs

# Sides that the header of a picture promises, while its pixels are not sent.
_BOMB_SIDES_PX = (20_000, 2 ** 31 - 1, 2 ** 32 - 1)
# These kinds must be answered by pictures.
GOOD_KINDS = ('good, all signatures', 'grey, transparent or 16 bits', 'another size', 'several photos')
_MOST_PHOTOS = 4
_OF_PIXELS = ('repose', 'repose_layers')  # signatures of the same arguments
_NOT_PICTURES = (b'', b'\0', b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n', b'GIF89a' + bytes(40), b'BM' + bytes(60),
                 b'<svg xmlns="http://www.w3.org/2000/svg"/>', b'RIFF\0\0\0\0WEBP')


def good(rng, size):
    """Returns a good request to each signature: dict, name -> arguments as arrays."""
    inputs = example_inputs(size)
    return {'repose': inputs, 'repose_layers': inputs, 'repose_sequence': _sequence(inputs, 3),
            'serving_default': _files(inputs),
            'repose_sources': of_sources(inputs, 2), 'repose_sources_sequence': _sequence(of_sources(inputs, 2), 3)}


def kinds(size):
    """Returns dict, kind -> function of a generator of random numbers that makes (signature, arguments)."""
    def poses(change):
        return functools.partial(_with_pose, size, change)

    def files(make):
        return functools.partial(_with_file, size, make)

    return {
        'good, all signatures': functools.partial(_good, size),
        'pose with a NaN': poses(lambda rng, pose: _poke(rng, pose, np.nan)),
        'pose with an infinity': poses(lambda rng, pose: _poke(rng, pose, rng.choice([np.inf, -np.inf]))),
        'joint far outside': poses(lambda rng, pose: _poke(rng, pose, 10.0 ** rng.uniform(1, 38))),
        'all joints in one place': poses(lambda rng, pose: np.full_like(pose, rng.uniform(-size, size))),
        'pose of another rank': poses(lambda rng, pose: pose[0] if rng.random() < 0.5 else pose[np.newaxis]),
        'pose with other joints': poses(lambda rng, pose: pose[:, :rng.integers(0, 19)]),
        'pose of another batch': poses(lambda rng, pose: np.repeat(pose, rng.integers(2, 200), axis=0)),
        'pose of another type': poses(lambda rng, pose: pose.astype(rng.choice(['f8', 'i4', 'c8']))),
        'image of another size': functools.partial(
            _with_image, size, lambda rng, _: _noise(rng, 1, *rng.integers(0, 600, 2), 3)),
        'image of another type': functools.partial(_with_image, size, lambda rng, image: image.astype('f4')),
        'zero batch': functools.partial(_batch, size, 0),
        'batch too large': functools.partial(_batch, size, 1000),
        'no or too many targets': functools.partial(_many_targets, size),
        'argument missing': functools.partial(_missing, size),
        'no picture': files(lambda rng, _: _NOT_PICTURES[rng.integers(len(_NOT_PICTURES))]),
        'random bytes': files(lambda rng, _: rng.bytes(rng.integers(1, 5000))),
        'truncated JPEG': files(lambda rng, image: _cut(rng, _encoded(image, '.jpg'))),
        'truncated PNG': files(lambda rng, image: _cut(rng, _encoded(image, '.png'))),
        'JPEG with changed bytes': files(lambda rng, image: _changed(rng, _encoded(image, '.jpg'))),
        'PNG with changed bytes': files(lambda rng, image: _changed(rng, _encoded(image, '.png'))),
        'decompression bomb': files(lambda rng, _: _bomb(rng)),
        'tiny picture': files(lambda rng, _: _encoded(_noise(rng, *rng.integers(1, 16, 2), 3), '.png')),
        'picture not square': files(lambda rng, _: _encoded(_noise(rng, 40, 41 + rng.integers(100), 3), '.jpg')),
        'grey, transparent or 16 bits': files(_unusual),
        'another size': files(lambda rng, _: _encoded(_noise(rng, *[rng.integers(16, 300)] * 2, 3), '.jpg')),
        **_kinds_of_photos(size),
    }


def _kinds_of_photos(size):
    """Returns the kinds of requests of several photos, see `kinds`."""
    def photos(change=lambda rng, inputs: {}):
        return functools.partial(_photos, size, change)

    def poses(make):
        return photos(lambda rng, inputs: {'source_poses': make(rng, inputs['source_poses'])})

    def count(make):
        return photos(lambda rng, inputs: {'source_count': np.int32([make(rng, inputs['source_images'].shape[1])])})

    return {
        'several photos': photos(),
        'photo with a NaN in its pose': poses(lambda rng, given: np.where(
            np.arange(given.size).reshape(given.shape) == rng.integers(57), np.nan, given).astype('f4')),
        'photo far beside its person': poses(lambda rng, given: given + np.float32(rng.uniform(-3, 3, 3) * size)),
        'photo with all joints in one place': poses(lambda rng, given: np.full_like(given, rng.uniform(-size, size))),
        'count that is none': count(lambda rng, most: rng.choice([0, -1, most + 1, 2 ** 31 - 1, -2 ** 31])),
        'no or too many photos': lambda rng: (
            'repose_sources', of_sources(_request(rng, size), rng.choice([0, 5, 90]))),
        'part with another number': photos(_of_another_length),
        'mask of another size or type': photos(lambda rng, inputs: {'source_masks': [
            lambda mask: mask[:, :, 1:], lambda mask: mask.astype('f4'), lambda mask: mask[..., 0],
            lambda mask: np.repeat(mask, 3, axis=-1)][rng.integers(4)](inputs['source_masks'])}),
        'part missing': photos(lambda rng, inputs: {rng.choice(list(inputs)): None}),
    }


def _request(rng, size, batch_size=1):
    inputs = example_inputs(size, batch_size)
    return {**inputs, 'source_image': rng.integers(0, 256, inputs['source_image'].shape, np.uint8)}


def _photos(size, change, rng):
    """Makes a request of several photos, some of it padding that holds nonsense, with `change` of its arguments."""
    one, num_photos = _request(rng, size), rng.integers(1, _MOST_PHOTOS + 1)
    inputs = of_sources(one, num_photos)
    inputs['source_images'] = _noise(rng, *inputs['source_images'].shape)
    inputs['source_poses'] += rng.normal(0, 0.1 * size, inputs['source_poses'].shape).astype('f4')
    if rng.random() < 0.5:
        inputs['source_masks'] = _noise(rng, *inputs['source_masks'].shape) // np.uint8(rng.choice([1, 2, 255]))
    inputs['source_count'] = rng.integers(1, num_photos + 1, 1).astype(np.int32)
    inputs['source_poses'][:, inputs['source_count'][0]:] = rng.choice([np.nan, np.inf, 0, 1e30])
    inputs.update(change(rng, inputs))
    inputs = {name: value for name, value in inputs.items() if value is not None}
    if rng.random() < 0.5 and 'target_pose' in inputs:
        return 'repose_sources_sequence', _sequence(inputs, 2)
    return 'repose_sources', inputs


def _of_another_length(rng, inputs):
    """Returns one of the arguments with other numbers of people or photos."""
    name = rng.choice(list(inputs))
    axis = rng.integers(2) if name not in ('source_count', 'target_pose') else 0
    return {name: np.concatenate([inputs[name]] * 2, axis=axis)}


def _sequence(inputs, num_targets):
    return {**inputs, 'target_pose': np.repeat(inputs['target_pose'][:, np.newaxis], num_targets, axis=1)}


def _many_targets(size, rng):
    inputs, number = _request(rng, size), rng.choice([0, 100_000])
    if rng.random() < 0.5:
        return 'repose_sequence', _sequence(inputs, number)
    return 'repose_sources_sequence', _sequence(of_sources(inputs, 2), number)


def _files(inputs):
    poses = {name: inputs[name] for name in ('source_pose', 'target_pose')}
    return {'image_bytes': np.array([_encoded(image, '.png') for image in inputs['source_image']], object), **poses}


def _good(size, rng):
    requests = good(rng, size)
    name = rng.choice(list(requests))
    return name, requests[name]


def _with_pose(size, change, rng):
    """Changes one of the poses of a request to one of the signatures with one target."""
    inputs, name = _request(rng, size), rng.choice(['source_pose', 'target_pose'])
    inputs[name] = change(rng, inputs[name])
    signature = rng.choice([*_OF_PIXELS, 'serving_default'])
    return signature, _files(inputs) if signature == 'serving_default' else inputs


def _with_image(size, change, rng):
    inputs = _request(rng, size)
    return rng.choice(_OF_PIXELS), {**inputs, 'source_image': change(rng, inputs['source_image'])}


def _with_file(size, make, rng):
    inputs = _request(rng, size)
    data = make(rng, inputs['source_image'][0])
    return 'serving_default', {**_files(inputs), 'image_bytes': np.array([data], object)}


def _batch(size, batch_size, rng):
    inputs = {name: np.resize(value, (batch_size, *value.shape[1:])) for name, value in _request(rng, size).items()}
    signature = rng.choice([*_OF_PIXELS, 'serving_default'])
    if signature in _OF_PIXELS:
        return signature, inputs
    data = np.array([b'\x89PNG'] * batch_size, 'S4')
    return signature, {'image_bytes': data, **{name: inputs[name] for name in ('source_pose', 'target_pose')}}


def _missing(size, rng):
    inputs = _request(rng, size)
    del inputs[rng.choice(list(inputs))]
    return rng.choice(_OF_PIXELS), inputs


def _poke(rng, pose, value):
    pose = pose.copy()
    pose[0, rng.integers(pose.shape[1]), rng.integers(3)] = value
    return pose


def _noise(rng, *shape):
    return rng.integers(0, 256, shape, np.uint8)


def _encoded(image, suffix):
    return cv2.imencode(suffix, image)[1].tobytes()


def _cut(rng, data):
    return data[:rng.integers(len(data))]


def _changed(rng, data):
    data = np.frombuffer(data, np.uint8).copy()
    data[rng.integers(0, len(data), rng.integers(1, 20))] = rng.integers(0, 256)
    return data.tobytes()


def _unusual(rng, image):
    return [lambda: _encoded(image[..., 0], '.jpg'), lambda: _encoded(image[..., 0], '.png'),
            lambda: _encoded(image[..., [0, 1, 2, 0]], '.png'),
            lambda: _encoded(image.astype(np.uint16) * 257, '.png')][rng.integers(4)]()


def _bomb(rng):
    """Returns a small PNG file, or the header of a JPEG file, that promises a huge picture."""
    side = _BOMB_SIDES_PX[rng.integers(len(_BOMB_SIDES_PX))]
    if rng.random() < 0.5:
        frame = struct.pack('>HBHHB', 17, 8, 65_000, 65_000, 3) + bytes([1, 17, 0, 2, 17, 0, 3, 17, 0])
        return b'\xff\xd8\xff\xc0' + frame + b'\xff\xd9'
    chunks = ((b'IHDR', struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0)),
              (b'IDAT', zlib.compress(bytes(2_000_000), 9)), (b'IEND', b''))
    return b'\x89PNG\r\n\x1a\n' + b''.join(struct.pack('>I', len(body)) + name + body
                                           + struct.pack('>I', zlib.crc32(name + body)) for name, body in chunks)
