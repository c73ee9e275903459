"""Commands in Markdown files, as a reader would type them: found, split, and checked without being run.

A block of commands is a fenced one whose language is none or sh and of which a line begins with a known word. A block
that does not run as it stands in a fresh clone says so in its lines `# needs: ...`, with commas between: names of files
and folders that stand for the reader's own, or words of NEEDS.
"""

import dataclasses
import itertools
import pathlib
import re
import shlex

from tests.support.programs import ROOT

NEEDS = frozenset({'network', 'docker', 'Chromium', 'Gradio', 'MediaPipe', 'hours', 'a GPU', 'Dask', 'a quiet machine'})
# Programs that are not ours: those that need something, and those that need nothing.
_OTHERS = {'docker': 'docker', 'dask': 'Dask', 'pip': None, 'tensorboard': None, 'mkdir': None, 'cp': None, 'rm': None,
           'echo': None}
_HEADS = ('python', 'make', 'for', *_OTHERS)
# What the two commands of the set-up leave.
_SET_UP = ('build/first-look.png', 'runs/quickstart')
# Flags that name what is read, whatever it is called, what is written, and those whose values only look like files.
_READS = frozenset({'images', 'source_dir', 'model', 'source', 'truth', 'predictions', 'against', 'resume', 'init_from',
                    'checkpoint', 'labels', 'pairs', 'lpips', 'inception', 'pose_model', 'model_dir', 'flagfile',
                    'settings'})
_WRITES = frozenset({'output', 'contact_sheet', 'data_dir', 'dest'})
_NO_FILES = frozenset({'beam_options', 'source_pose', 'target_pose', 'num_pairs'})
_PATH = re.compile(r'.*/.*|.*\.(jpe?g|png|gif|mp4|json|npz|csv|zip|pth|flags|bvh|txt)|[A-Z][A-Z0-9_]+|\.\.\.')
# Optional packages that a program asks for, and the file that installs them.
_PACKAGES = {'MediaPipe': 'requirements-poses.txt', 'Gradio': 'requirements-demo.txt'}
_OURS = ('experiments', 'data_pipeline', 'tests')


@dataclasses.dataclass(frozen=True)
class Command:
    """One command: `words` after variables of loops, its `body` if it reads one (<<'EOF'), and the `Block` around."""

    words: tuple
    body: str
    block: object

    @property
    def module(self):
        """The dotted name of what `python -m` runs, or ''."""
        return self.words[2] if self.words[:2] == ('python', '-m') else ''

    @property
    def is_ours(self):
        return self.module.partition('.')[0] in _OURS

    @property
    def flags(self):
        """List of (name, value) of the words `--name=value`."""
        found = [re.fullmatch(r'--?([\w-]+)=(.*)', word, re.DOTALL) for word in self.words]
        return [match.groups() for match in found if match]


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block of commands: the file's name, the number of its first line, and its text."""

    name: str
    line: int
    text: str

    @property
    def where(self):
        return f'{self.name}:{self.line}'

    @property
    def needs(self):
        """What the block says that it needs, a list."""
        return [item.strip() for line in re.findall(r'^# needs: (.*)$', self.text, re.MULTILINE)
                for item in line.split(',')]

    def commands(self):
        """Returns the list of `Command`, each loop's once for every value."""
        text, found, variables, bodies = self.text.replace('\\\n', ''), [], {}, []

        def keep(match):
            bodies.append(match[2])
            return f' << {len(bodies) - 1}'
        text = re.sub(r"\s*<<'(\w+)'\n(.*?)\n\1(?=\n|$)", lambda match: keep((0, 0, match[2])), text, flags=re.DOTALL)
        for words in itertools.chain.from_iterable(map(_statements, text.splitlines())):
            if words[0] == 'for':
                variables[words[1]] = words[3:]
                continue
            used = [name for name in variables if re.search(rf'\$\{{?{name}\b', ' '.join(words))]
            for values in itertools.product(*(variables[name] for name in used)):
                filled = [_filled(word, dict(zip(used, values))) for word in words]
                body = bodies[int(filled[-1])] if '<<' in filled else ''
                found.append(Command(tuple(filled[:filled.index('<<')] if '<<' in filled else filled), body, self))
        return found


def blocks_of(path, root=ROOT):
    """Returns the list of the blocks of commands of a Markdown file."""
    text, found = pathlib.Path(path).read_text(encoding='utf-8'), []
    name = pathlib.Path(path).relative_to(root).as_posix()
    for match in re.finditer(r'^```(\w*)\n(.*?)^```', text, re.DOTALL | re.MULTILINE):
        lines = match[2].replace('\\\n', '').splitlines()
        if match[1] in ('', 'sh') and any(words[0] in _HEADS for line in lines for words in _statements(line)):
            found.append(Block(name, text[:match.start()].count('\n') + 2, match[2].rstrip()))
    return found


def complaints(blocks, wrong_arguments, root=ROOT):
    """Says what is wrong with the commands of one file's blocks, in its order.

    Args:
      blocks: list of `Block`.
      wrong_arguments: function of a list of (module, arguments) that returns for each what its program says of them,
        '' where it takes them.
      root: folder that the commands run in.

    Returns:
      list of texts.
    """
    commands = [command for block in blocks for command in block.commands()]
    ours = [command for command in commands if command.is_ours]
    answers = wrong_arguments([(command.module, list(command.words[3:])) for command in ours])
    found = [f'{command.block.where}: {command.module}: {answer}'
             for command, answer in zip(ours, answers, strict=True) if answer]
    made = list(_SET_UP)
    for command in commands:
        found += [f'{command.block.where}: {text}' for text in flaws(command, made, root)]
    for block in blocks:
        used = {part for command in block.commands() for word in command.words for part in _names_in(word)}
        used |= {path for command in block.commands() for path in _paths_in(command.body)}
        found += [f'{block.where}: needs {item!r}, which is no word of NEEDS and in no command' for item in block.needs
                  if item not in NEEDS and item not in used]
    return found


def flaws(command, made, root):
    """Yields what is wrong with a command besides the flags of our programs; adds what it writes to the list `made`."""
    head, needs = command.words[0], command.block.needs
    if head == 'make':
        targets = re.findall(r'^([\w-]+):', (root / 'Makefile').read_text(), re.MULTILINE)
        for word in command.words[1:]:
            if '=' not in word and word not in targets:
                yield f'make has no target {word!r}'
    elif head == 'python':
        if command.body:
            compile(command.body, command.block.where, 'exec')
            made += _paths_in(command.body)
    elif head not in _OTHERS:
        yield f'{head!r} is no known command'
    elif _OTHERS[head] and _OTHERS[head] not in needs:
        yield f'{head} asks for the line "# needs: {_OTHERS[head]}"'
    for package, file in _PACKAGES.items():
        if package in _packages_of(command) and package not in needs and file not in made:
            yield f'no command before it installs {file}, and no line "# needs: {package}"'
    places = [(name, part) for name, value in command.flags if name not in _NO_FILES for part in value.split(',')]
    words = [word for word in command.words[1:] if not word.startswith('-')]
    places += [('', word) for word in {'cp': words[:-1], 'pip': words[1:]}.get(head, [])]
    for name, place in places:
        place = place.partition('#')[0]
        is_read = name in _READS and place or _PATH.fullmatch(place) and name not in _WRITES
        if is_read and not _is_there(place, made, root) and place not in needs:
            yield f'{place!r} is not there, no command before it makes it, and no line "# needs:" names it'
    made += _written(command)


def _is_there(place, made, root):
    """Says whether a path of a command exists, lies in what was made, or holds some of it."""
    if (root / place).exists() or re.match(r'[\w.-]+(==|>=)|https?:|tcp:', place):
        return True
    return any(place == other or place.startswith(f'{other}/') or other.startswith(f'{place}/') for other in made)


def _written(command):
    """Returns the paths that a command makes."""
    flags = dict(command.flags)
    found = [value for name in ('output', 'contact_sheet', 'dest') for value in [flags.get(name)] if value]
    found += [str(pathlib.Path(path).parent) for path in found if path.endswith('poses.json')]
    if command.module == 'experiments.train':
        if flags.get('run_name'):
            found.append(f'runs/{flags["run_name"]}')
        else:
            found += [f'runs/{pathlib.Path(flags["flagfile"]).stem}'] if 'flagfile' in flags else []
    if command.module == 'experiments.import_reference' and flags.get('output'):
        found.append(re.sub(r'-\d{4}$', '', flags['output']))
    words = [word for word in command.words[1:] if not word.startswith('-')]
    if command.words[0] in ('mkdir', 'echo'):
        found += words[-1:] if command.words[0] == 'echo' else words
    if command.words[0] == 'cp' or command.module == 'zipfile':
        found.append(words[-1])
    if command.words[0] == 'pip':
        found += [file for file in _PACKAGES.values() if file in words]
    return found


def _packages_of(command):
    """Returns the optional packages that a command asks for."""
    if command.module == 'experiments.demo':
        return ['Gradio']
    needs_poses = command.module in ('data_pipeline.annotate', 'data_pipeline.annotate_check')
    return ['MediaPipe'] if needs_poses or ('pose_estimator', 'mediapipe') in command.flags else []


def _statements(line):
    """Yields the commands of a line as lists of words, without comments and variables before them."""
    line = re.sub(r'(^|\s)#(\s.*)?$', '', line)
    lexer = shlex.shlex(line, posix=True, punctuation_chars=';&|')
    lexer.whitespace_split, lexer.commenters = True, ''
    try:
        tokens = list(lexer)
    except ValueError:  # no closing quote: a line of something else
        return
    for is_end, group in itertools.groupby(tokens, lambda word: re.fullmatch('[;&|]+', word) is not None):
        words = [word for word in group if word not in ('do', 'done', 'then', 'fi')]
        while words and re.fullmatch(r'[A-Z_]+=.*', words[0]):
            words = words[1:]
        if words and not is_end:
            yield [re.sub(r'^\.venv/bin/', '', words[0]), *words[1:]]


def _filled(word, values):
    return re.sub(r'\$\{?(\w+)\}?', lambda match: values.get(match[1], match[0]), word)


def _paths_in(body):
    """Returns what a Python text names as paths."""
    return re.findall(r"Path\('([^']+)'\)", body)


def _names_in(word):
    """Returns what a word may name: itself, its value, and the parts between commas and before #."""
    value = word.partition('=')[2] or word
    return {word, value, value.partition('#')[0], *(part.partition('#')[0] for part in value.split(','))}
