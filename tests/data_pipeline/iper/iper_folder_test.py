"""iPER is read alike from frames and videos; its outfits stay in the splits of the field."""

import numpy as np
import pytest

from data_pipeline.errors import DataError
from data_pipeline.iper import iper_folder
from data_pipeline.iper.iper_folder import open_folder
from tests.support.data_set_folders import (
    IPER_VIDEOS,
    NUM_VIDEO_FRAMES,
    iper_ids,
    write_film,
    write_iper,
    write_json_poses,
    write_pickled_poses,
    write_picture,
)
from tests.support.films import cut_mp4, write_frames

SPLITS = {'train': ('001_1', '002_1'), 'validation': ('001_2',), 'test': ('001_9',)}


def ids_of(folder):
    return [frame.id for frames in folder.persons.values() for frame in frames]


def test_the_fields_outfits():
    assert len(iper_folder.TEST_OUTFITS) == len(iper_folder.VALIDATION_OUTFITS) == 21
    assert not iper_folder.TEST_OUTFITS & iper_folder.VALIDATION_OUTFITS
    assert {'001_11', '010_3', '029_1'} < iper_folder.TEST_OUTFITS
    assert {'001_14', '015_3', '028_1'} < iper_folder.VALIDATION_OUTFITS


@pytest.mark.parametrize('name', [
    '001/1/2/0007', '001/1/2/007', '001_1_2/0007', '001_1_2/000007', '1/1/2/7', '001_1/2_7'])
def test_every_spelling_is_one_frame(name):
    assert iper_folder.parse_name(name) == ('001_1', '2_0007')


@pytest.mark.parametrize('name', ['001/1', 'a/1/2/0007', '001/1/2/0007/1', '001/1/2/', ''])
def test_other_names_are_none(name):
    assert iper_folder.parse_name(name) is None


@pytest.mark.parametrize('digits', [3, 4])
@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize('key', [
    '{}', '{person}_{clothing}_{action}/{number}',
    # As annotating the frames and the videos names them.
    'images-{person}-{clothing}-{action}/{number}', 'iPER_256-{person}_{clothing}_{action}/0{number}'])
def test_frames(tmp_path, digits, suffix, key):
    ids = write_iper(tmp_path, digits=digits, suffix=suffix)
    keys = [key.format(frame_id, person=frame_id[:3], clothing=frame_id[4], action=frame_id[6], number=frame_id[8:])
            for frame_id in ids]
    poses = write_json_poses(tmp_path, keys)
    folder = open_folder(tmp_path)
    assert ids_of(folder) == ids and folder.left_out == {} and folder.splits == SPLITS
    for frame, written in zip((frame for frames in folder.persons.values() for frame in frames), keys, strict=True):
        np.testing.assert_array_equal(frame.pose.px, poses[written])


@pytest.mark.parametrize('protocol', [2, 5])
@pytest.mark.parametrize('above', ['', 'iPER'])
def test_the_reference_layout(tmp_path, above, protocol):
    ids = write_iper(tmp_path / above, suffix='.png')
    paths = [f'{video}/{index:04d}' for video in IPER_VIDEOS for index in range(NUM_VIDEO_FRAMES)]
    poses = write_pickled_poses(tmp_path / above, paths, protocol=protocol)
    folder = open_folder(tmp_path)
    assert ids_of(folder) == ids and folder.splits == SPLITS
    for frame, path in zip((frame for frames in folder.persons.values() for frame in frames), paths, strict=True):
        np.testing.assert_allclose(frame.pose.px, poses[path], rtol=1e-6)


@pytest.mark.parametrize('below', ['', 'videos/'])
def test_videos_and_frames_beside_them(tmp_path, below):
    write_json_poses(tmp_path, iper_ids(), size=64)
    for video in IPER_VIDEOS[1:]:
        write_film(tmp_path / f'{below}{video.replace("/", "_")}.mp4')
    write_iper(tmp_path, IPER_VIDEOS[:2])  # the second as frames too
    folder = open_folder(tmp_path)
    assert ids_of(folder) == iper_ids() and folder.splits == SPLITS
    assert folder.left_out == {'001_1_2': 'a video whose frames lie in images'}
    indices = [frame.picture.video_index for frames in folder.persons.values() for frame in frames]
    assert indices == [None] * 6 + 3 * [0, 1, 2]


def test_headers_of_videos_only_estimate_how_many_frames_there_are(tmp_path):
    """Frames with a pose are listed beyond the header's count; those that it has too many need no pose."""
    first, second = (write_film(tmp_path / f'001_1_{action}.mp4', num_frames=4) for action in (1, 2))
    cut_mp4(first, 80)  # 2 frames of 40 ms; the header says 4
    write_json_poses(tmp_path, [f'001_1/1_000{index}' for index in range(2)]
                     + [f'001_1/2_000{index}' for index in range(6)], size=64)
    ids = [f'001_1/1_000{index}' for index in range(2)] + [f'001_1/2_000{index}' for index in range(6)]
    assert ids_of(open_folder(tmp_path)) == ids and second.is_file()
    found = open_folder(tmp_path, allow_missing_poses=True)
    assert ids_of(found) == ids and found.left_out == {'001_1/1_0002': 'no pose', '001_1/1_0003': 'no pose'}


def test_a_bad_video_never_refuses_the_others(tmp_path):
    write_json_poses(tmp_path, iper_ids(), size=64)
    for video in IPER_VIDEOS:
        write_film(tmp_path / f'{video.replace("/", "_")}.mp4')
    (tmp_path / '005_1_1.mp4').write_bytes(b'no film')
    write_frames(tmp_path / '006_1_1.mp4', [np.zeros((64, 96, 3), np.uint8)] * 2)
    folder = open_folder(tmp_path)
    assert ids_of(folder) == iper_ids()
    assert folder.left_out == {'005_1_1': 'a video that cannot be read',
                               '006_1_1': 'a video of 96 x 64 px, not square'}
    for path in tmp_path.glob('00[1-5]*.mp4'):
        path.unlink()
    with pytest.raises(DataError, match='found none that can be used: 006_1_1 is a video of 96 x 64 px, not square'):
        open_folder(tmp_path)


def test_high_resolution_is_taken_where_there_is_nothing_else(tmp_path):
    write_json_poses(tmp_path, write_iper(tmp_path))
    (tmp_path / 'images').rename(tmp_path / 'images_HD')
    assert ids_of(open_folder(tmp_path)) == iper_ids()


def write_lists(root, train, test):
    for name, videos in (('train', train), ('val', test)):
        (root / f'{name}.txt').write_text('\n'.join(videos) + '\n')


def test_lists_split(tmp_path):
    write_json_poses(tmp_path, write_iper(tmp_path))
    write_lists(tmp_path, ['001/1/1', '001/1/2', '001/2/1', '003/1/1'], ['002/1/1'])
    folder = open_folder(tmp_path)
    assert folder.splits == {'train': ('001_1',), 'validation': ('001_2',), 'test': ('002_1',)}
    assert folder.left_out == {'003_1/1': 'a video named in a list, not there',
                               '001_9': 'an outfit in neither train.txt nor val.txt'}


@pytest.mark.parametrize(('train', 'test', 'message'), [
    (['001/1/1'], ['001/1/2'], "val.txt: expected every outfit in one split, found '001_1' in .*train.txt too"),
    (['001/1/1'], ['one'], "val.txt: row 1: expected a video, person/clothing/action as 001/1/1, found 'one'"),
    (['002/1/1', '001/1'], ['001/9/1'], 'train.txt: row 2: expected a video'),
    (['001/9/1/0'], ['001/9/1'], 'train.txt: row 1: expected a video'),
    (['003/1/1'], ['001/9/1'], 'expected outfits to train on, found none among 4'),
])
def test_lists_out_of_order_are_named(tmp_path, train, test, message):
    write_json_poses(tmp_path, write_iper(tmp_path))
    write_lists(tmp_path, train, test)
    with pytest.raises(DataError, match=message):
        open_folder(tmp_path)


def test_frames_without_a_pose_are_refused_or_listed(tmp_path):
    ids = write_iper(tmp_path)
    write_json_poses(tmp_path, ids[1:])
    with pytest.raises(DataError, match=f"poses.json: expected a pose .* none for 1, for example '{ids[0]}'"):
        open_folder(tmp_path)
    assert open_folder(tmp_path, allow_missing_poses=True).left_out == {ids[0]: 'no pose'}


def test_folders_out_of_order_are_named(tmp_path):
    def refused(message):
        with pytest.raises(DataError, match=message):
            open_folder(tmp_path)

    rng = np.random.default_rng(0)
    refused('expected iPER, .* found none; .*README.md')
    (tmp_path / 'images').mkdir()
    refused('expected iPER, .* found none')
    ids = write_iper(tmp_path)
    refused('expected poses.pkl .* found neither')
    write_json_poses(tmp_path, ids)
    (tmp_path / 'train.txt').write_text('001/1/1\n')
    refused('expected train.txt and val.txt, or neither, found one')
    (tmp_path / 'train.txt').unlink()
    write_picture(tmp_path / 'images' / '001' / '1' / '1' / '000.jpg', rng)
    refused('expected every picture once')
    (tmp_path / 'images' / '001' / '1' / '1' / '000.jpg').rename(tmp_path / 'images' / '001' / '1' / '1' / 'me.jpg')
    refused("me.jpg: expected a frame person/clothing/action/number as 001/1/1/0000.jpg, found 'me.jpg' in '1'")
    (tmp_path / 'images' / '001' / '1' / '1' / 'me.jpg').unlink()
    (tmp_path / 'walk.mp4').touch()
    refused("walk.mp4: expected a video named as 001_1_1.mp4, found 'walk.mp4'")
    (tmp_path / 'walk.mp4').rename(tmp_path / '005_1_1.mp4')
    assert open_folder(tmp_path).left_out['005_1_1'] == 'a video that cannot be read'
    (tmp_path / '005_1_1.mp4').rename(tmp_path / 'images' / '005_1_1.mp4')
    (tmp_path / 'images' / 'notes.docx').touch()
    assert open_folder(tmp_path).left_out == {
        '005_1_1': 'a video that cannot be read', 'notes.docx': 'no picture by its suffix, .jpg, .jpeg, .png'}


def test_films_may_have_suffixes_in_capitals_and_lie_behind_links(tmp_path):
    root, elsewhere = tmp_path / 'iper', tmp_path / 'elsewhere'
    for name in ('001_1_10.MP4', '001_1_2.Mp4'):
        write_film(elsewhere / 'film.mp4')
        (elsewhere / 'film.mp4').rename(elsewhere / name)
    root.mkdir()
    (root / 'films').symlink_to(elsewhere)
    write_json_poses(root, iper_ids(('001/1/2', '001/1/10')))
    frames = open_folder(root).persons['001_1']
    assert [frame.id for frame in frames] == [
        f'001_1/{action}_{index:04d}' for action in (2, 10) for index in range(NUM_VIDEO_FRAMES)]
