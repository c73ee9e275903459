"""Photos and videos become persons and frames; what cannot is said by name."""

import numpy as np
import pytest

from data_pipeline.annotation.sources import list_sources, numbered_persons, read_frames
from data_pipeline.errors import DataError
from data_pipeline.video_file import VideoReader
from tests.support.people_folders import write_image, write_video


def grey(level):
    return np.full((48, 64, 3), level, np.uint8)


def listed(folder):
    sources, refused = list_sources(folder)
    return {source.name: (source.person, source.frame) for source in sources}, dict(refused)


def test_folders_are_persons_and_names_are_frames(tmp_path):
    root = tmp_path / 'holiday'
    for name in ('one.png', 'anna/a.jpg', 'anna/b.JPG', 'WOMEN/Denim/id_1/03.png', '.hidden/x.png', 'anna/.x.png'):
        write_image(root / name, grey(9))
    write_video(root / 'walk.avi', [grey(1)])
    (root / 'anna/notes.txt').write_text('')
    sources, refused = listed(root)
    assert sources == {'one.png': ('holiday', 'one'), 'anna/a.jpg': ('anna', 'a'), 'anna/b.JPG': ('anna', 'b'),
                       'WOMEN/Denim/id_1/03.png': ('WOMEN-Denim-id_1', '03'), 'walk.avi': ('walk', '')}
    assert refused == {'anna/notes.txt': 'neither a photo nor a video by its suffix'}


def test_a_name_twice_is_refused_and_said(tmp_path):
    for name in ('a/1.jpg', 'a/1.png'):
        write_image(tmp_path / name, grey(9))
    for name in ('c.avi', 'c.mp4'):
        (tmp_path / name).write_bytes(b'')
    sources, refused = listed(tmp_path)
    assert set(sources) == {'a/1.jpg', 'c.avi'}
    assert refused == {'a/1.png': 'the same person and frame as a/1.jpg',
                       'c.mp4': 'the same person and frame as c.avi'}


def test_different_people_never_share_a_name(tmp_path):
    root = tmp_path / 'anna'
    shown = {'1.png': 'anna', 'anna-dress/1.png': 'anna-dress', 'anna-dress/2.png': 'anna-dress',
             'anna/dress/1.png': 'anna-dress-3', 'anna/dress/3.png': 'anna-dress-3', 'anna/dress.avi': 'anna-dress-4',
             'anna-dress-2/1.png': 'anna-dress-2', 'anna.avi': 'anna-2', 'anna-dress-1/1.png': 'anna-dress-1',
             'b/c/1.png': 'b-c', 'b c/1.png': 'b c', 'ü(1).x/1.png': 'ü(1).x'}
    for name in shown:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b'')
    sources, refused = list_sources(root)
    assert {source.name: source.person for source in sources} == shown and not refused
    assert numbered_persons(sources) == {
        'anna/dress': 'anna-dress-3', 'anna/dress.avi': 'anna-dress-4', 'anna.avi': 'anna-2'}


def test_an_empty_folder_and_none_are_refused(tmp_path):
    (tmp_path / 'readme.md').write_text('')
    with pytest.raises(DataError, match=r'--images: expected photos or videos .* found none \(1 other files\)'):
        list_sources(tmp_path)
    with pytest.raises(DataError, match='--images: expected a folder'):
        list_sources(tmp_path / 'none')


def test_frames_of_a_video_are_numbered_and_may_be_skipped(tmp_path):
    write_video(tmp_path / 'v.avi', [grey(20 * index) for index in range(7)])
    with VideoReader(tmp_path / 'v.avi') as video:
        frames = {frame: round(image.mean() / 20) for frame, image in read_frames(video, every=2)}
    assert frames == {'00000': 0, '00002': 2, '00004': 4, '00006': 6}
    with VideoReader(tmp_path / 'v.avi') as video:
        assert [frame for frame, _ in read_frames(video, 2, lambda frame: frame > '00003')] == ['00004', '00006']


def test_frames_come_in_natural_order_and_from_behind_links(tmp_path):
    root, elsewhere = tmp_path / 'root', tmp_path / 'elsewhere'
    for name in ('2.JPG', '10.Jpeg', '1.PNG'):
        write_image(elsewhere / 'frame.png', grey(9))
        (elsewhere / 'frame.png').rename(elsewhere / name)
    write_video(elsewhere / 'walk.avi', [grey(1)])
    (elsewhere / 'walk.avi').rename(elsewhere / 'walk.AVI')
    root.mkdir()
    for name, target in (('anna', elsewhere), ('self', root), ('gone.jpg', tmp_path / 'gone.jpg')):
        (root / name).symlink_to(target)
    sources, refused = listed(root)
    assert list(sources.items()) == [('anna/1.PNG', ('anna', '1')), ('anna/2.JPG', ('anna', '2')),
                                     ('anna/10.Jpeg', ('anna', '10')), ('anna/walk.AVI', ('anna-walk', ''))]
    assert refused == {'self': 'a link to a folder that it is in', 'gone.jpg': 'a link to nothing'}


def test_persons_of_deep_folders_have_names_that_files_can_have(tmp_path):
    for last in 'ab':
        write_image(tmp_path.joinpath(*['ä' * 60] * 4, last) / '1.png', grey(9))
    persons = [person for person, _ in listed(tmp_path)[0].values()]
    assert len(set(persons)) == 2 and max(len(person.encode()) for person in persons) <= 240
