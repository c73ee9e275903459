"""The benchmark of workers: folders that the programs take, and the memory of a process with all below it."""

import sys

import pytest

from data_pipeline.errors import UsageError
from data_pipeline.people.people_folder import open_folder
from experiments.benchmarks import workers


def test_the_copies_are_a_folder_in_the_people_layout(tmp_path):
    workers.copy_pictures(tmp_path, 345)  # more than are shipped
    assert [len(frames) for frames in open_folder(tmp_path).persons.values()] == [20] * 17 + [5]


def test_the_memory_of_children_counts():
    child = 'import time; data = bytearray(b"x") * 100_000_000; time.sleep(1)'
    seconds, peak_mb = workers.measure(
        [sys.executable, '-c', f'import subprocess, sys; subprocess.run([sys.executable, "-c", {child!r}])'])
    assert seconds > 1 and 100 < peak_mb < 200


def test_a_program_that_fails_is_not_measured():
    with pytest.raises(UsageError, match='found: what was wrong$'):
        workers.measure([sys.executable, '-c', 'raise SystemExit("what was wrong")'])
