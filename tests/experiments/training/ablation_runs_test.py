"""The runs of an ablation: their order, going on, failures, and that they differ in nothing else."""

import pytest

from data_pipeline.errors import UsageError
from experiments.training import ablation_runs
from tests.support.ablations import write_run
from tests.support.programs import ROOT


def test_the_outer_variants_have_more_seeds():
    runs = ablation_runs.planned('runs', [1, 2], [1])
    assert [(run.warp, run.pose, run.seed) for run in runs] == [
        ('2d', '2d', 1), ('2d', '3d', 1), ('3d', '2d', 1), ('3d', '3d', 1), ('2d', '2d', 2), ('3d', '3d', 2)]
    assert runs[0].stem == 'runs/2d_warp_2d_pose_seed1'


def test_a_run_begins_goes_on_and_is_done(tmp_path):
    run = ablation_runs.planned(str(tmp_path), [1], [])[0]
    assert run.steps_made() == (0, None) and not run.is_done()
    command = run.command('a.flags', ['--steps=20'])
    assert command[-7:] == ['--flagfile=a.flags', '--steps=20', '--warp=2d', '--pose=2d', '--seed=1',
                            f'--runs_dir={tmp_path}', '--run_name=2d_warp_2d_pose_seed1']
    folder = write_run(run, saved=10)
    assert run.steps_made() == (10, 20) and not run.is_done()
    assert run.command('a.flags', [])[-1] == f'--resume={folder.path}'
    write_run(run)  # a newer one
    assert run.is_done()


def test_a_training_that_fails_is_named_with_its_reason(tmp_path, monkeypatch):
    run = ablation_runs.planned(str(tmp_path), [1], [])[0]
    monkeypatch.setattr(ablation_runs, '_POLL_SECONDS', 0.1)
    monkeypatch.setattr(ablation_runs.Run, 'command', lambda *_: ['sh', '-c', 'echo "error: no data" >&2; exit 1'])
    with pytest.raises(UsageError, match='seed1: the training failed.*error: no data'):
        ablation_runs.train([run], ROOT / 'ablation.flags', [], 2)
    with pytest.raises(UsageError, match="--settings: expected a flags file, found 'none.flags'"):
        ablation_runs.train([run], 'none.flags', [], 2)


def test_runs_that_differ_in_more_are_refused(tmp_path):
    runs = ablation_runs.planned(str(tmp_path), [1], [1])
    for run in runs:
        write_run(run)
    ablation_runs.check_alike(runs)
    write_run(runs[2], more='--batch_size=4\n')
    with pytest.raises(UsageError, match='expected --batch_size=2 .* found 4'):
        ablation_runs.check_alike(runs)
