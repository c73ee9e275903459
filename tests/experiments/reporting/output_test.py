"""The files of an evaluation: a protocol of which a part cannot be scored says so wherever a number stands."""

import html
import json
import types

import numpy as np
import pytest

from data_pipeline.batches import pairs
from experiments.configuration.settings import DataSettings
from experiments.evaluation.options import EvaluationOptions, MetricOptions, check_complete, open_pairs_and_systems
from experiments.evaluation.prediction_folder import pair_name
from experiments.evaluation.run import Outcome
from experiments.reporting.output import report_data, write_results
from tests.support.data_set_folders import VIEWS, flat_name, write_fashion, write_json_poses
from tests.support.people_folders import SIZE, write_image

OUTFITS = [f'MEN/Denim/id_0000000{item}/01' for item in range(3)]


def test_a_protocol_whose_poses_are_not_all_there_never_looks_whole(tmp_path, monkeypatch):
    ids = write_fashion(tmp_path / 'fashion', outfits=OUTFITS)
    write_json_poses(tmp_path / 'fashion', ids[:-1])
    rows = [','.join(flat_name(outfit, view) for view in VIEWS) for outfit in OUTFITS[1:]]
    (tmp_path / 'fashion/fashion-pairs-test.csv').write_text('\n'.join(['from,to', *rows]))
    monkeypatch.setattr(pairs, 'NUM_PATN_PAIRS', 2)
    for pair in (ids[2:4], ids[4:6]):  # others have made pictures of all pairs
        write_image(tmp_path / 'pictures' / f'{pair_name(pair)}.png', np.zeros((SIZE, SIZE, 3), np.uint8))
    settings = DataSettings('fashion', str(tmp_path / 'fashion'), str(tmp_path / 'records'), True)
    source, systems = open_pairs_and_systems(EvaluationOptions(
        settings, MetricOptions(), predictions=str(tmp_path / 'pictures'), protocol='patn-8570'))
    check_complete(systems, tmp_path / 'out', False)
    assert source.pairs == [tuple(ids[2:4])] and source.num_expected == 2
    scores = {system.name: {'ssim': np.array([0.5])} for system in systems}
    said = write_results(Outcome(str(tmp_path / 'out'), source, systems, {}, scores, {}), 1, 'a command')
    line = json.loads(said[-1])
    assert (line['complete'], line['pairs']) == (False, '1 of 2')
    assert line['protocol'] == 'patn-8570, PARTIAL: 1 of its 2 pairs cannot be scored'
    missing = f'{ids[4]} -> {ids[5]}'
    assert [text.partition(' (')[0] for text in line['cannot_be_scored']] == [missing]
    written = [(tmp_path / 'out' / name).read_text() for name in ('table.md', 'report.html')]
    for text in ('\n'.join(said[:-1]), *written):
        assert missing in html.unescape(text) and 'Partial result: 1 of 2 pairs are missing' in text
        assert 'patn-8570-partial-test' in text and '1 pairs of the protocol cannot be scored' in text


@pytest.mark.parametrize('value', [np.nan, 0.25])
def test_a_metric_that_asks_for_masks_is_there_or_said_to_be_absent(value):
    source = types.SimpleNamespace(pairs=[('a', 'b')], groups=['a'], facts={}, lacking={}, num_expected=1, name='files',
                                   pose_changes={})
    system = types.SimpleNamespace(name='mine', description='pictures')
    scores = {'mine': {'lpips_alex': np.array([0.5]), 'lpips_person': np.array([value])}}
    report = report_data(Outcome('', source, [system], {}, scores, {}), 'a command')
    is_absent = np.isnan(value)
    assert report.metrics == ('lpips_alex', 'lpips_person')[:1 if is_absent else 2]
    assert is_absent == any(note.startswith('lpips_person was not measured: the data have no masks')
                            for note in report.notes)
    assert report.arrow('lpips_person') == report.arrow('st_lpips') == '↓'
