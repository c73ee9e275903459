"""Contact sheets show every pair."""

import tensorflow as tf

from data_pipeline.picture_file import read_image
from experiments.models import opening
from experiments.reposing import contact_sheet
from experiments.reposing.contact_sheet import write_contact_sheet
from repose_tf.skeleton import NUM_JOINTS
from tests.support.tiny import TINY

SIZE = TINY.image_size


class Negative:
    """Stands in for a Reposer."""

    image_size = SIZE

    @staticmethod
    def repose_pairs(images, source_poses_px, target_poses_px, source_masks):
        del source_poses_px, target_poses_px, source_masks
        return 255 - images


def test_the_sheet_shows_source_pose_result_and_truth_of_every_pair(tmp_path):
    def batch(grey, names):
        def images(value):
            return tf.fill([len(names), SIZE, SIZE, 3], tf.constant(value, tf.uint8))
        poses = tf.random.uniform([len(names), NUM_JOINTS, 3], 0, SIZE)
        return {'source_image': images(grey), 'target_image': images(grey + 1), 'source_pose': poses,
                'target_pose': poses, 'source_mask': images(0)[..., :1],
                'source_id': tf.constant(names), 'target_id': tf.constant(names)}

    batches = [batch(10, ['a/0', 'a/1']), batch(60, ['b/0'])]
    write_contact_sheet(tmp_path / 'sheet.png', Negative, batches)
    sheet = read_image(tmp_path / 'sheet.png')
    cell = sheet.shape[1] // 4
    columns = {name: sheet[:, cell * index + cell // 2, 0].tolist()
               for index, name in enumerate(('source', 'pose', 'result', 'truth'))}
    for name, first, second in (('source', 10, 60), ('result', 245, 195), ('truth', 11, 61)):
        assert columns[name].count(first) == 2 * columns[name].count(second) >= 128


def test_the_sheet_shows_the_pairs_of_a_file(tmp_path, monkeypatch):
    class Data:
        pairs = staticmethod(lambda split, count: [(split, count)])
        listed_pairs = staticmethod(lambda split, path: [(split, path)])
        batches_of = staticmethod(lambda split, pairs, *sizes: pairs)

    shown = []
    monkeypatch.setattr(opening, 'run_of', lambda path: None)
    monkeypatch.setattr(opening, 'open_model', lambda path, weights, size=None: Negative)
    monkeypatch.setattr(contact_sheet, 'Data', lambda settings: Data)
    monkeypatch.setattr(contact_sheet, 'write_contact_sheet', lambda path, reposer, pairs, mark: shown.extend(pairs))
    for pairs_file in ('', 'mine.json'):
        contact_sheet.repose_test_pairs(tmp_path / 'sheet.png', 'model', 'average', lambda saved: None, 12, pairs_file)
    assert shown == [('test', 12), ('test', 'mine.json')]
