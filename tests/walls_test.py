"""The walls of the house: who may import whom, what a door may hold, how long files and functions are."""

import ast
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGES = ('repose_tf', 'data_pipeline', 'experiments', 'tests')
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob('*.py'))
TEXTS = FILES + sorted(path for pattern in ('*', 'docs/**/*', *(f'{name}/**/*' for name in PACKAGES))
                       for path in ROOT.glob(pattern)
                       if path.suffix in ('.md', '.txt', '.toml', '.flags', '.css', '.js') or path.name == 'Makefile')
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_DOOR_LINES = 250, 50, 120
MAX_TEST_FILE_LINES = 300

# The floors of each package, the lowest first: what stands on a floor imports from lower floors and from itself. A name
# without a slash is a file of the package, one with a slash a room.
FLOORS = {
    'repose_tf': (
        ('errors', 'skeleton', 'processor'),
        ('coordinates', 'shapes', 'variables', 'picture_codec', 'pose_edits', 'vgg_weights', 'request_checks'),
        ('architecture', 'group_norm', 'convolution', 'perceptual', 'adam'),
        ('warp/', 'metrics/', 'heatmaps', 'blocks'),
        ('lifting_encoder', 'pose_encoder', 'projection_decoder', 'background_inpainter'),
        ('detail/',),
        ('generator', 'discriminator'),
        ('portable/',),
        ('losses', 'reference/', 'serving', 'packed_model'),
        ('train_step', 'model_kinds', 'source_photos'),
        ('reposer',),
    ),
    'data_pipeline': (
        ('errors',),
        ('files', 'finding', 'text_file', 'settings', 'restricted_pickle', 'gpu_memory'),
        ('picture_file', 'video_file', 'data_sets'),
        ('program',),
        ('poses/', 'estimators/', 'workers/'),
        ('records/', 'annotation/'),
        ('people/', 'fashion/', 'iper/'),
        ('batches/',),
    ),
    'experiments': (
        ('configuration/', 'pictures/'),
        ('metric_networks/',),
        ('training/',),
        ('models/',),
        ('reposing/', 'evaluation/'),
        ('demo_page/', 'reporting/', 'serving/', 'benchmarks/'),
    ),
}
# Importing package -> what it may import of the project; a name stands for all that lies below it.
ALLOWED = {
    'repose_tf': ('repose_tf',),
    'data_pipeline': ('data_pipeline', 'repose_tf.skeleton', 'repose_tf.coordinates', 'repose_tf.errors'),
    'experiments': ('experiments', 'data_pipeline', 'repose_tf'),
    'tests': ('tests', 'experiments', 'data_pipeline', 'repose_tf'),
}
DOORS = {
    'data_pipeline': {'annotate', 'annotate_check', 'build'},
    'experiments': {'train', 'evaluate', 'ablation', 'repose', 'demo', 'export', 'pack', 'import_reference',
                    'benchmark', 'convert_metric_weights', 'train_joint_regressor'},
}
# Benchmarks measure on the tests' cases, against the tests' referees, so that the two cannot drift apart.
BENCHMARK = re.compile(r'experiments/benchmarks/.*')
ALLOWED_IN_BENCHMARKS = ('tests.support.cases', 'tests.support.dense_warp')
# The only files besides doors and tests that know of flags; the last ones are run as programs of their own.
KNOWS_FLAGS = ('data_pipeline/program.py', 'experiments/configuration/flags.py', 'experiments/serving/fuzz.py',
               'experiments/serving/grpc_client.py', 'experiments/serving/rest_client.py')
# All that the library asks of others: the dependencies in pyproject.toml.
OF_THE_LIBRARY = ('tensorflow', 'keras', 'numpy', 'h5py')
# Archived packages: referees in tests and peers in benchmarks, nothing that the project stands on.
ARCHIVED = ('tensorflow_addons', 'tensorflow_graphics')
MAY_IMPORT_ARCHIVED = re.compile(r'tests/.*|experiments/benchmarks/.*')
# Places that exist on one machine only; put together here, or this file would break its own rule.
FOREIGN = re.compile('|'.join(
    (r'(?<![\w.])/' + 'work/', re.escape('../' + 'shared'), '/' + r'root\b', '/' + r'home/\w')))


def relative(path):
    return path.relative_to(ROOT).as_posix()


PARSED = {relative(path): ast.parse(path.read_text()) for path in FILES}


def imported_names(nodes):
    """Returns the dotted names that are imported: `a.b` for `import a.b` as for `from a import b`."""
    names = []
    for node in nodes:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f'{"." * node.level}{node.module or ""}.{alias.name}' for alias in node.names]
    return names


def is_door(name):
    package, _, file = name.partition('/')
    return file.removesuffix('.py') in DOORS.get(package, ())


def violations(tree, package, allowed_too=()):
    """Returns the names that a module of the package imports and must not."""
    allowed = (*ALLOWED[package], *allowed_too)
    return [name for name in imported_names(ast.walk(tree))
            if name.startswith('.') or name.split('.')[0] in PACKAGES
            and not any(name == wall or name.startswith(f'{wall}.') for wall in allowed)]


def place_of(name):
    """Returns the package and the room or file of a dotted name, as FLOORS calls it: ('experiments', 'models/')."""
    package, *rest = name.split('.')
    if not rest:
        return package, ''
    return package, f'{rest[0]}/' if (ROOT / package / rest[0]).is_dir() else rest[0]


def floor_of(package, place):
    """Returns the number of the floor that a room or file stands on; a door stands above all rooms."""
    floors = FLOORS[package]
    return next((number for number, places in enumerate(floors) if place in places), len(floors))


def climbing(tree, name):
    """Returns the imports of a module that go to its own floor's other rooms or up, or to a door."""
    package, own = place_of(name.removesuffix('.py').replace('/', '.'))
    found = []
    for imported in imported_names(ast.walk(tree)):
        other_package, other = place_of(imported)
        if other_package == package in FLOORS and other not in ('', '__version__', own):
            is_below = floor_of(package, other) < floor_of(package, own)
            if not is_below and own != '__init__':
                found.append(imported)
    return found


def archived(nodes):
    """Returns the imports of archived packages among the nodes."""
    return [name for name in imported_names(nodes) if name.split('.')[0] in ARCHIVED]


def test_there_is_something_to_look_at():
    assert len(FILES) > 20 and {name.split('/')[0] for name in PARSED} == set(PACKAGES)


def test_packages_import_what_they_may():
    found = {name: violations(tree, name.split('/')[0], ALLOWED_IN_BENCHMARKS if BENCHMARK.fullmatch(name) else ())
             for name, tree in PARSED.items()}
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


def test_every_place_has_a_floor():
    found = {(package, place) for name in PARSED for package, place in [place_of(name[:-3].replace('/', '.'))]
             if package in FLOORS and place != '__init__' and not is_door(name)}
    assert found == {(package, place) for package, floors in FLOORS.items() for floor in floors for place in floor}


def test_arrows_point_down():
    found = {name: names for name, tree in PARSED.items() if (names := climbing(tree, name))}
    assert found == {}


@pytest.mark.parametrize('source, name, expected', [
    ('from experiments.models import opening', 'experiments/training/loop.py', ['experiments.models.opening']),
    ('from experiments.reporting import output', 'experiments/benchmarks/warp.py', ['experiments.reporting.output']),
    ('from experiments import train', 'experiments/training/loop.py', ['experiments.train']),
    ('from experiments.training import loop', 'experiments/train.py', []),
    ('from experiments import train', 'experiments/pack.py', ['experiments.train']),
    ('from repose_tf.warp import helmert', 'repose_tf/generator.py', []),
    ('from repose_tf import generator', 'repose_tf/warp/helmert.py', ['repose_tf.generator']),
])
def test_an_arrow_up_is_seen(source, name, expected):
    assert climbing(ast.parse(source), name) == expected


def test_there_are_no_circles():
    """Within a room, too, no file imports itself by way of others."""
    modules = {name.removesuffix('.py').replace('/', '.').removesuffix('.__init__'): tree
               for name, tree in PARSED.items() if not name.startswith('tests/')}
    imports = {module: {found for imported in imported_names(ast.walk(tree))
                        for found in (imported, imported.rpartition('.')[0]) if found in modules and found != module}
               for module, tree in modules.items()}
    packages = {module for module in modules if any(other.startswith(f'{module}.') for other in modules)}
    done, path = set(packages), []  # a package's table of contents is no part of a circle

    def visit(module):
        assert module not in path, ' -> '.join([*path[path.index(module):], module])
        if module not in done:
            path.append(module)
            for other in sorted(imports[module]):
                visit(other)
            done.add(path.pop())

    for module in sorted(modules):
        visit(module)


def test_only_doors_know_flags():
    found = {name for name, tree in PARSED.items() if not (name.startswith('tests/') or is_door(name))
             and any(re.match(r'absl\.(flags|app)\b', imported) for imported in imported_names(ast.walk(tree)))}
    assert found == set(KNOWS_FLAGS)


def test_doors_hold_no_logic():
    """A door defines flags and `main`, no classes, and is short; `test_arrows_point_down` sees who imports one."""
    for name in filter(is_door, PARSED):
        tree, lines = PARSED[name], (ROOT / name).read_text().count('\n')
        assert lines <= MAX_DOOR_LINES, (name, lines)
        assert not [node.name for node in tree.body if isinstance(node, ast.ClassDef)], name
        public = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)
                  and not node.name.startswith(('_', 'define_'))}
        assert public == {'main'}, (name, public)
    assert {name for name in PARSED if is_door(name)} == {
        f'{package}/{door}.py' for package, doors in DOORS.items() for door in doors}


def test_the_library_asks_for_little():
    found = {name: names for name, tree in PARSED.items() if name.startswith('repose_tf/')
             and (names := {x.split('.')[0] for x in imported_names(ast.walk(tree))}
                  - {*sys.stdlib_module_names, *OF_THE_LIBRARY, 'repose_tf'})}
    assert found == {}


def test_archived_packages_are_referees_and_optional():
    # Python 3.12 and later cannot install them, so not even a test imports them at module level.
    everywhere = {name: archived(ast.walk(tree)) for name, tree in PARSED.items()
                  if not MAY_IMPORT_ARCHIVED.fullmatch(name)}
    at_the_top = {name: archived(tree.body) for name, tree in PARSED.items()}
    assert not any(everywhere.values()), everywhere
    assert not any(at_the_top.values()), at_the_top


def test_files_and_functions_are_short():
    files = {name: lines for name in PARSED if (lines := (ROOT / name).read_text().count('\n')) > (
        MAX_TEST_FILE_LINES if name.startswith('tests/') else MAX_FILE_LINES)}
    functions = {f'{name}:{node.lineno} {node.name}': lines
                 for name, tree in PARSED.items() for node in ast.walk(tree)
                 if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
                 and (lines := node.end_lineno - node.lineno + 1) > MAX_FUNCTION_LINES}
    assert files == {} and functions == {}


def test_modules_say_what_they_hold():
    """Every module's first line is one plain sentence, not a riddle such as 'Which ...' or 'What ...'."""
    found = {}
    for name, tree in PARSED.items():
        if tree.body:
            first = (ast.get_docstring(tree) or '').partition('\n')[0]
            if not first or re.match(r'(What|Which|How|Where|Who|Whether)\b', first):
                found[name] = first
    assert found == {}


def test_the_project_names_no_place_outside_itself():
    found = {relative(path): match.group() for path in TEXTS if (match := FOREIGN.search(path.read_text()))}
    assert found == {}
