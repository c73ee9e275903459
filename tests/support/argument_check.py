"""Asks programs whether they take arguments, without running them.

    python -m tests.support.argument_check < calls.json

Reads a list of [module, [argument, ...]] and writes the list of what is wrong with each, '' where nothing is. Every
program is loaded once, in a child process of its own, as flags are defined once a process.
"""

import argparse
import importlib
import importlib.util
import json
import os
import pathlib
import runpy
import subprocess
import sys

from data_pipeline import program
from tests.support.programs import ROOT

# What the children share is loaded once, before them: the last one loads TensorFlow, which takes seconds.
_SHARED = ('experiments.repose', 'experiments.train', 'experiments.export')


class _AskedError(Exception):
    """The program was asked; nothing of it is to be run. Its argument is the list of answers."""


def wrong_arguments(calls):
    """Returns for each [module, arguments] what its program says of them, '' where it takes them."""
    process = subprocess.run([sys.executable, '-m', 'tests.support.argument_check'], input=json.dumps(calls), cwd=ROOT,
                             capture_output=True, text=True, timeout=600, check=False)
    assert process.returncode == 0, process.stderr[-3000:]
    return json.loads(process.stdout)


def main():
    """Reads the calls and writes the answers."""
    calls, output = json.load(sys.stdin), sys.stdout
    sys.stdout = sys.stderr
    modules = list(dict.fromkeys(module for module, _ in calls))
    for name in _SHARED:
        if name in modules:
            importlib.import_module(name)
    answers = {module: iter(_in_child(module, [words for name, words in calls if name == module]))
               for module in modules}
    json.dump([next(answers[module]) for module, _ in calls], output)


def _in_child(module, lists):
    """Returns `_answers` of a child process, so that it leaves nothing here."""
    read, write = os.pipe()
    if not os.fork():
        os.close(read)
        with os.fdopen(write, 'w') as pipe:
            json.dump(_answers(module, lists), pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        found = json.load(pipe)
    os.wait()
    return found


def _answers(module, lists):
    """Returns what is wrong with each of the lists of arguments of a program, '' where nothing is."""
    try:
        spec = importlib.util.find_spec(module)
    except ImportError:
        spec = None
    if spec is None:
        return [f'there is no program {module!r}'] * len(lists)
    if module.startswith('tests.'):  # what it imports takes long; its source names its arguments
        source = pathlib.Path(spec.origin).read_text()
        unknown = [[word for word in words if f"'{word.partition('=')[0]}'" not in source] for words in lists]
        return [f'takes no {words[0]}' if words else '' for words in unknown]
    parse_args = argparse.ArgumentParser.parse_args
    program.run = lambda main, *define: _ask_flags(define, lists)
    argparse.ArgumentParser.parse_args = lambda parser: _ask(lambda words: parse_args(parser, words), lists)
    sys.argv = [module]
    try:
        runpy.run_module(module, run_name='__main__')
    except _AskedError as asked:
        return asked.args[0]
    return [f'{module} is no program'] * len(lists)


def _ask_flags(define, lists):
    """Takes the place of `program.run`."""
    from absl import flags
    for one in (*define, program._define_gpu_memory):
        one()

    def parse(words):
        flags.FLAGS.unparse_flags()
        for name in flags.FLAGS:
            flags.FLAGS[name].unparse()
        if rest := program.parse(flags.FLAGS, ['', *words]):
            raise ValueError(f'arguments are given as --name=value, found {rest[0]!r}')
        if 'learning_rate' in flags.FLAGS and not flags.FLAGS.resume:  # flags may contradict each other
            from experiments.configuration.flags import settings_from_flags
            settings_from_flags()
    _ask(parse, lists)


def _ask(parse, lists):
    """Ends the program with the answers of a function that raises what is wrong with a list of arguments."""
    found = []
    for words in lists:
        try:
            parse(words)
            found.append('')
        except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever it is, the command does not work)
            found.append(f'{type(error).__name__}: {program.one_line(error)}')
    raise _AskedError(found)


if __name__ == '__main__':
    main()
