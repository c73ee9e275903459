"""The adapter of MeTRAbs, against a tiny SavedModel with its signature: the real weights are not at hand here."""

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.errors import DataError
from data_pipeline.estimators.metrabs import MODEL_JOINT_NAMES, Metrabs
from repose_tf.skeleton import JOINT_NAMES


class TinyMetrabs(tf.Module):
    """Finds `num_people` people, the second the larger; joint j of person n is at px (100 n + j, rows)."""

    def __init__(self, num_people, names=MODEL_JOINT_NAMES):
        super().__init__()
        self.num_people = num_people
        self.per_skeleton_joint_names = {'coco_19': tf.Variable(names, trainable=False)}

    @tf.function(input_signature=[
        tf.TensorSpec((None, None, 3), tf.uint8, name='image'),
        tf.TensorSpec((), tf.float32, name='default_fov_degrees'), tf.TensorSpec((), tf.string, name='skeleton')])
    def detect_poses(self, image, default_fov_degrees=55, skeleton='coco_19'):
        tf.debugging.assert_equal(skeleton, 'coco_19')
        rows = tf.cast(tf.shape(image)[0], tf.float32)
        people = tf.range(self.num_people, dtype=tf.float32)[:, tf.newaxis]
        x = 100 * people + tf.range(19, dtype=tf.float32)
        poses_px = tf.stack([x, tf.zeros_like(x) + rows], axis=-1)
        poses_mm = tf.concat([10 * poses_px, tf.zeros_like(x)[..., tf.newaxis] + default_fov_degrees], axis=-1)
        size = 50 + 50 * tf.cast(people == 1.0, tf.float32)
        boxes = tf.concat([people, people, size, size, 0.5 + 0.1 * people], axis=1)
        return {'boxes': boxes, 'poses3d': poses_mm, 'poses2d': poses_px}


def saved(tmp_path, *arguments):
    tf.saved_model.save(TinyMetrabs(*arguments), str(tmp_path / 'metrabs_tiny'))
    return str(tmp_path / 'metrabs_tiny')


def test_the_largest_person_comes_in_the_projects_order_of_joints(tmp_path):
    estimator = Metrabs(saved(tmp_path, 3), fov_deg=40)
    person, count = estimator.find_person(np.zeros((7, 9, 3), np.uint8))
    assert count == 3 and person.mask is None and person.score == pytest.approx(0.6)
    places = [int(x) - 100 for x in person.joints_px[:, 0]]
    assert [MODEL_JOINT_NAMES[place] for place in places] == list(JOINT_NAMES)
    np.testing.assert_allclose(person.joints_mm[:, :2], 10 * person.joints_px)
    assert (person.joints_mm[:, 2] == 40).all() and (person.joints_px[:, 1] == 7).all()
    assert 'metrabs_tiny' in estimator.origin


def test_nobody_is_no_error(tmp_path):
    assert Metrabs(saved(tmp_path, 0)).find_person(np.zeros((7, 9, 3), np.uint8)) == (None, 0)


def test_another_order_of_joints_is_refused(tmp_path):
    with pytest.raises(DataError, match='coco_19: expected the joints neck nose pelv'):
        Metrabs(saved(tmp_path, 1, MODEL_JOINT_NAMES[::-1]))


def test_what_is_no_metrabs_is_refused(tmp_path):
    with pytest.raises(DataError, match='--model_dir: expected the folder of a MeTRAbs SavedModel'):
        Metrabs(str(tmp_path))
    (tmp_path / 'saved_model.pb').write_bytes(b'none')
    with pytest.raises(DataError, match='found one that does not load'):
        Metrabs(str(tmp_path))
    tf.saved_model.save(tf.Module(), str(tmp_path / 'other'))
    with pytest.raises(DataError, match='found a SavedModel without'):
        Metrabs(str(tmp_path / 'other'))
