"""The benchmark's figures: what it counts, where it writes them, and how it refuses."""

import importlib
import inspect
import pkgutil
import re

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.batches import augment
from data_pipeline.errors import UsageError
from experiments import benchmark, benchmarks
from experiments.benchmarks import input, metrics, page, serving, surface, tools, warp
from tests.data_pipeline.batches.augment_test import make_batch
from tests.support.programs import ROOT, assert_one_error, run_program
from tests.support.tiny import LEAST


def test_peak_memory_counts_what_is_held_at_once():
    volume = np.ones([100, 1000], np.float32)
    peak = tools.peak_bytes(lambda x: tf.reduce_sum(tf.exp(x) * tf.cumsum(x)), volume)
    assert 1.9 < peak / volume.nbytes < 2.1  # the exponentials and the sums


def test_functions_take_turns():
    calls = []
    times = tools.seconds({name: lambda name=name: calls.append(name) for name in 'ab'}, 3)
    assert calls == ['a', 'a', 'b', 'b'] + ['a', 'b'] * 3
    assert set(times) == {'a', 'b'} and all(0 <= value < 1 for value in times.values())


def test_a_section_is_renewed_and_the_rest_stays(tmp_path):
    begin, end = page.marks('warp')
    path = tmp_path / 'page.md'
    path.write_text(f'# Title\n{begin}\nold\n{end}\nmore\n')
    page.write_section(path, 'warp', 'new')
    assert path.read_text() == f'# Title\n{begin}\nnew\n{end}\nmore\n'


def test_a_page_without_the_section_is_refused(tmp_path):
    path = tmp_path / 'page.md'
    path.write_text('no marks\n')
    with pytest.raises(UsageError, match='--output=.*begin benchmark warp'):
        page.read_page(str(path), 'warp')
    process = run_program('benchmark', '--case=warp', f'--output={tmp_path}/none.md')
    assert_one_error(process, '--output', 'none.md')


def test_the_projects_page_has_figures_of_every_case():
    modules = [name for _, name, _ in pkgutil.iter_modules(benchmarks.__path__)]
    functions = {name: getattr(importlib.import_module(f'{benchmarks.__name__}.{name}'), 'run', None)
                 for name in modules}
    cases = {name for name, run in functions.items()
             if run and list(inspect.signature(run).parameters) == ['rounds', 'max_gigabytes', 'plot_dir']}
    assert cases == set(benchmark.CASES)  # a case that is not in the list would never be measured
    text = (ROOT / 'docs/performance.md').read_text()
    for case in cases:
        begin, end = page.marks(case)
        section = text[text.index(begin):text.index(end)]
        assert 'Measured on ' in section
        rows = [line for line in section.splitlines() if line.startswith('| ') and re.search(r'\d', line)]
        assert len(rows) >= 3, case


def test_tables_and_plots_show_every_figure(tmp_path):
    assert tools.table([{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'}]) == (
        '| a | b |\n| --- | --- |\n| 1 | x |\n| 2 | y |')
    path = tmp_path / 'plot.svg'
    series = {'one': [(0, 0), (2, 4), (1, 3)], 'two': [(0, 1), (2, 2)]}
    tools.line_plot(path, series, 'across', 'up')
    text = path.read_text()
    assert all(f'<!-- {text} -->' in path.read_text() for text in ('across', 'up', 'one', 'two'))
    # Each curve has a colour; its marks stand where its figures are, the last one in the legend.
    marks = {}
    for x, y, colour in re.findall(r'<use [^>]*x="([\d.]+)" y="([\d.]+)" style="fill: (#\w{6})', text):
        marks.setdefault(colour, []).append((float(x), float(y)))
    drawn = [np.array(points[:-1]) for points in marks.values() if len(points) > 2]
    assert [len(points) for points in drawn] == [3, 2]
    (left, bottom), (right, top) = drawn[0][0], drawn[0][1]
    for points, figures in zip(drawn, series.values(), strict=True):
        found = (points - [left, bottom]) / [right - left, top - bottom] * [2, 4]
        np.testing.assert_allclose(found, figures, atol=1e-3)


@pytest.mark.long
def test_methods_of_a_small_case_agree():
    case = warp.Case((16, 16, 4), 1)
    fast, dense = (function(*map(tf.constant, case.arguments)) for function in (case.fast, case.dense))
    np.testing.assert_allclose(fast, dense, atol=1e-5)
    assert 0 < case.num_candidates() < 10 * 16 ** 3
    rows = warp.measured((16, 16, 4), 1, rounds=1, max_gigabytes=1.0)
    assert [row['method'] for row in rows] == ['copy', 'copy by NumPy', '**this warp**']
    assert all(float(row['forward, ms']) > 0 for row in rows)


@pytest.mark.long
def test_the_surface_warp_is_measured_by_covered_pixels():
    small, large = (surface.measured(32, 2, 1, rounds=1, scale=scale) for scale in (0.5, 1.0))
    covered = [float(row['pixels covered, % of the picture']) for row in (small, large)]
    assert 0 < 2 * covered[0] < covered[1] < 50
    assert all(float(row['forward + backward, ms a picture']) > 0 for row in (small, large))


@pytest.mark.long
def test_metrics_and_their_referees_agree():
    rows = metrics.measured(32, 2, rounds=1)
    assert [row['metric'] for row in rows] == ['ssim', 'ssim_fg', 'ssim_gauss', 'psnr', 'l1_fg']
    assert all(float(row['largest difference']) < 1e-5 for row in rows)


@pytest.mark.long
def test_augmentation_picture_by_picture_is_that_of_the_batch():
    batch = make_batch(3, 32, np.random.default_rng(9))
    batch = {name: value for name, value in batch.items() if value.dtype in (np.uint8, np.float32)}
    together = augment.augment(batch, (1, 2))
    pairs = tf.data.Dataset.from_tensor_slices((batch, *input.draws((1, 2), 3, 32)))
    apart = next(iter(pairs.map(input.distort_one).batch(3)))
    for name in ('source_image', 'target_image', 'source_mask', 'target_mask', 'source_pose'):
        np.testing.assert_allclose(apart[name], together[name], atol=2e-4, err_msg=name)


@pytest.mark.parametrize('make', [warp.graphics, warp.torch_runs])
def test_peers_compute_the_same(make, monkeypatch):
    results = []
    monkeypatch.setattr(warp.tools, 'waited',
                        lambda function, *arguments: lambda: results.append(function(*arguments)))
    case = warp.Case((16, 16, 4), 1)
    runs = make(case, True)
    if runs is None:
        pytest.skip('not installed')
    result = runs['forward']()
    found = np.moveaxis(result.numpy(), 1, -1) if result is not None else results[0]
    np.testing.assert_allclose(found, case.dense(*map(tf.constant, case.arguments)), atol=1e-4)


@pytest.mark.slow
@pytest.mark.long
def test_serving_is_measured_for_every_kind_of_request():
    rows = serving.measured(LEAST, 3, rounds=1, max_gigabytes=1.0, batch_sizes=(1, 2))
    assert [row['what'] for row in rows] == [
        'load', 'first call of repose, 1 picture', 'repose, batch 1', 'repose, batch 2',
        'serving_default, batch 1 (PNG in, PNG out)', 'repose_sequence, 3 targets', '3 calls of repose, same source',
        'film of 3 frames, pasted into a photo of 960 x 720 px, MP4']
    assert all(float(row['s']) > 0 for row in rows)
