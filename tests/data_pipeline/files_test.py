"""Digests follow from names and contents alone."""

import hashlib

from data_pipeline import files


def test_a_folder_has_another_digest_when_a_file_in_it_changes(tmp_path):
    path = tmp_path / 'variables' / 'data'
    path.parent.mkdir()
    digests = []
    for content in (b'1', b'2', b'1'):
        path.write_bytes(content)
        digests.append(files.sha256_of_folder(tmp_path))
    assert digests[0] == digests[2] != digests[1]


def test_digests_are_those_of_the_bytes_together(tmp_path):
    (tmp_path / 'file').write_bytes(b'x' * (2 ** 20 + 1))
    expected = hashlib.sha256(b'x' * (2 ** 20 + 1)).hexdigest()
    assert files.sha256_of_file(tmp_path / 'file') == files.sha256(b'x', b'x' * 2 ** 20) == expected
