"""A run that is killed, asked to end or kept from writing loses nothing: it ends as one that was left alone."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.support.programs import IS_SHORT, ROOT

# The kills hit at random moments: nine of them, eight on the stack that runs all tests.
NUM_STEPS, NUM_KILLS, SEED = (20, 1, 43) if IS_SHORT else (48, 8, 1)
RUN = ['--preset=small', '--deterministic', '--batch_size=2', '--perceptual_weight=0', '--l1_weight=1',
       '--learning_rate=1e-3', '--num_validation_pairs=0', '--log_every=1', '--checkpoint_every=2', '--clip_norm=5']


def stored(runs_dir):
    """Everything in the last checkpoint of a run."""
    reader = tf.train.load_checkpoint(str(runs_dir / 'run-0001' / 'checkpoints' / f'step-{NUM_STEPS}'))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
            if not name.startswith('_CHECKPOINTABLE')}


def logged(runs_dir):
    lines = (runs_dir / 'run-0001' / 'metrics.jsonl').read_text().splitlines()
    timing = ('steps_per_second', 'waiting_for_data')
    return [{name: value for name, value in json.loads(line).items() if name not in timing} for line in lines]


@pytest.mark.slow
def test_kills_and_a_request_to_end_leave_no_trace(tmp_path):
    process = subprocess.run(
        [sys.executable, '-m', 'tests.support.killed_program', str(SEED), str(NUM_KILLS), tmp_path, str(NUM_STEPS),
         f'--data_dir={tmp_path}/records', *RUN], cwd=ROOT, stderr=subprocess.PIPE, text=True, timeout=3000,
        check=False)
    assert process.returncode == 0, process.stderr[-5000:]
    whole, killed = stored(tmp_path / 'whole'), stored(tmp_path / 'killed')
    assert set(whole) == set(killed)
    assert {name.split('/')[0] for name in whole} == {
        'generator', 'average', 'discriminator', 'generator_optimizer', 'discriminator_optimizer', 'step'}
    assert [name for name in whole if not np.array_equal(whole[name], killed[name])] == []
    assert logged(tmp_path / 'whole') == logged(tmp_path / 'killed')
    assert [line['step'] for line in logged(tmp_path / 'killed')] == list(range(1, NUM_STEPS + 1))
