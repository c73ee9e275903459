"""Measures how building and annotating gain from workers, and that their memory does not grow with the pictures.

    python -m experiments.benchmarks.workers --program=build --pictures=2000,20000 --workers=0,1,2

The pictures are copies of those in data/people. Prints a table; 0 workers stands for one process without Beam. Every
process has one thread to compute with. Nothing else should run on the machine meanwhile.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import psutil

from data_pipeline.errors import UsageError
from data_pipeline.poses import pose_file
from data_pipeline.records.folder import IMAGE_SUFFIXES

_ONE_THREAD = {'TF_NUM_INTRAOP_THREADS': '1', 'TF_NUM_INTEROP_THREADS': '1', 'OPENCV_FOR_THREADS_NUM': '1',
               'OMP_NUM_THREADS': '1', 'TF_CPP_MIN_LOG_LEVEL': '3'}
_SOURCE = pathlib.Path('data/people')
_PICTURES_OF_A_PERSON = 20
_SAMPLE_EVERY_S = 0.2


def run(name, counts, nums_workers, model_dir):
    """Measures a program of data_pipeline, 'build' or 'annotate', for lists of numbers; prints a table."""
    print('| program | pictures | workers | seconds | peak memory of all processes, MB |\n|---|---|---|---|---|')
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            copy_pictures(root / 'source', count)
            for workers in nums_workers:
                seconds, peak_mb = measure(_command(name, root, model_dir, workers))
                print(f'| {name} | {count:,} | {workers or "no Beam"} | {seconds:.1f} | {peak_mb:,.0f} |', flush=True)
                shutil.rmtree(root / 'made')


def copy_pictures(root, count):
    """Writes a folder in the people layout with so many copies of the shipped pictures."""
    content = pose_file.read_json(_SOURCE / 'poses.json', 'a pose file')
    keys, poses = sorted(content['poses']), {}
    for index in range(count):
        key = keys[index % len(keys)]
        path = next(path for suffix in IMAGE_SUFFIXES if (path := _SOURCE / 'images' / f'{key}{suffix}').exists())
        copy = f'p{index // _PICTURES_OF_A_PERSON:05d}/{index % _PICTURES_OF_A_PERSON:02d}'
        target = root / 'images' / f'{copy}{path.suffix}'
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        poses[copy] = content['poses'][key]
    (root / 'poses.json').write_text(json.dumps({**content, 'poses': poses}), encoding='utf-8')


def measure(command):
    """Runs a command; returns its seconds and the most memory that it and its workers had together, MB.

    Pages that processes share count once (PSS).
    """
    start, peak = time.monotonic(), 0
    with tempfile.TemporaryFile('w+') as told:
        process = subprocess.Popen(command, env={**os.environ, **_ONE_THREAD}, stdout=told, stderr=told)
        main_process = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, _memory(main_process))
            time.sleep(_SAMPLE_EVERY_S)
        seconds = time.monotonic() - start
        if process.returncode:
            told.seek(0)
            raise UsageError(f'{" ".join(command)}: expected it to end well, found: '
                             f'{told.read().strip().splitlines()[-1]}')
    return seconds, peak / 1e6


def _command(name, root, model_dir, workers):
    command = [sys.executable, '-m', f'data_pipeline.{name}']
    if workers:
        command.append(f'--beam_options=direct_num_workers={workers},direct_running_mode=multi_processing')
    if name == 'build':
        return [*command, f'--source_dir={root / "source"}', f'--data_dir={root / "made"}']
    return [*command, f'--images={root / "source/images"}', f'--output={root / "made/poses.json"}',
            f'--model_dir={model_dir}']


def _memory(main_process):
    """Returns the memory of a process and all below it, bytes."""
    total = 0
    try:
        for process in [main_process, *main_process.children(recursive=True)]:
            total += process.memory_full_info().pss
    except psutil.Error:  # ended meanwhile
        pass
    return total


def _numbers(text):
    return [int(number) for number in text.split(',')]


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--program', choices=('build', 'annotate'), default='build')
    parser.add_argument('--pictures', type=_numbers, default=[2000, 20000])
    parser.add_argument('--workers', type=_numbers, default=[0, 1, 2])
    parser.add_argument('--model_dir', default='')
    arguments = parser.parse_args()
    try:
        run(arguments.program, arguments.pictures, arguments.workers, arguments.model_dir)
    except UsageError as error:
        sys.exit(f'error: {error}')
