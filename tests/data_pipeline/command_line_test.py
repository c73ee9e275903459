"""Command lines: flag files in any form of Unicode, and ~ for the home folder in every flag."""

import pytest
from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import DataError, UsageError
from tests.data_pipeline.text_file_test import FORMS


@pytest.fixture
def values(monkeypatch):
    monkeypatch.setenv('HOME', '/somewhere/zoe')
    values = absl_flags.FlagValues()
    absl_flags.DEFINE_string('source', '', '', flag_values=values)
    absl_flags.DEFINE_alias('other_source', 'source', flag_values=values)
    absl_flags.DEFINE_multi_string('target', [], '', flag_values=values)
    absl_flags.DEFINE_list('seeds', ['1'], '', flag_values=values)
    absl_flags.DEFINE_multi_integer('sizes', [1], '', flag_values=values)
    return values


@pytest.mark.parametrize('form', FORMS)
def test_a_flag_file_may_be_in_any_form_of_unicode(tmp_path, values, form):
    inner, outer = tmp_path / 'inner.flags', tmp_path / 'o u.flags'
    inner.write_bytes('// Zoë\r\n--target=ä.mp4\r\n'.encode(form))
    outer.write_bytes(f'# comment\n\n  --source=~/a # b.jpg  \n--flagfile={inner}\n'.encode(form))
    assert program.parse(values, ['program', '--target=first', '--flagfile', str(outer), '--target=last']) == []
    assert (values.source, values.target) == ('/somewhere/zoe/a # b.jpg', ['first', 'ä.mp4', 'last'])


def test_flag_files_that_cannot_be_read_are_named(tmp_path, values):
    path = tmp_path / 'a.flags'
    with pytest.raises(DataError, match='a.flags: expected a flag file, found nothing readable'):
        program.parse(values, ['program', f'--flagfile={path}'])
    path.write_text(f'--flagfile={path}')
    with pytest.raises(UsageError, match='a.flags: expected a flag file that does not name itself'):
        program.parse(values, ['program', f'--flagfile={path}'])
    with pytest.raises(absl_flags.Error):
        program.parse(values, ['program', '--flagfile'])


def test_home_is_meant_in_every_flag_and_at_the_head_alone(values):
    program.parse(values, ['program', '--other_source=~/x.png', '--target=~/poses.json#anna/01', '--target=a/~/b.mp4',
                           '--target=~nobody-of-this-name.png', '--target=#~/01', '--seeds=~/1,2'])
    assert values.source == '/somewhere/zoe/x.png' and values.seeds == ['/somewhere/zoe/1', '2']
    assert values.target == ['/somewhere/zoe/poses.json#anna/01', 'a/~/b.mp4', '~nobody-of-this-name.png', '#~/01']


def test_a_name_that_no_file_can_have_is_the_users_mistake(tmp_path):
    for path in (tmp_path / ('x' * 256), tmp_path.joinpath(*['x' * 200] * 30)):
        with pytest.raises(OSError) as caught:
            path.read_bytes()
        assert program.is_user_error(caught.value) and path.name in program.one_line(caught.value)
    with pytest.raises(OSError) as caught:
        tmp_path.read_bytes()
    assert not program.is_user_error(caught.value)
