"""Clips show the source person in every target, as the options say."""

import numpy as np
import pytest
from PIL import Image

from data_pipeline.errors import UsageError
from data_pipeline.picture_file import read_image
from experiments.reposing.clip import ClipOptions, repose_person
from tests.support.source_people import SIZE, nobody_asked, photo_path, write_layout


class Brightness:
    """Stands in for a Reposer and its encoded person: its pictures tell the first joint's x."""

    image_size = SIZE

    def source(self, image, pose_px):
        del image, pose_px
        return self

    @staticmethod
    def each(target_poses_px, with_alpha=False):
        del with_alpha
        for pose_px in target_poses_px:
            yield np.full((SIZE, SIZE, 3), pose_px[0, 0], np.uint8), None, pose_px


def repose(root, name, **options):
    output = str(root / name)
    written = repose_person(Brightness(), ClipOptions(photo_path(root), output, **options), nobody_asked)
    assert written == [output]
    return output


def test_targets_become_pictures_in_their_order(tmp_path):
    px = write_layout(tmp_path)
    picture = read_image(repose(tmp_path, 'one.png', target=['#p/01']))
    assert picture.shape == (SIZE, SIZE, 3) and abs(int(picture[0, 0, 0]) - px['p/01'][0, 0]) <= 1
    repose(tmp_path, 'out-%d.png', target=['#p', '#p/01'])
    found = [read_image(tmp_path / f'out-{index}.png')[0, 0, 0] for index in range(3)]
    np.testing.assert_allclose(found, [px['p/00'][0, 0] / 2, px['p/01'][0, 0], px['p/01'][0, 0]], atol=1)


def test_a_turntable_of_the_source_is_a_gif_beside_its_source_and_target(tmp_path):
    write_layout(tmp_path)
    with Image.open(repose(tmp_path, 'round.gif', turntable=True, turntable_frames=5, side_by_side=True,
                           skeleton=True)) as clip:
        assert clip.n_frames == 5 and clip.size == (3 * 128, 128) and clip.info['duration'] == 80


def test_a_gif_of_fast_pictures_leaves_some_out_and_says_so(tmp_path, capsys):
    write_layout(tmp_path)
    drawn = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Brightness, 'each', staticmethod(lambda poses, **_: drawn.extend(poses) or [
            (np.full((SIZE, SIZE, 3), index, np.uint8), None, pose) for index, pose in enumerate(poses)]))
        with Image.open(repose(tmp_path, 'round.gif', turntable=True, turntable_frames=30, fps=120)) as clip:
            assert clip.n_frames == len(drawn) == 10  # what is left out is not even made
    assert '10 of 30 are shown' in capsys.readouterr().out


@pytest.mark.parametrize('options, words', [
    ({'target': ['#p'], 'turntable': True}, 'expected one target, found 3'),
    ({'target': ['#p/02']}, 'found 1 of 1 that are for the most part outside')])
def test_targets_that_cannot_be_shown_are_named(tmp_path, options, words):
    write_layout(tmp_path, (SIZE, SIZE), {'p/02': [[2.0 * SIZE, 0.0, 0.0]] * 19})
    with pytest.raises(UsageError, match=words):
        repose(tmp_path, 'clip.gif', **options)
