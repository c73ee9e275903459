"""Tiny made-up folders of DeepFashion and iPER, in every layout, for the tests of data_pipeline."""

import json
import pickle

import cv2
import numpy as np

from repose_tf.skeleton import JOINT_NAMES
from tests.support.films import write_frames
from tests.support.people_folders import SIZE, random_pose

FASHION_OUTFITS = [f'WOMEN/Blouses_Shirts/id_{item:08d}/0{outfit}' for item in range(1, 4) for outfit in (1, 2)]
VIEWS = ('1_front', '3_back')
IPER_VIDEOS = ('001/1/1', '001/1/2', '001/2/1', '001/9/1', '002/1/1')  # 001/2: validation, 001/9: test
NUM_VIDEO_FRAMES = 3


def tree_name(outfit, view):
    """Returns a picture's name as DeepFashion is delivered."""
    return f'img/{outfit}_{view}.jpg'


def flat_name(outfit, view, prefix='fashion', gap='_'):
    """Returns a picture's flattened name."""
    item = outfit.replace('id_', 'id').replace('/', '')
    return f'{prefix}{item}_{view.replace("_", "")}.jpg'.replace('_', gap)


def reference_name(outfit, view):
    """Returns a picture's name in the reference layout."""
    return f'images/{outfit}/{view}.png'


def fashion_id(outfit, view):
    """Returns the id of a picture."""
    return f'{outfit.replace("_", "").replace("id", "id_").replace("/", "_")}/{view}'


def write_picture(path, rng, size=SIZE):
    """Writes random pixels as PNG whatever the suffix says, as iPER does; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = rng.integers(0, 256, (size, size, 3), np.uint8)
    path.write_bytes(cv2.imencode('.png', image)[1].tobytes())


def write_fashion(root, name=tree_name, outfits=FASHION_OUTFITS, views=VIEWS):
    """Writes pictures of outfits; returns their ids."""
    rng = np.random.default_rng(0)
    for outfit in outfits:
        for view in views:
            write_picture(root / name(outfit, view), rng)
    return [fashion_id(outfit, view) for outfit in outfits for view in views]


def write_iper(root, videos=IPER_VIDEOS, digits=4, suffix='.jpg'):
    """Writes frames of videos; returns their ids."""
    rng = np.random.default_rng(0)
    for video in videos:
        for index in range(NUM_VIDEO_FRAMES):
            write_picture(root / 'images' / video / f'{index:0{digits}d}{suffix}', rng)
    return iper_ids(videos)


def write_film(path, num_frames=NUM_VIDEO_FRAMES, size=64):
    """Writes a video of grey frames, each 40 brighter than the one before, from 255 on dark again; returns `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_frames(path, [np.full((size, size, 3), 40 * index % 256, np.uint8) for index in range(num_frames)], 25)


def iper_ids(videos=IPER_VIDEOS):
    """Returns the ids of the frames of videos."""
    ids = []
    for person, clothing, action in (video.split('/') for video in videos):
        ids += [f'{person}_{clothing}/{action}_{index:04d}' for index in range(NUM_VIDEO_FRAMES)]
    return ids


def write_json_poses(root, keys, size=SIZE, origin='metrabs'):
    """Writes poses.json; returns dict, key -> [19, 3] px."""
    rng = np.random.default_rng(1)
    poses = {key: random_pose(rng, size) for key in keys}
    root.mkdir(parents=True, exist_ok=True)
    (root / 'poses.json').write_text(json.dumps({
        'version': 1, 'joints': JOINT_NAMES, 'origin': origin,
        'poses': {key: {'px': pose, 'px_per_mm': 0.1} for key, pose in poses.items()}}))
    return {key: np.array(pose, np.float32) for key, pose in poses.items()}


def write_pickled_poses(root, paths, changes=(), protocol=3):
    """Writes poses.pkl, nested as the paths are, px of 256; returns dict, path -> [19, 3] px."""
    rng = np.random.default_rng(2)
    poses = {path: np.array(random_pose(rng, 256), np.float64) for path in paths}
    poses.update(dict(changes))
    nested = {}
    for path, pose in poses.items():
        *folders, leaf = path.split('/')
        node = nested
        for folder in folders:
            node = node.setdefault(folder, {})
        node[leaf] = pose
    root.mkdir(parents=True, exist_ok=True)
    (root / 'poses.pkl').write_bytes(pickle.dumps(nested, protocol))
    return poses
