"""BVH as programs write it is read as what it says; what cannot be told is refused in one line that says why."""

import numpy as np
import pytest

from data_pipeline.errors import DataError
from data_pipeline.poses import bvh_text, motion_capture
from tests.support.motion_files import FRAMES, text_of

TEXT = text_of(FRAMES)
HEAD, ROWS = TEXT.split('Frame Time: 0.02\n')
LINES = ROWS.splitlines()


def read(tmp_path, data, **options):
    path = tmp_path / 'clip.bvh'
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return bvh_text.read(path, **options)


def with_rows(rows, announced=5):
    return HEAD.replace('Frames: 5', f'Frames: {announced}') + 'Frame Time: 0.02\n' + '\n'.join(rows) + '\n'


@pytest.mark.parametrize('data', [
    TEXT.encode('utf-8-sig'), TEXT.encode('utf-16'), TEXT.replace('\n', '\r\n'), TEXT.replace('\n', '\r'),
    TEXT.replace('Frames: ', 'Frames:'), TEXT.replace('Frame Time: ', 'Frame Time:'),
    TEXT.replace('Frames:', 'frames :').replace('Frame Time', 'FRAME  TIME'), TEXT.replace('\n', '\n\n'), TEXT.strip(),
    TEXT.replace('HIERARCHY', 'Hierarchy').replace('ROOT', 'Root').replace('JOINT', 'joint').replace('MOTION', 'Motion')
        .replace('End Site', 'END SITE').replace('OFFSET', 'Offset').replace('CHANNELS', 'channels'),
    TEXT.replace('rotation', 'ROTATION').replace('Xposition', 'xposition'), TEXT.replace('\n{', ' {'),
    TEXT.replace('\n{', '{').replace('}\n', '} '), TEXT.replace(' ', '\t'), with_rows(row + ' ' for row in LINES),
    with_rows(row.replace(' ', '\n', 40) for row in LINES)], ids=range(16))
def test_the_same_text_in_any_dress(tmp_path, data):
    plain, found = read(tmp_path, TEXT), read(tmp_path, data)
    assert [joint.name for joint in found.joints] == [joint.name for joint in plain.joints]
    assert [joint.channels for joint in found.joints] == [joint.channels for joint in plain.joints]
    np.testing.assert_array_equal(found.numbers, plain.numbers)
    assert (found.seconds, found.notes) == (0.02, ())


def test_names_may_hold_blanks(tmp_path):
    found = read(tmp_path, TEXT.replace('LeftArm', 'Bip01  L UpperArm').replace('Neck', 'the  End'))
    assert {'Bip01 L UpperArm', 'the End', 'LeftForeArm', 'Head end'} < {joint.name for joint in found.joints}


@pytest.mark.parametrize('rows, announced, count, words', [
    (LINES, 4, 5, 'announces 4 frames; the 5'), (LINES, 6, 5, 'announces 6 frames; the 5'),
    (LINES, 0, 5, 'announces 0 frames'), (LINES, -1, 5, 'announces -1 frames'), (LINES, 'many', 5, 'announces many'),
    (LINES[:2], 1000, 2, 'announces 1000 frames; the 2'),
    ([*LINES[:4], LINES[4][:100]], 5, 4, 'its last line is cut off')])
def test_the_frames_that_are_there_count_and_this_is_said(tmp_path, rows, announced, count, words):
    found = read(tmp_path, with_rows(rows, announced))
    np.testing.assert_array_equal(found.numbers, read(tmp_path, TEXT).numbers[:count])
    assert words in ' '.join(found.notes) and all('clip.bvh' in note for note in found.notes)


@pytest.mark.parametrize('data, words', [
    (with_rows([LINES[0], '1.50000.2500' + LINES[1]]), r"'1.50000.2500.*in line \d+ \(several numbers without a blank"),
    (with_rows([LINES[0].replace(' ', '-1', 1), *LINES[1:]]), r'in line \d+ \(several numbers'),
    (with_rows([LINES[0], LINES[1].replace(' ', '', 1).replace('.', '', 1), LINES[2]]), r'65 numbers in line \d+ for'),
    (with_rows(row.replace('.', ',') for row in LINES), r'in line \d+ \(a decimal comma'),
    (TEXT.replace('.', ','), r'a decimal comma, expected a point'),
    (with_rows([LINES[0], 'nan ' + LINES[1].split(' ', 1)[1]]), r"'nan' in line \d+ \(no usable number"),
    (with_rows([LINES[0], '-1.#IND ' + LINES[1].split(' ', 1)[1]]), r"'-1.#IND' in line \d+ \(no usable number"),
    (TEXT.encode('utf-16-le'), 'UTF-16'), (b'\x89PNG\0\0', 'no text'), ('', "'' instead of HIERARCHY"),
    ('{"version": 1}', 'instead of HIERARCHY'), (HEAD.split('MOTION')[0], 'no MOTION'), (TEXT[:150], 'braces'),
    (with_rows([]), '0 frames of 66 channels'), (with_rows([LINES[0][:90]]), r'numbers in line \d+ for 66'),
    (TEXT.replace('CHANNELS 3', 'CHANNELS -3'), 'channel'),
    (TEXT.replace('Zrotation', 'Wrotation'), "channels of joint 'Hips' announced.*Wrotation"),
    ('HIERARCHY End Site { } MOTION', 'too early'), (TEXT.replace('JOINT', 'BONE'), "'BONE' in the hierarchy")])
def test_what_cannot_be_told_is_refused_in_one_line(tmp_path, data, words):
    with pytest.raises(DataError, match=words) as caught:
        read(tmp_path, data)
    assert 'clip.bvh' in str(caught.value) and '\n' not in str(caught.value)


@pytest.mark.parametrize('seconds', ['0', '-0.03', '33.33', '1e-9'])
def test_a_time_that_makes_no_sense_wants_fps(tmp_path, seconds):
    text = TEXT.replace('Frame Time: 0.02', f'Frame Time: {seconds}')
    with pytest.raises(DataError, match=r'"Frame Time: .*--fps=30'):
        read(tmp_path, text)
    assert motion_capture.read(tmp_path / 'clip.bvh', fps=30).fps == 30
    (tmp_path / 'clip.bvh').write_text(text[:text.index(LINES[1])])
    assert motion_capture.read(tmp_path / 'clip.bvh').fps is None  # one frame has no speed
