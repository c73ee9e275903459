"""Tiny folders in the people layout, for the tests of data_pipeline."""

import json
import os

import cv2
import numpy as np

from repose_tf.skeleton import JOINT_INDEX, JOINT_NAMES, NUM_JOINTS
from tests.support.films import write_frames

SIZE = 16


def random_pose(rng, size=SIZE):
    """Returns joints [19][3] px as poses.json holds them, z = 0 at the pelvis."""
    px = np.concatenate([rng.uniform(0, size, (NUM_JOINTS, 2)), rng.uniform(-5, 5, (NUM_JOINTS, 1))], axis=1)
    px[JOINT_INDEX['pelv'], 2] = 0
    return px.round(2).tolist()


def write_people(root, num_frames, splits=None, pairs=None, masked=(), size=SIZE):
    """Writes a folder of persons.

    Args:
      root: pathlib.Path of the folder.
      num_frames: dict, person -> how many PNG pictures; frames are named 00, 01, ...
      splits: content of splits.json, or None.
      pairs: content of pairs.json, or None.
      masked: ids of frames that get a mask, whose left half is 255.
      size: rows and columns of the pictures, px.

    Returns:
      dict, id -> (image [S, S, 3] uint8 RGB, pose [19, 3]).
    """
    rng, content = np.random.default_rng(len(num_frames)), {}
    for person, count in num_frames.items():
        for frame in (f'{index:02d}' for index in range(count)):
            image = rng.integers(0, 256, (size, size, 3), np.uint8)
            write_image(root / 'images' / person / f'{frame}.png', image)
            content[f'{person}/{frame}'] = (image, random_pose(rng, size))
    for frame_id in masked:
        mask = np.zeros((size, size), np.uint8)
        mask[:, :size // 2] = 255
        write_image(root / 'masks' / f'{frame_id}.png', mask)
    write_poses(root / 'poses.json', {key: pose for key, (_, pose) in content.items()})
    for name, listed in (('splits', splits), ('pairs', pairs)):
        if listed is not None:
            (root / f'{name}.json').write_text(json.dumps(listed))
    return {key: (image, np.array(pose, np.float32)) for key, (image, pose) in content.items()}


def write_image(path, image):
    """Writes RGB or grey pixels in the format that the suffix names; makes the folder."""
    os.makedirs(path.parent, exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)


def write_poses(path, poses, changes=()):
    """Writes a pose file of dict, id -> [19][3]; `changes`, a dict, replace its keys."""
    entries = {key: {'px': pose, 'px_per_mm': 0.1, 'mood': 'cheerful'} for key, pose in poses.items()}
    head = {'version': 1, 'joints': JOINT_NAMES, 'origin': 'random numbers'}
    path.write_text(json.dumps({**head, 'poses': entries, **dict(changes)}))


def write_video(path, images):
    """Writes uint8 [H, W, 3] frames; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_frames(path, images)


def annotated_files(root):
    """Returns dict, path -> bytes, of a folder that `annotate` wrote, without its work in progress."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob('*')
            if path.is_file() and 'annotation' not in path.parts}
