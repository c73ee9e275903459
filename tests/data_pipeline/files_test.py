"""Files and folders are written whole or not at all, and an error names the path."""

import hashlib

import pytest

from data_pipeline import files
from data_pipeline.errors import UsageError, WriteError


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / 'new/text.txt'
    files.write_text(path, 'old')
    with pytest.raises(KeyError), files.whole_file(path) as unfinished:
        assert unfinished.suffix == '.txt' and unfinished.parent == path.parent
        unfinished.write_text('new')
        raise KeyError
    assert path.read_text() == 'old' and list(path.parent.iterdir()) == [path]


def test_a_folder_appears_at_the_end_and_replaces_nothing(tmp_path):
    path = tmp_path / 'new/folder'
    with pytest.raises(KeyError), files.whole_folder(path):
        raise KeyError
    with files.whole_folder(path) as scratch:
        (scratch / 'a').write_text('a')
        assert not path.exists()
    assert [file.name for file in path.iterdir()] == ['a'] and list(path.parent.iterdir()) == [path]
    with pytest.raises(UsageError, match='does not exist yet'), files.whole_folder(path):
        pass


@pytest.mark.parametrize('name', ['x' * 255, 'x.' + 'y' * 253, 'ä' * 125 + '.json'])
def test_a_name_may_be_as_long_as_names_can_be(tmp_path, name):
    files.write_text(tmp_path / name, 'text')
    assert (tmp_path / name).read_text() == 'text'
    with files.whole_folder(tmp_path / 'new' / name):
        pass
    assert [path.name for path in (tmp_path / 'new').iterdir()] == [name]


def test_what_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(WriteError, match=r'file/below\.txt: cannot be written \(File exists\)'):
        files.write_text(tmp_path / 'file/below.txt', 'text')


def test_digests_are_those_of_the_content(tmp_path):
    data = bytes(range(256)) * 5000
    (tmp_path / 'sub').mkdir()
    (tmp_path / 'sub/data').write_bytes(data)
    expected = hashlib.sha256(data).hexdigest()
    assert files.sha256([data[:1000], data[1000:]]) == files.sha256_of_file(tmp_path / 'sub/data') == expected
    assert files.sha256_of_folder(tmp_path) == hashlib.sha256(f'sub/data {expected}\n'.encode()).hexdigest()
