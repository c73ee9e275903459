"""Every frame is found by its number, with the very bytes of its files; broken records are named."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from data_pipeline.batches.frames import FrameStore
from data_pipeline.errors import DataError
from data_pipeline.people.people_builder import PeopleBuilder
from tests.support.people_folders import SIZE, write_people

FRAMES = {'a': 2, 'a-b': 40, 'b': 3}  # in the order of the persons; the second has two records, its name begins as one


@pytest.fixture
def people(tmp_path):
    """A builder with records in several files, and the content and the root of its folder."""
    content = write_people(tmp_path / 'mine', FRAMES, {'train': list(FRAMES)}, masked=['a/00', 'b/00', 'b/02'])
    # Equal pictures of one record cannot be told apart, and need not be.
    (tmp_path / 'mine/images/b/02.png').write_bytes((tmp_path / 'mine/images/b/01.png').read_bytes())
    builder = PeopleBuilder(tmp_path / 'mine', tmp_path / 'records')
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(num_shards=3))
    assert builder.info.splits['train'].num_shards == 3
    return builder, content, tmp_path / 'mine'


@pytest.mark.parametrize('kept', [False, True])
def test_frames_have_their_files_and_poses(people, kept):
    builder, content, root = people
    store = FrameStore(builder, ['train'])
    if kept:
        store.keep_files()
        for path in builder.info.splits['train'].filepaths:
            path.write_bytes(b'')
    assert store.ids == [f'{person}/{frame:02d}' for person, count in FRAMES.items() for frame in range(count)]
    assert store.counts.tolist() == list(FRAMES.values())
    for number, frame_id in enumerate(store.ids):
        assert store.frame_id(number).numpy().decode() == frame_id
        assert store.image_file(number).numpy() == (root / f'images/{frame_id}.png').read_bytes()
        mask = root / f'masks/{frame_id}.png'
        assert store.has_mask[number] == mask.exists()
        if mask.exists():
            assert store.mask_file(number).numpy() == mask.read_bytes()
        np.testing.assert_array_equal(store.poses_px[number], content[frame_id][1])
        assert store.sizes[number] == SIZE
    assert store.num_bytes == sum(path.stat().st_size for path in root.rglob('*.png'))


def test_broken_records_are_named(people):
    builder, _, _ = people
    path = builder.info.splits['train'].filepaths[-1]
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DataError, match=f'{path.name}: expected whole records, .*anew'):
        FrameStore(builder, ['train'])
