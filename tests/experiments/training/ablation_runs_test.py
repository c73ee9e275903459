"""The runs of an ablation: their order, going on, failures, and that they differ in nothing else."""

import pytest

from data_pipeline.errors import UsageError
from experiments.training import ablation_runs
from experiments.training.ablation_runs import PAPER, VARIANTS
from tests.support.ablations import write_run
from tests.support.programs import ROOT


def test_runs_come_seed_by_seed():
    runs = ablation_runs.planned('runs', [VARIANTS['2d_warp_3d_pose'], VARIANTS['detail']], [1, 2])
    assert [run.stem for run in runs] == ['runs/2d_warp_3d_pose_seed1', 'runs/detail_seed1',
                                          'runs/2d_warp_3d_pose_seed2', 'runs/detail_seed2']


def test_a_run_begins_goes_on_is_done_and_is_extended(tmp_path):
    run, = ablation_runs.planned(str(tmp_path), PAPER[:1], [1])
    assert run.steps_made() == (0, None) and not run.is_done()
    command = run.command('a.flags', ['--data_dir=x'], 20)
    assert command[-9:] == ['--flagfile=a.flags', '--data_dir=x', '--steps=20', '--warp=2d', '--pose=2d',
                            '--detail=none', '--seed=1', f'--runs_dir={tmp_path}', '--run_name=2d_warp_2d_pose_seed1']
    folder = write_run(run, saved=10)
    assert run.steps_made() == (10, 20) and not run.is_done()
    assert run.command('a.flags', [])[-1] == f'--resume={folder.path}'
    folder = write_run(run)  # a newer one
    assert run.is_done() and run.is_done(20) and not run.is_done(40)
    assert run.command('a.flags', [], 40)[-2:] == [f'--resume={folder.path}', '--steps=40']


def test_fewer_steps_than_were_made_are_refused(tmp_path):
    run, = ablation_runs.planned(str(tmp_path), PAPER[:1], [1])
    folder = write_run(run)
    with pytest.raises(UsageError, match=f'--steps: expected 20 or more, which {folder.path} has made, found 10'):
        ablation_runs.train([run], ROOT / 'ablation.flags', [], 10, 2)


def test_a_training_that_fails_is_named_with_its_reason(tmp_path, monkeypatch):
    run, = ablation_runs.planned(str(tmp_path), PAPER[:1], [1])
    monkeypatch.setattr(ablation_runs, '_POLL_SECONDS', 0.1)
    monkeypatch.setattr(ablation_runs.Run, 'command', lambda *_: ['sh', '-c', 'echo "error: no data" >&2; exit 1'])
    with pytest.raises(UsageError, match='seed1: the training failed.*error: no data'):
        ablation_runs.train([run], ROOT / 'ablation.flags', [], 0, 2)
    with pytest.raises(UsageError, match="--settings: expected a flags file, found 'none.flags'"):
        ablation_runs.train([run], 'none.flags', [], 0, 2)


def test_runs_that_differ_in_more_are_refused(tmp_path):
    runs = ablation_runs.planned(str(tmp_path), PAPER, [1])
    for run in runs:
        write_run(run)
    ablation_runs.check_alike(runs)
    write_run(runs[2], more='--batch_size=4\n')
    with pytest.raises(UsageError, match='expected --batch_size=2 .* found 4'):
        ablation_runs.check_alike(runs)
