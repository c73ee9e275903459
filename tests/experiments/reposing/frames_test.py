"""A photo gets its person back and keeps the rest."""

import numpy as np

from experiments.reposing.frames import Canvas
from experiments.reposing.source_person import load_source_person
from tests.support import fake_estimator
from tests.support.source_people import SIZE, write_photo


def test_a_photo_gets_its_person_back_and_keeps_the_rest(tmp_path):
    write_photo(tmp_path / 'photo.png')
    source = load_source_person(tmp_path / 'photo.png', '', SIZE, fake_estimator.FakeEstimator)
    canvas = Canvas(source)
    joints = canvas.pose(source.pose_px)
    np.testing.assert_allclose(joints[:, 0].mean(), 180 + 40 * fake_estimator.body()[:, 0].mean(), atol=0.5)
    green = np.full((SIZE, SIZE, 3), (0, 255, 0), np.uint8)
    pasted = canvas.paste(green, np.zeros((SIZE, SIZE), np.float32), source.pose_px)
    assert np.abs(pasted[60:160, 185:215].astype(int) - (0, 255, 0)).max() <= 8  # the person who was there
    for elsewhere in (np.s_[:, :100], np.s_[:20]):
        assert np.array_equal(pasted[elsewhere], source.photo[elsewhere])
    assert Canvas(source, 150).photo.shape == (100, 150, 3)
