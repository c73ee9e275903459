"""Texts are read in any form of Unicode; what is none is named."""

import pytest

from data_pipeline.errors import DataError
from data_pipeline.text_file import read_text

FORMS = ('utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be', 'utf-32')


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('text', ['# Zoë\n--steps=7\n', '{"version": 1}', ''])
def test_text_is_the_same_in_every_form(tmp_path, form, text):
    (tmp_path / 'text').write_bytes(text.encode(form))
    assert read_text(tmp_path / 'text', 'a text') == text


@pytest.mark.parametrize('data', [b'\xff\xfe\x00', b'caf\xe9', b'\x89PNG\r\n\x1a\n\0\0'])
def test_what_is_no_text_is_named(tmp_path, data):
    (tmp_path / 'text').write_bytes(data)
    with pytest.raises(DataError, match='text: expected a list, found bytes that are no text'):
        read_text(tmp_path / 'text', 'a list')


def test_what_is_not_there_is_named(tmp_path):
    for path in (tmp_path, tmp_path / 'absent', tmp_path / ('x' * 300)):
        with pytest.raises(DataError, match='expected a list, found nothing readable'):
            read_text(path, 'a list')
