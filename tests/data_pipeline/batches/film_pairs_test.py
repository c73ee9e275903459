"""Pairs of films: the source shows the most of the person, targets are every so many others, of one person."""

import json

import numpy as np
import pytest

from data_pipeline.batches.film_pairs import FilmChoice, pairs_before
from data_pipeline.batches.pairs import load_pairs, unscorable_pairs
from data_pipeline.errors import DataError
from data_pipeline.people.people_folder import open_folder
from tests.support.people_folders import SIZE, write_image, write_people

FILM = [f'film/{frame:02d}' for frame in range(7)]


def write_mask(root, frame_id, num_rows):
    write_image(root / 'masks' / f'{frame_id}.png', np.uint8(255 * (np.indices((SIZE, SIZE))[0] < num_rows)))


def change_poses(root, **changes):
    """Changes the poses of frames, given as person_frame, by a function of the entry; None removes it."""
    path = root / 'poses.json'
    content = json.loads(path.read_text())
    for name, change in changes.items():
        key = name.replace('_', '/', 1)
        if change is None:
            del content['poses'][key]
        else:
            change(content['poses'][key])
    path.write_text(json.dumps(content))


def several(entry):
    entry['people'] = 2


def beyond(entry):
    entry['px'][3][0] = -1.0


@pytest.fixture
def root(tmp_path):
    """A folder of one film, whose fourth frame has the largest mask."""
    write_people(tmp_path, {'film': len(FILM)}, {'test': ['film']})
    for frame_id, num_rows in zip(FILM, (1, 2, 3, 8, 5, 4, 0), strict=True):
        write_mask(tmp_path, frame_id, num_rows)
    return tmp_path


def pairs_of(root, protocol='video-self', choice=None, **options):
    return load_pairs(open_folder(root, **options), 'test', protocol=protocol, films=choice or FilmChoice())


def test_the_source_is_the_frame_with_the_largest_mask(root):
    assert pairs_of(root) == [(FILM[3], target) for target in FILM if target != FILM[3]]


def test_a_frame_with_joints_outside_of_the_picture_shows_less(root):
    change_poses(root, film_03=beyond)
    assert pairs_of(root)[0][0] == FILM[4]
    change_poses(root, **{frame_id.replace('/', '_'): beyond for frame_id in FILM})
    assert pairs_of(root)[0][0] == FILM[3]  # as much in all of them


def test_targets_are_every_so_many_frames_and_a_source_may_be_given(root):
    assert pairs_of(root, choice=FilmChoice(every=3)) == [(FILM[3], FILM[0]), (FILM[3], FILM[6])]
    assert pairs_of(root, choice=FilmChoice((FILM[1],), 3)) == [(FILM[1], FILM[place]) for place in (0, 3, 6)]


def test_neighbours_are_frames_of_the_film_that_follow_each_other(root):
    folder, choice = open_folder(root), FilmChoice((FILM[2],))
    pairs = load_pairs(folder, 'test', protocol='video-self', films=choice)
    before = pairs_before(folder, 'test', pairs, choice)
    follow = [(target[1], before[target][1]) for target in pairs if target in before]
    # Not over the source, which is no target.
    assert follow == [(FILM[1], FILM[0]), (FILM[4], FILM[3]), (FILM[5], FILM[4]), (FILM[6], FILM[5])]
    assert all(pair[0] == other[0] == FILM[2] for pair, other in before.items())


def test_frames_of_several_people_and_without_a_pose_are_no_targets_and_are_named(root):
    change_poses(root, film_03=several, film_05=None)
    expected = [(FILM[4], FILM[place]) for place in (0, 1, 2, 6)]
    assert pairs_of(root, allow_missing_poses=True) == expected
    lacking = unscorable_pairs(open_folder(root, True), 'test', 'video-self')
    assert lacking == {(FILM[4], FILM[3]): f'{FILM[3]}: 2 people in the picture, expected one',
                       (FILM[4], FILM[5]): f'{FILM[5]}: no pose'}


def test_cameras_are_films_of_a_person_by_the_names_of_their_frames(tmp_path):
    write_people(tmp_path, {'man': 6}, {'test': ['man']})
    ids = [f'man/{camera}_{frame:02d}' for camera in ('left', 'right_2') for frame in range(3)]
    for place, frame_id in enumerate(ids):
        old = f'man/{place:02d}'
        (tmp_path / 'images' / f'{old}.png').rename(tmp_path / 'images' / f'{frame_id}.png')
        write_mask(tmp_path, frame_id, 5 - place)
        text = (tmp_path / 'poses.json').read_text()
        (tmp_path / 'poses.json').write_text(text.replace(f'"{old}"', f'"{frame_id}"'))
    left, right = ids[:3], ids[3:]
    assert pairs_of(tmp_path) == [(film[0], target) for film in (left, right) for target in film[1:]]
    crossing = [(source, target) for source, film in ((left[0], right), (right[0], left)) for target in film]
    assert pairs_of(tmp_path, 'video-other') == crossing
    folder = open_folder(tmp_path)
    before = pairs_before(folder, 'test', crossing, FilmChoice())
    assert len(before) == 4 and before[left[0], right[1]] == (left[0], right[0])


@pytest.mark.parametrize('sources, every, words', [
    (['film/99'], 1, '--video_source=film/99: expected a picture with a pose'),
    (['film'], 1, '--video_source=film: expected a picture with a pose'),
    ([FILM[6]], 1, f'--video_source={FILM[6]}: expected a picture of one person, found 2 in it'),
    (FILM[:2], 1, f'expected one source of the film film, found {FILM[0]} and {FILM[1]}'),
    ([FILM[0]], 9, r'film film: expected other frames of it as targets, found none, .* 7 frames \(--video_every=9')])
def test_what_cannot_be_paired_is_named(root, sources, every, words):
    change_poses(root, film_06=several)
    with pytest.raises(DataError, match=words):
        pairs_of(root, choice=FilmChoice(tuple(sources), every))


def test_films_that_show_nobody_or_several_people_or_have_no_masks_are_named(root):
    with pytest.raises(DataError, match='film: expected frames of other films of the person, which are named <film>_'):
        pairs_of(root, 'video-other')
    every = [frame_id.replace('/', '_') for frame_id in FILM]
    change_poses(root, **{name: several for name in every})
    with pytest.raises(DataError, match='film: expected a frame with a pose that shows one person .* several .* all 7'):
        pairs_of(root)
    for frame_id in FILM:
        (root / 'masks' / f'{frame_id}.png').unlink()
    change_poses(root, **{name: lambda entry: entry.pop('people') for name in every})
    with pytest.raises(DataError, match='film: expected masks of the person in .*masks.*found none; --video_source'):
        pairs_of(root)
    assert len(pairs_of(root, choice=FilmChoice((FILM[0],)))) == 6
    change_poses(root, **dict.fromkeys(every[1:]))
    with pytest.raises(DataError, match='images/film: expected two or more pictures with a pose, found 1'):
        pairs_of(root, allow_missing_poses=True)
    change_poses(root, **dict.fromkeys(every[:1]))
    with pytest.raises(DataError, match='images/film: expected two or more pictures with a pose, found 0'):
        pairs_of(root, allow_missing_poses=True)
