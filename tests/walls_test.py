"""The shape of the house: who imports whom, how long files and functions are, what the project may name."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGES = ('repose_tf', 'data_pipeline', 'experiments', 'tests')
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob('*.py'))
TEXTS = FILES + sorted(path for pattern in ('*', 'docs/**/*', *(f'{name}/**/*' for name in PACKAGES))
                       for path in ROOT.glob(pattern)
                       if path.suffix in ('.md', '.txt', '.toml', '.flags', '.css') or path.name == 'Makefile')
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60

# Importing package -> what it may import of the project; a name stands for all that lies below it.
ALLOWED = {
    'repose_tf': ('repose_tf',),
    'data_pipeline': ('data_pipeline', 'repose_tf.skeleton', 'repose_tf.coordinates', 'repose_tf.errors'),
    'experiments': ('experiments', 'data_pipeline', 'repose_tf'),
    'tests': ('tests', 'experiments', 'data_pipeline', 'repose_tf'),
}
# Benchmarks measure on the tests' cases, against the tests' referees, so that the two cannot drift apart.
BENCHMARK = re.compile(r'experiments/benchmarks/.*')
ALLOWED_IN_BENCHMARKS = ('tests.support.cases', 'tests.support.dense_warp')
# Archived packages: referees in tests and peers in benchmarks, nothing that the project stands on.
ARCHIVED = ('tensorflow_addons', 'tensorflow_graphics')
MAY_IMPORT_ARCHIVED = re.compile(r'tests/.*|experiments/benchmarks/.*')
# Places that exist on one machine only; put together here, or this file would break its own rule.
FOREIGN = re.compile('|'.join(
    (r'(?<![\w.])/' + 'work/', re.escape('../' + 'shared'), '/' + r'root\b', '/' + r'home/\w')))


def relative(path):
    return path.relative_to(ROOT).as_posix()


def parsed_files():
    return {relative(path): ast.parse(path.read_text()) for path in FILES}


def imported_names(nodes):
    """Returns the dotted names that are imported: `a.b` for `import a.b` as for `from a import b`."""
    names = []
    for node in nodes:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f'{"." * node.level}{node.module or ""}.{alias.name}' for alias in node.names]
    return names


def violations(tree, package, allowed_too=()):
    """Returns the names that a module of the package imports and must not."""
    allowed = (*ALLOWED[package], *allowed_too)
    return [name for name in imported_names(ast.walk(tree))
            if name.startswith('.') or name.split('.')[0] in PACKAGES
            and not any(name == wall or name.startswith(f'{wall}.') for wall in allowed)]


def archived(nodes):
    """Returns the imports of archived packages among the nodes."""
    return [name for name in imported_names(nodes) if name.split('.')[0] in ARCHIVED]


def test_there_is_something_to_look_at():
    assert len(FILES) > 20 and {relative(path).split('/')[0] for path in FILES} == set(PACKAGES)


def test_imports_stay_within_the_walls():
    found = {}
    for name, tree in parsed_files().items():
        allowed_too = ALLOWED_IN_BENCHMARKS if BENCHMARK.fullmatch(name) else ()
        found[name] = violations(tree, name.split('/')[0], allowed_too)
    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.parametrize('source, package, expected', [
    ('from experiments import flags', 'data_pipeline', ['experiments.flags']),
    ('import repose_tf.generator', 'data_pipeline', ['repose_tf.generator']),
    ('from repose_tf.skeleton import JOINT_NAMES', 'data_pipeline', []),
    ('from . import pairs', 'data_pipeline', ['..pairs']),
    ('def f():\n  from data_pipeline import pairs', 'repose_tf', ['data_pipeline.pairs']),
])
def test_a_hole_in_the_walls_is_seen(source, package, expected):
    assert violations(ast.parse(source), package) == expected


def test_the_model_knows_no_flags():
    found = {name: names for name, tree in parsed_files().items() if name.startswith('repose_tf/')
             and (names := [x for x in imported_names(ast.walk(tree)) if x.split('.')[0] == 'absl'])}
    assert found == {}


def test_archived_packages_are_referees_and_optional():
    # Python 3.12 and later cannot install them, so not even a test imports them at module level.
    everywhere = {name: archived(ast.walk(tree)) for name, tree in parsed_files().items()
                  if not MAY_IMPORT_ARCHIVED.fullmatch(name)}
    at_the_top = {name: archived(tree.body) for name, tree in parsed_files().items()}
    assert not any(everywhere.values()), everywhere
    assert not any(at_the_top.values()), at_the_top


def test_files_and_functions_are_short():
    files = {relative(path): lines for path in FILES
             if (lines := path.read_text().count('\n')) > MAX_FILE_LINES}
    functions = {f'{name}:{node.lineno} {node.name}': lines
                 for name, tree in parsed_files().items() for node in ast.walk(tree)
                 if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
                 and (lines := node.end_lineno - node.lineno + 1) > MAX_FUNCTION_LINES}
    assert files == {} and functions == {}


def test_the_project_names_no_place_outside_itself():
    found = {relative(path): match.group() for path in TEXTS if (match := FOREIGN.search(path.read_text()))}
    assert found == {}
