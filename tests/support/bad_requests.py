"""Requests to the page's backend that are broken in every way we could think of, generated from a seed; and the program
that sends many:

    python -m tests.support.bad_requests --count=10000
"""

import argparse
import dataclasses
import functools
import pathlib
import struct
import sys
import tempfile
import time
import zlib

import cv2
import numpy as np

from experiments.demo_page.clips import Clip
from experiments.demo_page.edits import Edits
from experiments.demo_page.motions import MOTIONS
from experiments.demo_page.samples import PagePerson
from experiments.demo_page.uploads import RequestError
from tests.support.cases import person_poses
from tests.support.fake_estimator import picture

_NUMBERS = (0, 2, 3.0, 17.5, -181, 181, 1e9, -1e300, float('nan'), float('inf'), True, None, '30', [], 10 ** 400)


def make_person(rng, size, name='somebody'):
    """Returns a `PagePerson` as the backend takes one."""
    image = rng.integers(0, 256, (size, size, 3)).astype(np.uint8)
    return PagePerson(name, image, person_poses(rng, 1, size)[0].astype(np.float32))


def bad_file(rng):
    """Returns the bytes of an upload: noise, truncated, lying about its size, huge, tiny, or fine."""
    rows, columns = (int(length) for length in rng.choice([1, 2, 16, 31, 32, 63, 200, 700], 2))
    image = rng.integers(0, 256, (rows, columns, int(rng.choice([1, 3, 4])))).astype(np.uint8)
    image[rows // 4:-rows // 4, columns // 3:-columns // 3] = 200  # what fake_estimator takes for a person
    suffix = str(rng.choice(['.png', '.jpg', '.webp', '.bmp', '.tiff']))
    whole = cv2.imencode(suffix, image[..., :3] if suffix != '.png' and image.shape[2] == 4 else image)[1].tobytes()
    kind = rng.integers(0, 9)
    if kind == 0:
        return b''
    if kind == 1:
        return rng.bytes(int(rng.integers(1, 3000)))
    if kind == 2:
        return whole[:int(rng.integers(1, len(whole)))]
    if kind == 3:
        return whole[:12] + rng.bytes(200)
    if kind == 4:
        return _bomb(*(int(length) for length in rng.choice([0, 1, 5000, 30000, 65535, 2 ** 31 - 1], 2)))
    if kind == 5:
        damaged = bytearray(whole)
        for place in rng.integers(0, len(damaged), 8):
            damaged[place] = rng.integers(0, 256)
        return bytes(damaged)
    if kind == 6:
        return whole + bytes(3_000_000)
    return whole


def _bomb(columns, rows):
    """Returns a small PNG file that announces many pixels and holds zeros."""
    def chunk(name, data):
        return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))

    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', columns, rows, 8, 2, 0, 0, 0))
            + chunk(b'IDAT', zlib.compress(bytes(100_000))) + chunk(b'IEND', b''))


@functools.cache
def good_video(num_frames=4, columns=96, rows=64):
    """Returns the bytes of an MP4 file in which somebody, as tests.support.fake_estimator sees them, spreads out."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'video.mp4'
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 10, (columns, rows))
        for index in range(num_frames):
            writer.write(picture(columns, rows, (10, 8, 20 + 2 * index, 50))[..., ::-1])
        writer.release()
        return path.read_bytes()


def bad_video(rng):
    """Returns the name and bytes of an upload: truncated, damaged, empty, of no frames, a text, a picture, or fine."""
    whole, suffix = good_video(), str(rng.choice(['.mp4', '.mov', '.webm', '.MP4', '.avi', '.txt', '']))
    kind = rng.integers(0, 8)
    if kind == 0:
        return suffix, b''
    if kind == 1:
        return suffix, rng.bytes(int(rng.integers(1, 3000)))
    if kind == 2:
        return suffix, whole[:int(rng.integers(1, len(whole)))]
    if kind == 3:
        damaged = bytearray(whole)
        for place in rng.integers(0, len(damaged), 8):
            damaged[place] = rng.integers(0, 256)
        return suffix, bytes(damaged)
    if kind == 4:
        texts = (b'#EXTM3U\n#EXTINF:1,\n/etc/passwd\n', b'ffconcat version 1.0\nfile /etc/passwd\n', b'no video at all')
        return suffix, texts[rng.integers(0, len(texts))]
    if kind == 5:
        return suffix, good_video(0)
    if kind == 6:
        return suffix, bad_file(rng)
    return '.mp4', good_video(int(rng.choice([1, 4, 7, 30])), *((16, 16) if rng.integers(2) else (96, 64)))


def bad_person(rng, size):
    """Returns a `PagePerson` whose picture or pose is wrong, or something that is none."""
    person = make_person(rng, size)
    pose, far = person.pose_px.copy(), [float('nan'), float('inf'), 1e30, -1e6, 5.0 * size]
    pose[rng.integers(0, len(pose)), rng.integers(0, 3)] = rng.choice(far)
    wrong_images = (person.image[:-1], person.image.astype(np.float32), person.image[..., :1], None, 'picture',
                    np.zeros((0, 0, 3), np.uint8), np.zeros((4 * size, 4 * size, 3), np.uint8))
    whole = person.pose_px
    wrong_poses = (pose, whole[:-1], whole[:, :2], whole[np.newaxis], None, whole.astype(str), np.zeros_like(whole),
                   whole.astype(np.complex64))
    kind = rng.integers(0, 6)
    if kind == 4:
        return dataclasses.replace(person, others=(bad_person(rng, size),) * int(rng.integers(1, 5)))
    if kind == 5:
        wrong_masks = (person.image[:-1, :, 0], person.image > 0, np.zeros((size, size), np.uint8), 'mask')
        return dataclasses.replace(person, mask=wrong_masks[rng.integers(0, len(wrong_masks))])
    if kind == 0:
        return dataclasses.replace(person, image=wrong_images[rng.integers(0, len(wrong_images))])
    if kind == 3:
        return (None, 7, 'p000', {})[rng.integers(0, 4)]
    return dataclasses.replace(person, pose_px=wrong_poses[rng.integers(0, len(wrong_poses))])


def bad_move(rng):
    """Returns what a browser asks for when a joint is dragged: wrong in some way, or fine."""
    joint = ['lwri', 'pelv', 'nose', 'tail', None, 3, ['lwri']][rng.integers(0, 7)]
    place = {axis: _NUMBERS[rng.integers(0, len(_NUMBERS))] for axis in ('x', 'y', 'tilt_deg') if rng.integers(4)}
    moves = ({'joint': joint, **place}, {'joint': joint, 'x': 20, 'y': -30.5}, place, None, 'lwri', [])
    return moves[rng.integers(0, len(moves))]


def ask(backend, rng):
    """Sends one request, most of them bad; returns a picture or a `Clip`, or raises RequestError."""
    size = backend.image_size
    good = make_person(rng, size)
    kind = rng.integers(0, 6)
    if kind == 0:
        return backend.picture(good, backend.target_pose(good, backend.person_of(bad_file(rng))))
    if kind == 1:
        if rng.integers(2):
            return backend.picture(good, backend.with_joint_moved(good, good.pose_px, bad_move(rng))[0])
        degrees = [15, -30, 5, 60]
        degrees[rng.integers(0, 4)] = _NUMBERS[rng.integers(0, len(_NUMBERS))]
        return backend.picture(good, backend.target_pose(good, good, Edits(*degrees)))
    if kind == 2:
        person, pose_person = bad_person(rng, size), bad_person(rng, size) if rng.integers(2) else good
        return backend.picture(person, backend.target_pose(good, pose_person))
    number = _NUMBERS[rng.integers(0, len(_NUMBERS))]
    if kind == 3:
        return backend.turntable(good, good.pose_px, number)
    if kind == 4:
        name = [*MOTIONS, '', None, 7, 'a' * 9999][rng.integers(0, len(MOTIONS) + 4)]
        return backend.motion(good, name, number, Edits(turn_deg=_NUMBERS[rng.integers(0, len(_NUMBERS))]))
    suffix, data = bad_video(rng)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / f'upload{suffix}'
        path.write_bytes(data)
        return backend.follow(good, backend.read_video(path))


def send(backend, count, seed):
    """Sends bad requests; checks every answer; returns the number of pictures and the messages.

    Args:
      backend: `Backend`.
      count, seed: how many, and which.
    """
    num_pictures, messages, size = 0, [], backend.image_size
    for index in range(count):
        try:
            answer = ask(backend, np.random.default_rng([seed, index]))
        except RequestError as error:
            messages.append(str(error))
            assert '\n' not in str(error) and len(str(error)) < 400 and str(error), (seed, index, str(error))
            continue
        num_pictures += 1
        is_clip = isinstance(answer, Clip) and answer.gif.startswith(b'GIF') and answer.mp4[4:8] == b'ftyp'
        assert is_clip or (answer.dtype == np.uint8 and answer.shape == (size, size, 3)), (seed, index)
    return num_pictures, messages


def resident_mb():
    """Returns this process's memory, MB."""
    with open('/proc/self/statm', encoding='ascii') as file:
        return int(file.read().split()[1]) * 4096 / 1e6


def main():
    """Sends as many as asked for to an untrained model; says what came back and how memory grew; fails if it grew more
    than 5 % or the good request is answered differently."""
    from tests.experiments.demo_page.backend_test import make_backend
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('--count', type=int, default=10_000)
    count = parser.parse_args().count
    backend = make_backend()
    good = make_person(np.random.default_rng(0), backend.image_size)
    before = backend.picture(good, good.pose_px)
    start = time.monotonic()
    pictures, messages = send(backend, count // 5, seed=1)  # warms up
    warm = resident_mb()
    more_pictures, more_messages = send(backend, count - count // 5, seed=2)
    end = resident_mb()
    is_same = np.array_equal(before, backend.picture(good, good.pose_px))
    print(f'{count} requests in {time.monotonic() - start:.0f} s: {pictures + more_pictures} pictures, '
          f'{len(messages) + len(more_messages)} messages; memory {warm:.1f} -> {end:.1f} MB '
          f'({100 * (end / warm - 1):+.1f} %) after warm-up; the good request is answered '
          f'{"as before" if is_same else "DIFFERENTLY"}.')
    if end > 1.05 * warm or not is_same:
        sys.exit('error: expected memory to grow at most 5 % and the good request to be answered as before.')


if __name__ == '__main__':
    main()
