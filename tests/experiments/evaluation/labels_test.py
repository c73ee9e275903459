"""Labels of persons are read whole, or refused in one sentence that names the place."""

import csv
import json

import pytest

from data_pipeline.errors import DataError, UsageError
from experiments.configuration.settings import DataSettings
from experiments.evaluation.labels import read_labels
from experiments.evaluation.options import EvaluationOptions, MetricOptions
from tests.support.programs import ROOT

SHIPPED = ROOT / 'data/valid/labels.csv'


def test_labels_come_in_the_order_of_the_persons(tmp_path):
    path = tmp_path / 'labels.csv'
    path.write_text('person,sex,clothes\nb,F,"a coat, long"\na,M,none\nnobody,F,x\n', encoding='utf-16')
    assert read_labels(path, ['a', 'b', 'a']) == {'sex': ['M', 'F', 'M'], 'clothes': ['none', 'a coat, long', 'none']}


@pytest.mark.parametrize('text, words', [
    ('', 'expected the column person.*found nothing'),
    ('person\na\n', 'found person'),
    ('name,sex\na,F\n', 'found name,sex'),
    ('person,sex,sex\na,F,F\n', 'found person,sex,sex'),
    ('person,sex\na,F\na,M\n', "row 3: expected every person once, found 'a' again"),
    ('person,sex\na\n', "row 2: expected 2 texts, found 'a'"),
    ('person,sex\na, \n', 'row 2: expected 2 texts'),
    ('person,sex\nc,F\n', "none for 2, the first being 'a'"),
])
def test_what_is_no_list_of_labels_is_refused(tmp_path, text, words):
    path = tmp_path / 'labels.csv'
    path.write_text(text)
    with pytest.raises(DataError, match=f'^{path}: .*{words}'):
        read_labels(path, ['a', 'b'])


def test_labels_are_of_persons_so_two_folders_of_pictures_have_none():
    with pytest.raises(UsageError, match='--labels: expected a data set.*found --truth'):
        EvaluationOptions(DataSettings(), MetricOptions(), predictions='a', truth='b', labels='labels.csv')


def test_the_shipped_labels_name_every_shipped_person_as_their_names_do():
    splits = json.loads((SHIPPED.parent / 'splits.json').read_text())
    persons = [person for names in splits.values() for person in names]
    found = read_labels(SHIPPED, persons)
    assert set(found) == {'face', 'skin', 'sex', 'clothes'}
    assert [f'{face}_{clothes}' for face, clothes in zip(found['face'], found['clothes'])] == persons
    assert all(f'_{sex}_' in person for sex, person in zip(found['sex'], persons))
    with open(SHIPPED, encoding='utf-8') as file:
        skins = {(row['face'], row['skin']) for row in csv.DictReader(file)}
    assert len(skins) == len({face for face, _ in skins})  # a face has one skin in all clothes
    assert {skin for _, skin in skins} == {'light', 'medium', 'dark'}
