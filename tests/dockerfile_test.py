"""The Dockerfile, read without Docker: what it copies and runs is there, and comes from the registries alone."""

import fnmatch
import json
import re
import shlex

from tests.support.argument_check import wrong_arguments
from tests.support.programs import ROOT

IGNORED = [line for line in (ROOT / '.dockerignore').read_text().splitlines() if line and not line.startswith('#')]
KNOWN = {'FROM', 'ENV', 'RUN', 'WORKDIR', 'COPY', 'USER', 'EXPOSE', 'ENTRYPOINT', 'CMD'}


def instructions():
    """The list of (instruction, rest), in order."""
    text = '\n'.join(line for line in (ROOT / 'Dockerfile').read_text().splitlines() if not line.startswith('#'))
    lines = [line for line in text.replace('\\\n', '').splitlines() if line.strip()]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def stages():
    """Dict, name of a stage -> (what it is made from, its instructions)."""
    found = {}
    for name, rest in instructions():
        if name == 'FROM':
            origin, name = re.fullmatch(r'(\S+) AS (\w+)', rest).groups()
            found[name] = current = (origin, [])
        else:
            current[1].append((name, rest))
    return found


def all_of(stage):
    """The instructions of a stage and of those that it is made from."""
    origin, own = stages()[stage]
    return [*(all_of(origin) if origin in stages() else []), *own]


def commands(stage):
    """The commands of RUN, ENTRYPOINT and CMD of a stage, lists of words."""
    found = []
    for name, rest in stages()[stage][1]:
        if name == 'RUN':
            found += [shlex.split(part) for part in rest.split('&&')]
        elif name in ('ENTRYPOINT', 'CMD'):
            found.append(json.loads(rest))
    return found


def is_ignored(path):
    return any(fnmatch.fnmatch(part, pattern.removeprefix('**/')) for pattern in IGNORED
               for part in (path, *path.split('/')))


def test_every_stage_begins_with_an_image_of_a_registry_or_with_another_stage():
    found = stages()
    assert {'page', 'serving'} <= set(found) and {name for name, _ in instructions()} <= KNOWN
    origins = {origin for origin, _ in found.values()} - set(found)
    assert all(re.fullmatch(r'(python|tensorflow/serving):\d+\.\d+[\w.-]*', origin) for origin in origins)


def test_what_is_copied_is_there_and_not_left_out():
    for name, (_, own) in stages().items():
        for _, rest in (entry for entry in own if entry[0] == 'COPY'):
            *sources, _ = rest.split()
            if sources[0].startswith('--from='):
                made = [word for words in commands(sources[0].removeprefix('--from=')) for word in words]
                assert f'--output={sources[1]}' in made
                continue
            for source in sources:
                assert (ROOT / source).exists() and not is_ignored(source), (name, source)


def test_what_is_installed_is_named_in_a_file_that_was_copied():
    for stage in stages():
        copied = {word for name, rest in all_of(stage) if name == 'COPY' for word in rest.split()}
        for words in commands(stage):
            if words[0] == 'pip':
                files = [words[place + 1] for place, word in enumerate(words) if word == '-r']
                assert files and set(files) <= copied
            else:
                assert words[0] in ('apt-get', 'rm', 'useradd', 'python') or words[0].startswith('--'), words
    assert not re.search(r'https?://|curl|wget|git clone|\bADD\b', (ROOT / 'Dockerfile').read_text().replace(
        'http://127.0.0.1:7860', ''))


def test_programs_take_the_arguments_and_find_their_packages():
    calls = [[words[2], words[3:]] for stage in stages() for words in commands(stage) if words[:2] == ['python', '-m']]
    assert {module for module, _ in calls} == {'experiments.demo', 'experiments.export'}
    assert wrong_arguments(calls) == [''] * len(calls)
    copied = {word for _, rest in all_of('page') for word in rest.split()}
    assert {'repose_tf', 'data_pipeline', 'experiments', 'models', 'data'} <= copied


def test_the_server_is_of_the_tensorflow_that_exports():
    found = stages()
    assert found['base'][0].startswith('python:3.11')
    pinned = re.search(r'^tensorflow==(\S+) *; python_version < "3.12"', (ROOT / 'requirements.txt').read_text(), re.M)
    image = f'tensorflow/serving:{pinned[1]}'
    assert found['serving'][0] == image and image in (ROOT / 'experiments/serving/docker-compose.yml').read_text()


def test_serving_is_started_as_by_the_compose_file():
    import yaml
    compose = yaml.safe_load((ROOT / 'experiments/serving/docker-compose.yml').read_text())['services']['repose']
    assert commands('serving')[-1] == compose['command']
    config = (ROOT / 'experiments/serving/models.config').read_text()
    assert 'base_path: "/models/repose"' in config
    assert any(rest == '--from=export /saved_model /models/repose/1' for _, rest in stages()['serving'][1])
