"""Source persons for the tests of reposing, of the size of the tiny model."""

import cv2
import numpy as np

from data_pipeline.annotation.crop import Square
from experiments.reposing.source_person import SourcePerson, load_source_person, place_of
from experiments.reposing.targets import load_targets
from tests.support import fake_estimator
from tests.support.people_folders import random_pose, write_image, write_poses
from tests.support.tiny import TINY

SIZE = TINY.image_size


def write_layout(root, sizes=(2 * SIZE, SIZE), poses=None):
    """Writes a people layout of person `p` with square frames 00, 01, ... of these sizes; returns key -> pose px."""
    rng = np.random.default_rng(0)
    px = {f'p/{index:02d}': random_pose(rng, size) for index, size in enumerate(sizes)}
    for key, size in zip(px, sizes, strict=True):
        write_image(root / 'images' / f'{key}.png', rng.integers(0, 256, (size, size, 3), np.uint8))
    write_poses(root / 'poses.json', {**px, **(poses or {})})
    return {key: np.array(pose) for key, pose in px.items()}


def photo_path(root, frame='00'):
    return str(root / 'images' / 'p' / f'{frame}.png')


def nobody_asked():
    raise AssertionError('the pose is given')


def load(root, frame='00', pose_name=''):
    """Loads the source person of a layout, whose pose is given."""
    return load_source_person(photo_path(root, frame), pose_name, SIZE, nobody_asked)


def targets(name, root=None, side=2 * SIZE):
    """Loads targets for a source person whose square has this side and who lies in the layout, if there is one."""
    place = root and place_of(photo_path(root))
    source = SourcePerson(None, Square(0, 0, side), np.zeros((SIZE, SIZE, 3), np.uint8), None, place=place)
    return load_targets(name, source, fake_estimator.FakeEstimator)


def write_photo(path, columns=300, rows=200, box=(180, 50, 40, 120)):
    """Writes a photo of somebody whom the fake estimator finds."""
    cv2.imwrite(str(path), fake_estimator.picture(columns, rows, box))
