"""A release, besides the code: version, changelog, citation, templates of issues, metadata of the package."""

import re

import pytest
import yaml  # Apache Beam brings it

import repose_tf
from tests.support.programs import ROOT

TEMPLATES = sorted((ROOT / '.github/ISSUE_TEMPLATE').glob('*.yml'))
CHANGELOG = (ROOT / 'CHANGELOG.md').read_text()


def released():
    """The versions of the changelog, newest first, with their dates."""
    return re.findall(r'^## (\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)$', CHANGELOG, re.MULTILINE)


def test_the_newest_version_of_the_changelog_is_the_librarys_and_the_citations():
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text())
    version, date = released()[0]
    assert version == repose_tf.__version__ == citation['version'] and date == str(citation['date-released'])
    assert [entry[0] for entry in released()] == sorted((entry[0] for entry in released()), reverse=True)


def test_the_changelog_is_a_list_that_can_be_read():
    sections = re.split(r'^## ', CHANGELOG, flags=re.MULTILINE)[1:]
    for section in sections:
        kinds = re.findall(r'^### (.*)$', section, re.MULTILINE)
        assert kinds == [kind for kind in ('Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security')
                         if kind in kinds]
    entries = re.findall(r'^- (.*(?:\n  .*)*)', CHANGELOG, re.MULTILINE)
    assert len(entries) > 30 and max(len(entry) for entry in entries) < 260
    links = re.findall(r'\]\(([^)#]+)', CHANGELOG)
    assert [link for link in links if ':' not in link and not (ROOT / link).exists()] == []
    flags = set(re.findall(r'`--(\w+)', CHANGELOG))
    sources = '\n'.join(path.read_text() for folder in ('experiments', 'data_pipeline')
                        for path in (ROOT / folder).rglob('*.py'))
    assert [flag for flag in flags if not re.search(rf"'{flag}'|\b{flag}:", sources)] == []


def test_the_citation_names_the_software_and_the_paper():
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text())
    # The keys that the Citation File Format 1.2.0 asks for, and no others than it knows.
    assert {'cff-version', 'message', 'title', 'authors'} <= set(citation) <= {
        'abstract', 'authors', 'cff-version', 'commit', 'contact', 'date-released', 'doi', 'identifiers', 'keywords',
        'license', 'license-url', 'message', 'preferred-citation', 'references', 'repository', 'repository-artifact',
        'repository-code', 'title', 'type', 'url', 'version'}
    assert citation['cff-version'] == '1.2.0' and citation['type'] == 'software' and citation['license'] == 'Apache-2.0'
    paper, = citation['references']
    assert {'type', 'title', 'authors'} <= set(paper)
    readme = (ROOT / 'README.md').read_text()
    assert paper['url'] in readme and paper['title'] in ' '.join(readme.split())
    assert [author['family-names'] for author in paper['authors']] == ['Knoche', 'Sárándi', 'Leibe']


@pytest.mark.parametrize('path', TEMPLATES, ids=lambda path: path.name)
def test_templates_of_issues_are_forms(path):
    content = yaml.safe_load(path.read_text())
    if path.name == 'config.yml':
        assert set(content) <= {'blank_issues_enabled', 'contact_links'}
        return
    needed = {'name', 'description', 'body'}
    assert needed <= set(content) <= needed | {'labels', 'title', 'assignees'}
    asked = [item for item in content['body'] if item['type'] != 'markdown']
    assert len({item['id'] for item in asked}) == len(asked) > 0
    assert all(item['type'] in ('textarea', 'input', 'dropdown', 'checkboxes') for item in asked)
    assert all(item['attributes']['label'] for item in asked)
    assert any(item.get('validations', {}).get('required') for item in asked)


def test_a_bug_report_asks_by_a_command_that_runs():
    content = yaml.safe_load((ROOT / '.github/ISSUE_TEMPLATE/bug.yml').read_text())
    machine, = (item for item in content['body'] if item.get('id') == 'machine')
    code = re.search('-c "(.*)"', machine['attributes']['description'])[1]
    compile(code, 'bug.yml', 'exec')


def test_the_package_says_what_a_registry_shows():
    project = pytest.importorskip('tomllib').loads((ROOT / 'pyproject.toml').read_text())['project']
    assert {'name', 'description', 'readme', 'authors', 'keywords', 'classifiers', 'urls'} <= set(project)
    assert all(url.startswith('https://') for url in project['urls'].values())
    assert 'License :: OSI Approved :: Apache Software License' in project['classifiers']
    pythons = re.findall(r"3\.(\d+)'", str(project['classifiers']))
    assert project['requires-python'] == f'>=3.{pythons[0]},<3.{int(pythons[-1]) + 1}'
    readme = (ROOT / project['readme']).read_text()
    # A registry shows the page alone: nothing beside it can be linked.
    assert [link for link in re.findall(r'\]\(([^)]*)\)', readme) if not link.startswith('https://')] == []
    blocks = [re.findall('```python\n(.*?)```', text, re.DOTALL)
              for text in (readme, (ROOT / 'README.md').read_text())]
    assert blocks[0] == blocks[1] != []  # tests/repose_tf/library_test.py runs it
    assert all(f'`{name}`' in readme for name in repose_tf.__all__ if not name.startswith('_'))


@pytest.mark.parametrize('model', sorted(ROOT.glob('models/*/')), ids=lambda path: path.name)
def test_every_shipped_model_has_a_card(model):
    card = (model / 'README.md').read_text()
    assert card.startswith('# Model card: ' + model.name)
    for heading in ('For what, and for what not', 'Data and training', 'Scores', 'By groups of persons',
                    'Who is not represented well', 'Limits', 'Licence'):
        assert f'\n## {heading}\n' in card
    assert re.search(r'Weights [0-9a-f]{12} ', card)
