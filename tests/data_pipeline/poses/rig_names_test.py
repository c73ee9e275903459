"""Joints are found by the names of many programs, with their rigs' other joints around, or as a file tells."""

import json

import pytest

from data_pipeline.errors import DataError
from data_pipeline.poses.rig_names import find_places, read_joint_names
from tests.support.motion_files import BODY, RIGS, names_of

CMU = list(names_of('CMU').values())


@pytest.mark.parametrize('rig', RIGS)
def test_every_program_s_joints_are_found(rig):
    names = names_of(rig)
    wrist, ankle, neck = names['lwri'], names['lank'], names['neck']
    others = [f'{wrist}Thumb1', f'{wrist}Index2', f'{ankle}_roll', f'{neck}_twist', f'ik_{wrist}', f'ik_{ankle}',
              'Tail', 'upperarm_twist_01_l', 'LeftEye', 'Jaw', 'Camera', *(f'{name} end' for name in names.values())]
    for listed in ([*names.values(), *others], [*others, *names.values()]):
        places = find_places(listed, 'x.bvh')
        found = {joint: listed[place] for joint, place in places.items()}
        assert found == {joint: names[joint] for joint in (*BODY, 'head')}


def test_joints_may_be_numbered():
    numbered = [f'{name}_0{index}' for index, name in enumerate([*CMU, 'RightArm'])]
    assert find_places(numbered, 'x.bvh') == find_places(CMU, 'x.bvh')


def test_a_file_of_names_comes_first(tmp_path):
    path = tmp_path / 'names.json'
    path.write_text(json.dumps({'lank': 'Paw L', 'head': 'Skull'}), encoding='utf-8-sig')
    listed = [*CMU, 'Paw L', 'Skull']
    places = find_places(listed, 'x.bvh', read_joint_names(path))
    assert (listed[places['lank']], listed[places['head']], listed[places['rank']]) == ('Paw L', 'Skull', 'RightFoot')


@pytest.mark.parametrize('text, words', [
    ('{', 'names.json: expected a JSON file'), ('[1]', r'names.json: expected \{"lank"'), ('{"lank": 3}', 'found .*3'),
    ('{"ankle": "LeftFoot"}', 'names.json: expected joints of neck, .*found ankle'),
    ('{"lank": "Foot"}', r"--joint_names: expected joints of x.bvh \(Hips, .*found 'Foot' for lank"),
    ('{"lank": "LeftFoot", "rank": "LeftFoot"}', "--joint_names: .*found 'LeftFoot' twice")])
def test_mistakes_in_a_file_of_names_are_named(tmp_path, text, words):
    path = tmp_path / 'names.json'
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        find_places(CMU, 'x.bvh', read_joint_names(path))


@pytest.mark.parametrize('names', [[], ['Hips'], [f'bone_{index}' for index in range(20)],
                                   [name for name in CMU if name != 'LeftFoot']])
def test_what_is_not_found_is_named_with_the_way_out(names):
    with pytest.raises(DataError, match=r'x.bvh: expected joints for .*lank \(leftankle or .*--joint_names=FILE'):
        find_places(names, 'x.bvh')
