"""Several devices and several processes compute what one device does."""

import json
import socket
import subprocess
import sys

import numpy as np
import pytest

from data_pipeline.errors import UsageError
from experiments.configuration.devices import cluster_config
from tests.support.programs import IS_SHORT, ROOT

NUM_STEPS = 20


def results(*runs):
    """Runs programs at the same time, each (path, number of devices, of steps, TF_CONFIG); returns what they saved."""
    process = subprocess.run(
        [sys.executable, '-m', 'tests.support.distributed_program', *[' '.join(map(str, run)) for run in runs]],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, timeout=1500, check=False)
    assert process.returncode == 0, process.stderr[-3000:]
    return [np.load(run[0]) for run in runs]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(('localhost', 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.mark.slow
def test_devices_and_processes_share_a_batch_as_one_device_computes_it(tmp_path):
    runs = [(f'{tmp_path}/one.npz', 0, NUM_STEPS, ''), (f'{tmp_path}/two.npz', 2, NUM_STEPS, ''),
            (f'{tmp_path}/four.npz', 4, 0, '')]
    if not IS_SHORT:  # the other stack runs two processes
        cluster = {'worker': [f'localhost:{port}' for port in free_ports(2)]}
        runs += [(f'{tmp_path}/worker{index}.npz', 0, NUM_STEPS, json.dumps({
            'cluster': cluster, 'task': {'type': 'worker', 'index': index}})) for index in range(2)]
    one, two, four, *workers = results(*runs)
    for other in (one, two, *workers):
        # Adam does not see the scale of a gradient; its norm does.
        np.testing.assert_allclose(other['norms'], one['norms'], rtol=1e-4)
        np.testing.assert_allclose(other['weights'], one['weights'], rtol=0, atol=1e-5)
        np.testing.assert_allclose(other['loss'], one['loss'], rtol=1e-5)
        # The step is traced once, and so is what it is made of, for all devices.
        assert set(other['num_traces']) == {1}
    # So more devices hardly take longer before their first step; operations of functions count, too.
    assert one['num_operations'] < two['num_operations'] < four['num_operations'] < 1.2 * one['num_operations']
    for worker in workers[1:]:
        np.testing.assert_array_equal(workers[0]['weights'], worker['weights'])


@pytest.mark.parametrize('text, words', [
    ('{"cluster"', 'expected JSON'),
    ('[]', 'expected {"cluster"'),
    ('{"cluster": {"worker": ["a:1"]}}', 'with the index of a worker'),
    ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', 'with the index of a worker'),
    ('{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "worker", "index": 0}}', 'found .*ps'),
])
def test_a_cluster_that_is_none_is_refused(text, words):
    with pytest.raises(UsageError, match=f'^TF_CONFIG: .*{words}'):
        cluster_config(text)


def test_without_a_cluster_there_is_none():
    assert cluster_config('') is None
    assert cluster_config('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}')
