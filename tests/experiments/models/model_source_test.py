"""Wherever a model comes from, it is called alike and gives the same pictures."""

import numpy as np
import pytest

from data_pipeline.errors import UsageError
from experiments.models import model_source
from repose_tf import packed_model
from repose_tf.serving import reposed_pixels
from tests.support import served_models
from tests.support.cases import person_poses
from tests.support.tiny import TINY

SIZE = TINY.image_size


def test_a_generator_and_its_saved_model_give_the_same_pictures_and_a_packed_one_loads(tmp_path):
    generator = served_models.generator()
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    source, *targets = np.float32(person_poses(rng, 6, SIZE))
    targets = np.stack(targets)
    model = model_source.GeneratorReposingModel(generator)
    steps = []
    found = model.repose(image, source, targets, lambda *step: steps.append(step))
    expected = reposed_pixels(generator, np.stack([image] * 5), np.stack([source] * 5), targets).numpy()
    assert np.abs(found.astype(int) - expected).max() <= 1 and steps == [(4, 5), (5, 5)]

    parts = model.parts(image, source, targets[0])
    assert np.abs(parts['image'].astype(int) - expected[0]).max() <= 1
    assert parts['masks'].shape == (17, 17, 9, 10) and parts['warped_volume'].shape[:3] == (17, 17, 9)

    packed_model.write(generator, str(tmp_path / 'packed'))
    assert model_source.load(str(tmp_path / 'packed')).image_size == SIZE
    saved = model_source.load(served_models.saved_model())
    assert np.abs(saved.repose(image, source, targets).astype(int) - expected).max() <= 1
    alphas = [one.for_source(image, source, with_alpha=True)(targets)[1] for one in (model, saved)]
    assert alphas[0].shape == (5, SIZE, SIZE) and np.ptp(alphas[0]) > 0
    np.testing.assert_allclose(*alphas, atol=1e-4)
    with pytest.raises(UsageError, match='a SavedModel gives the picture alone'):
        saved.parts(image, source, targets[0])
