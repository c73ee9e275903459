"""A folder of photos and videos becomes a folder in the people layout, resumable, and nothing vanishes."""

import json

import cv2
import numpy as np
import pytest

from data_pipeline.annotation.checks import REASONS, AcceptanceLimits
from data_pipeline.annotation.run import annotate
from data_pipeline.errors import DataError, WriteError
from data_pipeline.people.people_builder import PeopleBuilder
from data_pipeline.people.people_folder import open_folder
from data_pipeline.picture_file import read_image
from data_pipeline.poses.pose_file import read_poses
from repose_tf.skeleton import JOINT_INDEX
from tests.support.fake_estimator import HEIGHT_MM, FakeEstimator, KilledAfter, KilledError, picture
from tests.support.films import cut_mp4, turn_mp4
from tests.support.people_folders import annotated_files, write_image, write_video
from tests.support.programs import assert_one_error, run_program
from tests.support.turned_pictures import write_turned


@pytest.fixture
def photos(tmp_path):
    """Two people in three photos each."""
    for person, (left, top) in {'anna': (120, 60), 'ben': (40, 90)}.items():
        for index in range(3):
            image = picture(400, 300, (left + 10 * index, top, 50 + index, 150))
            write_image(tmp_path / 'photos' / person / f'{index}.png', image)
    return tmp_path / 'photos'


def run(photos, estimator=None, **options):
    """Annotates into a folder beside the photos; returns it and the report."""
    root = photos.parent / 'mine'
    return root, annotate(photos, root / 'poses.json', estimator or FakeEstimator(), **options)


def rejects(root):
    content = json.loads((root / 'rejects.json').read_text())
    assert sum(content['counts'].values()) == len(content['rejects'])
    assert {reject['reason'] for reject in content['rejects']} <= set(REASONS)
    return {(reject['name'], reject['frame']): reject['reason'] for reject in content['rejects']}


def assert_poses_lie_on_their_pictures(root):
    """What the estimator finds in the pictures as written is what the file says."""
    for key, pose in read_poses(root / 'poses.json').items():
        person, _ = FakeEstimator().find_person(read_image(root / 'images' / f'{key}.png'))
        assert np.abs(person.joints_px - pose.px[:, :2]).max() < 1.6, key
        mask = cv2.imread(str(root / 'masks' / f'{key}.png'), cv2.IMREAD_UNCHANGED)
        assert np.mean(mask != person.mask) < 0.01 and set(np.unique(mask)) == {0, 255}


def test_the_folder_can_be_trained_on_and_the_poses_lie_on_the_pictures(photos):
    root, report = run(photos)
    folder = open_folder(root)
    assert {person: len(frames) for person, frames in folder.persons.items()} == {'anna': 3, 'ben': 3}
    assert PeopleBuilder.opened(root, photos.parent / 'records').info.splits['train'].num_examples == 6
    assert_poses_lie_on_their_pictures(root)
    for frames in folder.persons.values():
        for frame in frames:
            assert frame.pose.px[JOINT_INDEX['pelv'], 2] == 0 and frame.pose.tags['people'] == 1
            height = np.ptp(frame.pose.px[:, 1])
            assert frame.pose.px_per_mm == pytest.approx(height / HEIGHT_MM, rel=0.01)
    assert 'bright rectangles; one px per mm' in json.loads((root / 'poses.json').read_text())['origin']
    assert report == [f'{root / "poses.json"}: 6 poses of 2 persons.'] and rejects(root) == {}


def test_larger_squares_are_shrunk(photos):
    root, _ = run(photos, size=100)
    assert {read_image(path).shape for path in (root / 'images').rglob('*.png')} == {(100, 100, 3)}
    assert_poses_lie_on_their_pictures(root)


def test_whatever_is_not_used_is_listed_with_its_reason(photos):
    write_image(photos / 'anna/nobody.png', picture(200, 200))
    write_image(photos / 'anna/tiny.png', picture(1, 1))
    write_image(photos / 'anna/two.png', picture(400, 300, (50, 50, 40, 120), (200, 60, 60, 170)))
    write_image(photos / 'carl/alone.png', picture(400, 300, (50, 50, 40, 120)))
    write_image(photos / 'carl/cut.png', picture(400, 300))
    data = (photos / 'carl/cut.png').read_bytes()
    (photos / 'carl/cut.png').write_bytes(data[:1000])
    (photos / 'carl/text.jpg').write_text('no picture')
    (photos / 'list.csv').write_text('')
    root, report = run(photos)
    assert rejects(root) == {
        ('anna/nobody.png', ''): 'no_person', ('anna/tiny.png', ''): 'too_small',
        ('carl/alone.png', ''): 'only_picture', ('carl/cut.png', ''): 'unreadable',
        ('carl/text.jpg', ''): 'unreadable', ('list.csv', ''): 'unusable_file'}
    assert set(read_poses(root / 'poses.json')) == {f'{person}/{index}' for person in ('anna', 'ben')
                                                    for index in range(3)} | {'anna/two'}
    assert 'Not used: 6' in report[1] and '2 cannot be read' in report[1] and str(root / 'rejects.json') in report[1]
    assert report[2].startswith('1 pictures show several people')
    assert_poses_lie_on_their_pictures(root)  # of `two` the larger


def test_an_interrupted_run_goes_on_and_ends_alike(photos, tmp_path):
    write_image(photos / 'anna/nobody.png', picture(200, 200))
    write_video(photos / 'walk.avi', [picture(400, 300, (100 + 2 * index, 60, 50, 150)) for index in range(5)])
    whole, _ = run(photos, smoothing=1.0)
    expected = annotated_files(whole)
    whole.rename(tmp_path / 'whole')
    for num_calls in (0, 3, 5):  # in the middle of a person, and of the video
        with pytest.raises(KilledError):
            run(photos, KilledAfter(num_calls), smoothing=1.0)
    journal = tmp_path / 'mine/annotation/journal.jsonl'
    journal.write_bytes(journal.read_bytes()[:-10])  # killed while writing
    assert not (tmp_path / 'mine/poses.json').exists()
    estimator = FakeEstimator()
    root, _ = run(photos, estimator, smoothing=1.0)
    assert annotated_files(root) == expected and 0 < estimator.num_calls <= 12 - 7
    again = FakeEstimator()
    run(photos, again, smoothing=1.0)
    assert again.num_calls == 0 and annotated_files(root) == expected


def test_one_person_is_followed_through_a_video_also_by_a_run_that_goes_on(tmp_path):
    """Two people, now the one and now the other the larger; the one who is followed leaves."""
    frames = [picture(400, 300, (60 + 2 * index, 60, 50, 150 + 20 * (index % 2)), (260, 60, 50, 160))
              for index in range(6)] + [picture(400, 300, (260, 60, 50, 160))] * 2
    write_video(tmp_path / 'films/two.avi', frames)
    with pytest.raises(KilledError):
        run(tmp_path / 'films', KilledAfter(4), person=1)
    root, report = run(tmp_path / 'films', person=1)
    assert rejects(root) == {('two.avi', f'0000{index}'): 'other_person' for index in (6, 7)}
    file = json.loads((root / 'annotation/journal.jsonl').read_text().splitlines()[4])
    assert file['frame'] == '00003' and len(file['places']) == 2 and file['px'][JOINT_INDEX['pelv']][0] < 150
    assert set(read_poses(root / 'poses.json')) == {f'two/0000{index}' for index in range(6)}
    assert '6 pictures show several people: of photos the largest was taken, in videos one was followed.' in report


def test_new_and_changed_photos_alone_are_looked_at_again(photos):
    run(photos)
    write_image(photos / 'ben/0.png', picture(400, 300, (200, 90, 60, 140)))
    write_image(photos / 'ben/new.png', picture(400, 300, (90, 90, 60, 140)))
    (photos / 'anna/2.png').unlink()
    estimator = FakeEstimator()
    root, _ = run(photos, estimator)
    assert estimator.num_calls == 2
    assert sorted(read_poses(root / 'poses.json')) == ['anna/0', 'anna/1', 'ben/0', 'ben/1', 'ben/2', 'ben/new']
    assert len(list((root / 'images').rglob('*.png'))) == 6
    assert_poses_lie_on_their_pictures(root)


def test_another_estimator_does_not_go_on_with_the_first_ones_findings(photos):
    run(photos)
    with pytest.raises(DataError, match="begun with estimator = 'bright rectangles', now it is 'dark ones'"):
        run(photos, FakeEstimator('dark ones'))


def test_a_journal_that_is_none_is_named(photos):
    root, _ = run(photos)
    journal = root / 'annotation/journal.jsonl'
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text(''.join([*lines[:2], 'something else\n', *lines[3:]]))
    with pytest.raises(DataError, match='journal.jsonl: line 3: expected a finding in JSON'):
        run(photos)


def test_nothing_accepted_is_an_error_and_the_reasons_are_kept(photos):
    with pytest.raises(DataError, match='found none: 6 the estimator is not sure enough'):
        run(photos, FakeEstimator(score=0.3))
    assert set(rejects(photos.parent / 'mine').values()) == {'low_score'}
    assert not (photos.parent / 'mine/poses.json').exists()


def test_a_still_video_gets_one_square_and_a_walk_through_the_picture_many(tmp_path):
    still = [picture(400, 300, (100 + 3 * index, 60, 50, 150)) for index in range(4)]
    walk = [picture(900, 200, (10 + 100 * index, 40, 50, 150)) for index in range(8)]
    write_video(tmp_path / 'videos/still.avi', still)
    write_video(tmp_path / 'videos/walk.avi', walk)
    root, report = run(tmp_path / 'videos')
    assert report[1].startswith('In 1 videos the person moves too far')
    x = {key: pose.px[JOINT_INDEX['pelv'], 0] for key, pose in read_poses(root / 'poses.json').items()}
    assert x['still/00003'] - x['still/00000'] == pytest.approx(9, abs=1)
    assert abs(x['walk/00001'] - x['walk/00002']) < 2


def test_a_video_that_is_shorter_than_it_announces_and_turned_is_used_and_said(tmp_path):
    film = tmp_path / 'films/walk.mp4'
    write_video(film, [np.rot90(picture(400, 300, (100 + 2 * index, 60, 50, 150))) for index in range(6)])
    turn_mp4(film, 90)
    cut_mp4(film, 300)
    root, report = run(film.parent)
    assert set(read_poses(root / 'poses.json')) == {f'walk/0000{index}' for index in range(3)}
    assert report[1:] == ['1 videos are shorter than their headers announce, all that can be read was taken: '
                          f'{film}: 3 frames can be read, its header announces 6.']
    assert_poses_lie_on_their_pictures(root)
    estimator = FakeEstimator()
    assert run(film.parent, estimator)[1] == report and estimator.num_calls == 0


def test_square_pictures_may_stay_where_they_are(tmp_path):
    for index in range(2):
        write_image(tmp_path / f'mine/images/anna/{index}.png', picture(200, 200, (60 + index, 30, 50, 130)))
    write_image(tmp_path / 'mine/images/anna/wide.png', picture(220, 200, (60, 30, 50, 130)))
    write_turned(tmp_path / 'mine/images/anna/turned.jpg', picture(200, 200, (60, 30, 50, 130)), 'JPEG', 6)
    before = annotated_files(tmp_path / 'mine')
    annotate(tmp_path / 'mine/images', tmp_path / 'mine/poses.json', FakeEstimator(), crop='none')
    after = annotated_files(tmp_path / 'mine')
    assert {name: data for name, data in after.items() if name not in ('poses.json', 'rejects.json')} == before
    assert rejects(tmp_path / 'mine') == {('anna/wide.png', ''): 'not_square', ('anna/turned.jpg', ''): 'turned'}
    pose = read_poses(tmp_path / 'mine/poses.json')['anna/1']
    assert (pose.px[JOINT_INDEX['pelv'], :2] == [61 + 25, 30 + 65]).all()


def test_joints_outside_and_few_pictures_are_limits_of_the_users(photos):
    class Wide(FakeEstimator):
        def find_person(self, *arguments):
            person, count = super().find_person(*arguments)
            person.joints_px[:8] += 1000
            return person, count

    with pytest.raises(DataError, match='6 too many joints outside'):
        run(photos, Wide())
    root, _ = run(photos, Wide(), limits=AcceptanceLimits(max_joints_outside=8))
    assert len(read_poses(root / 'poses.json')) == 6


def test_joints_that_are_no_numbers_are_rejected(photos):
    class Broken(FakeEstimator):
        def find_person(self, *arguments):
            person, count = super().find_person(*arguments)
            person.joints_mm[3, 1] = np.nan
            return person, count

    with pytest.raises(DataError, match='6 joints that are no numbers'):
        run(photos, Broken())


def test_what_another_program_wrote_is_not_replaced(photos, tmp_path):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine/poses.json').write_text('mine')
    with pytest.raises(DataError, match='found poses.json of another'):
        run(photos)
    with pytest.raises(DataError, match='expected a folder apart from --images'):
        annotate(photos, photos / 'poses.json', FakeEstimator())
    with pytest.raises(DataError, match='ends in poses.json'):
        annotate(photos, tmp_path / 'other.json', FakeEstimator())


def test_a_full_disk_is_said_and_leaves_no_poses(photos, monkeypatch):
    def full(*arguments):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('pathlib.Path.write_bytes', full)
    with pytest.raises(WriteError, match='0.png: cannot be written .No space left on device'):
        run(photos)
    assert not (photos.parent / 'mine/poses.json').exists()
    monkeypatch.undo()
    root, _ = run(photos)
    assert_poses_lie_on_their_pictures(root)


def test_the_program_ends_with_one_line_for_a_mistake(photos):
    for arguments, words in (((), ('--images=... must be given',)),
                             (('--images=x', '--output=y/poses.json', '--estimator=metrabs'), ('--model_dir',)),
                             (('--images=x', '--output=y/poses.json', '--every=0'), ('every',))):
        assert_one_error(run_program('annotate', *arguments, package='data_pipeline'), *words)
