"""Several photos of a person become one set of candidates: each point comes from the photo that shows it best."""

import functools

import numpy as np
import pytest

from data_pipeline.picture_file import read_image, resized
from data_pipeline.poses.pose_file import read_poses
from repose_tf.detail import candidates, surface_warp
from repose_tf.detail.views import NUM_VIEWS
from tests.support.programs import ROOT

PEOPLE, SIZE = ROOT / 'data' / 'people', 64


@functools.cache
def poses():
    return read_poses(PEOPLE / 'poses.json')


def photo(key):
    """Returns a rendered person, [S, S, 4] float32 with the mask, and the pose [19, 3]."""
    image = read_image(next((PEOPLE / 'images').glob(f'{key}.*')))
    mask = read_image(PEOPLE / 'masks' / f'{key}.png')[..., :1]
    seen = resized(np.concatenate([image, mask], axis=2), SIZE) / np.float32([127.5, 127.5, 127.5, 255])
    pose_px = poses()[key].px * np.float32(SIZE / len(image))
    return seen - np.float32([1, 1, 1, 0]), pose_px


def carried(photos, target_pose_px, count=None):
    """Returns the part's own sample of the nearest layer, [S, S, 6]."""
    images, poses_px = (np.stack(values)[np.newaxis] for values in zip(*photos, strict=True))
    depth_px = surface_warp.source_depth(poses_px, surface_warp.source_parts(poses_px, (SIZE, SIZE)))
    images = np.stack([images] * NUM_VIEWS, axis=2)
    found, _ = candidates.carried(images, poses_px, target_pose_px[np.newaxis], depth_px,
                                  np.int32([count or len(photos)]))
    return found[0, :, :, 0, 0].numpy()


@pytest.mark.parametrize('person, target', [('p006', '11'), ('p117', '08'), ('p118', '11')])
def test_a_back_comes_from_the_photo_that_shows_it(person, target):
    front, back = photo(f'{person}/00'), photo(f'{person}/02')
    truth, target_pose_px = photo(f'{person}/{target}')
    alone, both = carried([front], target_pose_px), carried([front, back], target_pose_px)
    is_person = (truth[..., 3] > 0.5) & (alone[..., 3] > 0.5) & (both[..., 3] > 0.5)
    assert both[is_person, 4].mean() > alone[is_person, 4].mean() + 0.3  # visible
    errors = [np.abs(found[..., :3] - truth[..., :3])[is_person].mean() for found in (alone, both)]
    assert errors[1] < 0.8 * errors[0]
    behind = carried([back], target_pose_px)
    assert np.abs(both - behind)[is_person, :3].mean() < 0.5 * np.abs(both - alone)[is_person, :3].mean()


def test_the_order_and_the_padding_of_photos_do_not_matter():
    photos, (_, target_pose_px) = [photo(f'p006/{frame}') for frame in ('00', '02', '03')], photo('p006/04')
    together = carried(photos, target_pose_px)
    np.testing.assert_allclose(carried(photos[::-1], target_pose_px), together, atol=1e-4)
    np.testing.assert_allclose(carried([*photos, photos[0]], target_pose_px, 3), together, atol=1e-5)
    np.testing.assert_allclose(carried([photos[0]] * 2, target_pose_px), carried(photos[:1], target_pose_px), atol=1e-5)
