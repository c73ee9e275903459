"""Commands of README and docs are ones that work: programs, flags, values, files are there, or said to be needed."""

import re

import pytest

from tests.support.argument_check import wrong_arguments
from tests.support.commands import blocks_of, complaints
from tests.support.programs import ROOT

PAGES = [ROOT / 'README.md', *sorted(ROOT.glob('docs/*.md')), *sorted(ROOT.glob('models/*/README.md')),
         *sorted(ROOT.glob('data*/*/README.md'))]


@pytest.fixture(scope='module')
def answers():
    """What programs say of the arguments of all commands, asked once."""
    calls = [(command.module, command.words[3:]) for page in PAGES for block in blocks_of(page)
             for command in block.commands() if command.is_ours]
    assert len(calls) > 50
    calls = list(dict.fromkeys(calls))
    return dict(zip(calls, wrong_arguments([[module, list(words)] for module, words in calls]), strict=True))


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_work(page, answers):
    assert complaints(blocks_of(page), lambda calls: [answers[module, tuple(words)] for module, words in calls]) == []


def test_no_command_of_ours_stands_outside_of_a_block_that_is_looked_at():
    for page in PAGES:
        looked_at = '\n'.join(block.text for block in blocks_of(page))
        fenced = re.findall(r'^```\w*\n(.*?)^```', page.read_text(), re.DOTALL | re.MULTILINE)
        for text in fenced:
            if re.search(r'-m (experiments|data_pipeline)\b', text):
                assert text.rstrip() in looked_at, page


WRONG = (
    ('python -m experiments.repose --sorce=a', "Unknown command line flag 'sorce'"),
    ('python -m experiments.train --dataset=faces', 'faces'),
    ('python -m experiments.train --steps=0', 'steps'),
    ('python -m experiments.train --vgg_weights=none', 'perceptual_weight'),  # a contradiction
    ('python -m experiments.evaluate --split=everything --output=x', 'everything'),
    ('python -m experiments.evaluate runs/quickstart', 'arguments are given as --name=value'),
    ('python -m experiments.reposed --output=x', 'there is no program'),
    ('python -m data_pipeline.files --output=x', 'is no program'),
    ('python -m experiments.benchmarks.workers --program=other', 'SystemExit'),
    ('python -m tests.support.bad_requests --number=3', 'takes no --number'),
    ('for s in 1 0; do python -m experiments.train --steps=$s; done', 'steps'),
)


@pytest.fixture(scope='module')
def seen(tmp_path_factory):
    """What is said of each of WRONG, all asked at once."""
    calls, folder = [], tmp_path_factory.mktemp('pages')
    blocks = [written(folder, commands) for commands, _ in WRONG]
    for one in blocks:
        complaints(one, lambda found: calls.extend(found) or [''] * len(found))
    told = iter(wrong_arguments(calls))
    return [complaints(one, lambda found: [next(told) for _ in found]) for one in blocks]


@pytest.mark.parametrize('place', range(len(WRONG)))
def test_wrong_arguments_are_seen(seen, place):
    found, words = seen[place], WRONG[place][1]
    assert len(found) == 1 and found[0].startswith('page.md:2: ') and words in found[0], found


def test_links_lead_somewhere():
    """Files are there, and so are the headings of what stands behind #."""
    lost = []
    for page in [*PAGES, ROOT / 'CHANGELOG.md', ROOT / 'CONTRIBUTING.md']:
        for link in re.findall(r'\]\(([^)\s]+)\)', page.read_text()):
            path, _, heading = link.partition('#')
            target = (page.parent / path).resolve() if path else page
            if ':' not in link and not (target.exists() and (not heading or heading in headings(target))):
                lost.append(f'{page.name}: {link}')
    assert lost == []


def headings(page):
    """The names by which a page's headings are linked."""
    found = re.findall(r'^#+ (.*)$', page.read_text(), re.MULTILINE)
    return {re.sub(r'[^\w -]', '', text.lower()).replace(' ', '-') for text in found}


def test_the_readme_is_short_and_leads_to_every_page():
    readme = (ROOT / 'README.md').read_text()
    assert readme.count('\n') <= 150
    assert [page.name for page in ROOT.glob('docs/*.md') if f'(docs/{page.name}' not in readme] == []


@pytest.mark.parametrize('commands, words', [
    ('python -m experiments.repose --source=data/people/images/p999/00.jpg', 'p999/00.jpg'),
    ('python -m experiments.repose --source=photo.jpg --target=dance.mp4 # a comment', 'photo.jpg dance.mp4'),
    ('# needs: photo.jpg\npython -m experiments.repose --source=photo.jpg \\\n  --target=dance.mp4', 'dance.mp4'),
    ('python -m experiments.evaluate --model=runs/mine', 'runs/mine'),
    ('python -m experiments.train --source_dir=data/people,DIR', 'DIR'),
    ('python -m experiments.train --flagfile=fast.flags', 'fast.flags'),
    ('pip install -r requirements-all.txt', 'requirements-all.txt'),
    ('cp nothing.txt build/nothing.txt', 'nothing.txt'),
    ('make tea', 'tea'),
    ('docker build .', 'docker'),
    ('git clone x', ''),
    ('python -m data_pipeline.annotate --output=build/mine/poses.json', 'MediaPipe'),
    ('python -m experiments.demo', 'Gradio'),
    ('# needs: a pony\npython -m experiments.demo --port=0', 'Gradio pony'),
])
def test_what_is_not_there_and_not_said_to_be_needed_is_seen(tmp_path, commands, words):
    found = complaints(written(tmp_path, f'make install\n{commands}'), lambda calls: [''] * len(calls))
    if commands.startswith('git'):
        assert found == ["page.md:2: 'git' is no known command"]
    else:
        assert len(found) == len(words.split()), found
        assert [word for word, line in zip(words.split(), found) if word not in line] == []


def test_what_an_earlier_command_makes_is_there_and_a_later_one_is_too_late(tmp_path):
    first = 'pip install --no-deps -r requirements-poses.txt\n'
    make = 'python -m data_pipeline.annotate --images=data/real --output=build/new/poses.json\n'
    train = 'python -m experiments.train --run_name=new --source_dir=build/new\n'
    score = '# one blank line\n\npython -m experiments.evaluate --model=runs/new > build/table.txt'
    for text, is_right in ((first + make + train + score, True), (first + train + make + score, False)):
        assert (complaints(written(tmp_path, text), lambda calls: [''] * len(calls)) == []) == is_right


def written(folder, commands):
    path = folder / 'page.md'
    path.write_text(f'```\n{commands}\n```\n```json\n{{"not": "commands"}}\n```\n')
    return blocks_of(path, folder)
