"""Several devices and several processes compute what one device does."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from data_pipeline.errors import UsageError
from experiments.configuration.devices import cluster_config
from tests.support.programs import IS_SHORT, ROOT

NUM_STEPS = 20


def start(path, num_devices, config=None):
    """Starts one process of a run."""
    environment = {name: value for name, value in os.environ.items() if name != 'TF_CONFIG'}
    if config:
        environment['TF_CONFIG'] = json.dumps(config)
    return subprocess.Popen([sys.executable, '-m', 'tests.support.distributed_program', str(num_devices),
                             str(NUM_STEPS), path],
                            cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)


def results(*processes_and_paths):
    """Waits for processes; returns what they saved."""
    found = []
    for process, path in processes_and_paths:
        _, errors = process.communicate(timeout=500)
        assert process.returncode == 0, errors[-3000:]
        found.append(np.load(path))
    return found


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
    one, = results((start(f'{tmp_path}/one.npz', 0), f'{tmp_path}/one.npz'))
    two, = results((start(f'{tmp_path}/two.npz', 2), f'{tmp_path}/two.npz'))
    workers = []
    if not IS_SHORT:  # the other stack runs two processes
        cluster = {'worker': [f'localhost:{port}' for port in free_ports(2)]}
        paths = [f'{tmp_path}/worker{index}.npz' for index in range(2)]
        workers = results(*[
            (start(path, 0, {'cluster': cluster, 'task': {'type': 'worker', 'index': index}}), path)
            for index, path in enumerate(paths)])
    for other in (two, *workers):
        # Adam does not see the scale of a gradient; its norm does.
        np.testing.assert_allclose(other['norms'], one['norms'], rtol=1e-4)
        np.testing.assert_allclose(other['weights'], one['weights'], rtol=0, atol=1e-5)
        np.testing.assert_allclose(other['loss'], one['loss'], rtol=1e-5)
        assert other['num_traces'] == 1
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
