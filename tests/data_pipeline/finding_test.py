"""Files are found in natural order, behind links, and with suffixes in any case; what is none is told."""

import os
import random

import pytest

from data_pipeline import finding
from data_pipeline.errors import DataError


def test_names_are_in_the_order_in_which_people_count():
    ordered = ['0', '1', '1.5', '2', '10', 'a/2/10', 'a/10/2', 'a-2', 'a-10', 'a1', 'a02', 'a2', 'a10', 'b' + '9' * 40]
    for seed in range(5):
        shuffled = random.Random(seed).sample(ordered, len(ordered))
        assert sorted(shuffled, key=finding.natural_key) == ordered


def names(folder):
    return [path.relative_to(folder).as_posix() for path in finding.files_below(folder)]


def test_files_are_listed_in_natural_order_without_hidden_ones(tmp_path):
    for name in ('p10/1.png', 'p2/10.png', 'p2/9.PNG', 'p2/.hidden.png', '.cache/1.png', '3.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert names(tmp_path) == ['3.png', 'p2/9.PNG', 'p2/10.png', 'p10/1.png']
    assert names(tmp_path / 'absent') == []


def test_links_are_followed_and_circles_are_told(tmp_path):
    folder, elsewhere = tmp_path / 'folder', tmp_path / 'elsewhere'
    (elsewhere / 'deep').mkdir(parents=True)
    (elsewhere / 'deep/1.png').touch()
    folder.mkdir()
    for name, target in (('anna', elsewhere), ('berta', elsewhere), ('file.png', elsewhere / 'deep/1.png'),
                         ('nothing.png', tmp_path / 'absent.png'), ('self', folder)):
        (folder / name).symlink_to(target)
    (elsewhere / 'deep/up').symlink_to(folder)
    (elsewhere / 'deep/circle').symlink_to(elsewhere)
    assert names(folder) == ['anna/deep/1.png', 'anna/deep/circle', 'anna/deep/up', 'berta/deep/1.png',
                             'berta/deep/circle', 'berta/deep/up', 'file.png', 'nothing.png', 'self']
    os.mkfifo(folder / 'pipe.png')
    assert {name: finding.what_is(folder / name) for name in ('self', 'nothing.png', 'pipe.png', 'x', 'anna/deep')} == {
        'self': 'a link to a folder that it is in', 'nothing.png': 'a link to nothing', 'x': 'no such file',
        'pipe.png': 'something that is no plain file', 'anna/deep': 'a folder'}


@pytest.mark.parametrize('name', ['00.JPG', '00.Jpeg', '00.png'])
def test_a_file_is_found_whatever_the_case_of_its_suffix(tmp_path, name):
    assert finding.find_file(tmp_path / 'absent/00', ('.png',)) is None
    (tmp_path / '000.png').touch()
    assert finding.find_file(tmp_path / '00', ('.jpg', '.jpeg', '.png')) is None
    (tmp_path / name).touch()
    assert finding.find_file(tmp_path / '00', ('.jpg', '.jpeg', '.png')) == tmp_path / name
    assert finding.find_file(tmp_path / '00', ('.webp',)) is None


@pytest.mark.parametrize('folder', ['Zoe\u0308', 'Zo\u00eb'])
def test_letters_may_be_composed_or_not(tmp_path, folder):
    path = tmp_path / folder / 'Zoe\u0308.JPG'  # as macOS writes them
    path.parent.mkdir()
    path.touch()
    assert finding.find_file(tmp_path / 'Zo\u00eb' / 'Zo\u00eb', ('.jpg',)) == path


def test_names_in_other_encodings_are_told(tmp_path):
    (tmp_path / os.fsdecode(b'caf\xe9.png')).touch()
    with pytest.raises(DataError, match=r"expected names of files in UTF-8, found 'caf.*\.png'; rename it"):
        names(tmp_path)
