"""Scores on disk: nothing is lost, half a line is nothing, and other circumstances make another file."""

import numpy as np
import pytest

from data_pipeline.errors import WriteError
from experiments.evaluation.run import ScoreFile

PAIRS = [('a/0', 'a/1'), ('a/1', 'a/0'), ('b/0', 'b/1')]
IDENTITY = {'data': 'people-1', 'system': '12'}


def filled(folder):
    file = ScoreFile(folder, 'my model', IDENTITY)
    file.append(PAIRS[:2], {'ssim': np.array([0.123456789012345, 1.0]), 'psnr': np.array([np.nan, np.inf])})
    return file


def test_scores_come_back_as_they_were(tmp_path):
    path = filled(tmp_path).path
    again = ScoreFile(tmp_path, 'my model', dict(reversed(IDENTITY.items())))
    assert again.path == path and again.missing(PAIRS) == PAIRS[2:]
    table = again.table(PAIRS)
    np.testing.assert_array_equal(table['ssim'], [0.123456789012345, 1.0, np.nan])
    np.testing.assert_array_equal(table['psnr'], [np.nan, np.inf, np.nan])


def test_half_a_line_is_scored_again(tmp_path):
    path = filled(tmp_path).path
    with open(path, 'rb+') as file:
        file.truncate(len(file.read()) - 5)
    again = ScoreFile(tmp_path, 'my model', IDENTITY)
    assert again.missing(PAIRS) == PAIRS[1:]
    again.append(PAIRS[1:], {'ssim': np.zeros(2), 'psnr': np.zeros(2)})
    assert ScoreFile(tmp_path, 'my model', IDENTITY).missing(PAIRS) == []


@pytest.mark.parametrize('change', [{'data': 'people-2'}, {'system': '13'}, {'metrics': '2'}])
def test_other_circumstances_are_another_file(tmp_path, change):
    filled(tmp_path)
    assert ScoreFile(tmp_path, 'my model', {**IDENTITY, **change}).missing(PAIRS) == PAIRS


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(WriteError, match='file/scores'):
        ScoreFile(tmp_path / 'file' / 'scores', 'm', IDENTITY)
