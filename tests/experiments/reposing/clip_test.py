"""Clips show the source person in every target, as the options say."""

import dataclasses
import re

import numpy as np
import pytest
from PIL import Image, ImageSequence

from data_pipeline.errors import UsageError
from data_pipeline.picture_file import read_image
from experiments.reposing import clip as clips
from experiments.reposing.clip import ClipOptions, repose_person
from repose_tf.skeleton import JOINT_INDEX, NUM_JOINTS
from tests.support import fake_estimator, motion_files
from tests.support.fake_estimator import FakeEstimator
from tests.support.films import write_frames
from tests.support.source_people import SIZE, nobody_asked, photo_path, write_layout, write_photo


class Brightness:
    """Stands in for a Reposer and its encoded person: its pictures tell the first joint's x."""

    image_size, image_sizes, num_sources, takes_masks = SIZE, (SIZE,), 4, True
    seen_px = given = ()

    def at_size(self, size):
        assert size == SIZE
        return self

    def source(self, *given):
        Brightness.given = given
        return self

    @staticmethod
    def each(target_poses_px, with_alpha=False, is_alone=False):
        del with_alpha, is_alone
        Brightness.seen_px = list(target_poses_px)
        for pose_px in target_poses_px:
            yield np.full((SIZE, SIZE, 3), pose_px[0, 0], np.uint8), None, pose_px


def write_body(root):
    """Writes a layout of one person who stands in the picture."""
    body_px = fake_estimator.body() * (0.5 * SIZE, 0.8 * SIZE, 0.8 * SIZE) + (0.25 * SIZE, 0.1 * SIZE, 0)
    write_layout(root, (SIZE,), {'p/00': body_px.tolist()})


def repose(root, name, source=None, open_estimator=nobody_asked, **options):
    output = str(root / name)
    options = ClipOptions(source or [photo_path(root)], output, **options)
    written = repose_person(Brightness(), options, open_estimator)
    assert written == [output]
    return output


def test_targets_become_pictures_in_their_order(tmp_path):
    px = write_layout(tmp_path)
    picture = read_image(repose(tmp_path, 'one.png', target=['#p/01']))
    assert picture.shape == (SIZE, SIZE, 3) and abs(int(picture[0, 0, 0]) - px['p/01'][0, 0]) <= 1
    repose(tmp_path, 'out-%d.png', target=['#p', '#p/01'])
    found = [read_image(tmp_path / f'out-{index}.png')[0, 0, 0] for index in range(3)]
    np.testing.assert_allclose(found, [px['p/00'][0, 0] / 2, px['p/01'][0, 0], px['p/01'][0, 0]], atol=1)


def test_a_mark_is_drawn_if_asked_for_and_into_the_corner_alone(tmp_path):
    write_layout(tmp_path)
    plain, marked = (read_image(repose(tmp_path, f'{watermark}.png', target=['#p/01'], watermark=watermark))
                     for watermark in (False, True))
    differs = (plain != marked).any(axis=2)
    assert differs.any() and not differs[:SIZE // 3].any() and not differs[:, :SIZE // 3].any()


def test_several_photos_are_given_to_the_model_and_shown(tmp_path):
    px = write_layout(tmp_path)
    write_photo(tmp_path / 'back.png')
    picture = read_image(repose(tmp_path, 'one.png', [photo_path(tmp_path), str(tmp_path / 'back.png')], FakeEstimator,
                                turntable=True, turntable_frames=1, side_by_side=True))
    (front, back), (pose_px, _), (no_mask, mask) = Brightness.given
    np.testing.assert_allclose(pose_px, px['p/00'] / 2, rtol=1e-6)  # as of one photo alone
    assert no_mask is None and mask.shape == back.shape[:2] == (SIZE, SIZE) and mask.dtype == np.uint8
    person = mask > 127
    assert 0.05 < person.mean() < 0.5 and back[person].mean() > back[~person].mean() + 50  # who is bright
    assert picture.shape == (128, 4 * 128, 3)
    np.testing.assert_allclose(picture[:, :128], front.repeat(4, 0).repeat(4, 1), atol=1)
    assert np.abs(picture[:, 128:256].reshape(SIZE, 4, SIZE, 4, 3).mean(axis=(1, 3)) - back).mean() < 5
    np.testing.assert_allclose(Brightness.seen_px[0], pose_px, atol=1e-4)


def test_four_photos_of_four_sizes_are_given_at_one(tmp_path):
    write_layout(tmp_path, (SIZE, 2 * SIZE, 3 * SIZE, SIZE + 5))
    repose(tmp_path, 'one.png', [photo_path(tmp_path, f'{index:02d}') for index in range(4)], target=['#p/01'])
    assert [image.shape for image in Brightness.given[0]] == 4 * [(SIZE, SIZE, 3)]


class Trembling(FakeEstimator):
    """Errs anew in every picture."""

    def find_person(self, *args, **options):
        found, count = super().find_person(*args, **options)
        noise = np.random.default_rng(self.num_calls).normal(0, 1, (NUM_JOINTS, 3))
        return dataclasses.replace(found, joints_px=found.joints_px + 2 * noise[:, :2],
                                   joints_mm=found.joints_mm + 40 * noise), count


def test_where_the_estimator_trembles_the_person_does_not(tmp_path):
    write_body(tmp_path)
    path = write_frames(tmp_path / 'still.mp4', [fake_estimator.picture(160, 120, (60, 20, 24, 80))] * 12)
    moved = []
    for asked in ({}, {'smoothing': 0.0}):
        repose(tmp_path, 'out-%d.png', target=[str(path)], open_estimator=Trembling, **asked)
        moved.append(np.abs(np.diff(Brightness.seen_px, axis=0)[..., :2]).mean())
    assert moved[0] < 0.5 * moved[1]


def test_poses_of_photos_are_in_their_order(tmp_path):
    px, photos = write_layout(tmp_path), [photo_path(tmp_path), photo_path(tmp_path, '01')]
    repose(tmp_path, 'one.png', photos, source_pose=['#p/01', ''], target=['#p/01'])
    np.testing.assert_allclose(Brightness.given[1], [px['p/01'] / 2, px['p/01']], rtol=1e-6)
    with pytest.raises(UsageError, match='--source_pose: expected none, or one for each --source, 2, found 1'):
        repose(tmp_path, 'one.png', photos, source_pose=['#p/01'], target=['#p/01'])
    with pytest.raises(UsageError, match='--source: expected at most 4 photos, as many as the model takes, found 6'):
        repose(tmp_path, 'one.png', photos * 3, target=['#p/01'])


def test_a_turntable_of_the_source_is_a_gif_beside_its_source_and_target(tmp_path):
    write_layout(tmp_path)
    with Image.open(repose(tmp_path, 'round.gif', turntable=True, turntable_frames=5, side_by_side=True,
                           skeleton=True)) as clip:
        assert clip.n_frames == 5 and clip.size == (3 * 128, 128) and clip.info['duration'] == 80


def test_a_gif_of_fast_pictures_leaves_some_out_and_says_so(tmp_path, capsys):
    write_layout(tmp_path)
    with Image.open(repose(tmp_path, 'round.gif', turntable=True, turntable_frames=30, fps=120)) as clip:
        assert len(Brightness.seen_px) == 10 >= clip.n_frames  # what is left out is not even made
    assert '10 of 30 are shown' in capsys.readouterr().out


def test_motion_capture_is_turned_named_and_timed_as_asked(tmp_path, capsys):
    write_body(tmp_path)
    names = {**motion_files.names_of('CMU'), 'lank': 'Paw'}
    text = motion_files.text_of(motion_files.FRAMES, names).replace('Frames: 5', 'Frames: 6')
    (tmp_path / 'dance.bvh').write_text(text.replace('Frame Time: 0.02', 'Frame Time: 0'))
    (tmp_path / 'names.json').write_text('{"lank": "Paw"}')
    seen = []
    for turn in (0, 180):
        with Image.open(repose(tmp_path, 'dance.gif', target=[str(tmp_path / 'dance.bvh')], fps=10, target_turn=turn,
                               joint_names=str(tmp_path / 'names.json'))) as clip:
            assert sum(picture.info['duration'] for picture in ImageSequence.Iterator(clip)) == 500
        seen.append(np.stack(Brightness.seen_px) - Brightness.seen_px[0][JOINT_INDEX['pelv']])
    np.testing.assert_allclose(seen[1], seen[0] * (-1, 1, -1), atol=1e-4)  # seen from behind, left is left
    assert seen[0][0, JOINT_INDEX['lwri'], 0] > 5 and len(seen[0]) == 5
    assert 'dance.bvh: announces 6 frames; the 5' in capsys.readouterr().out


def test_a_childs_motion_capture_drives_as_a_grown_ups(tmp_path, capsys):
    """Half the legs and little more of the arms below as large a trunk and head."""
    write_body(tmp_path)
    text, seen = motion_files.text_of(motion_files.FRAMES), []
    shares = {'Leg': 0.5, 'Foot': 0.5, 'ToeBase': 0.5, 'ForeArm': 0.6, 'Hand': 0.6}

    def smaller(found):
        place = [float(number) * shares[found[2]] for number in found[4].split()]
        return f'{found[1]}{found[2]}{found[3]}{" ".join(map(str, place))}\n'

    pattern = rf'(JOINT (?:Left|Right))({"|".join(shares)})(\n\{{\nOFFSET )(.*)\n'
    child, count = re.subn(pattern, smaller, text)
    assert count == 10
    for name, written in (('adult', text), ('child', child)):
        (tmp_path / f'{name}.bvh').write_text(written)
        repose(tmp_path, f'{name}.gif', target=[str(tmp_path / f'{name}.bvh')])
        poses_px = np.stack(Brightness.seen_px)
        seen.append(poses_px - poses_px[:, [JOINT_INDEX['pelv']]])
    np.testing.assert_allclose(seen[1], seen[0], atol=0.02)
    assert capsys.readouterr().out == ''


@pytest.mark.parametrize('has_sound, name, options, kept, words', [
    (True, 'clip.mp4', {}, True, ''), (True, 'clip.webm', {'every': 2}, True, ''), (False, 'clip.mp4', {}, False, ''),
    (True, 'clip.gif', {}, False, ''), (True, 'clip.mp4', {'fps': 20.0}, False, 'as --fps=20 is not its own 10'),
    (None, 'clip.mp4', {}, False, 'if any, is left out; pip install -r requirements-sound.txt keeps it')])
def test_a_films_sound_goes_along_where_it_fits(tmp_path, monkeypatch, capsys, has_sound, name, options, kept, words):
    write_body(tmp_path)
    film = str(write_frames(tmp_path / 'film.mp4', [fake_estimator.picture(160, 120, (40, 20, 24, 70))] * 6))
    added = []
    monkeypatch.setattr(clips, 'has_sound', lambda path: has_sound)
    monkeypatch.setattr(clips, 'add_sound', lambda *given: added.append(given) or 'told at the end')
    output = repose(tmp_path, name, open_estimator=FakeEstimator, target=[film], **options)
    assert added == ([(output, film, pytest.approx(0.6))] if kept else [])
    said = capsys.readouterr().out
    assert ('told at the end' in said) == kept and words in said and ('sound' in said) == bool(words)


@pytest.mark.parametrize('options, words', [
    ({'target': ['#p'], 'joint_names': 'names.json'}, 'expected a .bvh file as --target'),
    ({'target': ['#p'], 'turntable': True}, 'expected one target, found 3'),
    ({'target': ['#p/02']}, 'found 1 of 1 that are for the most part outside')])
def test_targets_that_cannot_be_shown_are_named(tmp_path, options, words):
    write_layout(tmp_path, (SIZE,) * 3, {'p/02': [[2.0 * SIZE, 0.0, 0.0]] * 19})
    with pytest.raises(UsageError, match=words):
        repose(tmp_path, 'clip.gif', **options)


@pytest.mark.parametrize('side, expected', [(SIZE, SIZE), (SIZE + 1, 2 * SIZE), (5 * SIZE, 2 * SIZE)])
def test_a_larger_photo_makes_larger_pictures(tmp_path, monkeypatch, side, expected):
    px = write_layout(tmp_path, (side, side))
    monkeypatch.setattr(Brightness, 'image_sizes', (SIZE, 2 * SIZE))
    monkeypatch.setattr(Brightness, 'at_size', lambda self, size: sizes.append(size) or LargeBrightness())
    sizes = []

    class LargeBrightness(Brightness):
        image_size = expected

    repose(tmp_path, 'one.png', target=['#p/01'])
    (image,), (pose_px,), _ = Brightness.given
    assert sizes == [expected] and image.shape == (expected, expected, 3)
    np.testing.assert_allclose(pose_px, px['p/00'] * (expected / side), rtol=1e-5)
    np.testing.assert_allclose(Brightness.seen_px[0][:, 0], px['p/01'][:, 0] * (expected / side), rtol=1e-5)
